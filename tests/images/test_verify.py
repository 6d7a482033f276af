"""The images that are here are as the table says, proven by the command itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from tests.images.derived import CONTRACT, built

KINFRA = Path(sys.executable).with_name("kinfra")
# What `make images` builds.
KEYS = [image.key for image in CONTRACT.images if image.accelerator != "cuda"]
# In each image that is made for it; what has been left out has proven nothing.
PROOFS = {
    "serve": {"no open backend", "backend"},
    "training": {"training", "training worker"},
    "backtest": {"backtest", "backtest worker"},
}
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("key", KEYS)
def test_built_image_is_as_the_table_says(engine: Engine, key: str):
    image = built(engine, key).image
    command = [str(KINFRA), "images", "verify", key, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (report,) = json.loads(done.stdout)["images"]
    outcomes = {one["name"]: one["outcome"] for one in report["checks"]}
    failed = [one for one in report["checks"] if one["outcome"] == "failed"]
    assert not failed
    assert done.returncode == 0
    for role in image.does:
        assert {outcomes[name] for name in PROOFS[role]} == {"passed"}
    assert (outcomes["torch"] == "passed") is (image.accelerator != "none")
