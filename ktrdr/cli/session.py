"""Do the work of a command: in a backend, or in processes of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ktrdr.schemas import WorkStart

StartT = TypeVar("StartT", bound="WorkStart")


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """How a command wants its work done.

    Attributes
    ----------
    url : str or None
        Backend named by ``--url``.
    detach : bool
        Start it, print the operation's id and leave.
    as_json : bool
        Show no progress.
    resume : bool
        Go on from a checkpoint; without a backend only.
    n_jobs : int or None
        Job processes at once for a study; without a backend only.
    """

    url: str | None = None
    detach: bool = False
    as_json: bool = False
    resume: bool = False
    n_jobs: int | None = None


def make_start(form: type[StartT], **fields: object) -> StartT:
    """Return the document that asks for work, or raise InputError."""
    from pydantic import ValidationError

    from ktrdr.errors import InputError

    try:
        return form.model_validate(fields)
    except ValidationError as error:
        found = [
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ")
            for one in error.errors()
        ]
        raise InputError("; ".join(found)) from None


def do_work(start: "WorkStart", options: WorkOptions) -> Mapping[str, Any]:
    """Do what ``start`` asks for and return its result, the same wherever it is done.

    With a backend, an interrupt leaves the operation to go on; without one, it ends
    the work.

    Raises
    ------
    typer.Exit
        When detached, having printed the operation's id.
    KtrdrError
        What went wrong, wherever it did.
    """
    from ktrdr.cli.system import client_of, system_url

    url = system_url(options.url)
    if url is None:
        return _directly(start, options)
    _require_no_local_options(options)
    from ktrdr.cli.remote import do_remotely

    return do_remotely(client_of(url), start, options)


def _directly(start: "WorkStart", options: WorkOptions) -> Mapping[str, Any]:
    from ktrdr.cli.direct import do_directly
    from ktrdr.errors import InputError

    if options.detach:
        raise InputError(
            "--detach needs a backend that goes on with the work: start one with "
            "`ktrdr up`, or name one with --url"
        )
    return do_directly(start, options)


def _require_no_local_options(options: WorkOptions) -> None:
    from ktrdr.errors import InputError

    if options.resume:
        raise InputError(
            "--resume is for trainings without a backend: `ktrdr ops list --state "
            "cancelled` shows operations that `ktrdr ops resume ID` goes on with"
        )
    if options.n_jobs is not None:
        raise InputError(
            "--jobs is for work without a backend: how much a backend does at once is "
            "decided by its workers"
        )
