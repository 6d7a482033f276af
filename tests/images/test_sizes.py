"""What is told of an image's weight is what the engine and the image hold."""

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import Found, find_image
from ktrdr.cli.kinfra.images.sizes import Weight, weigh

CONTRACT = load_contract()
KEYS = ("backend", "worker-cpu")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.find()


@pytest.fixture(scope="module", params=KEYS)
def found(engine: Engine, request: pytest.FixtureRequest) -> Found:
    return find_image(CONTRACT, engine, request.param)


@pytest.fixture(scope="module")
def weight(engine: Engine, found: Found) -> Weight:
    return weigh(engine, found)


def test_an_image_keeps_to_its_budgets(weight: Weight):
    assert weight.excess is None


def test_a_build_is_held_to_what_is_told(engine: Engine, found: Found, weight: Weight):
    # One asks the engine where its store counts bytes, the other reads the layers.
    told_mb = engine.size_bytes(found.reference) / 1e6
    assert told_mb == pytest.approx(weight.size_mb, abs=0.1)


def test_no_layer_holds_what_a_later_one_hides(weight: Weight):
    assert weight.efficiency > 0.999


def test_packages_and_the_small_root_make_up_the_whole(weight: Weight):
    packages = sum(one.size_mb for one in weight.packages)
    root_mb = weight.size_mb - packages
    # The prototype of the root weighed 51 MB; what is not accounted for lies in it.
    assert 30 < root_mb < 60


def test_the_first_packages_are_the_largest(weight: Weight):
    sizes = [one.size_mb for one in weight.packages]
    assert sizes == sorted(sizes, reverse=True)
    assert {one.name for one in weight.packages} >= {"numpy", "ktrdr", "TA-Lib"}
