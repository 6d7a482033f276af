"""What the backend says went wrong, as the errors that this program raises."""

from typing import TYPE_CHECKING

from pydantic import ValidationError

from ktrdr.errors import (
    AttemptSuperseded,
    BackendError,
    BacktestError,
    BundleError,
    ConflictError,
    DatabaseError,
    DataError,
    IncompatibleError,
    InputError,
    JobCancelled,
    KtrdrError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    Problem,
    ProviderError,
    StorageError,
    StrategyError,
    TooLargeError,
    TrainingError,
    handling_of,
)
from ktrdr.schemas import ProblemDocument, ProblemItem

if TYPE_CHECKING:
    import httpx

_CLASSES: dict[str, type[KtrdrError]] = {
    handling_of(kind()).code: kind
    for kind in (
        AttemptSuperseded,
        BackendError,
        BacktestError,
        BundleError,
        ConflictError,
        DatabaseError,
        DataError,
        IncompatibleError,
        InputError,
        JobCancelled,
        NotFoundError,
        ProviderError,
        StorageError,
        TooLargeError,
        TrainingError,
    )
}
_LONGEST_SHOWN = 200


def error_of(response: "httpx.Response") -> KtrdrError:
    """Return the error that ``response``, whose body was read, tells about."""
    try:
        problem = ProblemDocument.model_validate_json(response.content, extra="ignore")
    except ValidationError:
        return BackendError(
            f"{_asked(response)} was answered with {response.status_code} and no "
            f"reason that ktrdr can read: {response.text[:_LONGEST_SHOWN]!r}; is "
            f"{_origin(response)} the address of a ktrdr backend?"
        )
    if problem.code == "strategy_invalid" and problem.problems:
        return StrategyError([_strategy_problem(one) for one in problem.problems])
    if problem.code in ("not_authenticated", "not_allowed"):
        return _access_error(problem, response)
    message = problem.detail
    kind = _CLASSES.get(problem.code)
    if kind is None:
        request = f"request {problem.request_id} in the backend's log"
        return BackendError(f"{_asked(response)} failed: {message} ({request})")
    return kind(message)


def _access_error(problem: ProblemDocument, response: "httpx.Response") -> KtrdrError:
    is_unknown = problem.code == "not_authenticated"
    which = "a token of" if is_unknown else "the token of a role that may do this at"
    advice = (
        f"put {which} {_origin(response)} into KTRDR_API_TOKEN; whoever runs it makes "
        "one with `ktrdr auth create`"
    )
    says_it = "KTRDR_API_TOKEN" in problem.detail
    kind = NotAuthenticatedError if is_unknown else NotAllowedError
    return kind(problem.detail if says_it else f"{problem.detail}: {advice}")


def _strategy_problem(item: ProblemItem) -> Problem:
    return Problem(path=item.path, line=item.line, message=item.message, hint=item.hint)


def _asked(response: "httpx.Response") -> str:
    return f"{response.request.method} {response.request.url}"


def _origin(response: "httpx.Response") -> str:
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
