"""A process that is kept running."""

import asyncio
import sys
from dataclasses import dataclass

import pytest

from ktrdr.cli.local.child import Child
from ktrdr.cli.local.plan import Program

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, kw_only=True)
class Sleeper(Program):
    @property
    def command(self):
        return (sys.executable, "-c", "import time; time.sleep(60)")


async def test_one_that_is_told_to_stop_while_it_is_being_started_ends(tmp_path):
    child = Child(Sleeper(name="x", arguments=()), tmp_path / "log", lambda _: None)
    running = asyncio.create_task(child.run())
    # Far enough to begin the start, not to have ended it.
    await asyncio.sleep(0)
    await child.stop(grace_s=1)
    await asyncio.wait_for(running, 10)
    assert child.status.state == "stopped"
    assert child.status.exit_code is not None
