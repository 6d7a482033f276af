"""All errors that ktrdr raises on purpose, and how each one leaves the process.

::

    KtrdrError
    ├ InputError      the caller can fix it
    │ ├ StrategyError   lists every problem with its YAML path
    │ ├ DataError       gaps, disorder, missing bars
    │ ├ BundleError     wrong features or version, damaged weights
    │ ├ NotFoundError, ConflictError, TooLargeError
    │ ├ MissingExtraError
    │ └ IncompatibleError   programs of different releases meet
    ├ AccessError     NotAuthenticatedError, NotAllowedError
    ├ RunError        TrainingError, BacktestError
    ├ JobError        JobCancelled, JobStopped, AttemptSuperseded, JobFailed
    ├ StorageError    disk or store refuse: full, no permission, out of reach
    ├ DatabaseError   out of reach or not as expected
    ├ BackendError    the backend is out of reach or answers nonsense
    └ ProviderError   temporary, may be retried

Every message says what was found, what was expected and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class KtrdrError(Exception):
    """Anything that ktrdr raises on purpose."""


class InputError(KtrdrError):
    """The caller gave something that the caller can fix."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong in a strategy file.

    Attributes
    ----------
    path : str
        Where in the YAML, such as ``fuzzy_sets.rsi.low.parameters``; empty for
        the file as a whole.
    line : int or None
        Line in the file, counted from 1.
    message : str
        What was found and what was expected.
    hint : str or None
        What to do, for example the nearest valid name.
    """

    path: str
    line: int | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        subject = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{subject}{self.message}{hint}"


class StrategyError(InputError):
    """A strategy is invalid; ``problems`` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], source: str = "strategy") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        heading = f"{source}: {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n  ".join([heading, *map(str, self.problems)]))


class DataError(InputError):
    """Market data is missing, disordered or impossible."""


class BundleError(InputError):
    """A model bundle does not fit: damaged, other features or another version."""


class NotFoundError(InputError):
    """What was asked for does not exist."""


class ConflictError(InputError):
    """What was asked for contradicts what exists."""


class TooLargeError(InputError):
    """What was sent is larger than the limit."""


class IncompatibleError(InputError):
    """Two programs of ktrdr, or a program and a database, don't fit together."""


class MissingExtraError(InputError):
    """A feature needs an optional part of ktrdr that is not installed."""

    def __init__(
        self,
        package: str,
        extra: str,
        image: str | None = None,
        *,
        instead: str | None = None,
    ) -> None:
        holder = f"the image {image}" if image else "an image that holds it"
        super().__init__(
            f"{package} is not installed, and this needs it: "
            f"install ktrdr[{extra}], or {instead or f'use {holder}'}"
        )
        self.package = package
        self.extra = extra


class AccessError(KtrdrError):
    """Somebody asked for what only others may have."""


class NotAuthenticatedError(AccessError):
    """Nobody that the backend knows: no token, or not a valid one."""


class NotAllowedError(AccessError):
    """The token's role does not allow this."""


class RunError(KtrdrError):
    """A run started from valid input and failed."""


class TrainingError(RunError):
    """Training failed, for example because the loss stopped being a number."""


class BacktestError(RunError):
    """A backtest failed."""


class JobError(KtrdrError):
    """A job ended for a reason that lies outside its work."""


class JobCancelled(JobError):
    """Somebody cancelled the job."""


class JobStopped(JobError):
    """The job was asked to stop, wrote its checkpoint and can be gone on with."""


class AttemptSuperseded(JobError):
    """A newer attempt of the same operation has taken over."""


class StorageError(KtrdrError):
    """The disk or the artifact store refuses: full, no permission, out of reach."""


class DatabaseError(KtrdrError):
    """The database is out of reach, or not as this program expects it."""


class BackendError(KtrdrError):
    """The backend is out of reach, or its answer can't be understood."""


class ProviderError(KtrdrError):
    """An outside source failed; trying again may help."""


@dataclass(frozen=True, kw_only=True)
class Handling:
    """What an error means to those outside the process.

    Attributes
    ----------
    code : str
        Stable name for programs.
    exit_code : int
        Exit code of a command.
    http_status : int
        Status of an HTTP answer.
    retry : bool
        Whether the same work may succeed when tried again.
    """

    code: str
    exit_code: int
    http_status: int
    retry: bool = False


class JobFailed(JobError):
    """A job process reported an error, or died without a word."""

    def __init__(self, message: str, handling: Handling) -> None:
        super().__init__(message)
        self.handling = handling


_REFUSED = Handling(code="storage_failed", exit_code=13, http_status=503, retry=True)
# Most special first: the first class that fits decides.
_HANDLING: tuple[tuple[type[BaseException], Handling], ...] = (
    (StrategyError, Handling(code="strategy_invalid", exit_code=3, http_status=422)),
    (DataError, Handling(code="data_invalid", exit_code=4, http_status=422)),
    (BundleError, Handling(code="bundle_invalid", exit_code=5, http_status=422)),
    (NotFoundError, Handling(code="not_found", exit_code=6, http_status=404)),
    (ConflictError, Handling(code="conflict", exit_code=7, http_status=409)),
    (MissingExtraError, Handling(code="missing_extra", exit_code=8, http_status=501)),
    (TooLargeError, Handling(code="too_large", exit_code=2, http_status=413)),
    (IncompatibleError, Handling(code="incompatible", exit_code=16, http_status=409)),
    (InputError, Handling(code="input_invalid", exit_code=2, http_status=422)),
    (TrainingError, Handling(code="training_failed", exit_code=9, http_status=500)),
    (BacktestError, Handling(code="backtest_failed", exit_code=10, http_status=500)),
    (
        NotAuthenticatedError,
        Handling(code="not_authenticated", exit_code=15, http_status=401),
    ),
    (NotAllowedError, Handling(code="not_allowed", exit_code=15, http_status=403)),
    (JobCancelled, Handling(code="cancelled", exit_code=130, http_status=409)),
    (
        JobStopped,
        Handling(code="stopped", exit_code=17, http_status=409, retry=True),
    ),
    (AttemptSuperseded, Handling(code="superseded", exit_code=11, http_status=409)),
    (
        ProviderError,
        Handling(code="provider_failed", exit_code=12, http_status=502, retry=True),
    ),
    (
        DatabaseError,
        Handling(code="database_failed", exit_code=14, http_status=503, retry=True),
    ),
    (
        BackendError,
        Handling(code="backend_failed", exit_code=18, http_status=502, retry=True),
    ),
    (StorageError, _REFUSED),
    (OSError, _REFUSED),
)
_UNEXPECTED = Handling(code="internal", exit_code=1, http_status=500)


def handling_of(error: BaseException) -> Handling:
    """Return the row of the table that applies to ``error``."""
    if isinstance(error, JobFailed):
        return error.handling
    for kind, handling in _HANDLING:
        if isinstance(error, kind):
            return handling
    return _UNEXPECTED


def is_defect(error: BaseException) -> bool:
    """Return whether ``error`` is a fault of ktrdr, to be told with its traceback.

    It is unless ktrdr raised it on purpose or the operating system refused
    something, as when the disk is full: then the message says all.
    """
    return not isinstance(error, KtrdrError | OSError)


def message_of(error: BaseException) -> str:
    """Return what ``error`` says, with the name of its class if it is a defect."""
    return f"{type(error).__name__}: {error}" if is_defect(error) else str(error)
