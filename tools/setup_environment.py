"""Make the environment in ``.venv``: ktrdr, torch for the CPU, and what else is asked.

Usage: ``python tools/setup_environment.py run|dev|bench``

Torch is by far the largest part, and PyPI's build for x86-64 Linux carries CUDA. So
it is looked for in this order:

1. the folders of wheels that ``PIP_FIND_LINKS``, ``UV_FIND_LINKS`` or pip's
   configuration name;
2. the index ``KTRDR_TORCH_INDEX``, by default PyTorch's public index of CPU builds;
3. the default package index, after saying how much that will download.

Only the standard library is used: nothing is installed yet when this runs.
"""

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
INDEX_TIMEOUT_S = 10.0
# What each purpose installs beside torch: the extras of ktrdr, dependency groups.
PURPOSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "run": (".[local]", ()),
    "dev": (".[ml,local]", ("dev",)),
    "bench": (".[ml,local]", ("dev", "bench")),
}


class SetupError(Exception):
    """The environment can't be made; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Make the environment for one purpose and return the exit code."""
    if len(arguments) != 1 or arguments[0] not in PURPOSES:
        sys.stderr.write(f"usage: setup_environment.py {'|'.join(PURPOSES)}\n")
        return 2
    try:
        set_up(arguments[0], ROOT / ".venv")
    except SetupError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def set_up(purpose: str, folder: Path) -> None:
    """Make or complete the environment in ``folder``, then mark it ready."""
    if sys.version_info < (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"this is Python {found}, and ktrdr needs 3.11 or newer: "
            "name one with `make PYTHON=python3.12 ...`"
        )
    python = make_venv(folder)
    install_torch(python, torch_version())
    install_ktrdr(python, purpose)
    (folder / f".ready-{purpose}").touch()


def make_venv(folder: Path) -> Path:
    """Create the virtual environment if there is none; return its interpreter."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        say(f"Creating an environment in {folder.name}")
        try:
            venv.create(folder, with_pip=True)
        except subprocess.CalledProcessError as error:
            raise SetupError(
                f"this Python can't create environments ({error}); "
                "on Debian or Ubuntu, `apt install python3-venv` brings what it lacks"
            ) from None
    # Dependency groups came with pip 25.1.
    pip(python, "install", "--quiet", "--upgrade", "pip>=25.1")
    return python


def torch_version() -> str:
    """Return the release of torch that the project pins."""
    # Not at the top: an older Python lacks it, and gets its message first.
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["tool"]["ktrdr"]["torch-version"])


def install_torch(python: Path, version: str) -> None:
    """Install torch from the smallest place that has it, unless it is there."""
    if installed_torch(python) == version:
        return
    requirement = f"torch=={version}"
    if install_from_folders(python, requirement):
        return
    if install_from_torch_index(python, requirement):
        return
    size = download_size(python, requirement)
    say(f"Installing {requirement} from the default index: a download of {size}")
    pip(python, "install", requirement)


def installed_torch(python: Path) -> str | None:
    """Return the release of torch in the environment, without its build."""
    code = "from importlib.metadata import version; print(version('torch'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip().split("+")[0] if done.returncode == 0 else None


def install_from_folders(python: Path, requirement: str) -> bool:
    """Install torch from configured folders of wheels; tell whether they had it."""
    folders = os.environ.get("UV_FIND_LINKS", "").replace(",", " ").split()
    links = [f"--find-links={folder}" for folder in folders]
    arguments = ["install", "--quiet", "--no-index", "--no-deps", *links, requirement]
    if not tries_pip(python, *arguments):
        return False
    say(f"Installed {requirement} from a configured folder of wheels")
    return True


def install_from_torch_index(python: Path, requirement: str) -> bool:
    """Install torch from the index of CPU builds; tell whether that worked."""
    index = os.environ.get("KTRDR_TORCH_INDEX", DEFAULT_TORCH_INDEX).rstrip("/")
    problem = index_problem(index)
    if problem is not None:
        say(f"The torch index {index} can't be used: {problem}")
        return False
    say(f"Installing {requirement} from {index}")
    arguments = ["install", "--no-deps", f"--index-url={index}", requirement]
    if tries_pip(python, *arguments):
        return True
    say(f"The torch index {index} has no {requirement} for this Python and machine")
    return False


def index_problem(index: str) -> str | None:
    """Return why a package index does not answer for torch, None if it does."""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=INDEX_TIMEOUT_S):
            return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def download_size(python: Path, requirement: str) -> str:
    """Return in words how much installing ``requirement`` would download."""
    report = pip_output(
        python, "install", "--dry-run", "--quiet", "--report=-", requirement
    )
    urls = [item["download_info"]["url"] for item in json.loads(report)["install"]]
    try:
        return f"{round(sum(map(size_of, urls)) / 1e6):,} MB"
    except (OSError, ValueError) as error:
        return f"unknown size ({error})"


def size_of(url: str) -> int:
    """Return the size of what ``url`` names, in bytes."""
    if url.startswith("file:"):
        path = urllib.request.url2pathname(urllib.parse.urlparse(url).path)
        return Path(path).stat().st_size
    request = urllib.request.Request(url, method="HEAD")
    with urllib.request.urlopen(request, timeout=INDEX_TIMEOUT_S) as answer:
        return int(answer.headers["Content-Length"])


def install_ktrdr(python: Path, purpose: str) -> None:
    """Install ktrdr in place, with the groups that ``purpose`` needs."""
    project, groups = PURPOSES[purpose]
    say(f"Installing ktrdr and what it needs ({purpose}); the first time, a minute")
    chosen = [f"--group={group}" for group in groups]
    # The pin keeps pip from preferring another build of torch.
    pinned = f"torch=={torch_version()}"
    pip(python, "install", "--quiet", "--editable", project, *chosen, pinned)


def pip(python: Path, *arguments: str) -> None:
    """Run pip, whose output is shown; raise SetupError if it fails."""
    done = subprocess.run([python, "-m", "pip", *arguments], cwd=ROOT)
    if done.returncode:
        raise SetupError(f"`pip {' '.join(arguments)}` failed; its output is above")


def tries_pip(python: Path, *arguments: str) -> bool:
    """Run pip, whose errors are expected, and tell whether it succeeded."""
    command = [str(python), "-m", "pip", *arguments]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL).returncode == 0


def pip_output(python: Path, *arguments: str) -> str:
    """Return what pip prints; raise SetupError if it fails."""
    command = [str(python), "-m", "pip", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SetupError(f"`pip {' '.join(arguments)}` failed; its output is above")
    return str(done.stdout)


def say(message: str) -> None:
    """Tell what is being done."""
    print(f"==> {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
