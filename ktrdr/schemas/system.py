"""How the system is: health, builds, workers."""

from typing import Annotated, Literal

from pydantic import Field

from ktrdr.schemas.document import Document
from ktrdr.schemas.operations import OperationDocument, WorkerDocument

SystemPart = Literal["database", "schema", "store"]


class LiveDocument(Document):
    """The program runs and answers."""

    status: Literal["ok"] = "ok"


class PartHealth(Document):
    """One thing that the backend needs.

    Attributes
    ----------
    reason : str or None
        What is wrong; told to those who have logged in.
    """

    name: SystemPart
    is_ready: bool
    reason: str | None = None


class ReadyDocument(Document):
    """Whether the backend can do its work, and what it lacks."""

    status: Literal["ready", "not_ready"]
    parts: tuple[PartHealth, ...]


class BuildDocument(Document):
    """Which ktrdr a program is.

    Attributes
    ----------
    libraries : dict of str to str
        Installed releases of the libraries that can change a result.
    image : str or None
        Image that it runs in.
    lock : str or None
        SHA-256 of the locks that the image was made from.
    """

    version: str
    commit: str
    python: str
    machine: str
    libraries: dict[str, str]
    image: str | None = None
    lock: str | None = None


class WorkerBuild(Document):
    """The build of one worker, and of the image that it runs in if it does in one."""

    worker: str
    state: str
    version: str
    commit: str
    image: str | None = None
    lock: str | None = None


class BuildsDocument(Document):
    """The builds of the backend and of the workers that have registered."""

    backend: BuildDocument
    workers: tuple[WorkerBuild, ...]


class WorkerList(Document):
    """The workers that have registered, by name."""

    items: tuple[WorkerDocument, ...]


class ProbesDocument(Document):
    """The operations that were made."""

    items: Annotated[tuple[OperationDocument, ...], Field(max_length=100)]
