"""The environment `local` as its comments change it: it runs images alone."""

import secrets
import shutil
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.canary.trial import SHORT, Trial
from ktrdr.cli.kinfra.compose import Compose, Project
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.starting import start
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.schemas import BacktestStart
from tests.contracts.environments.composed import FOLDER, ROOT, in_image_mode
from tests.environments.traces import nameless_volumes, remove, remove_images, traces

SECRETS = ("database-password", "metrics-token", "grafana-password")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def environment(engine: Engine, images: dict[str, str], tmp_path: Path):
    name = f"ktrdr-image-mode-{secrets.token_hex(3)}"
    registry = f"localhost/{name}"
    folder = tmp_path / "environments"
    shutil.copytree(FOLDER, folder)
    file = folder / "local" / "docker-compose.yml"
    file.write_text(in_image_mode(file.read_text("utf-8")), "utf-8")
    place = tmp_path / "secrets"
    given = {
        "KTRDR_REGISTRY": registry,
        "IMAGE_TAG": "tried",
        "KTRDR_API_PORT": "0",
        "KTRDR_DATABASE_PORT": "0",
        "KTRDR_SECRETS": str(place),
    }
    project = Project(name=name, folder=file.parent, files=(file,), given=given)
    made = Environment(compose=Compose(engine, project), secrets=place, command="...")
    try:
        for image, repository in (
            (images["KTRDR_BACKEND_IMAGE"], "ktrdr-backend"),
            (images["KTRDR_WORKER_IMAGE"], "ktrdr-worker-cpu"),
        ):
            engine.run("tag", image, f"{registry}/{repository}:tried")
        yield made
    finally:
        remove(engine, name)
        remove_images(engine, registry)
    assert traces(engine, name) == []


def test_published_images_do_the_same_without_the_source(environment, engine: Engine):
    start(environment, SECRETS)
    containers = environment.compose.containers()
    ours = {one.service: one.reference for one in containers if one.service[0] != "d"}
    registry = f"localhost/{environment.name}/"
    assert all(one.startswith(registry) for one in ours.values()), ours
    assert len(ours) == 5
    assert nameless_volumes(engine, environment.name) == []
    with environment.client() as client:
        assert [one.state for one in client.system.workers()] == ["ready"] * 3
        text = (ROOT / "strategies" / "minimal.yaml").read_text("utf-8")
        client.strategies.save("minimal", text)
        trial = Trial(environment, client)
        client.data.store_sample()
        trained = trial.finish(trial.train(SHORT))
        request = BacktestStart(model=(trained.result or {})["model"], resamples=100)
        trial.finish(client.operations.start(request).id)
