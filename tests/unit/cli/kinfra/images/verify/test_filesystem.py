"""What may lie in an image, and how the probe finds what may not."""

import base64
import hashlib
import os
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.verify import filesystem
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.probes.files import (
    Entry,
    entries,
    foreign_certificates,
    rules,
)
from tests.unit.cli.kinfra.images.verify.subjects import subject

OF_FILES = (
    filesystem.set_id,
    filesystem.programs,
    filesystem.ownership,
    filesystem.left_behind,
    filesystem.secrets,
    filesystem.certificates,
)
WRONG = {
    "set_id": (filesystem.set_id, ["/bin/su"]),
    "shells": (filesystem.programs, ["/bin/sh"]),
    "installers": (filesystem.programs, ["/usr/bin/apt"]),
    "other_packages": (filesystem.programs, ["/usr/lib/pip.dist-info"]),
    "build_tools": (filesystem.programs, ["/usr/bin/gcc"]),
    "not_roots": (filesystem.ownership, ["/app/x"]),
    "writable": (filesystem.ownership, ["/app/x"]),
    "home_owner": (filesystem.ownership, "0:0"),
    "left_behind": (filesystem.left_behind, ["/wheels"]),
    "secrets": (filesystem.secrets, ["/root/.netrc"]),
    "foreign_certificates": (filesystem.certificates, ["1234 in /etc/ssl/x.pem"]),
    "n_certificates": (filesystem.certificates, 0),
}
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{'A' * 64}\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("judge", OF_FILES)
def test_image_with_nothing_wrong_passes(judge):
    assert judge(subject())


@pytest.mark.parametrize("name", WRONG)
def test_each_finding_fails_its_check(name):
    judge, found = WRONG[name]
    with pytest.raises(Fault):
        judge(subject(files={name: found}))


@pytest.mark.parametrize("which", [{"key": "dev"}, {"is_slim": True}])
def test_images_for_debugging_may_have_a_shell_but_no_compiler(which):
    has_shell = {"shells": ["/bin/sh"], "installers": ["/usr/bin/apt"]}
    assert filesystem.programs(subject(**which, files=has_shell))
    with pytest.raises(Fault):
        filesystem.programs(subject(**which, files={"build_tools": ["/usr/bin/cc"]}))


def test_run_with_a_read_only_root_and_no_capability_passes():
    assert filesystem.read_only(subject())


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"is_root_read_only": False}, "can be written despite --read-only"),
        ({"capabilities": "a80425fb"}, "a80425fb are there despite --cap-drop=ALL"),
    ],
)
def test_run_that_may_more_proves_nothing(found, told):
    with pytest.raises(Fault, match=told):
        filesystem.read_only(subject(process=found))


def found(folder: Path) -> dict[str, list[str]]:
    there = list(entries(str(folder)))
    return {
        name: [Path(one.path).name for one in there if is_so(one)]
        for name, is_so in rules(str(folder / "home")).items()
    }


def write(path: Path, text: str = "", mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_probe_finds_programs_by_their_names_and_by_links(tmp_path):
    shell = write(tmp_path / "bin" / "dash", mode=0o755)
    (tmp_path / "bin" / "sh").symlink_to(shell)
    (tmp_path / "bin" / "zsh").symlink_to("nowhere")
    write(tmp_path / "bin" / "gcc", mode=0o755)
    write(tmp_path / "share" / "bash", "completion for it, no program")
    there = found(tmp_path)
    assert sorted(there["shells"]) == ["dash", "sh"]
    assert there["build_tools"] == ["gcc"]


def test_probe_finds_what_runs_as_somebody_else(tmp_path):
    write(tmp_path / "su", mode=0o4755)
    write(tmp_path / "wall", mode=0o2755)
    write(tmp_path / "ls", mode=0o755)
    assert sorted(found(tmp_path)["set_id"]) == ["su", "wall"]


def test_probe_finds_what_everybody_may_change_but_for_sticky_folders(tmp_path):
    write(tmp_path / "open", mode=0o666)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    assert sorted(found(tmp_path)["writable"]) == ["open", "shared"]


def test_probe_finds_keys_by_content_and_settings_by_name(tmp_path):
    write(tmp_path / "server.txt", KEY)
    write(tmp_path / ".netrc")
    write(tmp_path / "parser.py", 'MARK = "-----BEGIN RSA PRIVATE KEY-----"')
    assert sorted(found(tmp_path)["secrets"]) == [".netrc", "server.txt"]


def test_probe_finds_packages_outside_the_environment(tmp_path):
    (tmp_path / "pip-25.0.dist-info").mkdir()
    assert found(tmp_path)["other_packages"] == ["pip-25.0.dist-info"]


def test_probe_finds_what_builds_leave(tmp_path):
    write(tmp_path / "numpy-2.3.0-cp313.whl")
    (tmp_path / ".git").mkdir()
    write(tmp_path / "numpy.py")
    assert sorted(found(tmp_path)["left_behind"]) == [".git", "numpy-2.3.0-cp313.whl"]


def test_probe_finds_what_belongs_to_a_person_but_for_their_own_folder(tmp_path):
    def entry(path: str, owner: int) -> Entry:
        # Mode, inode, device, links, user, group, size and times.
        return Entry(path, os.stat_result((0o644, 0, 0, 1, owner, owner, 0, 0, 0, 0)))

    is_a_persons = rules("/home")["not_roots"]
    assert is_a_persons(entry("/app/ktrdr", 10001))
    assert not is_a_persons(entry("/etc/shadow", 42))
    assert not is_a_persons(entry("/home/model", 10001))


def pem(content: bytes) -> str:
    body = base64.b64encode(content).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def test_probe_finds_the_certificate_that_the_distribution_lacks(tmp_path):
    write(tmp_path / "usr/share/ca-certificates/mozilla/one.crt", pem(b"one"))
    write(tmp_path / "etc/ssl/certs/ca-certificates.crt", pem(b"one") + pem(b"own"))
    foreign, n_certificates = foreign_certificates(
        list(entries(str(tmp_path))), str(tmp_path)
    )
    digest = hashlib.sha256(b"own").hexdigest()[:12]
    assert [one.partition(" ")[0] for one in foreign] == [digest]
    assert n_certificates == 2


@pytest.mark.parametrize(("content", "is_altered"), [("as it was", False), ("x", True)])
def test_probe_finds_a_packages_bundle_that_was_altered(tmp_path, content, is_altered):
    digest = hashlib.sha256(b"as it was").digest()
    published = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    record = f"certifi/cacert.pem,sha256={published},9\n"
    write(tmp_path / "certifi-2026.1.dist-info" / "RECORD", record)
    write(tmp_path / "certifi" / "cacert.pem", content)
    foreign, _ = foreign_certificates(list(entries(str(tmp_path))), str(tmp_path))
    assert bool(foreign) is is_altered
