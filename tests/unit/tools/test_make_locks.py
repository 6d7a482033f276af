"""How locks are resolved, with the real uv and a package index in a folder."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ktrdr.errors import InputError, RunError
from tools import make_locks, torch_wheels
from tools.lock_inputs import LockInputs
from tools.make_locks import compile_lock, cuda_build, install_dry, torch_hashes
from tools.torch_wheels import (
    TABLE,
    page_hashes,
    table_text,
    torch_locks,
    wheel_hashes,
    wheel_names,
)

ANYWHERE = "py3-none-any"


def write_wheel(
    index: Path, name: str, version: str, *needs: str, tag: str = ANYWHERE
) -> str:
    """Put an empty wheel into an index and return its SHA-256."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {need}" for need in needs]
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", "\n".join(metadata) + "\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    page = folder / "index.html"
    before = page.read_text() if page.exists() else ""
    link = f'<a href="{path.as_uri()}#sha256={digest}">{path.name}</a>\n'
    page.write_text(before + link)
    return digest


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is the default package index."""
    folder = tmp_path / "index"
    write_wheel(folder, "filelock", "3.0")
    write_wheel(folder, "nvidia-cublas", "13.0")
    write_wheel(folder, "triton", "3.7")
    write_wheel(folder, "cuda-toolkit", "13.0.3.0", "nvidia-cublas")
    write_wheel(folder, "torch", "9.9", "filelock", "cuda-toolkit", "triton")
    monkeypatch.setenv("UV_DEFAULT_INDEX", folder.as_uri())
    monkeypatch.setenv("UV_NO_CACHE", "1")
    for name in ("UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder


def inputs(*requirements: str, **more: Any) -> LockInputs:
    given = {"name": "image", "requirements": requirements, "uv": "1", **more}
    return LockInputs(**given)


def names(lock: str) -> set[str]:
    lines = [line for line in lock.splitlines() if line[:1].isalpha()]
    return {line.partition("==")[0] for line in lines}


@pytest.mark.usefixtures("index")
def test_lock_holds_what_torch_needs_but_neither_torch_nor_what_is_left_out():
    with_torch = inputs(torch="cpu", torch_release="9.9")
    lock = compile_lock(with_torch, without=["triton", "cuda-toolkit"])
    assert names(lock) == {"filelock"}
    assert names(compile_lock(with_torch, without=["triton"])) == {
        "filelock", "cuda-toolkit", "nvidia-cublas",
    }  # fmt: skip


def test_release_stays_until_asked_and_agrees_with_the_other_lock(index: Path):
    first = compile_lock(inputs("filelock"))
    write_wheel(index, "filelock", "3.1")
    assert "filelock==3.0" in compile_lock(inputs("filelock"), kept=first)
    assert "filelock==3.1" in compile_lock(inputs("filelock"))
    assert "filelock==3.0" in compile_lock(inputs("filelock"), constraints=first)


def test_forged_hash_does_not_stay(index: Path):
    genuine = compile_lock(inputs("filelock"))
    write_wheel(index, "filelock", "3.1")
    before, _, after = genuine.partition("--hash=sha256:")
    forged = f"{before}--hash=sha256:{'a' * 64}{after[64:]}"
    assert forged != genuine
    assert compile_lock(inputs("filelock"), kept=forged) == genuine


def test_lock_names_hashes_and_digest_of_inputs_but_no_host(index: Path):
    digest = write_wheel(index, "solo", "1.0")
    one = inputs("solo")
    lock = compile_lock(one)
    assert f"--hash=sha256:{digest}" in lock
    assert f"# inputs: sha256:{one.digest}\n" in lock
    assert "://" not in lock
    assert one.digest != inputs("solo<2").digest


def test_libraries_of_another_cuda_build_come_from_its_own_index(
    index: Path, tmp_path: Path
):
    other = tmp_path / "cu126"
    write_wheel(other, "torch", "9.9+cu126", "nvidia-cublas", "cuda-toolkit==12.6.1")
    write_wheel(index, "cuda-toolkit", "12.6.1")
    one = inputs("filelock", torch="cuda", torch_release="9.9")
    assert cuda_build(compile_lock(one, emit_torch=True)) == "cu130"
    lock = compile_lock(one, emit_torch=True, index=other.as_uri())
    assert cuda_build(lock) == "cu126"


@pytest.mark.usefixtures("index")
def test_hashes_of_torch_are_its_own_alone():
    lock = compile_lock(inputs(torch="cuda", torch_release="9.9"), emit_torch=True)
    assert len(torch_hashes(lock)) == 1
    assert lock.count("--hash=") > 1


def test_package_without_a_wheel_for_one_platform_is_found(index: Path, tmp_path: Path):
    write_wheel(index, "native", "1.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    lock = tmp_path / "lock.txt"
    lock.write_text(compile_lock(inputs("native", pythons=("3.11",))))
    install_dry(lock, "linux/amd64", "3.11")
    for platform, python in (("linux/arm64", "3.11"), ("linux/amd64", "3.10")):
        with pytest.raises(RunError, match="native"):
            install_dry(lock, platform, python)


def test_files_of_torch_are_named_as_its_index_names_them():
    assert wheel_names("2.13.0", "cpu", ["3.14"], ["linux/amd64", "linux/arm64"]) == [
        "torch-2.13.0+cpu-cp314-cp314-manylinux_2_28_x86_64.whl",
        "torch-2.13.0+cpu-cp314-cp314-manylinux_2_28_aarch64.whl",
    ]


def test_page_of_torch_index_tells_hashes_where_it_has_them():
    digest = "a" * 64
    page = f"""
      <a href="https://example.org/whl/torch-1%2Bcpu-x.whl#sha256={digest}"
         data-dist-info-metadata="sha256=b">torch-1+cpu-x.whl</a><br/>
      <a href="/whl/torch-1%2Bcpu-y.whl">torch-1+cpu-y.whl</a><br/>
    """
    assert page_hashes(page) == {"torch-1+cpu-x.whl": digest}


def test_hashes_are_completed_from_the_index():
    kept, told = {"a.whl": "1" * 64}, {"b.whl": "2" * 64}
    assert wheel_hashes(kept, told, ["a.whl", "b.whl"]) == {**kept, **told}


def test_unknown_or_contradicted_hash_is_refused():
    kept = {"a.whl": "1" * 64}
    with pytest.raises(InputError, match=r"SHA-256 of c\.whl"):
        wheel_hashes(kept, {}, ["a.whl", "c.whl"])
    with pytest.raises(InputError, match="which file was replaced"):
        wheel_hashes(kept, {"a.whl": "3" * 64}, ["a.whl"])


CPU = inputs(
    "torch==9.9",
    torch="cpu",
    torch_release="9.9",
    torch_build="cpu",
    pythons=("3.11",),
    platforms=("linux/amd64",),
)
TORCH_FILE = "torch-9.9+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"


@pytest.fixture
def torch_table(tmp_path: Path) -> Path:
    """Return a checkout whose table knows no file of torch."""
    path = tmp_path / TABLE
    path.parent.mkdir(parents=True)
    path.write_text(table_text({}))
    return tmp_path


def test_new_hash_of_torch_is_told_not_written(
    torch_table: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    told = {TORCH_FILE: "2" * 64, "torch-9.8.whl": "3" * 64}
    monkeypatch.setattr(torch_wheels, "index_hashes", lambda build: told)
    before = (torch_table / TABLE).read_text()
    found = torch_locks(torch_table, [CPU], [])
    assert (torch_table / TABLE).read_text() == before
    assert found[TABLE] == f'{before}\n[cpu]\n"{TORCH_FILE}" = "{"2" * 64}"\n'
    assert f"--hash=sha256:{'2' * 64}\n" in found[CPU.path]
    assert "not compared" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "why"), [(None, "was not reached"), ({}, "without a hash")]
)
def test_hash_of_torch_that_nothing_confirms_is_named(
    torch_table: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: dict[str, str] | None,
    why: str,
):
    kept = table_text({"cpu": {TORCH_FILE: "2" * 64}})
    (torch_table / TABLE).write_text(kept)
    monkeypatch.setattr(torch_wheels, "index_hashes", lambda build: told)
    assert torch_locks(torch_table, [CPU], [])[TABLE] == kept
    said = capsys.readouterr().out
    assert "not compared: the hashes of 1 of 1 files of torch+cpu" in said
    assert why in said


def test_check_changes_nothing_and_fails_when_a_lock_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    lock = Path("lock.txt")
    (tmp_path / lock).write_text("one==1\n")
    monkeypatch.setattr(make_locks, "ROOT", tmp_path)
    resolved = {lock: "one==2\n"}
    monkeypatch.setattr(make_locks, "resolve_all", lambda root, upgrade: resolved)
    assert make_locks.main(["--check"]) == 1
    assert "+one==2" in capsys.readouterr().err
    assert (tmp_path / lock).read_text() == "one==1\n"
    resolved[lock] = "one==1\n"
    assert make_locks.main(["--check"]) == 0
