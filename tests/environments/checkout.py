"""A copy of this checkout, in which commands can do what they like."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.documents import ROOT

_AUTHOR = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")


def copy_checkout(folder: Path) -> Path:
    """Make a repository of its own of the files as they lie here; return its folder."""
    listed = _git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        # Deleted here, and not yet in a commit.
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".git/info/exclude").write_text("/.venv\n")
    (folder / ".venv").symlink_to(sys.prefix)
    _git(folder, "add", "--all")
    _git(folder, *_AUTHOR, "commit", "--quiet", "--message=As it lies here")
    return folder


def variables(checkout: Path, home: Path) -> dict[str, str]:
    """Return the environment of somebody who has that checkout and nothing else.

    ``ktrdr`` and ``kinfra`` are those of the checkout; settings, environments,
    contexts of the engine and home are theirs alone.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KTRDR_", "COMPOSE_", "XDG_", "DOCKER_", "AWS_"))
    }
    return {
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(checkout),
        "KTRDR_ENVIRONMENTS": str(home / "environments"),
        "DOCKER_HOST": engine_address(),
        "DOCKER_CONFIG": str(_docker_configuration(home)),
        "COLUMNS": "100",
    }


def engine_address() -> str:
    """Return where the engine answers, such as ``unix:///var/run/docker.sock``."""
    form = "{{.Endpoints.docker.Host}}"
    command = ["docker", "context", "inspect", "--format", form]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _docker_configuration(home: Path) -> Path:
    """Make a folder for contexts of their own, with the plugins of this user."""
    usual = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker"))
    folder = home / ".docker"
    folder.mkdir(parents=True, exist_ok=True)
    plugins = folder / "cli-plugins"
    if (usual / plugins.name).is_dir() and not plugins.exists():
        plugins.symlink_to(usual / plugins.name)
    return folder


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout
