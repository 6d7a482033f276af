import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.errors import InputError
from ktrdr.models import decide, signals
from ktrdr.strategy import DecisionsSpec, Thresholds

LONG, FLAT, SHORT = (0.1, 0.2, 0.7), (0.1, 0.8, 0.1), (0.7, 0.2, 0.1)
UNKNOWN = (np.nan, np.nan, np.nan)


def spec(**changes):
    return DecisionsSpec(**{"format": "classification", **changes})


def slow_decide(decisions, outputs):
    """The rules once more, a bar at a time."""
    target, last_entry, targets = 0, None, []
    said = signals(decisions, outputs).tolist()
    for bar, signal in enumerate(said):
        may_enter = (
            last_entry is None or bar - last_entry >= decisions.min_signal_separation
        )
        if np.isnan(outputs[bar]).any() or (signal == -1 and not decisions.shorts):
            target = 0
        elif signal == 0:
            target = 0 if decisions.exit_on == "neutral" else target
        elif signal != target:
            target = signal if may_enter else 0
            last_entry = bar if may_enter else last_entry
        targets.append(target)
    return np.array(targets, np.int8)


decisions_specs = st.builds(
    DecisionsSpec,
    format=st.just("classification"),
    thresholds=st.builds(
        Thresholds, long=st.sampled_from([0.0, 0.5]), short=st.sampled_from([0.0, 0.6])
    ),
    min_signal_separation=st.integers(0, 6),
    shorts=st.booleans(),
    exit_on=st.sampled_from(["neutral", "opposite"]),
)
rows = st.sampled_from([LONG, FLAT, SHORT, UNKNOWN, (0.25, 0.3, 0.45)])


@given(decisions=decisions_specs, outputs=st.lists(rows, max_size=60))
def test_equals_the_slow_twin(decisions, outputs):
    array = np.array(outputs).reshape(-1, 3)
    np.testing.assert_array_equal(
        decide(decisions, array), slow_decide(decisions, array)
    )


@given(decisions=decisions_specs, outputs=st.lists(rows, max_size=60), k=st.integers(0))
def test_prefix(decisions, outputs, k):
    array = np.array(outputs).reshape(-1, 3)
    cut = k % (len(array) + 1)
    np.testing.assert_array_equal(
        decide(decisions, array[:cut]), decide(decisions, array)[:cut]
    )


@pytest.mark.parametrize(
    ("changes", "outputs", "targets"),
    [
        ({}, [LONG, FLAT, SHORT, SHORT, LONG], [1, 0, -1, -1, 1]),
        ({"shorts": False}, [LONG, SHORT, FLAT, LONG], [1, 0, 0, 1]),
        ({}, [LONG, UNKNOWN, LONG], [1, 0, 1]),
        ({"exit_on": "opposite"}, [LONG, FLAT, FLAT, SHORT, FLAT], [1, 1, 1, -1, -1]),
        ({"exit_on": "opposite", "shorts": False}, [LONG, FLAT, SHORT], [1, 1, 0]),
        ({"exit_on": "opposite"}, [LONG, FLAT, UNKNOWN, FLAT], [1, 1, 0, 0]),
        ({"min_signal_separation": 3}, [LONG, SHORT, SHORT, SHORT], [1, 0, 0, -1]),
        ({"min_signal_separation": 3}, [LONG, FLAT, LONG, FLAT], [1, 0, 0, 0]),
        # Holding on is no entry; only the change back is.
        ({"min_signal_separation": 3}, [LONG] * 4 + [SHORT], [1, 1, 1, 1, -1]),
        ({"thresholds": Thresholds(long=0.75)}, [LONG, SHORT], [0, -1]),
        ({"thresholds": Thresholds(long=0.7)}, [LONG, SHORT], [1, -1]),
    ],
)
def test_decisions(changes, outputs, targets):
    assert decide(spec(**changes), np.array(outputs)).tolist() == targets


def test_a_tie_is_neutral():
    tied = np.array([(0.45, 0.1, 0.45), (0.1, 0.45, 0.45), (0.45, 0.45, 0.1)])
    assert decide(spec(), tied).tolist() == [0, 0, 0]


def test_returns_must_reach_the_thresholds_and_be_strictly_on_their_side():
    returns = np.array([[0.0], [1e-9], [-1e-9], [np.nan]])
    free = spec(format="regression")
    assert decide(free, returns).tolist() == [0, 1, -1, 0]
    strict = spec(format="regression", thresholds=Thresholds(long=0.01, short=0.02))
    returns = np.array([[0.009], [0.01], [-0.01], [-0.02]])
    assert decide(strict, returns).tolist() == [0, 1, 0, -1]


def test_result_is_int8_and_empty_for_no_bars():
    found = decide(spec(), np.empty((0, 3)))
    assert found.dtype == np.int8
    assert found.shape == (0,)


def test_outputs_of_the_other_format_are_refused():
    with pytest.raises(InputError, match=r"expected \(n_bars, 3\) for format"):
        decide(spec(), np.zeros((4, 1)))
