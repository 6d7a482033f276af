"""The homelab as its page sets it up, with a registry and two releases to deploy."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.client import Client
from tests.deployments.registry import Registry
from tests.deployments.system import NEXT
from tests.documents import section
from tests.environments.checkout import copy_checkout, engine_address, variables
from tests.environments.terminal import Terminal
from tests.environments.traces import remove, remove_images, traces
from tests.images.derived import built

SET_UP = section("docs/environments.md", "Homelab")[:2]
FIRST, SECOND = "latest", "sha-0123456789ab"
# A host of a page that these tests have as a context of the engine.
HOST = "big-machine"
WORKERS = ("backtest-worker-1", "backtest-worker-2")
_OWNER = "somebody"
_IMAGES = {"ktrdr-backend": "backend", "ktrdr-worker-cpu": "worker-cpu"}


@dataclass(frozen=True, kw_only=True)
class Homelab:
    """What runs, and the shell of whoever set it up.

    Attributes
    ----------
    name : str
        Of the compose project.
    registry : str
        Address and owner that images are pulled from.
    printed : str
        What the commands of its page printed, the token of an admin among it.
    """

    engine: Engine
    name: str
    registry: str
    terminal: Terminal
    printed: str

    def client(self) -> Client:
        """Return a client with the token that was printed."""
        found = re.search(r"ktrdr_\S+", self.printed)
        assert found is not None, self.printed
        backend = str(self._containers("backend")[0]["Id"])
        address = self.engine.run("port", backend, "8000/tcp").split()[0]
        return Client(f"http://{address}", found[0])

    def runs(self, service: str) -> str:
        """Return the tag whose image a service runs."""
        (repository,) = (one for one in _IMAGES if _belongs(service, one))
        (running,) = self._containers(service)
        tags = {
            str(self.engine.inspect(reference)["Id"]): tag
            for tag in (FIRST, SECOND)
            if self.engine.has_image(reference := f"{self.registry}/{repository}:{tag}")
        }
        return tags[str(running["Image"])]

    def other(self) -> str:
        """Return the release that the backend does not run."""
        return SECOND if self.runs("backend") == FIRST else FIRST

    def serves(self, backend: str, workers: str) -> None:
        """Make sure that these releases run, and answer to the token."""
        assert self.runs("backend") == backend
        assert {self.runs(one) for one in WORKERS} == {workers}
        with self.client() as client:
            assert client.system.ready().status == "ready"
            # Those of before may be listed for a while.
            states = [one.state for one in client.system.workers()]
            assert states.count("ready") == len(WORKERS)

    def _containers(self, service: str) -> list[dict[str, object]]:
        shown = self.engine.run(
            *("ps", "--quiet", "--no-trunc"),
            f"--filter=label=com.docker.compose.project={self.name}",
            f"--filter=label=com.docker.compose.service={service}",
            "--filter=label=com.docker.compose.oneoff=False",
        )
        found: list[dict[str, object]] = json.loads(
            self.engine.run("container", "inspect", *shown.split())
        )
        return found


@contextmanager
def homelab_of_the_page(engine: Engine, folder: Path) -> Iterator[Homelab]:
    """Lend the homelab, set up by its page's commands in a copy of the checkout."""
    name = f"ktrdr-page-homelab-{secrets.token_hex(3)}"
    (folder / "registry").mkdir()
    with Registry(engine, folder / "registry").serving() as registry:
        place = f"{registry.address}/{_OWNER}"
        try:
            _fill(registry, engine, name)
            terminal = terminal_in(folder)
            begin, go_on = SET_UP
            terminal.read(begin)
            fill_in(terminal.folder / ".env", name, place)
            printed = terminal.read(go_on)
            yield Homelab(
                engine=engine,
                name=name,
                registry=place,
                terminal=terminal,
                printed=printed,
            )
        finally:
            remove(engine, name)
            remove_images(engine, place, name)
    assert traces(engine, name) == []


def _belongs(service: str, image: str) -> bool:
    return (service == "backend") == (image == "ktrdr-backend")


def _fill(registry: Registry, engine: Engine, name: str) -> None:
    """Put two releases there: the images that were built, and others made of them."""
    for repository, key in _IMAGES.items():
        origin = built(engine, key).reference
        other = f"{name}/{repository}:{SECOND}"
        recipe = f"FROM {origin}\n{NEXT}\n"
        engine.run("build", "--tag", other, "-", stdin=recipe)
        registry.add_tags(f"{_OWNER}/{repository}", {FIRST: origin, SECOND: other})


def terminal_in(folder: Path) -> Terminal:
    """Return a shell in a copy of this checkout, with a context for ``HOST``."""
    for part in ("checkout", "home", "notes"):
        (folder / part).mkdir()
    checkout = copy_checkout(folder / "checkout")
    own = variables(checkout, folder / "home")
    terminal = Terminal(checkout, own, folder / "notes", {})
    create = f"docker context create {HOST} --docker host={engine_address()}"
    terminal.type(create)
    return terminal


def fill_in(path: Path, name: str, registry: str) -> None:
    """Give the variables of `.env.example` what fits this machine."""
    filled = {
        "KTRDR_REGISTRY": registry,
        # Any port, beside other systems on this machine.
        "KTRDR_API_PORT": "0",
        "KTRDR_DATABASE_PORT": "0",
        # Two workers are enough to see one follow the other.
        "KTRDR_TRAINING_WORKERS": "0",
    }
    text = path.read_text("utf-8")
    for variable, value in filled.items():
        pattern = rf"^(# )?{variable}=.*$"
        text, n = re.subn(pattern, f"{variable}={value}", text, flags=re.MULTILINE)
        assert n == 1, f"{path.name}.example has no line for {variable}"
    path.write_text(f"COMPOSE_PROJECT_NAME={name}\n{text}", "utf-8")
