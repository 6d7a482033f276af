import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.backtesting.orders import find_runs
from ktrdr.backtesting.stretches import Stretches, interleaved


def runs_one_by_one(targets: list[int]) -> list[list[int]]:
    """Entry bar, due bar and direction of each run, found by walking."""
    runs: list[list[int]] = []
    current = 0
    for bar, target in enumerate(targets[:-1]):
        if target == current:
            continue
        if current != 0:
            runs[-1][1] = bar + 1
        if target != 0:
            runs.append([bar + 1, len(targets), target])
        current = target
    return runs


@given(st.lists(st.integers(-1, 1), max_size=40))
def test_runs_are_those_found_by_walking(targets):
    runs = find_runs(np.array(targets, np.int8))
    found = zip(
        runs.entry_bar.tolist(),
        runs.due_bar.tolist(),
        runs.direction.tolist(),
        strict=True,
    )
    assert [list(run) for run in found] == runs_one_by_one(targets)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        ([], [], [10, 10, 10, 10, 10, 10]),
        ([0], [6], [1, 1, 1, 1, 1, 1]),
        ([1, 3], [3, 4], [10, 1, 1, 2, 30, 30]),
        ([2, 4], [2, 5], [10, 10, 20, 20, 2, 30]),
    ],
)
def test_values_are_spread_in_and_between_stretches(start, stop, expected):
    n = len(start)
    inside, outside = np.arange(1.0, n + 1), 10 * np.arange(1.0, n + 2)
    stretches = Stretches.of(np.array(start, np.int64), np.array(stop, np.int64), 6)
    assert stretches.column(inside, outside).tolist() == expected
    for length in (1, 2, 4, 5, 6, 7):
        pieces = [
            np.repeat(interleaved(inside, outside)[values], counts)
            for _, values, counts in stretches.blocks(length)
        ]
        assert np.concatenate(pieces).tolist() == expected
