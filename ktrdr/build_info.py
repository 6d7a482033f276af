"""Which ktrdr this is: version, commit and the libraries it runs with."""

import json
import platform
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# How backend, workers and job processes talk; raised when that changes, so that
# those of other releases are refused instead of misunderstood.
WORKER_PROTOCOL = 1
# Images carry this file; a checkout asks git instead.
_BUILD_INFO_FILE = Path("/build-info.json")
_LIBRARIES = ("numpy", "TA-Lib", "torch", "pydantic", "arro3-core", "safetensors")


@dataclass(frozen=True, kw_only=True)
class BuildInfo:
    """Identity of the running program.

    Attributes
    ----------
    version : str
        Release of ktrdr.
    commit : str
        Commit it was built from, with ``+dirty`` when files had changed;
        ``unknown`` when neither an image nor a checkout tells.
    python : str
        Release of the interpreter.
    machine : str
        Operating system and processor.
    libraries : dict of str to str
        Installed releases of the libraries that can change a result.
    image : str or None
        Image that it runs in, such as ``worker-cpu``; None outside of one.
    lock : str or None
        SHA-256 of the locks that the image was made from.
    """

    version: str
    commit: str
    python: str
    machine: str
    libraries: dict[str, str]
    image: str | None
    lock: str | None

    @property
    def environment(self) -> dict[str, str]:
        """All of it as names and releases, as manifests record it."""
        return {
            "ktrdr": self.version,
            "commit": self.commit,
            "python": self.python,
            "machine": self.machine,
            **self.libraries,
        }

    @property
    def labels(self) -> dict[str, str]:
        """What metrics tell of it."""
        return {
            "version": self.version,
            "commit": self.commit,
            "python": self.python,
            "image": self.image or "none",
        }


@cache
def build_info() -> BuildInfo:
    """Return the identity of the running program."""
    image = _image_facts()
    return BuildInfo(
        version=version("ktrdr"),
        commit=_commit(image),
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        libraries=_installed(),
        image=image.get("image"),
        lock=image.get("lock"),
    )


def _installed() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _image_facts() -> dict[str, str]:
    if not _BUILD_INFO_FILE.is_file():
        return {}
    facts: dict[str, str] = json.loads(_BUILD_INFO_FILE.read_text("utf-8"))
    return facts


def _commit(image: dict[str, str]) -> str:
    checkout = Path(__file__).parents[1]
    # First, as a checkout may be mounted into an image of another commit. But a copy
    # installed inside somebody else's repository must not report theirs.
    if not (checkout / ".git").exists():
        return image.get("commit", "unknown")
    commit = _git(checkout, "rev-parse", "HEAD")
    if commit is None:
        return "unknown"
    return f"{commit}+dirty" if _git(checkout, "status", "--porcelain") else commit


def _git(checkout: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(checkout), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
