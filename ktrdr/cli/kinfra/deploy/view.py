"""How rollouts are shown."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ktrdr.cli.output import console, notes, print_json

if TYPE_CHECKING:
    from ktrdr.cli.kinfra.deploy.deploying import NewAdmin, Step
    from ktrdr.cli.kinfra.deploy.history import Record


def print_steps(steps: "Sequence[Step]", *, as_json: bool) -> None:
    """Print what a deployment would do."""
    if as_json:
        rows = [
            {
                "service": one.service,
                "now": one.now.model_dump(mode="json") if one.now else None,
                "then": one.then,
                "is_pulled": one.is_pulled,
            }
            for one in steps
        ]
        print_json({"steps": rows})
        return
    for number, one in enumerate(steps, 1):
        now = one.now.shown if one.now else "does not run"
        console().print(
            f"{number}. {one.service}: {now} -> {one.then}",
            markup=False,
            soft_wrap=True,
        )

    pulled = dict.fromkeys(one.then for one in steps if one.is_pulled)
    if pulled:
        notes().print(
            f"Not checked: whether the registry has {', '.join(pulled)}.",
            markup=False,
            soft_wrap=True,
        )


def print_outdated(commands: "Mapping[str, str]") -> None:
    """Print which services the files want otherwise than they run, and what does it."""
    for name, command in commands.items():
        notes().print(
            f"{name} runs with settings of before, and a deployment does not replace "
            f"it: `{command}` does.",
            markup=False,
            soft_wrap=True,
        )


@contextmanager
def telling_token(admin: "NewAdmin | None", *, as_json: bool) -> Iterator[None]:
    """Print the token that was made if what came after it fails."""
    try:
        yield
    except BaseException:
        # A reader who is gone is no reason to hide what failed.
        with suppress(OSError, SystemExit):
            if admin is not None and admin.token is not None:
                # Standard output is then for the document that tells the error.
                out = notes() if as_json else console()
                out.print(admin.token, markup=False, soft_wrap=True)
                notes().print(
                    f"This is the only time that the token of {admin.name} is shown. "
                    "It stays good: deploy again without --admin.",
                    markup=False,
                    soft_wrap=True,
                )
        raise


def print_record(record: "Record", *, as_json: bool, token: str | None = None) -> None:
    """Print what a rollout did, and a token that it made."""
    if as_json:
        made = {} if token is None else {"token": token}
        print_json({**record.model_dump(mode="json"), **made})
        return
    if token is not None:
        console().print(token, markup=False, soft_wrap=True)
        notes().print("This is the only time that the token is shown.", markup=False)
    for service, pin in record.images.items():
        console().print(f"{service}: {pin.shown}", markup=False, soft_wrap=True)
    if record.backup is not None:
        notes().print(
            f"The database of before is in {record.backup}.",
            markup=False,
            soft_wrap=True,
        )


def print_history(records: "Sequence[Record]", *, as_json: bool) -> None:
    """Print rollouts, one a line."""
    if as_json:
        print_json({"items": [one.model_dump(mode="json") for one in records]})
        return
    if not records:
        notes().print("Nothing has been deployed from this machine.", markup=False)
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for heading in ("began", "part", "what", "host", "images", "outcome"):
        table.add_column(heading)
    for one in records:
        images = "\n".join(sorted({pin.shown for pin in one.images.values()}))
        began = one.began_at.strftime("%Y-%m-%d %H:%M:%SZ")
        where = one.context or one.engine
        table.add_row(began, one.area, one.kind, where, images, one.outcome)
    console().print(table)
