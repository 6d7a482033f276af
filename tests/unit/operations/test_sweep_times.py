"""When to look for silent workers."""

import pytest

from ktrdr.operations import sweep_times

pytestmark = pytest.mark.anyio


async def test_who_was_frozen_gives_others_time_to_tell_that_they_live(monkeypatch):
    now_s = 1_000.0
    frozen_s = iter([0.0, 3_600.0, 0.0])
    looked_at = []

    async def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds + next(frozen_s)

    monkeypatch.setattr("ktrdr.operations.stalled.asyncio.sleep", sleep)
    monkeypatch.setattr("ktrdr.operations.stalled.time.time", lambda: now_s)
    times = sweep_times(30.0)
    for _ in range(2):
        await anext(times)
        looked_at.append(now_s)
    assert looked_at == [1_005.0, 4_615.0]
