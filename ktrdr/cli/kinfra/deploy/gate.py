"""Whether a service runs the right image, is healthy, and says that it is the build."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.access import lent_token
from ktrdr.cli.kinfra.deploy.pins import Pin
from ktrdr.cli.kinfra.deploy.probe import Role, ask, role_of
from ktrdr.cli.kinfra.deploy.project import Project
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.errors import RunError, message_of

_ENDED = frozenset({"exited", "dead", "restarting"})
# Why a service is not well stands near the end of what it wrote.
_TOLD = 1500


class GateError(RunError):
    """A service did not become what it should; tells what it said."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Watches services until they may be relied on.

    Attributes
    ----------
    limit_s : float
        Time that a service has from its start.
    pause_s : float
        Between two looks.
    """

    project: Project
    limit_s: float = 180.0
    pause_s: float = 1.0

    def await_service(
        self, service: str, pin: Pin, restarts: Mapping[str, int] | None = None
    ) -> None:
        """Return when all containers of the service run ``pin`` and do their work.

        Parameters
        ----------
        restarts : mapping, optional
            How often containers that were there before had been started again.

        Raises
        ------
        GateError
            If one ends, starts again, is unhealthy, runs or reports something else,
            or the time is over.
        """
        began_s = time.monotonic()
        with ExitStack() as stack:
            look = _Look(project=self.project, service=service, pin=pin, stack=stack)
            while True:
                reason = look.lack_or_silence(restarts or {})
                if reason is None:
                    return
                if time.monotonic() - began_s >= self.limit_s:
                    raise look.failure(f"not ready after {self.limit_s:g} s: {reason}")
                time.sleep(self.pause_s)

    def is_well(self, service: str, *, may_end: bool = True) -> bool:
        """Return whether a service runs and is healthy, or is a job that is done."""
        containers = self.project.containers(service)
        return bool(containers) and all(
            one.is_well or (may_end and one.is_done) for one in containers
        )

    def await_healthy(self, service: str) -> None:
        """Return when a service with an image of others runs, or is a job that is done.

        Raises
        ------
        GateError
            If it does not.
        """
        began_s = time.monotonic()
        while True:
            if self.is_well(service):
                return
            containers = self.project.containers(service)
            failed = [one for one in containers if _has_failed(one)]
            is_late = time.monotonic() - began_s >= self.limit_s
            if failed or is_late:
                states = ", ".join(map(_state, containers)) or "no container"
                raise GateError(
                    f"{service} does not run well ({states}); it said:\n"
                    f"{self.project.logs(service)[-_TOLD:]}"
                )
            time.sleep(self.pause_s)


class _Look:
    """One service's way through the gate."""

    def __init__(
        self, *, project: Project, service: str, pin: Pin, stack: ExitStack
    ) -> None:
        self._project = project
        self._service = service
        self._pin = pin
        self._stack = stack
        self._role: Role | None = role_of(service)
        self._token: str | None = None

    def lack_or_silence(self, restarts: Mapping[str, int]) -> str | None:
        """Return what is not there yet, such as an answer; None if all is.

        Raises
        ------
        GateError
            If waiting is of no use.
        """
        try:
            return self.lack(self._project.containers(self._service), restarts)
        except EngineError as error:
            # A moment without network says nothing about the service.
            return message_of(error)

    def lack(
        self, containers: tuple[Container, ...], restarts: Mapping[str, int]
    ) -> str | None:
        """Return what is not there yet; None if all is.

        Raises
        ------
        GateError
            If waiting is of no use.
        """
        if not containers:
            return "it has no container"
        for one in containers:
            self._refuse(one, restarts.get(one.identifier, 0))
        waiting = [one for one in containers if not one.is_done]
        if waiting:
            return ", ".join(map(_state, waiting))
        reasons = (self._silence(one) for one in containers)
        return next((reason for reason in reasons if reason is not None), None)

    def failure(self, reason: str) -> GateError:
        """Return the error that tells what is wrong, and what the service said."""
        told = self._project.logs(self._service)[-_TOLD:]
        return GateError(f"{self._service}: {reason}; it said:\n{told}")

    def _refuse(self, container: Container, restarts: int) -> None:
        if container.image != self._pin.identifier:
            raise self.failure(
                f"it runs the image {container.image}, expected {self._pin.identifier}"
            )
        if container.state in _ENDED or container.restarts > restarts:
            raise self.failure(
                f"it ended with exit code {container.exit_code}, expected it to run"
            )
        if container.health == "unhealthy":
            raise self.failure("its health check fails")

    def _silence(self, container: Container) -> str | None:
        if self._role is None:
            return None
        report = ask(self._project, container, self._role, self._lent_token(container))
        if not report.is_ready:
            return f"it is not ready: {report.reason}"
        for name in ("commit", "version"):
            found, expected = getattr(report, name), getattr(self._pin, name)
            if expected is not None and found != expected:
                raise self.failure(
                    f"it reports the {name} {found}, expected {expected} as "
                    f"{self._pin.reference} says: was the image built from it?"
                )
        return None

    def _lent_token(self, container: Container) -> str:
        if self._role != "backend":
            return ""
        if self._token is None:
            lent = lent_token(self._project, container)
            self._token = self._stack.enter_context(lent)
        return self._token


def _has_failed(container: Container) -> bool:
    has_ended = container.state in _ENDED and container.exit_code != 0
    return has_ended or container.health == "unhealthy"


def _state(container: Container) -> str:
    return f"{container.state}, {container.health or 'without health check'}"
