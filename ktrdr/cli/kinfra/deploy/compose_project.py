"""A compose project as a rollout sees it."""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ktrdr.cli.kinfra import compose
from ktrdr.cli.kinfra.compose import Compose, Container, whole_identifier
from ktrdr.cli.kinfra.deploy.project import ImageFacts, Service
from ktrdr.cli.kinfra.images.engine import Done, Engine, EngineError
from ktrdr.errors import InputError

# Containers of before end within their own grace period, which may be long.
_LONGEST_S = 1800.0
# What engines are asked, and how the answer begins where they run on this machine.
_HERE = {
    "docker": (
        ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}"),
        "unix://",
    ),
    "podman": (("info", "--format", "{{.Host.ServiceIsRemote}}"), "false"),
}


@dataclass(frozen=True, kw_only=True)
class ComposeProject:
    """The project that one compose file describes.

    Attributes
    ----------
    compose : Compose
    scratch : Path
        Folder for the file that says which image a service runs. Its name is the
        rollout's, and so are the jobs called.
    """

    compose: Compose
    scratch: Path

    @property
    def name(self) -> str:
        """Name of the project, which its containers carry."""
        return self.compose.project.name

    @property
    def place(self) -> str:
        """File and host, in words."""
        project = self.compose.project
        return f"{project.files[0]} on {project.context or 'this host'}"

    def host_identity(self) -> str:
        """Return what the host's engine tells itself by, and its machine's name."""
        return self.compose.engine.identity(self.compose.project.context)

    def services(self) -> tuple[Service, ...]:
        """Return the services that the file and the active profiles give.

        Those that are to have no container are none.
        """
        found = self.compose.config()["services"]
        return tuple(
            Service(
                name=name,
                image=str(one.get("image", "")),
                needs=_needs(one.get("depends_on") or {}),
            )
            for name, one in sorted(found.items())
            if _replicas(one) != 0
        )

    def leftovers(self) -> tuple[str, ...]:
        """Return services that are to have no container, and have some."""
        found = self.compose.config()["services"]
        none = sorted(name for name, one in found.items() if _replicas(one) == 0)
        return tuple(name for name in none if self.containers(name))

    def missing_secrets(self, services: Collection[str]) -> tuple[Path, ...]:
        """Return files of secrets that these services read and that are not there.

        Only on this machine; on another host none is known to be missing.
        """
        if not self._is_here():
            return ()
        document = self.compose.config()
        known = document.get("secrets") or {}
        read = {
            # Short form: the name alone.
            one if isinstance(one, str) else str(one["source"])
            for name, service in document["services"].items()
            if name in services
            for one in service.get("secrets") or ()
        }
        folder = self.compose.project.folder
        files = {
            folder / known[one]["file"]
            for one in read & set(known)
            if "file" in known[one]
        }
        return tuple(sorted(one for one in files if _is_missing(one)))

    def _is_here(self) -> bool:
        """Return whether the host is this machine, as far as the engine knows."""
        if self.compose.project.context is not None:
            return False
        asked, here = _HERE[self.compose.engine.name]
        return self._attempt(*asked).out.startswith(here)

    def pull(self, reference: str) -> None:
        """Fetch an image, showing how that goes."""
        self.compose.pull_image(reference)

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image, None if the engine does not have it."""
        done = self._attempt("image", "inspect", reference)
        if done.code:
            return None
        facts = json.loads(done.out)[0]
        config = facts.get("Config") or {}
        return ImageFacts(
            identifier=whole_identifier(str(facts["Id"])),
            digests=tuple(facts.get("RepoDigests") or ()),
            labels=config.get("Labels") or {},
        )

    def keep(self, identifier: str, name: str) -> None:
        """Give an image a further name."""
        self._do("image", "tag", identifier, name)

    def kept(self, prefix: str) -> tuple[str, ...]:
        """Return the names of images that begin so."""
        shown = self._do("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
        return tuple(name for name in shown.split() if name.startswith(prefix))

    def forget(self, name: str) -> None:
        """Take a name away from an image, unless a container is left that needs it."""
        self._attempt("image", "rm", name)

    def containers(self, service: str) -> tuple[Container, ...]:
        """Return the service's containers, those that have ended included."""
        return tuple(self.compose.containers(service))

    def start(self, service: str) -> None:
        """Start the service if it does not run, and nothing it depends on."""
        self._up(self.compose, "--no-recreate", service)

    def is_outdated(self, service: str) -> bool:
        """Return whether the files have changed what the service is started with."""
        return self.compose.would_replace(service)

    def up(self, service: str, image: str) -> None:
        """Run the service, and nothing it depends on, with ``image``."""
        self._up(self._with_image(service, image), service)

    def stop(self, service: str) -> None:
        """Stop the service's containers, with their time to finish."""
        self._require(self._long(self.compose, "stop", service), f"stop {service}")

    def remove(self, service: str) -> None:
        """Stop and remove the service's containers; volumes with a name stay."""
        self.stop(service)
        self._remove([one.identifier for one in self.containers(service)])

    def run(self, service: str, image: str, *command: str) -> Done:
        """Run ``command``, by default the service's own, in a container of its own."""
        name = f"{self._jobs}{secrets.token_hex(4)}"
        how = (f"--name={name}", "--rm", "--no-deps", "-T")
        chosen = self._with_image(service, image)
        return self._long(chosen, "run", *how, service, *command)

    def end_jobs(self) -> None:
        """End what ``run`` began and did not see the end of."""
        every = ("container", "ls", "--all", "--quiet", f"--filter=name=^{self._jobs}")
        self._remove(self._do(*every).split())

    def _remove(self, containers: Sequence[str]) -> None:
        if containers:
            # With volumes that nobody named, which nobody would find again.
            self._do("container", "rm", "--force", "--volumes", *containers)

    @property
    def _jobs(self) -> str:
        """How names of containers begin that belong to these rollouts."""
        return f"{self.scratch.name.partition('@')[0]}-job-"

    def ask(self, container: str, *command: str, stdin: str = "") -> Done:
        """Run ``command`` in a container that runs."""
        return self._attempt("exec", "--interactive", container, *command, stdin=stdin)

    def pour(
        self,
        container: str,
        *command: str,
        source: Path | None = None,
        target: Path | None = None,
    ) -> None:
        """Run ``command`` in a container, fed from a file, its output to a file."""
        call = ("exec", "--interactive", container, *command)
        host = self.compose.host()
        self.compose.engine.pour(*host, *call, source=source, target=target)

    def logs(self, service: str) -> str:
        """Return the end of what the service's containers wrote."""
        return self.compose.logs(service)

    def _attempt(self, *arguments: str, stdin: str = "") -> Done:
        host = self.compose.host()
        return self.compose.engine.attempt(*host, *arguments, stdin=stdin)

    def _do(self, *arguments: str) -> str:
        return self.compose.engine.run(*self.compose.host(), *arguments)

    def _up(self, chosen: Compose, *arguments: str) -> None:
        # Images are fetched before, and told by what they are.
        never = ["--pull=never"] if chosen.engine.name == "docker" else []
        how = ("--detach", "--no-deps", "--no-build", *never)
        done = self._long(chosen, "up", *how, *arguments)
        self._require(done, f"start {arguments[-1]}")

    def _with_image(self, service: str, image: str) -> Compose:
        """Return the project in which the service has ``image``."""
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.scratch / "image.json"
        # JSON is YAML, too.
        path.write_text(json.dumps({"services": {service: {"image": image}}}), "utf-8")
        project = self.compose.project
        laid_over = replace(project, files=(*project.files, path))
        return Compose(self.compose.engine, laid_over)

    def _long(self, chosen: Compose, *arguments: str) -> Done:
        return chosen.attempt(*arguments, timeout_s=_LONGEST_S)

    def _require(self, done: Done, what: str) -> None:
        if done.code:
            told = (done.err or done.out).strip()[-1000:]
            raise EngineError(f"compose can't {what} ({self.place}): {told}")


def load_project(engine: Engine, context: str | None, file: Path) -> Compose:
    """Return the project of a compose file, under the name that it gives itself.

    Raises
    ------
    InputError
        If the file can't be used, or lacks a variable.
    """
    nameless = compose.Project(
        name="", folder=file.parent, files=(file,), context=context
    )
    try:
        name = Compose(engine, nameless).config().get("name") or file.parent.name
    except EngineError as error:
        raise InputError(
            f"{file} can't be used: {_last_line(error)}; {_variables_help(file.parent)}"
        ) from None
    return Compose(engine, replace(nameless, name=str(name)))


def _last_line(error: EngineError) -> str:
    return str(error).strip().splitlines()[-1].strip()[-500:]


def _variables_help(folder: Path) -> str:
    if (folder / ".env").exists():
        return f"its variables are in {folder / '.env'}"
    return f"run `cp .env.example .env` in {folder} and fill that in"


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except PermissionError:
        # The engine may see more than we do.
        return False
    return False


def _replicas(service: dict[str, Any]) -> int:
    told = (service.get("deploy") or {}).get("replicas", service.get("scale", 1))
    return int(told)


def _needs(told: Any) -> dict[str, str]:
    # Short form: a list of names.
    if isinstance(told, list):
        return dict.fromkeys(map(str, told), "service_started")
    return {str(name): str(need["condition"]) for name, need in told.items()}
