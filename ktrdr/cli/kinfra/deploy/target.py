"""One part of a project on its host, as the commands deploy it."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.areas import HOMELAB, Area, AreaName, find_area
from ktrdr.cli.kinfra.deploy.compose_project import ComposeProject, load_project
from ktrdr.cli.kinfra.deploy.database import Saved, clear_restoring, run_job
from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.history import History, Kind, Outcome, Record, stamp
from ktrdr.cli.kinfra.deploy.pins import Pin, release_others, running_pin
from ktrdr.cli.kinfra.deploy.plan import Parts, Plan, divide
from ktrdr.cli.kinfra.deploy.project import Project, Service
from ktrdr.cli.kinfra.deploy.rollout import Rollout, StuckError
from ktrdr.cli.kinfra.deploy.schema_change import SchemaChange
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.errors import ConflictError, InputError, message_of


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is deployed to, and where that is noted.

    Attributes
    ----------
    folder : Path
        Of the compose files.
    engine : str
        Name of the engine.
    context : str or None
        Of the host; None is the engine's own.
    """

    area: Area
    folder: Path
    engine: str
    context: str | None
    project: Project
    history: History
    parts: Parts

    @classmethod
    def find(
        cls,
        name: AreaName,
        *,
        folder: Path | None = None,
        engine: str | None = None,
        context: str | None = None,
    ) -> "Target":
        """Return the part ``name`` of the project in ``folder``, else of the homelab.

        Raises
        ------
        KtrdrError
            If its files, or the engine, can't be used.
        """
        contract = load_contract()
        folder = (folder or contract.root / HOMELAB).absolute()
        area, answering = find_area(name, folder), _engine(engine, context)
        compose = load_project(answering, context, area.file)
        history = History.of(compose.project.name, name, context)
        project = ComposeProject(compose=compose, scratch=history.folder)
        names = {image.name for image in contract.images}
        return cls(
            area=area,
            folder=folder,
            engine=answering.name,
            context=context,
            project=project,
            history=history,
            parts=divide(project.services(), names),
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other rollouts out, and clear away what one that was killed has left.

        Raises
        ------
        ConflictError
            If one goes on.
        """
        with self.history.alone():
            clear_restoring(self.history.backups)
            self.project.end_jobs()
            yield

    def running(self, tell: Callable[[str], None] | None = None) -> dict[str, Pin]:
        """Return service of ours to the image that it runs now.

        Where containers of a service differ, as after a rollout that was killed, it is
        the one that was deployed last, and that is told.
        """
        records = self.history.records()
        told = {
            pin.identifier: pin
            for record in records
            for pin in (*record.before.values(), *record.images.values())
        }
        found: dict[str, Pin] = {}
        for service in self.parts.ours:
            containers = self.project.containers(service.name)
            chosen = _deployed_last(service.name, containers, records)
            pin = running_pin(self.project, chosen, told) if chosen else None
            if pin is None:
                continue
            found[service.name] = pin
            if tell is not None and len({one.image for one in containers}) > 1:
                tell(f"{service.name}: its images differ, taken as {pin.shown}")
        return found

    def require_host_of(self, record: Record) -> None:
        """Make sure that the engine is the one that a rollout went to.

        Raises
        ------
        ConflictError
            If it is another.
        """
        now = self.project.host_identity()
        # What follows the identifier is a name, which may change.
        if record.host and record.host.split()[:1] != now.split()[:1]:
            raise ConflictError(
                f"{record.id} went to the engine {record.host}, and "
                f"{self.context or 'the one in use'} is now {now}: lead back there, "
                "by `docker context use`, DOCKER_CONTEXT or DOCKER_HOST, or deploy an "
                "earlier release here by --tag or --digest"
            )

    def tell_leftovers(self, tell: Callable[[str], None]) -> None:
        """Tell which services keep containers though they are to have none."""
        for name in self.project.leftovers():
            tell(
                f"{name}: is to have no container and keeps those of before as they "
                "are; remove them if nobody needs them"
            )

    def fetch_others(
        self, services: Sequence[Service], tell: Callable[[str], None]
    ) -> None:
        """Have the images here that services with images of others run."""
        for image in dict.fromkeys(one.image for one in services):
            if self.project.image(image) is None:
                tell(f"pull {image}")
                self.project.pull(image)

    def start(self, services: Sequence[Service], gate: Gate) -> None:
        """Start services with images of others, unless they run, one after the other.

        Those that only prepare something do so each time: what they made may end, or
        may be asked for with other settings.

        Raises
        ------
        EngineError, GateError
            If one does not run well.
        """
        for service in services:
            is_database = service.name == self.parts.database
            if service.name in self.parts.preparations:
                run_job(self.project, service.name, service.image)
            elif not gate.is_well(service.name, may_end=not is_database):
                self.project.start(service.name)
                gate.await_healthy(service.name)
            elif is_database:
                self._reload(service.name)

    def outdated(self) -> list[str]:
        """Return services with images of others that run as the files said before."""
        others = (*self.parts.below, *self.parts.above)
        return [
            one.name
            for one in others
            if one.name not in self.parts.preparations
            and self.project.containers(one.name)
            and self.project.is_outdated(one.name)
        ]

    def replacing(self, service: str) -> str:
        """Return the command that makes a service's container anew, for people."""
        host = Engine(self.engine).host(self.context)
        chosen = ("compose", "--file", str(self.area.file))
        how = ("up", "--detach", "--no-deps", service)
        return shlex.join([self.engine, *host, *chosen, *how])

    def carry_out(
        self,
        plan: Plan,
        *,
        record: Record,
        change: SchemaChange | None,
        gate: Gate,
        tell: Callable[[str], None],
    ) -> Record:
        """Do a rollout, and note it from its beginning to its end.

        Raises
        ------
        RolledBackError, StuckError
            If it fails.
        """
        noted = _Noted(self.history, record)
        rollout = Rollout(
            self.project,
            plan,
            owner=self.history.owner,
            change=change,
            gate=gate,
            tell=tell,
            note=noted.saved,
        )
        try:
            rollout.run()
        except StuckError as error:
            noted.ended("stuck", error)
            raise
        except BaseException as error:
            # Also interrupted: what ran before runs again.
            noted.ended("rolled_back", error)
            raise
        done = noted.ended("succeeded")
        try:
            release_others(self.project, self.history.owner, plan.all_pins)
        except EngineError as error:
            # It succeeded all the same.
            tell(
                "names of images that nobody needs any more stay until the next "
                f"success: {message_of(error)}"
            )
        return done

    def new_record(self, plan: Plan, kind: Kind) -> Record:
        """Return the record of a rollout that begins now."""
        now = datetime.now(UTC)
        return Record(
            id=stamp(now),
            area=self.area.name,
            kind=kind,
            project=self.project.name,
            engine=self.engine,
            context=self.context,
            host=self.project.host_identity(),
            folder=self.folder,
            began_at=now,
            images=dict(plan.pins),
            before=dict(plan.before),
        )

    def _reload(self, database: str) -> None:
        """Have the database read its certificate, and who may connect, again."""
        for container in self.project.containers(database):
            done = self.project.ask(container.identifier, "pg_ctl", "reload")
            if done.code:
                raise EngineError(
                    f"{database} was asked to read its certificate again and said: "
                    f"{(done.err or done.out).strip()[-500:]}"
                )


def _engine(name: str | None, context: str | None) -> Engine:
    try:
        return Engine.find(name, context)
    except InputError as error:
        if context is None:
            raise
        raise InputError(
            f"{error}; `docker context ls` and `podman system connection list` tell "
            "which hosts there are"
        ) from None


def _deployed_last(
    service: str, containers: Sequence[Container], records: Sequence[Record]
) -> Container | None:
    by_image = {one.image: one for one in reversed(containers)}
    for record in reversed(records):
        pin = record.images.get(service)
        if record.outcome == "succeeded" and pin and pin.identifier in by_image:
            return by_image[pin.identifier]
    return containers[0] if containers else None


class _Noted:
    """A record that is written again with everything that is learnt."""

    def __init__(self, history: History, record: Record) -> None:
        self._history = history
        self._record = record
        history.note(record)

    def saved(self, saved: Saved) -> None:
        """Note the backup, which whoever comes after a power cut needs."""
        self._write(backup=saved.path, last_operation=saved.last)

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> Record:
        """Note how it ended."""
        return self._write(
            outcome=outcome,
            reason=message_of(error) if error else None,
            ended_at=datetime.now(UTC),
        )

    def _write(self, **facts: object) -> Record:
        self._record = self._record.model_copy(update=facts)
        self._history.note(self._record)
        return self._record
