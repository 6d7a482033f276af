"""The canary builds what is missing of its images, and nothing else."""

from dataclasses import replace

import pytest

from ktrdr.cli.kinfra.canary.environment import build_missing, canary, remove
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine

CONTRACT = load_contract()
FOLDER = CONTRACT.root / "deploy/environments/canary"
BEFORE = (
    f"compose --project-name=ktrdr-canary --project-directory={FOLDER} "
    f"--file={FOLDER}/docker-compose.yml"
)
CONFIG = """
services:
  database: {image: "postgres:17"}
  backend: {image: "ktrdr-backend:test"}
  training-worker-1: {image: "ktrdr-worker-cpu:test"}
"""


@pytest.fixture
def asked(docker):
    docker.answer(f"{BEFORE} config", out=CONFIG)
    docker.answer("history", out="200000000\n")
    return docker


def test_an_image_that_is_missing_is_built_and_gets_the_name_it_lacks(asked):
    asked.answer("image inspect ktrdr-backend:test", code=1)
    assert build_missing(CONTRACT, canary(CONTRACT, Engine("docker"))) == [
        "ktrdr-backend:test"
    ]
    assert [call[1:] for call in asked.calls if call[1] == "tag"] == [
        ["tag", "sha256:1234", "ktrdr-backend:test"]
    ]


def test_where_all_are_there_nothing_is_built(asked):
    assert build_missing(CONTRACT, canary(CONTRACT, Engine("docker"))) == []
    assert not [call for call in asked.calls if "build" in call]


def test_images_of_others_are_never_built(asked):
    asked.answer("image inspect postgres:17", code=1)
    assert build_missing(CONTRACT, canary(CONTRACT, Engine("docker"))) == []


def test_removed_it_keeps_neither_data_nor_secrets(asked, tmp_path):
    secrets = tmp_path / "secrets"
    environment = replace(canary(CONTRACT, Engine("docker")), secrets=secrets)
    secrets.mkdir()
    for name in ("api-token", "database-password"):
        (secrets / name).write_text("of a database that is gone")
    remove(environment)
    assert asked.calls[-1][-3:] == ["down", "--volumes", "--remove-orphans"]
    assert not secrets.exists()
    remove(environment)
