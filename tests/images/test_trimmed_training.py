"""A training with the trimmed torch gives the weights that the published one gives."""

import json
from collections.abc import Iterator

import pytest

from ktrdr.cli.kinfra.images.build import build_image, own_platform
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.recipe import Wishes, make_recipe
from tests.docker_context import ROOT

CONTRACT = load_contract(ROOT)
IDENTITY = {"COMMIT": "0" * 40, "SOURCE_DATE_EPOCH": "1700000000"}
# Both builds, and two trainings of each example.
pytestmark = [pytest.mark.timeout(3600), pytest.mark.slow]
TRAIN_ALL = """
import json, subprocess
from ktrdr.strategy import examples_folder
def ktrdr(*arguments):
    command = ["ktrdr", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
ktrdr("data", "sample")
names = sorted(path.stem for path in examples_folder().glob("*.yaml"))
print(json.dumps({
    name: json.loads(ktrdr("train", name, "--device", "cpu", "--json"))["weights"]
    for name in names
}))
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.find()


@pytest.fixture
def references(engine: Engine) -> Iterator[dict[bool, str]]:
    """Names of the image trimmed, and not."""
    names = {True: "ktrdr-trimmed:test", False: "ktrdr-untrimmed:test"}
    yield names
    for name in names.values():
        engine.attempt("image", "rm", "--force", name)


def weights(engine: Engine, reference: str, *, is_trimmed: bool) -> dict[str, str]:
    """Build the image and return the digest of each example's weights."""
    wishes = Wishes(platform=own_platform(), is_trimmed=is_trimmed)
    recipe = make_recipe(CONTRACT, CONTRACT.image("worker-cpu"), wishes, IDENTITY)
    build_image(engine, recipe, ROOT, [reference])
    command = ["run", "--rm", "--network=none", reference, "python", "-c", TRAIN_ALL]
    trained: dict[str, str] = json.loads(engine.run(*command, timeout_s=1800))
    return trained


def test_trimming_torch_changes_no_bit_of_a_training(
    engine: Engine, references: dict[bool, str]
):
    published, trimmed = (
        weights(engine, references[is_trimmed], is_trimmed=is_trimmed)
        for is_trimmed in (False, True)
    )
    assert len(published) >= 6
    assert trimmed == published
    untrimmed_bytes, trimmed_bytes = (
        engine.size_bytes(references[is_trimmed]) for is_trimmed in (False, True)
    )
    # Something was taken out: a quarter of the image at least.
    assert trimmed_bytes < 0.75 * untrimmed_bytes
