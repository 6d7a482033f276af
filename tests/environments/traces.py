"""What a compose project leaves on an engine."""

import json

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


def remove(engine: Engine, project: str) -> None:
    """Remove all of a project, whoever made it and with whatever files."""
    label = ("--filter", f"label=com.docker.compose.project={project}", "--quiet")
    for kind, listing, options in (
        ("container", ("ps", "--all"), ("--force", "--volumes")),
        ("volume", ("volume", "ls"), ("--force",)),
        ("network", ("network", "ls"), ()),
    ):
        found = engine.run(*listing, *label).split()
        if found:
            engine.attempt(kind, "rm", *options, *found)


def nameless_volumes(engine: Engine, project: str) -> list[str]:
    """Return volumes in containers of a project that nobody named, so nobody keeps."""
    label = f"label=com.docker.compose.project={project}"
    ids = engine.run("ps", "--all", "--quiet", "--filter", label).split()
    documents = json.loads(engine.run("container", "inspect", *ids))
    volumes = [
        mount["Name"]
        for document in documents
        for mount in document["Mounts"]
        if mount["Type"] == "volume"
    ]
    return [name for name in volumes if not name.startswith(project)]
