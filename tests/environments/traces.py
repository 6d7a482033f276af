"""What a compose project leaves on an engine."""

import json

from ktrdr.cli.kinfra.images.engine import Engine


def traces(engine: Engine, project: str) -> list[str]:
    """Return ids of a project's containers, volumes, networks and kept images."""
    label = ("--filter", f"label=com.docker.compose.project={project}", "--quiet")
    found = [
        engine.run("ps", "--all", *label),
        engine.run("volume", "ls", *label),
        engine.run("network", "ls", *label),
    ]
    return "".join(found).split() + _images(engine, _kept(project))


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
    remove_images(engine, _kept(project))


def remove_images(engine: Engine, *beginnings: str) -> None:
    """Remove the images whose names begin so."""
    for name in _images(engine, *beginnings):
        engine.attempt("image", "rm", name)


def _kept(project: str) -> str:
    # Of each area of a homelab, such as its core.
    return f"localhost/ktrdr-deployed/{project}-"


def _images(engine: Engine, *beginnings: str) -> list[str]:
    form = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"
    names = engine.run("image", "ls", "--digests", "--format", form).split()
    return [
        name for name in names if name.startswith(beginnings) and "<none>" not in name
    ]


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
