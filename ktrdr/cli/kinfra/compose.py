"""Compose projects: a thin layer over ``docker compose`` and ``podman-compose``."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ktrdr.cli.kinfra.images.engine import Done, Engine, EngineError
from ktrdr.cli.kinfra.pulling import NAMED_BY, pull_image
from ktrdr.errors import InputError

_PROJECT_LABEL = "com.docker.compose.project"
_SERVICE_LABEL = "com.docker.compose.service"
# What has no policy, or this, ends when its work is done.
_NEVER_AGAIN = ("", "no")
# Made by `run`; not one of the service's own.
_ONE_OFF_LABEL = "com.docker.compose.oneoff"


@dataclass(frozen=True, kw_only=True)
class Project:
    """Compose files, and what their variables are.

    Attributes
    ----------
    name : str
        Containers, volumes and networks are called after it; empty if the files tell.
    folder : Path
        What relative paths in the files begin at.
    files : tuple of Path
        Later ones change what earlier ones say.
    variables : Path or None
        File of variables; by default ``.env`` in the folder, if there is one.
    given : dict
        Variables that come before all others.
    context : str or None
        Host of the engine's configuration; this machine if None.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]
    variables: Path | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    context: str | None = None


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of a project, running or not.

    Attributes
    ----------
    identifier, name, service : str
    state : str
        Such as ``running``, ``restarting`` or ``exited``.
    health : str or None
        ``starting``, ``healthy``, ``unhealthy``; None without a health check.
    exit_code : int
        Of its last end; 0 before.
    restarts : int
        How often the engine has started it again.
    is_job : bool
        Whether it is to end: the engine does not start it again.
    image : str
        Identifier of the image that it runs, which names change nothing about.
    reference : str
        What it was told to run.
    variables : mapping
        Its environment; not in its representation, as some may be secret.
    """

    identifier: str
    name: str
    service: str
    state: str
    health: str | None
    exit_code: int
    restarts: int
    is_job: bool
    image: str
    reference: str
    variables: Mapping[str, str] = field(repr=False)

    @property
    def is_well(self) -> bool:
        """Whether it runs and its health check passes, if it has one."""
        return self.state == "running" and self.health in (None, "healthy")

    @property
    def is_done(self) -> bool:
        """Whether it is well, or was a job that has ended well."""
        return self.is_well or (self.is_job and self.has_ended_well)

    @property
    def has_ended_well(self) -> bool:
        """Whether it has ended without an error; somebody may have stopped it."""
        return self.state == "exited" and self.exit_code == 0


@dataclass(frozen=True)
class Compose:
    """A project on an engine."""

    engine: Engine
    project: Project

    def config(self) -> dict[str, Any]:
        """Return the project as compose understands it, all variables filled in.

        Raises
        ------
        EngineError
            If a file or a variable is wrong.
        """
        import yaml

        document: dict[str, Any] = yaml.safe_load(self.run("config"))
        return document

    def images(self) -> dict[str, str]:
        """Return each service's image."""
        services = self.config()["services"]
        return {name: str(fields["image"]) for name, fields in services.items()}

    def has_image(self, reference: str) -> bool:
        """Return whether the project's host has an image."""
        done = self.engine.attempt(*self.host(), "image", "inspect", reference)
        return done.code == 0

    def pull_image(self, reference: str, named_by: str = NAMED_BY) -> None:
        """Fetch one image to the project's host, telling how far that is.

        ``named_by`` tells what people can change where its name is wrong.

        Raises
        ------
        EngineError
            If it can't be pulled.
        """
        pull_image(self.engine, self.host(), reference, named_by)

    def up(self, *services: str) -> Done:
        """Start services in the background; failing is one of the answers."""
        # Images are pulled or built on purpose, never by the way.
        never = ["--pull", "never"] if self.engine.name == "docker" else []
        return self.attempt("up", "--detach", *never, *services)

    def would_replace(self, service: str) -> bool:
        """Return whether `up` would make a service's container anew, as files changed.

        Docker tells; podman-compose can't, and nothing is then known to have changed.
        """
        if self.engine.name != "docker":
            return False
        how = ("--detach", "--no-deps", "--no-build", "--pull=never")
        done = self.attempt("--dry-run", "up", *how, service)
        return "Recreate" in done.err

    def down(self, *, with_data: bool = False) -> None:
        """Remove containers and networks; with the data nothing of the project stays.

        Without, containers of the project's other files are left alone.
        """
        options = ["--volumes", "--remove-orphans"] if with_data else []
        self.run("down", *options)

    def job(self, service: str, *command: str, dependencies: bool = False) -> str:
        """Run a command in a new container of a service; return what it writes.

        Raises
        ------
        EngineError
            If it fails.
        """
        options = [] if dependencies else ["--no-deps"]
        return self.run("run", "--rm", "-T", *options, service, *command)

    def logs(self, service: str, lines: int = 20) -> str:
        """Return the end of what a service wrote."""
        tail = ("logs", "--no-color", f"--tail={lines}", service)
        done = self.attempt(*tail)
        return (done.out or done.err).rstrip()

    def containers(self, service: str | None = None) -> list[Container]:
        """Return containers of one service or all, stopped ones too, by their names."""
        labels = [f"{_PROJECT_LABEL}={self.project.name}"]
        labels += [] if service is None else [f"{_SERVICE_LABEL}={service}"]
        chosen = [f"--filter=label={label}" for label in labels]
        ids = self._engine("ps", "--all", "--quiet", "--no-trunc", *chosen).split()
        found = [
            _container(one)
            for one in (self._inspected(ids) if ids else ())
            if one["Config"]["Labels"].get(_ONE_OFF_LABEL) != "True"
        ]
        return sorted(found, key=lambda one: one.name)

    def _inspected(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        call = (*self.host(), "container", "inspect", *ids)
        done = self.engine.attempt(*call)
        # One that has gone since it was listed, such as a job, is no failure: the
        # others are told all the same.
        if done.code and "no such" not in done.err.lower():
            raise EngineError(self.engine.failure(call, done))
        documents: list[dict[str, Any]] = json.loads(done.out)
        return documents

    def address(self, service: str, port: int) -> str | None:
        """Return where a container's port is published, such as ``127.0.0.1:8000``."""
        for one in self.containers(service):
            where = ("port", one.identifier, f"{port}/tcp")
            done = self.engine.attempt(*self.host(), *where)
            if done.code == 0 and done.out.strip():
                return done.out.split()[0].replace("0.0.0.0", "127.0.0.1")
        return None

    def run(self, *arguments: str) -> str:
        """Return what a call of compose writes to its standard output.

        Raises
        ------
        EngineError
            If it fails.
        """
        done = self.attempt(*arguments)
        if done.code:
            program, before = self._program()
            raise EngineError(program.failure((*before, *arguments), done))
        return done.out

    def attempt(self, *arguments: str, timeout_s: float = 900) -> Done:
        """Make a call of compose whose failure is one of the answers."""
        program, before = self._program()
        return program.attempt(
            *before, *arguments, timeout_s=timeout_s, variables=self._variables()
        )

    def pass_on(self, *arguments: str) -> int:
        """Let a call have this process's terminal, and return its exit code."""
        program, before = self._program()
        command = [program.name, *before, *arguments]
        return subprocess.run(command, env=self._variables(), check=False).returncode

    def _program(self) -> tuple[Engine, list[str]]:
        """Return what compose is called by, and with what before its command."""
        project = self.project
        options = [f"--project-name={project.name}"] if project.name else []
        if self.engine.name == "docker":
            options.append(f"--project-directory={project.folder}")
        options += [f"--file={path}" for path in project.files]
        if project.variables is not None:
            options.append(f"--env-file={project.variables}")
        if self.engine.name == "docker":
            return self.engine, [*self.host(), "compose", *options]
        if shutil.which("podman-compose") is None:
            raise InputError(
                "podman-compose is not installed: install it, or name docker with "
                "--engine or KTRDR_ENGINE"
            )
        return Engine("podman-compose"), options

    def host(self) -> list[str]:
        """Return the engine's options that name the host."""
        return self.engine.host(self.project.context)

    def _variables(self) -> dict[str, str]:
        project = self.project
        own = dict(os.environ)
        if project.variables is not None:
            # What the file of an environment says is not for the shell to change,
            # where variables of another environment may be set.
            for name in read_variables(project.variables):
                own.pop(name, None)
        if self.engine.name == "podman" and project.context is not None:
            # The podman-compose that calls podman has no option for its connection.
            own["CONTAINER_CONNECTION"] = project.context
        # Else it writes codes for a terminal into files and pipes too.
        own.setdefault("COMPOSE_ANSI", "never")
        # The same project may be in several files, each brought up by itself.
        return {**own, "COMPOSE_IGNORE_ORPHANS": "true", **project.given}

    def _engine(self, *arguments: str) -> str:
        return self.engine.run(*self.host(), *arguments)


def read_variables(path: Path) -> dict[str, str]:
    """Return what a file of variables sets."""
    lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and line[0] != "#")
    return {name.strip(): value.strip() for name, mark, value in pairs if mark}


def _container(document: Mapping[str, Any]) -> Container:
    state, config = document["State"], document["Config"]
    # Podman tells the first, or an older one the second.
    health = state.get("Health") or state.get("Healthcheck") or {}
    policy = (document.get("HostConfig") or {}).get("RestartPolicy") or {}
    image = str(document["Image"])
    return Container(
        identifier=document["Id"],
        name=document["Name"].removeprefix("/"),
        service=config["Labels"].get(_SERVICE_LABEL, ""),
        state=state["Status"],
        health=health.get("Status") or None,
        exit_code=int(state["ExitCode"]),
        restarts=int(document.get("RestartCount") or 0),
        is_job=policy.get("Name", "") in _NEVER_AGAIN,
        image=whole_identifier(image),
        reference=str(config.get("Image", "")),
        variables=dict(one.partition("=")[::2] for one in config.get("Env") or ()),
    )


def whole_identifier(image: str) -> str:
    """Return an image's identifier with the name of its hash, which podman omits."""
    return image if ":" in image else f"sha256:{image}"
