"""What lies in the image's file system; run as root, from whom nothing is hidden."""

import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Mounted by the engine, no part of the image.
_MOUNTED = frozenset(
    "/proc /sys /dev /etc/hosts /etc/hostname /etc/resolv.conf /.dockerenv "
    "/run/.containerenv /run/secrets".split()
)
_SHELLS = frozenset("sh bash dash ash zsh ksh busybox toybox".split())
_INSTALLERS = frozenset(
    "apt apt-get dpkg apk dnf yum microdnf pip pip3 uv uvx conda easy_install".split()
)
_BUILD_TOOLS = frozenset(
    "gcc cc g++ c++ make cmake ninja ld strip rustc cargo nvcc ptxas".split()
)
_SECRET_NAMES = frozenset(
    ".netrc _netrc .pypirc pip.conf uv.toml .env .npmrc .git-credentials .dockercfg "
    "id_rsa id_ecdsa id_ed25519".split()
)
_LEFT_BEHIND = frozenset("/root/.cache /root/.local /wheels /build".split())
_LEFT_BEHIND_NAMES = frozenset(".git .uv-cache .pytest_cache .mypy_cache".split())
_LEFT_BEHIND_SUFFIXES = (".deb", ".whl")
# Python brings the wheel of pip along, to make environments with.
_DISTRIBUTIONS_OWN = "/usr"
# The distribution gives some of its files to groups of its own, which nobody is in.
_FIRST_PERSON = 1000
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64,}"
)
_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL
)
# What the distribution trusts, and where programs look for what is trusted.
_DISTRIBUTION = "/usr/share/ca-certificates"
_TRUSTED = ("/etc/ssl/certs", "/etc/ssl/cert.pem", "/usr/local/share/ca-certificates")
_LARGEST_KEY = 64 * 1024


@dataclass(frozen=True)
class Entry:
    """A file, a folder or a link."""

    path: str
    status: os.stat_result

    @property
    def name(self) -> str:
        """Last part of its path."""
        return os.path.basename(self.path)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder itself."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a file itself."""
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a link."""
        return stat.S_ISLNK(self.status.st_mode)

    @property
    def is_program(self) -> bool:
        """Whether it can be run; so can what a link leads to."""
        return os.path.isfile(self.path) and bool(os.stat(self.path).st_mode & 0o111)

    def is_in(self, *folders: str) -> bool:
        """Return whether it is one of ``folders`` or lies in one."""
        return any(
            self.path == folder or self.path.startswith(f"{folder}/")
            for folder in folders
        )


def entries(folder: str) -> Iterator[Entry]:
    """Yield all that lies in ``folder``, however deep."""
    for found in os.scandir(folder):
        if found.path in _MOUNTED:
            continue
        entry = Entry(found.path, found.stat(follow_symlinks=False))
        yield entry
        if entry.is_folder:
            yield from entries(found.path)


def _is_writable(entry: Entry) -> bool:
    is_sticky = entry.is_folder and bool(entry.status.st_mode & stat.S_ISVTX)
    return (
        not entry.is_link
        and bool(entry.status.st_mode & stat.S_IWOTH)
        and not is_sticky
    )


def _is_secret(entry: Entry) -> bool:
    if entry.name in _SECRET_NAMES:
        return True
    if not entry.is_file or entry.status.st_size > _LARGEST_KEY:
        return False
    return _PRIVATE_KEY.search(Path(entry.path).read_bytes()) is not None


def _is_other_package(entry: Entry) -> bool:
    is_package = entry.name.endswith((".dist-info", ".egg-info"))
    return is_package and not entry.is_in("/app/.venv")


def rules(home: str) -> dict[str, Callable[[Entry], bool]]:
    """Return what entries are looked for; ``home`` is the folder of who runs."""
    return {
        "set_id": lambda one: (
            one.is_file and bool(one.status.st_mode & (stat.S_ISUID | stat.S_ISGID))
        ),
        "shells": lambda one: one.name in _SHELLS and one.is_program,
        "installers": lambda one: one.name in _INSTALLERS and one.is_program,
        "build_tools": lambda one: one.name in _BUILD_TOOLS and one.is_program,
        "not_roots": lambda one: (
            max(one.status.st_uid, one.status.st_gid) >= _FIRST_PERSON
            and not one.is_in(home)
        ),
        "writable": _is_writable,
        "secrets": _is_secret,
        "other_packages": _is_other_package,
        "left_behind": lambda one: (
            one.path in _LEFT_BEHIND
            or one.name in _LEFT_BEHIND_NAMES
            or (
                one.name.endswith(_LEFT_BEHIND_SUFFIXES)
                and not one.is_in(_DISTRIBUTIONS_OWN)
            )
        ),
    }


def _digests(path: str) -> set[str]:
    bodies = _CERTIFICATE.findall(Path(path).read_bytes())
    return {hashlib.sha256(base64.b64decode(body)).hexdigest() for body in bodies}


def foreign_certificates(
    there: Sequence[Entry], root: str = ""
) -> tuple[list[str], int]:
    """Return trusted certificates that the distribution lacks, and how many in all."""
    files = [entry for entry in there if os.path.isfile(entry.path)]
    trusted_paths = [f"{root}{path}" for path in _TRUSTED]
    known: set[str] = set()
    for entry in files:
        if entry.is_in(f"{root}{_DISTRIBUTION}"):
            known |= _digests(entry.path)
    trusted: dict[str, str] = {}
    for entry in files:
        if entry.is_in(*trusted_paths):
            trusted.update(dict.fromkeys(_digests(entry.path), entry.path))
    foreign = [
        f"{digest[:12]} in {path}"
        for digest, path in trusted.items()
        if digest not in known
    ]
    altered = [f"{entry.path}, altered" for entry in files if _is_altered(entry)]
    return sorted(foreign) + altered, len(trusted)


def _is_altered(entry: Entry) -> bool:
    """Return whether it is a package's own bundle, and not as it was published."""
    if not entry.path.endswith("/certifi/cacert.pem"):
        return False
    digest = hashlib.sha256(Path(entry.path).read_bytes()).digest()
    published = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    records = Path(entry.path).parents[1].glob("certifi-*.dist-info/RECORD")
    return not any(f"sha256={published}," in one.read_text("utf-8") for one in records)


def _report(home: str) -> dict[str, object]:
    there = list(entries("/"))
    found: dict[str, object] = {
        name: [entry.path for entry in there if is_so(entry)]
        for name, is_so in rules(home).items()
    }
    own = next((entry.status for entry in there if entry.path == home), None)
    foreign, n_certificates = foreign_certificates(there)
    return {
        **found,
        "foreign_certificates": foreign,
        "n_certificates": n_certificates,
        "home_owner": f"{own.st_uid}:{own.st_gid}" if own else None,
    }


if __name__ == "__main__":
    print(json.dumps(_report(sys.argv[1])))
