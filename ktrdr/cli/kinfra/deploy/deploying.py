"""What a deployment and a rollback do, from the images to the note in the history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ktrdr.cli.kinfra.deploy.access import new_admin
from ktrdr.cli.kinfra.deploy.database import Saved
from ktrdr.cli.kinfra.deploy.gate import Gate, GateError
from ktrdr.cli.kinfra.deploy.history import Record
from ktrdr.cli.kinfra.deploy.pins import Pin, keep_all
from ktrdr.cli.kinfra.deploy.plan import (
    Plan,
    PullPolicy,
    fetch,
    need_secrets,
    to_pull,
    wanted_references,
)
from ktrdr.cli.kinfra.deploy.project import Project
from ktrdr.cli.kinfra.deploy.references import Wanted
from ktrdr.cli.kinfra.deploy.schema_change import SchemaChange, migration, way_back
from ktrdr.cli.kinfra.deploy.target import Target
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.errors import ConflictError, InputError, NotFoundError


@dataclass(frozen=True, kw_only=True)
class Step:
    """What would become of one service.

    Attributes
    ----------
    now : Pin or None
        Image that it runs; None if it has no container.
    then : str
        Image that it would get.
    is_pulled : bool
        Whether that would be pulled; nobody has asked if the registry has it.
    """

    service: str
    now: Pin | None
    then: str
    is_pulled: bool


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A deployment that succeeded.

    Attributes
    ----------
    missing : tuple of str
        Services with images of others that ours don't need and that don't run, and why.
    """

    record: Record
    missing: tuple[str, ...]


@dataclass(kw_only=True)
class NewAdmin:
    """An admin that a rollout makes, with a token that is told once and noted nowhere.

    Attributes
    ----------
    token : str or None
        None until it is made. It stays good whatever becomes of the rollout.
    """

    name: str
    token: str | None = None

    def make(self, project: Project, service: str, image: str) -> None:
        """Make the token, by the programs of an image."""
        self.token = new_admin(project, service, image, self.name)


def foresee(target: Target, wanted: Wanted, pull: PullPolicy) -> list[Step]:
    """Return what a deployment would do, in its order; nothing is changed or pulled.

    Raises
    ------
    KtrdrError
        If it could not begin, as far as that is seen from here.
    """
    references, running = wanted_references(target.parts, wanted), target.running()
    need_secrets(target.project, target.parts)
    pulled = to_pull(target.project, references, pull)
    return [
        Step(
            service=one.name,
            now=running.get(one.name),
            then=references[one.name],
            is_pulled=references[one.name] in pulled,
        )
        for one in target.parts.all_ours
    ]


def deploy_part(
    target: Target,
    wanted: Wanted,
    *,
    pull: PullPolicy,
    admin: NewAdmin | None,
    gate: Gate,
    tell: Callable[[str], None],
) -> Deployed:
    """Deploy images to a part, and note it.

    Parameters
    ----------
    admin : NewAdmin or None
        Gets its token as soon as that is made, whatever fails afterwards.

    Raises
    ------
    KtrdrError
        If it can't begin, and then nothing was touched, or if it failed, and then
        what ran before runs again.
    """
    references = wanted_references(target.parts, wanted)
    if admin is not None and not target.area.has_database:
        raise InputError(f"tokens are made with the core, not with {target.area.name}")
    need_secrets(target.project, target.parts)
    with target.alone():
        target.tell_leftovers(tell)
        pins = fetch(target.project, references, pull)
        target.fetch_others(target.parts.below, tell)
        plan = Plan(parts=target.parts, pins=pins, before=target.running(tell))
        keep_all(target.project, target.history.owner, plan.all_pins)
        target.start(target.parts.below, gate)
        record = target.new_record(plan, "deploy")
        change = None
        if target.area.has_database:
            backup_path = target.history.backup_path(record.began_at)
            change = migration(
                target.project,
                plan,
                target.history.owner,
                backup_path,
                partial(admin.make, target.project) if admin else None,
            )
        done = target.carry_out(
            plan, record=record, change=change, gate=gate, tell=tell
        )
        return Deployed(record=done, missing=_start_watchers(target, gate, tell))


def _start_watchers(
    target: Target, gate: Gate, tell: Callable[[str], None]
) -> tuple[str, ...]:
    """Start what ours don't need, which is no reason to go back; tell what did not."""
    missing = []
    for service in target.parts.above:
        try:
            target.fetch_others([service], tell)
            target.start([service], gate)
        except (EngineError, GateError) as error:
            missing.append(f"{service.name}: {error}")
    return tuple(missing)


def undoable(records: Sequence[Record], area: str | None = None) -> Record:
    """Return the newest rollout, of ``area`` if named, that left something to undo.

    One that was killed, or stuck, comes before those that succeeded earlier.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    for record in reversed(records):
        if record.outcome != "rolled_back" and area in (None, record.area):
            return record
    raise NotFoundError(
        f"no deployment{f' of {area}' if area else ''} was made from this machine, so "
        "there is nothing to go back from; see `kinfra history`"
    )


def roll_back(
    target: Target,
    undone: Record,
    *,
    restores: bool,
    gate: Gate,
    tell: Callable[[str], None],
) -> Record:
    """Bring back what ran before a rollout, and note it.

    Parameters
    ----------
    restores : bool
        Whether the database may go back to its backup though operations were made
        since, which are lost then.

    Raises
    ------
    ConflictError
        If operations would be lost, or nothing ran before.
    KtrdrError
        If it can't begin or fails.
    """
    with target.alone():
        missing = [s.name for s in target.parts.ours if s.name not in undone.before]
        if missing:
            raise ConflictError(
                f"before {undone.id}, {', '.join(missing)} did not run: there is "
                "nothing to go back to; deploy an earlier release by --tag or --digest"
            )
        _have_images(target, undone)
        pins = {s.name: undone.before[s.name] for s in target.parts.ours}
        plan = Plan(parts=target.parts, pins=pins, before=target.running(tell))
        keep_all(target.project, target.history.owner, plan.all_pins)
        record = target.new_record(plan, "rollback")
        change = _restoration(target, plan, undone, record, restores=restores)
        return target.carry_out(
            plan, record=record, change=change, gate=gate, tell=tell
        )


def _have_images(target: Target, undone: Record) -> None:
    """Pull by digest what was pruned, and make sure that it is what ran."""
    for pin in set(undone.before.values()):
        if target.project.image(pin.identifier) is not None:
            continue
        if pin.digest is None:
            raise NotFoundError(
                f"the image {pin.shown} is gone and was built here: build that "
                "commit again and deploy it by --tag"
            )
        target.project.pull(pin.digest)
        facts = target.project.image(pin.digest)
        if facts is None or facts.identifier != pin.identifier:
            raise ConflictError(f"{pin.digest} is not {pin.identifier} any more")


def _restoration(
    target: Target, plan: Plan, undone: Record, record: Record, *, restores: bool
) -> SchemaChange | None:
    if undone.backup is None:
        return None
    saved = Saved(path=undone.backup, last=undone.last_operation)
    backup_path = target.history.backup_path(record.began_at)
    return way_back(target.project, plan, saved, backup_path, loses=restores)
