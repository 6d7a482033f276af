"""The first admin's token is not lost, whatever fails once it is made."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.deploy import deploying, target
from ktrdr.cli.kinfra.deploy.deploying import NewAdmin, deploy_part
from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.project import Service
from ktrdr.cli.kinfra.deploy.references import Wanted
from ktrdr.cli.kinfra.deploy.rollout import RolledBackError
from ktrdr.cli.kinfra.images.engine import Done
from ktrdr.cli.kinfra.main import app
from tests.unit.cli.kinfra.deploy.test_target import target as target_on
from tests.unit.cli.kinfra.deploy.world import (
    BACKEND,
    DATABASE,
    MIGRATION,
    NEW,
    FakeImage,
    World,
)

WATCHER = Service(name="watcher", image="x", needs={"backend": "service_healthy"})


class Empty(World):
    """A host with an empty database, and images."""

    def __init__(self, image: FakeImage, *services: Service) -> None:
        super().__init__(
            [BACKEND, DATABASE, MIGRATION, *services],
            {name: image for name in (BACKEND.image, DATABASE.image)},
        )
        self.admins: list[str] = []

    def run(self, service: str, image: str, *command: str) -> Done:
        match command:
            case ("ktrdr", "db", "status", *_):
                schema = "0002" if self.admins else None
                out = json.dumps({"schema": schema, "pending": ["0001", "0002"]})
                return Done(code=0, out=out, err="")
            case ("ktrdr", "auth", "create", name, *_):
                self.admins.append(name)
                return Done(code=0, out='{"token": "ktrdr_me"}', err="")
        return Done(code=0, out="", err="")


def deploy(world: World, folder: Path, admin: NewAdmin) -> deploying.Deployed:
    return deploy_part(
        target_on(world, folder),
        Wanted.parse(None, ()),
        pull="missing",
        admin=admin,
        gate=Gate(project=world, limit_s=0.02, pause_s=0.001),
        tell=lambda line: None,
    )


def test_the_token_is_there_though_the_backend_does_not_become_well(tmp_path):
    world, me = Empty(FakeImage(NEW, "unhealthy")), NewAdmin(name="me")
    with pytest.raises(RolledBackError):
        deploy(world, tmp_path, me)
    assert (world.admins, me.token) == (["me"], "ktrdr_me")


def test_the_token_is_there_though_the_watchers_were_cut_off(tmp_path, monkeypatch):
    world, me = Empty(FakeImage(NEW), WATCHER), NewAdmin(name="me")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deploying, "_start_watchers", interrupted)
    with pytest.raises(KeyboardInterrupt):
        deploy(world, tmp_path, me)
    assert me.token == "ktrdr_me"


@pytest.mark.parametrize("error", [RolledBackError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_a_token_is_told_though_the_deployment_fails(
    docker, tmp_path, monkeypatch, how, error
):
    def fails(*_: object, admin: NewAdmin, **__: object) -> None:
        admin.token = "ktrdr_me"
        raise error

    monkeypatch.setattr(deploying, "deploy_part", fails)
    empty = Empty(FakeImage(NEW))
    monkeypatch.setattr(
        target.Target, "find", lambda *_, **__: target_on(empty, tmp_path)
    )
    done = CliRunner().invoke(app, ["deploy", "core", "--admin", "me", *how])
    assert done.exit_code != 0
    # What is to be read as a document stays one: the error's.
    assert done.stdout == ("" if how else "ktrdr_me\n")
    assert ("ktrdr_me\n" in done.stderr) is bool(how)
    assert "the token of me is shown. It stays good: deploy again" in done.stderr


def test_nothing_is_told_of_a_token_that_was_not_made(docker, tmp_path, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise RolledBackError("no")

    monkeypatch.setattr(deploying, "deploy_part", fails)
    empty = Empty(FakeImage(NEW))
    monkeypatch.setattr(
        target.Target, "find", lambda *_, **__: target_on(empty, tmp_path)
    )
    done = CliRunner().invoke(app, ["deploy", "core", "--admin", "me"])
    assert isinstance(done.exception, RolledBackError)
    assert (done.stdout, done.stderr) == ("", "")
