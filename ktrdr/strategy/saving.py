"""Strategies written into the user's folder, or taken out: whole or not at all."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Lock

from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.settings import settings
from ktrdr.storage import Digest, digest_of
from ktrdr.strategy.files import SUFFIXES, find_named_strategy, is_own
from ktrdr.strategy.parse import parse_strategy, read_strategy_text
from ktrdr.strategy.spec import STRATEGY_NAME

# Between the look at what is there and the change of it.
_writing = Lock()


def save_strategy(
    name: str, text: str, *, replaces: Digest | None = None, overwrite: bool = False
) -> Path:
    """Write a valid strategy into the user's folder and return its path.

    Parameters
    ----------
    name : str
        Of the strategy and, with ``.yaml``, of the file.
    text : str
        YAML.
    replaces : Digest or None
        SHA-256 of the text that it may replace, and that must be there.
    overwrite : bool
        Replace whatever is there.

    Raises
    ------
    StrategyError
        If it is not valid.
    InputError
        If ``name`` can't be a strategy's name, or is not that of this one.
    ConflictError
        If a file is there that it may not replace, or is not the one expected.
    """
    check_name(name)
    strategy = parse_strategy(text, name)
    if strategy.name != name:
        raise InputError(
            f"the strategy's name is {strategy.name!r}, but it is to be saved as "
            f"{name!r}; make both the same"
        )
    with _writing:
        path = _own_file(name)
        _check_place(path, replaces, overwrite)
        _write_whole(path, text, may_replace=overwrite or replaces is not None)
    return path


def delete_strategy(name: str, *, expected: Digest) -> None:
    """Delete a strategy of the user's folder.

    Parameters
    ----------
    name : str
        Of the file, without suffix.
    expected : Digest
        SHA-256 of the text that must be there: what a file was written for is lost
        with it, so nobody deletes one that he has not read.

    Raises
    ------
    NotFoundError
        If there is none.
    ConflictError
        If it is an example that comes with ktrdr, or not the text expected.
    """
    path = find_named_strategy(name)
    if not is_own(path):
        raise ConflictError(
            f"{name} is an example that comes with ktrdr and can't be deleted"
        )
    with _writing:
        _check_place(path, expected, overwrite=False)
        try:
            path.unlink()
        except FileNotFoundError:
            raise NotFoundError(f"strategy {name} is gone already") from None


def check_name(name: str) -> None:
    """Raise InputError if ``name`` can't be a strategy's name."""
    if not re.fullmatch(STRATEGY_NAME, name):
        raise InputError(
            f"{name[:80]!r} can't name a strategy; expected at most 64 letters, "
            "digits, _ and - that begin with a letter"
        )


def _own_file(name: str) -> Path:
    # One that ends in .yml is replaced as it is, not doubled.
    folder = settings().strategies
    candidates = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next(filter(Path.exists, candidates), candidates[0])


def _check_place(path: Path, replaces: Digest | None, overwrite: bool) -> None:
    if not path.exists():
        if replaces is not None:
            raise ConflictError(
                f"{path.stem} is gone, expected the text {replaces[:12]}; save it anew"
            )
        return
    if replaces is not None:
        found = digest_of(read_strategy_text(path).encode())
        if found != replaces:
            raise ConflictError(
                f"{path.stem} was changed: found the text {found[:12]}, expected "
                f"{replaces[:12]}; read it again and repeat your change"
            )
    elif not overwrite:
        raise ConflictError(
            f"a strategy {path.stem} exists already and stays as it is; choose another "
            "name, or say that it is to be replaced"
        )


def _write_whole(path: Path, text: str, *, may_replace: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".strategy-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        # mkstemp keeps the file to its owner; a strategy is as open as any other.
        os.chmod(temporary, 0o644)
        if may_replace:
            os.replace(temporary, path)
        else:
            _link(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _link(temporary: str, path: Path) -> None:
    # Unlike a rename, it fails if another program has made the file meanwhile.
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise ConflictError(
            f"a strategy {path.stem} exists already and stays as it is"
        ) from None
