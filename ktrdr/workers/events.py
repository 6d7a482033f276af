"""What a job process tells: its events, its result, its errors."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ktrdr.errors import Handling, JobFailed
from ktrdr.progress import Unit

# By the system, for example when memory runs out.
_KILLED = -9
_DIED = Handling(code="job_died", exit_code=1, http_status=500, retry=True)
_UNCLEAR = Handling(code="internal", exit_code=1, http_status=500)


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhaseEvent(_Event):
    """A phase begins."""

    event: Literal["phase"]
    name: str
    total: int | None
    unit: str


class AdvanceEvent(_Event):
    """So much of the phase is done."""

    event: Literal["advance"]
    done: int
    message: str


class NoteEvent(_Event):
    """One thing worth keeping."""

    event: Literal["note"]
    message: str


class WorkEvent(_Event):
    """So much more went through."""

    event: Literal["work"]
    unit: Unit
    n: int


class CheckpointEvent(_Event):
    """The newest checkpoint of a network lies whole at a path."""

    event: Literal["checkpoint"]
    name: str
    path: Path


class ResultEvent(_Event):
    """The job is finished."""

    event: Literal["result"]
    result: dict[str, object]


class ErrorEvent(_Event):
    """The job failed."""

    event: Literal["error"]
    message: str
    code: str
    exit_code: int
    http_status: int
    retry: bool


JobEvent = (
    PhaseEvent | AdvanceEvent | NoteEvent | WorkEvent | CheckpointEvent | ResultEvent
)
_ANY_EVENT: TypeAdapter[JobEvent | ErrorEvent] = TypeAdapter(JobEvent | ErrorEvent)


def parse_event(line: str | bytes) -> JobEvent:
    """Return the event that ``line`` tells.

    Raises
    ------
    JobFailed
        If it tells an error, or nothing that can be understood.
    """
    try:
        event = _ANY_EVENT.validate_json(line)
    except ValidationError as error:
        raise JobFailed(f"a job told what is no event: {error}", _UNCLEAR) from None
    if isinstance(event, ErrorEvent):
        fields = event.model_dump(exclude={"event", "message"})
        raise JobFailed(event.message, Handling(**fields))
    return event


def death_of(module: str, code: int, last_words: str = "") -> JobFailed:
    """Return the error for a job process that ended without result or error.

    Parameters
    ----------
    module : str
        What it ran.
    code : int
        Its exit code; less than 0 for a signal.
    last_words : str
        The last that it wrote to standard error.
    """
    ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
    memory = "; was there too little memory?" if code == _KILLED else ""
    words = f"; it last said: {last_words}" if last_words else ""
    return JobFailed(
        f"the process of the job {module} {ended} and gave no result{memory}{words}",
        _DIED,
    )
