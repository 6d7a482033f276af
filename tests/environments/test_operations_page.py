"""The operations guide's commands for containers, done as it says."""

import pytest

from tests.documents import section
from tests.environments.homelab import SECOND, Homelab

UPGRADE = section("docs/operations.md", "Upgrade")[1]
(BACK,) = section("docs/operations.md", "Going back")
READ = (UPGRADE, BACK)
pytestmark = pytest.mark.timeout(900)


def test_an_upgrade_is_deployed_and_its_last_step_undone(page_homelab: Homelab):
    workers = page_homelab.runs("backtest-worker-1")
    tag = page_homelab.other()
    page_homelab.terminal.stand_ins = {SECOND: tag}
    page_homelab.terminal.read(UPGRADE)
    page_homelab.serves(backend=tag, workers=tag)
    page_homelab.terminal.read(BACK)
    page_homelab.serves(backend=tag, workers=workers)
