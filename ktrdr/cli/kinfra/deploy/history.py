"""What was deployed, when, and what came of it; and one rollout at a time."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from ktrdr.cli.kinfra.deploy.areas import AreaName
from ktrdr.cli.kinfra.deploy.pins import Pin
from ktrdr.errors import ConflictError, StorageError
from ktrdr.settings import settings

Kind = Literal["deploy", "rollback"]
Outcome = Literal["succeeded", "rolled_back", "stuck", "unfinished"]


class Record(BaseModel):
    """One rollout.

    Attributes
    ----------
    kind : str
        ``deploy``, or ``rollback`` for one that somebody asked for.
    engine, context, folder : str
        Where it went.
    host : str
        What the engine there told itself by, as a context may lead elsewhere later;
        empty in records of before that was noted.
    images, before : dict
        Service to the image that it got, and to the one that it ran.
    outcome : str
        ``unfinished`` while it goes on, and for ever if it was killed.
    reason : str or None
        Why it failed.
    backup : Path or None
        What the database held before it was changed.
    last_operation : int
        Number of the newest operation in that backup.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    area: AreaName
    kind: Kind
    project: str
    engine: str
    context: str | None
    host: str = ""
    folder: Path
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    images: dict[str, Pin]
    before: dict[str, Pin]
    outcome: Outcome = "unfinished"
    reason: str | None = None
    backup: Path | None = None
    last_operation: int = 0


@dataclass(frozen=True)
class History:
    """The rollouts of one part of one project on one host.

    Attributes
    ----------
    folder : Path
        Holds the records, backups, and the lock.
    """

    folder: Path

    @classmethod
    def of(cls, project: str, area: AreaName, context: str | None) -> "History":
        """Return where the rollouts of this part are noted."""
        host = f"@{_plain(context)}" if context else ""
        return cls(_home() / f"{_plain(project)}-{area}{host}")

    @property
    def owner(self) -> str:
        """Name that tells the images kept for it from those of others."""
        return self.folder.name.partition("@")[0].lower()

    def records(self) -> list[Record]:
        """Return the rollouts, the oldest first.

        Raises
        ------
        StorageError
            If they can't be read.
        """
        if not self._file.is_file():
            return []
        found: dict[str, Record] = {}
        # What follows the last end of a line was not written whole, as in a power cut.
        whole = self._file.read_text("utf-8", errors="replace").rpartition("\n")[0]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = Record.model_validate_json(line)
            except ValidationError as error:
                raise StorageError(
                    f"line {number} of {self._file} is no record of a rollout: "
                    f"{error.errors()[0]['msg']}; move the file away if it is damaged"
                ) from None
            found[record.id] = record
        return list(found.values())

    def note(self, record: Record) -> None:
        """Write a rollout, or what has become of it, so that a crash can't lose it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = json.dumps(record.model_dump(mode="json")) + "\n"
        with open(self._file, "a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    @property
    def backups(self) -> Path:
        """Folder of the backups."""
        return self.folder / "backups"

    def backup_path(self, began_at: datetime) -> Path:
        """Return where the database is saved by a rollout that began then."""
        return self.backups / f"{stamp(began_at)}.dump"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other rollouts of this part from this machine out meanwhile.

        Raises
        ------
        ConflictError
            If one goes on.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError(
                    f"another rollout of {self.folder.name} goes on: wait until it "
                    "has ended; `kinfra history` tells"
                ) from None
            yield

    @property
    def _file(self) -> Path:
        return self.folder / "history.jsonl"


def all_records() -> list[Record]:
    """Return every rollout from this machine, the oldest first."""
    folders = sorted(one.parent for one in _home().glob("*/history.jsonl"))
    found = [record for folder in folders for record in History(folder).records()]
    return sorted(found, key=lambda one: one.began_at)


def stamp(time: datetime) -> str:
    """Return a time as a name of its rollout."""
    return time.strftime("%Y%m%dT%H%M%S.%fZ")


def _home() -> Path:
    return settings().environments / "deployments"


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name)
