"""Secrets of an environment: files that nobody else on the machine can reach."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

# Containers read them as users of their own, whom the files must not keep out; the
# folder keeps out everybody else.
_FOLDER_MODE = 0o700
_FOR_CONTAINERS = 0o444
_FOR_US = 0o600
TOKEN = "api-token"


def make_secrets(folder: Path, names: Iterable[str]) -> None:
    """Make each secret that is not there yet, of 256 random bits."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    for name in names:
        if not (folder / name).exists():
            _write(folder / name, secrets.token_urlsafe(32), _FOR_CONTAINERS)


def keep_token(folder: Path, token: str) -> None:
    """Keep the token by which `kinfra` uses the environment's backend."""
    _write(folder / TOKEN, token, _FOR_US)


def kept_token(folder: Path) -> str | None:
    """Return that token; None if there is none yet."""
    try:
        return (folder / TOKEN).read_text("utf-8").strip()
    except FileNotFoundError:
        return None


def _write(path: Path, text: str, mode: int) -> None:
    new = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FOR_US)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
    new.chmod(mode)
    new.replace(path)
