"""Environments made from the template: their folders, variables and ports."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ktrdr.cli.kinfra.compose import Compose, Project, read_variables
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.images.engine import Engine

_TEMPLATES = Path(__file__).parents[1] / "templates"
_BASE = _TEMPLATES / "docker-compose.base.yml"
_SOURCE = _TEMPLATES / "docker-compose.source.yml"
_DEFAULTS = _TEMPLATES / ".env.sandbox"
# In the folder of an environment.
VARIABLES = ".env.sandbox"
_STANDARD_PORTS = {"KTRDR_API_PORT": 8000, "KTRDR_DATABASE_PORT": 5432}


def ports_of(slot: int) -> dict[str, int]:
    """Return the ports of a slot by variable: 0 has the standard ones."""
    return {name: port + slot for name, port in _STANDARD_PORTS.items()}


def write_variables(folder: Path, slot: int, changes: Mapping[str, str]) -> None:
    """Write an environment's file of variables: the template's, with changes."""
    ports = {name: str(port) for name, port in ports_of(slot).items()}
    new = {"KTRDR_SECRETS": str(folder / "secrets"), **ports, **changes}
    lines = []
    for line in _DEFAULTS.read_text("utf-8").splitlines():
        name, mark, _ = line.partition("=")
        lines.append(f"{name}={new[name]}" if mark and name in new else line)
    # Its head is about the template.
    body = "\n".join(lines).partition("\n\n")[2]
    _write(folder / VARIABLES, f"{body}\n")


def without_folder(engine: Engine, name: str) -> Compose:
    """Return a project whose folder is gone, as far as it takes to remove it."""
    project = Project(name=name, folder=_TEMPLATES, files=(_BASE,), variables=_DEFAULTS)
    return Compose(engine, project)


def change_variables(folder: Path, changes: Mapping[str, str]) -> None:
    """Change some of an environment's variables; what else the file says stays."""
    path = folder / VARIABLES
    left, lines = dict(changes), []
    for line in path.read_text("utf-8").splitlines():
        name = line.partition("=")[0].strip()
        lines.append(f"{name}={left.pop(name)}" if name in left else line)
    lines += [f"{name}={value}" for name, value in left.items()]
    _write(path, "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: an environment without it is a broken one."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    if path.exists():
        shutil.copymode(path, new)
    new.replace(path)


def templated(engine: Engine, folder: Path, name: str, command: str) -> Environment:
    """Return the environment whose variables lie in ``folder``.

    Parameters
    ----------
    engine : Engine
    folder : Path
    name : str
        Of its compose project.
    command : str
        What people call it with.
    """
    variables = folder / VARIABLES
    has_source = bool(read_variables(variables).get("KTRDR_SOURCE"))
    project = Project(
        name=name,
        folder=folder,
        files=(_BASE, _SOURCE) if has_source else (_BASE,),
        variables=variables,
    )
    return Environment(
        compose=Compose(engine, project), secrets=folder / "secrets", command=command
    )
