"""The commands ``kinfra sandbox``."""

from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.kinfra.environments.options import (
    BackendImage,
    Follow,
    SandboxName,
    Service,
    Tail,
    WorkerImage,
)
from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ktrdr.cli.kinfra.compose import Compose
    from ktrdr.cli.kinfra.environments.environment import Environment
    from ktrdr.cli.kinfra.environments.registry import Entry
    from ktrdr.cli.kinfra.images.engine import Engine

app = typer.Typer(
    help="Isolated environments side by side, each of a git worktree.",
    no_args_is_help=True,
)


@app.command()
def create(
    name: SandboxName,
    branch: Annotated[
        str | None, typer.Option(help="Of its worktree; by default sandbox/NAME.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help="Where a branch that is new begins.")
    ] = "HEAD",
    slot: Annotated[
        int | None,
        typer.Option(
            min=0, max=10, help="Of ports, 0 the standard ones; by default a free one."
        ),
    ] = None,
    backend_image: BackendImage = None,
    worker_image: WorkerImage = None,
    as_json: AsJson = False,
) -> None:
    """Make a worktree, take a slot; ktrdr runs its source, or images if given."""
    from dataclasses import asdict

    from ktrdr.cli.kinfra.environments.template import ports_of
    from ktrdr.cli.kinfra.sandboxes.sandbox import create
    from ktrdr.cli.output import console, print_json

    given = {
        "KTRDR_BACKEND_IMAGE": backend_image,
        "KTRDR_WORKER_IMAGE": worker_image or backend_image,
    }
    images = {variable: one for variable, one in given.items() if one is not None}
    entry = create(name, branch=branch, start=start, slot=slot, images=images)
    if as_json:
        print_json({**asdict(entry), "source": str(entry.source)})
        return
    port = ports_of(entry.slot)["KTRDR_API_PORT"]
    told = f"{name}: slot {entry.slot}, port {port}, branch {entry.branch}"
    console().print(told, markup=False)
    console().print(f"  {entry.source}", markup=False, soft_wrap=True)
    console().print(f"  kinfra sandbox up {name}", markup=False)


@app.command()
def up(name: SandboxName, engine: EngineName = None, as_json: AsJson = False) -> None:
    """Start it, and wait until all of it is well."""
    from ktrdr.cli.kinfra.environments.registry import at_work, keep_engine
    from ktrdr.cli.kinfra.environments.view import start_and_tell
    from ktrdr.cli.kinfra.sandboxes.sandbox import find_sandbox

    entry = find_sandbox(name)
    with at_work(entry):
        environment = _environment(name, engine)
        start_and_tell(
            environment,
            as_json=as_json,
            settle=lambda: keep_engine(entry, environment.compose.engine),
        )


@app.command()
def down(name: SandboxName, engine: EngineName = None) -> None:
    """Stop it; its data and its worktree stay."""
    from ktrdr.cli.kinfra.environments.registry import at_work
    from ktrdr.cli.kinfra.sandboxes.sandbox import find_sandbox

    with at_work(find_sandbox(name)):
        _environment(name, engine).compose.down()


@app.command("list")
def list_sandboxes(engine: EngineName = None, as_json: AsJson = False) -> None:
    """List all sandboxes, and what of them runs."""
    from ktrdr.cli.kinfra.environments.template import ports_of
    from ktrdr.cli.kinfra.sandboxes.sandbox import sandboxes
    from ktrdr.cli.output import console, notes, print_json

    found = sandboxes()
    states = _states(found, engine)
    rows = [
        {
            "name": one.name,
            "slot": one.slot,
            "port": ports_of(one.slot)["KTRDR_API_PORT"],
            "branch": one.branch,
            "source": str(one.source),
            "running": states[one.name][0],
            "trouble": states[one.name][1],
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        notes().print("There is no sandbox: `kinfra sandbox create NAME` makes one.")
    for row in rows:
        what = row["trouble"] or f"{row['running']} running"
        words = "slot {slot}  port {port}  {what}  {branch}".format(what=what, **row)
        console().print(f"{row['name']:<20} {words}", markup=False, soft_wrap=True)


@app.command()
def status(
    name: SandboxName, engine: EngineName = None, as_json: AsJson = False
) -> None:
    """Show its containers; ends with 1 unless all are well."""
    from ktrdr.cli.kinfra.environments.view import tell_status

    tell_status(_environment(name, engine), as_json=as_json)


@app.command()
def logs(
    name: SandboxName,
    service: Service = None,
    follow: Follow = False,
    tail: Tail = 100,
    engine: EngineName = None,
) -> None:
    """Show what its services wrote."""
    from ktrdr.cli.kinfra.environments.view import show_logs

    show_logs(_environment(name, engine), service, follow=follow, tail=tail)


# What follows the name is the command's, options too, as `docker exec` has it.
@app.command(context_settings={"allow_interspersed_args": False})
def shell(
    name: SandboxName,
    command: Annotated[
        list[str] | None, typer.Argument(help="What to run; by default bash.")
    ] = None,
    service: Annotated[str, typer.Option(help="In whose container.")] = "backend",
    engine: EngineName = None,
) -> None:
    """Run a shell, or another command, in one of its containers."""
    import sys

    from ktrdr.errors import NotFoundError

    found = _environment(name, engine)
    containers = found.compose.containers(service)
    if not any(one.state == "running" for one in containers):
        raise NotFoundError(
            f"{service} of {found.name} does not run: `{found.call('up')}` starts it"
        )
    terminal = [] if sys.stdin.isatty() else ["-T"]
    compose, given = (
        _with_backend(found) if service == "backend" else (found.compose, [])
    )
    call = (*terminal, *given, service, *(command or ["bash"]))
    code = compose.pass_on("exec", *call)
    if code:
        raise typer.Exit(code)


@app.command()
def destroy(
    name: SandboxName,
    force: Annotated[
        bool,
        typer.Option("--force", help="Lose work in no commit, commits on no branch."),
    ] = False,
    engine: EngineName = None,
) -> None:
    """Remove all of it; refuses where work is in no commit or on no branch."""
    from ktrdr.cli.kinfra.environments.registry import at_work, engine_of
    from ktrdr.cli.kinfra.sandboxes.sandbox import destroy, find_sandbox
    from ktrdr.cli.output import console

    with at_work(find_sandbox(name)):
        # Read anew, as the first start may have ended only now.
        entry = find_sandbox(name)
        is_gone = destroy(entry, engine_of(entry, engine), force=force)
    kept = "" if is_gone else f"; the branch {entry.branch} stays, it has commits"
    console().print(f"{name} is gone{kept}.", markup=False)


def _with_backend(found: "Environment") -> tuple["Compose", list[str]]:
    """Return its project, and options that `ktrdr` in the backend's container needs.

    The token is given by its name alone: everybody may read a command's arguments.
    """
    from dataclasses import replace

    from ktrdr.cli.kinfra.environments.secret_files import kept_token

    token = kept_token(found.secrets)
    if token is None:
        return found.compose, []
    project = found.compose.project
    given = {**project.given, "KTRDR_API_TOKEN": token}
    options = ["-e", "KTRDR_API_URL=http://127.0.0.1:8000", "-e", "KTRDR_API_TOKEN"]
    return replace(found.compose, project=replace(project, given=given)), options


def _environment(name: str, engine: str | None) -> "Environment":
    from ktrdr.cli.kinfra.environments.registry import engine_of
    from ktrdr.cli.kinfra.sandboxes.sandbox import environment_of, find_sandbox

    entry = find_sandbox(name)
    return environment_of(entry, engine_of(entry, engine))


def _states(
    sandboxes: "Sequence[Entry]", engine: str | None
) -> dict[str, tuple[int | None, str | None]]:
    """Return how many containers of each run, or why nobody knows."""
    from ktrdr.cli.kinfra.sandboxes.sandbox import environment_of

    states: dict[str, tuple[int | None, str | None]] = {}
    # One that hangs is waited for once, not for each sandbox.
    engines: dict[str | None, Engine | None] = {}
    for one in sandboxes:
        if one.is_broken:
            states[one.name] = None, "its folder is gone"
            continue
        if one.engine not in engines:
            engines[one.engine] = _answering(one, engine)
        its = engines[one.engine]
        if its is None:
            states[one.name] = None, f"{one.engine or 'its engine'} does not answer"
            continue
        found = environment_of(one, its).compose.containers()
        states[one.name] = sum(each.state == "running" for each in found), None
    return states


def _answering(entry: "Entry", engine: str | None) -> "Engine | None":
    """Return a sandbox's engine; None if it does not answer."""
    from ktrdr.cli.kinfra.environments.registry import engine_of
    from ktrdr.errors import InputError

    # What is named is for those that have none yet.
    wanted = None if entry.engine else engine
    try:
        return engine_of(entry, wanted)
    except InputError:
        # Who names one wants to hear of it.
        if wanted is not None:
            raise
        return None
