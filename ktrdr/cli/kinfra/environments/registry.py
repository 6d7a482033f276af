"""Which environments of the template there are on this machine, and their slots."""

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ktrdr.cli.kinfra.environments.template import VARIABLES, ports_of
from ktrdr.cli.kinfra.images.engine import Engine, silence_of
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.settings import Settings, settings

# Slot 0 has the standard ports; without being asked, sandboxes leave it to local-prod.
SLOTS = range(11)
# It has a slot as sandboxes have, and commands of its own.
LOCAL_PROD = "local-prod"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One environment.

    Attributes
    ----------
    name : str
    slot : int
    repository : str or None
        Checkout whose worktree it is; None for local-prod.
    branch : str or None
    created_at : str
        ISO 8601, UTC.
    engine : str or None
        Which has its containers; None before it was first started.
    """

    name: str
    slot: int
    repository: str | None
    branch: str | None
    created_at: str
    engine: str | None = None

    @property
    def folder(self) -> Path:
        """Folder of all that belongs to it."""
        return settings().environments / self.name

    @property
    def source(self) -> Path:
        """Its worktree."""
        return self.folder / "source"

    @property
    def is_broken(self) -> bool:
        """Whether its folder was deleted, so that removing it is all that is left."""
        return not (self.folder / VARIABLES).exists()

    @property
    def removal(self) -> str:
        """The command that removes it."""
        if self.name == LOCAL_PROD:
            return f"kinfra {LOCAL_PROD} destroy --force"
        return f"kinfra sandbox destroy {self.name}"


def entries() -> list[Entry]:
    """Return all environments in the order of their slots."""
    return sorted(_read(), key=lambda one: one.slot)


def find_entry(name: str) -> Entry:
    """Return the environment of that name.

    Raises
    ------
    NotFoundError
        If there is none; names those that there are.
    """
    found = entries()
    for one in found:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in found) or "none"
    raise NotFoundError(f"there is no sandbox {name[:80]!r}; there are: {known}")


def need_folder(entry: Entry) -> None:
    """Raise if an environment's folder was deleted.

    Raises
    ------
    NotFoundError
        Names the command that removes what is left.
    """
    if entry.is_broken:
        raise NotFoundError(
            f"{entry.folder / VARIABLES} was deleted: `{entry.removal}` removes what "
            "is left of it and gives back its slot"
        )


def project_of(name: str) -> str:
    """Return the name of an environment's compose project.

    An engine knows projects by their names alone, so those of any folder but the usual
    one carry its mark: what one folder brings up is not another's to replace.
    """
    folder = settings().environments
    usual = Settings.model_fields["environments"].get_default(call_default_factory=True)
    if folder == usual:
        return f"ktrdr-{name}"
    mark = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:6]
    return f"ktrdr-{name}-{mark}"


def reserve(
    name: str, slot: int | None, *, repository: str | None, branch: str | None
) -> Entry:
    """Take a slot: the one asked for, or the first from 1 on whose ports are free.

    Raises
    ------
    ConflictError
        If the name or the slot is taken, or no slot is left.
    """
    with _locked():
        found = _read()
        if name in {one.name for one in found}:
            raise ConflictError(
                f"{name} exists: name another, or `kinfra sandbox destroy {name}`"
            )
        entry = Entry(
            name=name,
            slot=_free_slot(slot, {one.slot: one.name for one in found}),
            repository=repository,
            branch=branch,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        _write([*found, entry])
        return entry


def release(name: str) -> None:
    """Give back a slot."""
    with _locked():
        _write([one for one in _read() if one.name != name])


def engine_of(entry: Entry, wanted: str | None = None) -> Engine:
    """Return the engine that has an environment's containers.

    Before the first start, that is ``wanted`` or whichever is found. Afterwards another
    one would know nothing of them, and make or remove an environment beside them.

    Raises
    ------
    ConflictError
        If another one than its own is wanted.
    InputError
        If it does not answer.
    """
    if entry.engine is None:
        return Engine.find(wanted)
    if wanted not in (None, entry.engine):
        raise ConflictError(
            f"{entry.name} is on {entry.engine}, not on {str(wanted)[:80]}: leave out "
            "--engine"
        )
    silence = silence_of(entry.engine)
    if silence is not None:
        raise InputError(
            f"{entry.name} is on {entry.engine}, which does not answer ({silence}): "
            "start that first"
        )
    return Engine(entry.engine)


def keep_engine(entry: Entry, engine: Engine) -> None:
    """Write down which engine has an environment's containers from now on.

    Not before the first one can be made: an engine that lacks something, such as
    compose, would have the environment for good, and nothing of it.
    """
    with _locked():
        _write(
            [
                replace(one, engine=engine.name) if one.name == entry.name else one
                for one in _read()
            ]
        )


@contextmanager
def at_work(entry: Entry) -> Iterator[None]:
    """Keep other processes from starting, stopping or removing the same environment.

    Raises
    ------
    ConflictError
        If one of them is at it.
    """
    # By slot, so that the files are few; they outlive what is destroyed.
    with _lock_file(f"lock-{entry.slot}") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(
                f"another kinfra is at work on {entry.name}: wait until that has ended"
            ) from None
        yield


def _free_slot(wanted: int | None, taken: dict[int, str]) -> int:
    if wanted is not None:
        if wanted in taken:
            raise ConflictError(
                f"slot {wanted} is {taken[wanted]}'s: name another, or none to get "
                "the first that is free"
            )
        return wanted
    for slot in SLOTS[1:]:
        if slot not in taken and all(map(_is_free, ports_of(slot).values())):
            return slot
    names = ", ".join(f"{slot} {name}" for slot, name in sorted(taken.items()))
    raise ConflictError(
        f"no slot from 1 to {SLOTS[-1]} is free (taken: {names or 'none'}; ports of "
        "others are used by other programs): destroy a sandbox"
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A port that somebody has just left can be used at once.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


@contextmanager
def _locked() -> Iterator[None]:
    """Keep all others from changing the registry; ends with the process, too."""
    with _lock_file("lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_file(name: str) -> IO[str]:
    folder = settings().environments
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / name).open("w")
    except OSError as error:
        raise InputError(
            f"{folder} can't be written ({error.strerror}): change its owner, or name "
            "another with KTRDR_ENVIRONMENTS"
        ) from None


def _read() -> list[Entry]:
    try:
        rows = json.loads(_file().read_bytes())
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise _damaged(error) from None
    try:
        return [Entry(**row) for row in rows]
    except TypeError as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> InputError:
    return InputError(
        f"{_file()} is damaged ({error}), expected a list of environments: put it "
        "right by hand; folders beside it hold what environments are made of"
    )


def _write(found: list[Entry]) -> None:
    new = _file().with_suffix(f".{os.getpid()}")
    rows = [asdict(one) for one in found]
    new.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    new.replace(_file())


def _file() -> Path:
    return settings().environments / "registry.json"
