"""What commands on environments do and print alike."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from ktrdr.cli.kinfra.compose import Container
    from ktrdr.cli.kinfra.environments.environment import Environment

_NOT_WELL_EXIT_CODE = 1
# Of a container, in JSON: not its environment.
_TOLD = (
    *("identifier", "name", "service", "state", "health"),
    *("exit_code", "restarts", "image"),
)


def start_and_tell(
    environment: "Environment",
    *,
    as_json: bool,
    settle: "Callable[[], None]" = lambda: None,
) -> None:
    """Start an environment and print where it is.

    ``settle`` is called right before the first container is made.
    """
    from ktrdr.cli.display import Display
    from ktrdr.cli.kinfra.environments.starting import start
    from ktrdr.cli.output import console, print_json

    with Display(is_silent=as_json) as display:
        url = start(environment, progress=display, settle=settle)
    if as_json:
        print_json({"name": environment.name, "url": url})
        return
    out = console()
    out.print(f"{environment.name} runs at {url}", markup=False)
    token = environment.secrets / "api-token"
    for line in (f"KTRDR_API_URL={url}", f'KTRDR_API_TOKEN="$(cat {token})"'):
        out.print(f"  export {line}", markup=False, soft_wrap=True)
    out.print(f"  {environment.call('down')}", markup=False)


def tell_status(environment: "Environment", *, as_json: bool) -> None:
    """Print an environment's containers; ends with 1 unless all are well."""
    from ktrdr.cli.output import console, notes, print_json

    containers = environment.compose.containers()
    url = environment.url()
    if as_json:
        rows = [{name: getattr(one, name) for name in _TOLD} for one in containers]
        print_json({"name": environment.name, "url": url, "containers": rows})
    elif containers:
        console().print(f"{environment.name}: {url or 'no backend'}", markup=False)
        console().print(_table(containers))
    else:
        words = f"{environment.name} does not run: `{environment.call('up')}` starts it"
        notes().print(words, markup=False)
    if not containers or not all(one.is_done for one in containers):
        raise typer.Exit(_NOT_WELL_EXIT_CODE)


def show_logs(
    environment: "Environment", service: str | None, *, follow: bool, tail: int
) -> None:
    """Print what an environment's services wrote."""
    options = [f"--tail={tail}", *(["--follow"] if follow else [])]
    services = [service] if service else []
    code = environment.compose.pass_on("logs", *options, *services)
    if code:
        raise typer.Exit(code)


def _table(containers: "list[Container]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("service", "state", "health", "restarts", "image"):
        table.add_column(column, no_wrap=True)
    for one in containers:
        state = one.state if one.state != "exited" else f"exited {one.exit_code}"
        image = one.image.removeprefix("sha256:")[:12]
        table.add_row(one.service, state, one.health or "", str(one.restarts), image)
    return table
