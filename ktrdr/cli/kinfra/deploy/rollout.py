"""A rollout: services replaced one by one, and all put back if one fails."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ktrdr.cli.kinfra.deploy.database import Saved
from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.pins import Pin, kept_name
from ktrdr.cli.kinfra.deploy.plan import Plan
from ktrdr.cli.kinfra.deploy.project import Project
from ktrdr.cli.kinfra.deploy.schema_change import SchemaChange
from ktrdr.cli.kinfra.deploy.undisturbed import undisturbed
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.errors import (
    DatabaseError,
    KtrdrError,
    RunError,
    message_of,
)

# Of the gate, between tries to put back; a link is often there again after a minute.
_PAUSES = (1, 4, 15, 40)


class RolledBackError(RunError):
    """A rollout failed, and what ran before runs again."""


class StuckError(RunError):
    """A rollout failed, and so did the way back; somebody has to look."""


class Rollout:
    """One rollout of one project.

    Parameters
    ----------
    project : Project
    plan : Plan
    owner : str
        Whose local names the images have.
    change : SchemaChange or None
        What is done to the database first.
    gate : Gate
    tell : callable
        Gets a line at each step.
    note : callable
        Gets the backup as soon as it is made.
    """

    def __init__(
        self,
        project: Project,
        plan: Plan,
        *,
        owner: str,
        change: SchemaChange | None,
        gate: Gate,
        tell: Callable[[str], None],
        note: Callable[[Saved], None],
    ) -> None:
        self._project = project
        self._plan = plan
        self._owner = owner
        self._change = change
        self._gate = gate
        self._tell = tell
        self._note = note
        self._saved: Saved | None = None
        self._touched: list[str] = []
        # How often containers that may stay had been started again before.
        self._restarts: dict[str, int] = {}

    def run(self) -> None:
        """Replace every service of ours, in order, each once the one before is well.

        Raises
        ------
        RolledBackError
            If one does not pass the gate; what ran before runs again then.
        StuckError
            If not even that is so.
        """
        try:
            self._change_database()
            for service in self._plan.parts.ours:
                self._replace(service.name, self._plan.pins[service.name])
            self._look_again()
        # Whatever it was: nobody else puts back what ran.
        except BaseException as error:
            with undisturbed(lambda: self._say("the way back goes on to its end")):
                self._say(f"failed: {message_of(error)}")
                self._go_back(error)
            if not isinstance(error, KtrdrError | OSError):
                raise
            raise RolledBackError(
                f"the rollout on {self._project.place} failed: {message_of(error)}\n"
                f"{self._outcome()}"
            ) from error

    def _say(self, line: str) -> None:
        # Nobody may be left to read it. A pipe that broke makes a console leave.
        with suppress(OSError, SystemExit):
            self._tell(line)

    def _change_database(self) -> None:
        change = self._change
        if change is None:
            return
        if change.stops:
            self._stop_all()
        if change.backup_path is not None and change.database is not None:
            self._tell(f"back up the database to {change.backup_path}")
            self._saved = change.database.back_up(change.backup_path)
            self._note(self._saved)
        self._tell(change.what)
        change.apply()

    def _stop_all(self) -> None:
        """Stop what writes to the database; its operations wait in it."""
        for service in reversed(self._plan.parts.ours):
            if service.name in self._plan.before:
                self._tell(f"stop {service.name}")
                self._touched.append(service.name)
                self._project.stop(service.name)

    def _replace(self, service: str, pin: Pin) -> None:
        self._tell(f"{service}: {pin.shown}")
        if service not in self._touched:
            self._touched.append(service)
        self._bring_up(service, pin)

    def _bring_up(self, service: str, pin: Pin) -> None:
        for one in self._project.containers(service):
            self._restarts[one.identifier] = one.restarts
        self._project.up(service, kept_name(self._owner, pin))
        self._gate.await_service(service, pin, self._restarts)

    def _look_again(self) -> None:
        """Make sure that who came first has not fallen since."""
        for service in self._plan.parts.ours:
            pin = self._plan.pins[service.name]
            self._gate.await_service(service.name, pin, self._restarts)

    def _go_back(self, error: BaseException) -> None:
        try:
            # Else a migration that was cut off would go on beside its own undoing.
            self._insist(self._project.end_jobs)
            self._insist(self._restore_database)
        # Whatever it was: what runs now is not what ran before.
        except BaseException as second:
            raise self._stuck(error, [message_of(second)]) from second
        touched = [s.name for s in self._plan.parts.ours if s.name in self._touched]
        failures = [told for one in touched if (told := self._failure_to_put_back(one))]
        if failures:
            raise self._stuck(error, failures) from error

    def _failure_to_put_back(self, service: str) -> str | None:
        try:
            self._insist(lambda: self._put_back(service))
        # The others go back all the same.
        except BaseException as error:
            return f"{service}: {message_of(error)}"
        return None

    def _insist(self, step: Callable[[], None]) -> None:
        """Do a step; a moment without network is no reason to leave it undone."""
        for pauses in _PAUSES:
            try:
                step()
            except (EngineError, DatabaseError, OSError) as error:
                pause_s = pauses * self._gate.pause_s
                self._say(f"once more in {pause_s:g} s: {message_of(error)}")
                time.sleep(pause_s)
            else:
                return
        step()

    def _stuck(self, error: BaseException, failures: Sequence[str]) -> StuckError:
        told = "\n".join(failures)
        return StuckError(
            f"the rollout on {self._project.place} failed: {message_of(error)}\n"
            f"And the way back failed: {told}\n{self._advice()}"
        )

    def _restore_database(self) -> None:
        change, saved = self._change, self._saved
        if change is None or change.database is None or saved is None:
            return
        # Locks of a migration that was cut off would keep the answer back.
        change.database.end_connections()
        change.database.refuse_to_lose(saved)
        for service in reversed(self._plan.parts.ours):
            if service.name in self._touched:
                self._project.stop(service.name)
        self._say(f"restore the database from {saved.path}")
        change.database.restore(saved)

    def _put_back(self, service: str) -> None:
        pin = self._plan.before.get(service)
        if pin is None:
            self._say(f"{service}: did not run before, removed")
            self._project.remove(service)
            return
        self._say(f"{service}: back to {pin.shown}")
        self._bring_up(service, pin)

    def _outcome(self) -> str:
        before = self._plan.before
        back = [f"{one} runs {before[one].shown} again" for one in self._known()]
        gone = [
            f"{one} did not run before and does not now"
            for one in self._touched
            if one not in before
        ]
        return "; ".join([*back, *gone]) or "nothing had been replaced"

    def _known(self) -> list[str]:
        return [one for one in self._touched if one in self._plan.before]

    def _advice(self) -> str:
        pins = [f"{name}: {pin.shown}" for name, pin in self._plan.before.items()]
        backup = f"; the database is saved in {self._saved.path}" if self._saved else ""
        return f"What ran before: {', '.join(pins) or 'nothing'}{backup}."
