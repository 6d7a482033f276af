"""A host in memory: images that behave as they are told to, and what they run."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.database import Saved
from ktrdr.cli.kinfra.deploy.pins import Pin, pin_of
from ktrdr.cli.kinfra.deploy.project import ImageFacts, Service
from ktrdr.cli.kinfra.images.engine import Done, EngineError

Behaviour = Literal["good", "unhealthy", "crashes", "starts again", "never ready"]
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
VERSION = "org.opencontainers.image.version"
REVISION = "org.opencontainers.image.revision"


@dataclass(frozen=True)
class FakeImage:
    identifier: str
    behaviour: Behaviour = "good"
    labelled: str = "1.0"
    reported: str = "1.0"
    knows: int = 1

    @property
    def facts(self) -> ImageFacts:
        labels = {VERSION: self.labelled, REVISION: f"commit of {self.labelled}"}
        return ImageFacts(identifier=self.identifier, labels=labels)

    @property
    def pin(self) -> Pin:
        return pin_of(f"ktrdr-backend:{self.labelled}", self.facts)


@dataclass
class FakeDatabase:
    """Holds how far it is, and its operations."""

    schema: int = 1
    operations: list[str] = field(default_factory=list)


class World:
    """A ``Project``, on a host of its own."""

    def __init__(self, services: Sequence[Service], images: dict[str, FakeImage]):
        self.name = "test"
        self.place = "a host in memory"
        self.database = FakeDatabase()
        self.done: list[str] = []
        self.images = images
        self.registry: dict[str, FakeImage] = {}
        self.tokens = 0
        # A migration that fails has done its first steps.
        self.migration_fails = False
        # Containers that go on though nobody waits for them any more.
        self.jobs: list[str] = []
        self.left_over: list[str] = []
        self.arriving: list[str] = []
        self.saved: list[Saved] = []
        self._services = tuple(services)
        self._containers: dict[str, Container] = {}

    def run_now(self, service: str, identifier: str, reference: str = "old:1") -> None:
        self._containers[service] = Container(
            identifier=f"container of {service}",
            name=f"container of {service}",
            service="",
            image=identifier,
            reference=reference,
            state="running",
            health="healthy",
            restarts=0,
            is_job=False,
            exit_code=0,
            variables={},
        )

    def turn_into_job(self, service: str) -> None:
        self._containers[service] = replace(self._containers[service], is_job=True)

    @property
    def running(self) -> dict[str, str]:
        """Service to the image that it runs and serves with."""
        return {
            name: one.image
            for name, one in self._containers.items()
            if one.state == "running"
        }

    def host_identity(self) -> str:
        return "A1B2 test-host"

    def services(self) -> tuple[Service, ...]:
        return self._services

    def leftovers(self) -> tuple[str, ...]:
        return tuple(self.left_over)

    def missing_secrets(self, services: Collection[str]) -> tuple[Path, ...]:
        return ()

    def pull(self, reference: str) -> None:
        self.done.append(f"pull {reference}")
        if reference not in self.registry:
            raise EngineError(f"no such image in the registry: {reference}")
        self.images[reference] = self.registry[reference]

    def image(self, reference: str) -> ImageFacts | None:
        found = self._find(reference)
        return found.facts if found else None

    def keep(self, identifier: str, name: str) -> None:
        found = self._find(identifier)
        assert found is not None
        self.images[name] = found

    def kept(self, prefix: str) -> tuple[str, ...]:
        return tuple(name for name in self.images if name.startswith(prefix))

    def forget(self, name: str) -> None:
        del self.images[name]

    def containers(self, service: str) -> tuple[Container, ...]:
        found = self._containers.get(service)
        if found is None:
            return ()
        if self._behaviour(found.image) == "starts again":
            self._containers[service] = replace(found, restarts=found.restarts + 1)
        return (self._containers[service],)

    def start(self, service: str) -> None:
        if service not in self.running:
            self.done.append(f"start {service}")
            self.run_now(service, "sha256:" + "0" * 64)

    def is_outdated(self, service: str) -> bool:
        return False

    def up(self, service: str, image: str) -> None:
        chosen = self.images[image]
        self.done.append(f"up {service} {chosen.labelled}")
        self.run_now(service, chosen.identifier, image)
        one = self._containers[service]
        if chosen.behaviour == "crashes" or chosen.knows != self.database.schema:
            self._containers[service] = replace(one, state="exited", exit_code=3)
        elif chosen.behaviour == "unhealthy":
            self._containers[service] = replace(one, health="unhealthy")
        elif service == "backend":
            self.database.operations += self.arriving

    def stop(self, service: str) -> None:
        self.done.append(f"stop {service}")
        if service in self._containers:
            one = self._containers[service]
            self._containers[service] = replace(one, state="exited")

    def remove(self, service: str) -> None:
        self.done.append(f"remove {service}")
        self._containers.pop(service, None)

    def run(self, service: str, image: str, *command: str) -> Done:
        raise NotImplementedError

    def end_jobs(self) -> None:
        self.jobs.clear()

    def ask(self, container: str, *command: str, stdin: str = "") -> Done:
        if command[:3] == ("ktrdr", "auth", "create"):
            self.tokens += 1
            return Done(code=0, out='{"token": "ktrdr_x"}', err="")
        if command[:3] == ("ktrdr", "auth", "revoke"):
            self.tokens -= 1
            return Done(code=0, out="", err="")
        return Done(code=0, out=json.dumps(self._answers(container, stdin)), err="")

    def pour(
        self,
        container: str,
        *command: str,
        source: Path | None = None,
        target: Path | None = None,
    ) -> None:
        raise NotImplementedError

    def logs(self, service: str) -> str:
        return f"last words of {service}"

    def _answers(self, container: str, stdin: str) -> list[list[object]]:
        asked = json.loads(stdin)
        service = container.removeprefix("container of ")
        image = self._find(self._containers[service].image)
        assert image is not None
        if image.behaviour == "never ready":
            return [[503, "the store is away"], [200, "{}"]]
        commit = f"commit of {image.reported}"
        if "/metrics" in asked["paths"]:
            told = f'version="{image.reported}",commit="{commit}"'
            return [[200, "{}"], [200, f"# HELP\nktrdr_build_info{{{told}}} 1.0\n"]]
        assert asked["token"] == "ktrdr_x"
        build = {"version": image.reported, "commit": commit}
        return [[200, "{}"], [200, json.dumps({"backend": build, "workers": []})]]

    def _find(self, reference: str) -> FakeImage | None:
        known = {one.identifier: one for one in self.images.values()}
        return self.images.get(reference) or known.get(reference)

    def _behaviour(self, identifier: str) -> Behaviour:
        found = self._find(identifier)
        return found.behaviour if found else "good"


BACKEND = Service(name="backend", image="registry:5/me/ktrdr-backend:latest")
MCP = Service(name="mcp", image=BACKEND.image, needs={"backend": "service_healthy"})
WORKER = Service(name="backtest-worker-1", image=BACKEND.image)
DATABASE = Service(name="database", image="postgres:17")
MIGRATION = Service(
    name="migration", image=BACKEND.image, needs={"database": "service_healthy"}
)
