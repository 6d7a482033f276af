"""``kinfra deploy``: bring a release to a host that runs."""

from typing import Annotated, Literal

import typer

from ktrdr.cli.kinfra.deploy.options import AreaArgument, Context, Folder, WaitS
from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson


def deploy(
    area: AreaArgument,
    tag: Annotated[
        str | None,
        typer.Option(help="Tag of the images; by default what the variables say."),
    ] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME@]sha256:...",
            help="Digest of the image; with its name, once for each of several.",
        ),
    ] = None,
    pull: Annotated[
        Literal["always", "missing"],
        typer.Option(help="Which images to pull; `missing` takes those that are here."),
    ] = "always",
    admin: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Make an admin's token and print it; an empty database needs one.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    folder: Folder = None,
    context: Context = None,
    wait_s: WaitS = 180.0,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Replace a part's services one by one, or leave all as they were.

    Every image is fetched before anything is touched. A database that the release
    brings to a newer schema is saved first. Each service has to run the image that was
    fetched, be healthy, and report the build that the image was made from, before the
    next one is replaced; if one does not, those of before run again.
    """
    from ktrdr.cli.display import Display
    from ktrdr.cli.kinfra.deploy.deploying import NewAdmin, deploy_part, foresee
    from ktrdr.cli.kinfra.deploy.gate import Gate
    from ktrdr.cli.kinfra.deploy.references import Wanted
    from ktrdr.cli.kinfra.deploy.target import Target
    from ktrdr.cli.kinfra.deploy.view import (
        print_outdated,
        print_record,
        print_steps,
        telling_token,
    )
    from ktrdr.cli.output import notes

    wanted = Wanted.parse(tag, digest or ())
    target = Target.find(area, folder=folder, engine=engine, context=context)
    print_outdated({one: target.replacing(one) for one in target.outdated()})
    if dry_run:
        print_steps(foresee(target, wanted, pull), as_json=as_json)
        return
    new = None if admin is None else NewAdmin(name=admin)
    with telling_token(new, as_json=as_json), Display(is_silent=as_json) as display:
        deployed = deploy_part(
            target,
            wanted,
            pull=pull,
            admin=new,
            gate=Gate(project=target.project, limit_s=wait_s),
            tell=display.line,
        )
    token = new.token if new else None
    print_record(deployed.record, as_json=as_json, token=token)
    for one in deployed.missing:
        notes().print(f"Does not run: {one}", markup=False, soft_wrap=True)
