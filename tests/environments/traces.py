"""What a compose project leaves on an engine."""

from ktrdr.cli.kinfra.images.engine import Engine


def traces(engine: Engine, project: str) -> list[str]:
    """Return ids of the containers, volumes and networks of a project."""
    label = ("--filter", f"label=com.docker.compose.project={project}", "--quiet")
    found = [
        engine.run("ps", "--all", *label),
        engine.run("volume", "ls", *label),
        engine.run("network", "ls", *label),
    ]
    return "".join(found).split()
