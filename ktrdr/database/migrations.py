"""The steps to the schema: the queue's own from procrastinate, then ours.

Ours lie in ``migrations/`` and are numbered from 2, as the queue's count as the
first. A step that was released never changes; a new one is added.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ktrdr.build_info import build_info

QUEUE = "0001_queue/"


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step.

    Attributes
    ----------
    name : str
        Steps are applied in the order of their names.
    program : str
        What brings it, with its release.
    """

    name: str
    program: str
    sql: str

    @property
    def checksum(self) -> str:
        """Digest of the statements."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def is_of_queue(self) -> bool:
        """Whether it is procrastinate's."""
        return self.name.startswith(QUEUE)


@cache
def known_migrations() -> Sequence[Migration]:
    """Return all steps that this program knows, in their order."""
    return (*_of_queue(), *_ours())


@cache
def queue_schema() -> str:
    """Return the statements that make the queue's newest schema at once."""
    return (_queue_folder() / "schema.sql").read_text("utf-8")


def _queue_folder() -> Path:
    # Found without importing it, which costs more than reading all of its files.
    spec = find_spec("procrastinate")
    if spec is None or spec.origin is None:
        raise RuntimeError("procrastinate is a dependency and not installed")
    return Path(spec.origin).parent / "sql"


def _of_queue() -> list[Migration]:
    program = f"procrastinate {version('procrastinate')}"
    return [
        Migration(name=QUEUE + path.name, program=program, sql=path.read_text("utf-8"))
        for path in sorted((_queue_folder() / "migrations").glob("*.sql"))
    ]


def _ours() -> list[Migration]:
    program = f"ktrdr {build_info().version}"
    return [
        Migration(name=path.stem, program=program, sql=path.read_text("utf-8"))
        for path in sorted((Path(__file__).parent / "migrations").glob("*.sql"))
    ]
