"""A compose project, driven by the engine's own command."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ktrdr.cli.kinfra.deploy.project import Container, ImageFacts, Service
from ktrdr.cli.kinfra.images.engine import Done, Engine, EngineError

# Containers of before end within their own grace period, which may be long.
_UP_S = 1800.0
_LOG_LINES = 20


@dataclass(frozen=True, kw_only=True)
class ComposeProject:
    """The project that one compose file describes.

    Attributes
    ----------
    engine : Engine
    context : str or None
        Docker context, or podman connection, of the host; None is the engine's own.
    file : Path
    name : str
    scratch : Path
        Folder for the file that says which images services run.
    """

    engine: Engine
    context: str | None
    file: Path
    name: str
    scratch: Path

    @classmethod
    def load(
        cls, engine: Engine, context: str | None, file: Path, scratch: Path
    ) -> "ComposeProject":
        """Return the project of ``file``, under the name that it gives itself.

        Raises
        ------
        EngineError
            If the file can't be used, or lacks a variable.
        """
        nameless = cls(
            engine=engine, context=context, file=file, name="", scratch=scratch
        )
        return cls(
            engine=engine,
            context=context,
            file=file,
            name=str(nameless._rendered()["name"]),
            scratch=scratch,
        )

    @property
    def place(self) -> str:
        """File and host, in words."""
        return f"{self.file} on {self.context or 'this host'}"

    def services(self) -> tuple[Service, ...]:
        """Return the services that the file and the active profiles give."""
        found = self._rendered()["services"]
        return tuple(
            Service(
                name=name,
                image=str(one.get("image", "")),
                needs={
                    other: str(need["condition"])
                    for other, need in (one.get("depends_on") or {}).items()
                },
            )
            for name, one in sorted(found.items())
        )

    def pull(self, reference: str) -> None:
        """Fetch an image, showing how that goes."""
        self.engine.stream(*self._host, "pull", reference)

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image, None if the engine does not have it."""
        done = self._attempt("image", "inspect", reference)
        if done.code:
            return None
        facts = json.loads(done.out)[0]
        config = facts.get("Config") or {}
        return ImageFacts(
            identifier=_whole(str(facts["Id"])),
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
        shown = self._do(
            *("ps", "--all", "--quiet", "--no-trunc"),
            *("--filter", f"label=com.docker.compose.project={self.name}"),
            *("--filter", f"label=com.docker.compose.service={service}"),
        )
        if not shown.split():
            return ()
        found = json.loads(self._do("container", "inspect", *shown.split()))
        return tuple(_container(one) for one in found if not _is_once(one))

    def start(self, service: str) -> None:
        """Start the service if it does not run, and nothing it depends on."""
        how = ("--detach", "--no-deps", "--no-build", "--pull=never", "--no-recreate")
        self._require(self._compose("up", *how, service), f"start {service}")

    def up(self, service: str, image: str) -> None:
        """Run the service, and nothing it depends on, with ``image``."""
        how = ("--detach", "--no-deps", "--no-build", "--pull=never")
        done = self._compose("up", *how, service, images={service: image})
        self._require(done, f"start {service}")

    def stop(self, service: str) -> None:
        """Stop the service's containers, with their time to finish."""
        self._require(self._compose("stop", service), f"stop {service}")

    def remove(self, service: str) -> None:
        """Stop and remove the service's containers; volumes stay."""
        done = self._compose("rm", "--stop", "--force", service)
        self._require(done, f"remove {service}")

    def run(self, service: str, image: str, *command: str) -> Done:
        """Run ``command``, by default the service's own, in a container of its own."""
        how = ("--rm", "--no-deps", "--no-TTY")
        return self._compose("run", *how, service, *command, images={service: image})

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
        self.engine.pour(
            *(*self._host, "exec", "--interactive", container, *command),
            source=source,
            target=target,
        )

    def logs(self, service: str) -> str:
        """Return the end of what the service's containers wrote."""
        how = ("--no-color", "--no-log-prefix", f"--tail={_LOG_LINES}")
        done = self._compose("logs", *how, service)
        return (done.out or done.err).strip()

    @property
    def _host(self) -> tuple[str, ...]:
        if self.context is None:
            return ()
        option = "--context" if self.engine.name == "docker" else "--connection"
        return (option, self.context)

    def _attempt(self, *arguments: str, stdin: str = "") -> Done:
        return self.engine.attempt(*self._host, *arguments, stdin=stdin)

    def _do(self, *arguments: str) -> str:
        return self.engine.run(*self._host, *arguments)

    def _compose(self, *arguments: str, images: dict[str, str] | None = None) -> Done:
        files = ["--file", str(self.file)]
        if images:
            files += ["--file", str(self._written(images))]
        named = ("--project-name", self.name) if self.name else ()
        return self.engine.attempt(
            *(*self._host, "compose", *named, *files, *arguments), timeout_s=_UP_S
        )

    def _written(self, images: dict[str, str]) -> Path:
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / "images.json"
        services = {name: {"image": image} for name, image in images.items()}
        # JSON is YAML, too.
        path.write_text(json.dumps({"services": services}), "utf-8")
        return path

    def _rendered(self) -> dict[str, Any]:
        done = self._compose("config", "--format", "json")
        self._require(done, "read the compose file")
        rendered: dict[str, Any] = json.loads(done.out)
        return rendered

    def _require(self, done: Done, what: str) -> None:
        if done.code:
            told = (done.err or done.out).strip()[-1000:]
            raise EngineError(
                f"{self.engine.name} compose can't {what} ({self.place}): {told}"
            )


def _is_once(facts: dict[str, Any]) -> bool:
    # What ran one command beside the service is none of its containers.
    labels = facts["Config"].get("Labels") or {}
    return str(labels.get("com.docker.compose.oneoff")).lower() == "true"


def _container(facts: dict[str, Any]) -> Container:
    state, config = facts["State"], facts["Config"]
    health = state.get("Health") or {}
    variables = dict(one.partition("=")[::2] for one in config.get("Env") or ())
    return Container(
        identifier=str(facts["Id"]),
        image=_whole(str(facts["Image"])),
        reference=str(config.get("Image", "")),
        state=str(state["Status"]),
        # Podman tells an empty one where there is no health check.
        health=str(health.get("Status") or "") or None,
        restarts=int(facts.get("RestartCount", 0)),
        exit_code=int(state.get("ExitCode", 0)),
        variables=variables,
    )


def _whole(identifier: str) -> str:
    # Podman leaves out which hash it is.
    return identifier if ":" in identifier else f"sha256:{identifier}"
