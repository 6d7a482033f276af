"""The system that all tests of rollouts share."""

from collections.abc import Iterator

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.settings import settings
from tests.deployments.system import System, running_system


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Lend a system on which release `good` was deployed, with one worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path_factory.mktemp("kinfra")))
        settings.cache_clear()
        folder = tmp_path_factory.mktemp("project")
        with running_system(Engine.find(), folder) as lent:
            lent.begin()
            yield lent
        settings.cache_clear()


@pytest.fixture
def good(system: System) -> Iterator[System]:
    """Lend the system, which has to run the release `good` before and after."""
    expected = {name: system.identifier("good") for name in SERVICES}
    before = {name: system.container(name)["image"] for name in SERVICES}
    assert before == expected
    yield system
    after = {name: system.container(name)["image"] for name in SERVICES}
    assert after == expected


SERVICES = ("backend", "backtest-worker-1", "backtest-worker-2")
