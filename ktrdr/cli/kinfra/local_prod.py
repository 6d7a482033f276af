"""``kinfra local-prod``: the one environment that lives long on this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.kinfra.environments.options import (
    BackendImage,
    Follow,
    Service,
    Tail,
    WorkerImage,
)
from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ktrdr.cli.kinfra.compose import Compose
    from ktrdr.cli.kinfra.environments.environment import Environment
    from ktrdr.cli.kinfra.environments.registry import Entry

_NAME = "local-prod"
_SLOT = 0
# What a new one runs.
_IMAGES = {
    "KTRDR_BACKEND_IMAGE": "ktrdr-backend:prod",
    "KTRDR_WORKER_IMAGE": "ktrdr-worker-cpu:prod",
}

app = typer.Typer(
    help="The one environment that lives long on this machine.", no_args_is_help=True
)


@app.command()
def init(
    backend_image: BackendImage = None,
    worker_image: WorkerImage = None,
) -> None:
    """Make it, on the standard ports; or change images, keeping all else and data.

    New, it runs ktrdr-backend:prod and ktrdr-worker-cpu:prod unless others are named.
    """
    from ktrdr.cli.kinfra.environments.registry import at_work, entries, reserve
    from ktrdr.cli.kinfra.images.references import expect_reference
    from ktrdr.cli.output import console

    given = zip(_IMAGES, (backend_image, worker_image), strict=True)
    images = {name: expect_reference(one) for name, one in given if one is not None}
    found = next((one for one in entries() if one.name == _NAME), None)
    entry = found or reserve(_NAME, _SLOT, repository=None, branch=None)
    with at_work(entry):
        # Read anew, as it may have been destroyed only now.
        _set_images(_entry(), images)
    console().print(f"{entry.folder}", markup=False, soft_wrap=True)
    console().print("  kinfra local-prod up", markup=False)


def _set_images(entry: "Entry", images: "Mapping[str, str]") -> None:
    from ktrdr.cli.kinfra.environments.template import write_variables

    if entry.is_broken:
        entry.folder.mkdir(parents=True, exist_ok=True)
        write_variables(entry.folder, _SLOT, {"KTRDR_SOURCE": "", **_IMAGES, **images})
    else:
        _change_images(entry.folder, images)


def _change_images(folder: "Path", images: "Mapping[str, str]") -> None:
    """Change images where they are others, and tell all of them."""
    from ktrdr.cli.kinfra.compose import read_variables
    from ktrdr.cli.kinfra.environments.template import VARIABLES, change_variables
    from ktrdr.cli.output import console

    before = read_variables(folder / VARIABLES)
    change_variables(folder, images)
    for name in _IMAGES:
        old = before.get(name, "none")
        new = images.get(name, old)
        told = f"{old} stays" if new == old else f"{old} -> {new}"
        console().print(f"{name}: {told}", markup=False, soft_wrap=True)


@app.command()
def up(engine: EngineName = None, as_json: AsJson = False) -> None:
    """Start it, and wait until all of it is well."""
    from ktrdr.cli.kinfra.environments.registry import at_work, keep_engine
    from ktrdr.cli.kinfra.environments.view import start_and_tell

    entry = _entry()
    with at_work(entry):
        environment = _environment(engine)
        start_and_tell(
            environment,
            as_json=as_json,
            settle=lambda: keep_engine(entry, environment.compose.engine),
        )


@app.command()
def down(engine: EngineName = None) -> None:
    """Stop it; its data stays."""
    from ktrdr.cli.kinfra.environments.registry import at_work

    with at_work(_entry()):
        _environment(engine).compose.down()


@app.command()
def status(engine: EngineName = None, as_json: AsJson = False) -> None:
    """Show its containers; ends with 1 unless all are well."""
    from ktrdr.cli.kinfra.environments.view import tell_status

    tell_status(_environment(engine), as_json=as_json)


@app.command()
def logs(
    service: Service = None,
    follow: Follow = False,
    tail: Tail = 100,
    engine: EngineName = None,
) -> None:
    """Show what its services wrote."""
    from ktrdr.cli.kinfra.environments.view import show_logs

    show_logs(_environment(engine), service, follow=follow, tail=tail)


@app.command()
def destroy(
    force: Annotated[bool, typer.Option("--force", help="Lose all its data.")] = False,
    engine: EngineName = None,
) -> None:
    """Remove all of it, with its data; refuses unless forced."""
    import shutil

    from ktrdr.cli.kinfra.environments.registry import at_work, release
    from ktrdr.cli.output import console
    from ktrdr.errors import ConflictError

    entry = _entry()
    if not force:
        raise ConflictError(
            f"{_NAME} would go with its data, all models and results: save what you "
            "need, and give --force to lose the rest"
        )
    with at_work(entry):
        _remains(engine).down(with_data=True)
        shutil.rmtree(entry.folder, ignore_errors=True)
        release(entry.name)
    console().print(f"{_NAME} is gone.", markup=False)


def _remains(engine: str | None) -> "Compose":
    """Return its project, also where its folder was deleted by hand."""
    from ktrdr.cli.kinfra.environments.registry import engine_of, project_of
    from ktrdr.cli.kinfra.environments.template import without_folder

    entry = _entry()
    if not entry.is_broken:
        return _environment(engine).compose
    return without_folder(engine_of(entry, engine), project_of(_NAME))


def _environment(engine: str | None) -> "Environment":
    from ktrdr.cli.kinfra.environments.registry import (
        engine_of,
        need_folder,
        project_of,
    )
    from ktrdr.cli.kinfra.environments.template import templated

    found = _entry()
    need_folder(found)
    its, command = engine_of(found, engine), "kinfra local-prod ..."
    return templated(its, found.folder, project_of(_NAME), command)


def _entry() -> "Entry":
    from ktrdr.cli.kinfra.environments.registry import entries
    from ktrdr.errors import NotFoundError

    found = next((one for one in entries() if one.name == _NAME), None)
    if found is None:
        raise NotFoundError("there is no local-prod yet: run `kinfra local-prod init`")
    return found
