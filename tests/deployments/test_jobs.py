"""A job that nobody waits for any more is ended, on a real engine."""

import secrets

from ktrdr.cli.kinfra.deploy import compose_project
from ktrdr.cli.kinfra.deploy.compose_project import ComposeProject, load_project
from ktrdr.cli.kinfra.images.engine import Engine
from tests.environments.traces import nameless_volumes

FILE = """\
name: {name}
services:
  migration:
    image: postgres:17
    entrypoint: ["sleep", "600"]
    network_mode: none
"""


def test_a_job_that_takes_too_long_does_not_go_on(tmp_path, monkeypatch):
    name = f"ktrdr-jobs-{secrets.token_hex(4)}"
    file = tmp_path / "docker-compose.core.yml"
    file.write_text(FILE.format(name=name))
    engine = Engine.find()
    compose = load_project(engine, None, file)
    project = ComposeProject(compose=compose, scratch=tmp_path / f"{name}-core")
    other = ComposeProject(compose=compose, scratch=tmp_path / f"{name}-workers")

    def jobs() -> list[str]:
        labelled = f"--filter=label=com.docker.compose.project={name}"
        return engine.run("container", "ls", "--quiet", labelled).split()

    monkeypatch.setattr(compose_project, "_LONGEST_S", 5.0)
    try:
        assert project.run("migration", "postgres:17").code == 124
        # The command that waited is gone; what it waited for is not.
        assert len(jobs()) == 1
        other.end_jobs()
        assert len(jobs()) == 1
        # Of the image, for its data.
        volumes = nameless_volumes(engine, name)
        assert len(volumes) == 1
        project.end_jobs()
        assert jobs() == []
        assert engine.attempt("volume", "inspect", *volumes).code
    finally:
        compose.down(with_data=True)
        project.end_jobs()
