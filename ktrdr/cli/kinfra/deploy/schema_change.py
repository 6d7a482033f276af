"""The step of a rollout that changes the database: a migration, or a way back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.kinfra.deploy.database import (
    DeployedDatabase,
    Saved,
    run_job,
    schema_facts,
)
from ktrdr.cli.kinfra.deploy.pins import kept_name
from ktrdr.cli.kinfra.deploy.plan import Plan
from ktrdr.cli.kinfra.deploy.project import Project
from ktrdr.errors import InputError, NotFoundError


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """What is done to the database before services are replaced.

    Attributes
    ----------
    what : str
        In words.
    stops : bool
        Whether nothing of ours may run meanwhile.
    backup_path : Path or None
        Where the database is saved first; None for an empty one.
    database : DeployedDatabase or None
        None if it is not the project's own, and empty.
    """

    what: str
    stops: bool
    backup_path: Path | None
    database: DeployedDatabase | None
    apply: Callable[[], None]


def migration(
    project: Project,
    plan: Plan,
    owner: str,
    backup_path: Path,
    make_admin: Callable[[str, str], None] | None = None,
) -> SchemaChange | None:
    """Return what the new release does to the database; None if nothing.

    Parameters
    ----------
    owner : str
        Whose local names the images have.
    make_admin : callable or None
        Makes a token once the tables are there, by a service and an image.

    Raises
    ------
    IncompatibleError
        If the database is newer than the release.
    InputError
        If the database can't be saved first, or is empty and would have no admin.
    """
    jobs = plan.parts.jobs
    asked = (jobs or plan.parts.ours)[0].name
    facts = schema_facts(project, asked, kept_name(owner, plan.pins[asked]))
    if facts.schema is None and make_admin is None:
        raise InputError(
            "the database is empty, and a backend that nobody has a token for does not "
            "start: name its first admin by --admin NAME"
        )
    if not facts.pending and not jobs and make_admin is None:
        return None
    database = _own_database(project, plan)
    is_saved = bool(facts.pending) and facts.schema is not None
    if is_saved and database is None:
        raise InputError(
            f"the release brings {', '.join(facts.pending)}, and {project.place} has "
            "no service `database` that could be saved first: back it up, run `ktrdr "
            "db upgrade` of the new release on it, and deploy again"
        )

    def apply() -> None:
        for job in jobs:
            run_job(project, job.name, kept_name(owner, plan.pins[job.name]))
        if not jobs:
            image = kept_name(owner, plan.pins[asked])
            run_job(project, asked, image, "ktrdr", "db", "upgrade")
        if is_saved and database is not None:
            database.end_connections()
        if make_admin is not None:
            service = plan.parts.ours[0].name
            make_admin(service, kept_name(owner, plan.pins[service]))

    names = ", ".join(job.name for job in jobs) or "migration"
    return SchemaChange(
        what=f"{names}: schema {facts.schema or 'none'}, {len(facts.pending)} steps",
        stops=bool(facts.pending),
        backup_path=backup_path if is_saved else None,
        database=database,
        apply=apply,
    )


def way_back(
    project: Project, plan: Plan, saved: Saved, backup_path: Path, *, loses: bool
) -> SchemaChange:
    """Return the change to what a backup holds.

    Parameters
    ----------
    loses : bool
        Whether operations that were made since may be lost.

    Raises
    ------
    NotFoundError
        If the project has no database any more.
    ConflictError
        If operations would be lost that may not be; also when it is applied, as some
        may be made until the backend has stopped.
    """
    database = _own_database(project, plan)
    if database is None:
        raise NotFoundError(
            f"{project.place} has no service `database`, into which {saved.path} "
            "could be restored"
        )
    if not loses:
        database.refuse_to_lose(saved)
    return SchemaChange(
        what=f"restore of {saved.path}",
        stops=True,
        backup_path=backup_path,
        database=database,
        apply=lambda: database.restore(saved, loses=loses),
    )


def _own_database(project: Project, plan: Plan) -> DeployedDatabase | None:
    name = plan.parts.database
    return None if name is None else DeployedDatabase(project, name)
