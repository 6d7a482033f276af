from typing import Any

from ktrdr.studies import TrialRow
from ktrdr.studies.ranking import distinct, effects_of, failures_of, ranked


def row(number: int, sharpe: Any, trades="a", error: Any = None, **parameters: Any):
    measures = {} if error else {"sharpe": sharpe}
    return TrialRow(
        number=number,
        parameters=parameters,
        measures=measures,
        trades=trades,
        error=error,
    )


def test_ties_share_a_rank_and_what_has_no_value_comes_last():
    rows = [row(0, 1.0), row(1, None), row(2, 3.0), row(3, 3.0), row(4, 0, error="x")]
    found = [(one.number, one.rank) for one in ranked(rows, "sharpe")]
    assert found == [(2, 1), (3, 1), (0, 3), (1, None), (4, None)]


def test_who_never_trades_is_not_the_best_for_losing_nothing():
    idle = TrialRow(
        number=0, parameters={}, measures={"max_drawdown": 0, "n_trades": 0}
    )
    busy = TrialRow(
        number=1, parameters={}, measures={"max_drawdown": -0.1, "n_trades": 3}
    )
    found = [(one.number, one.rank) for one in ranked([idle, busy], "max_drawdown")]
    assert found == [(1, 1), (0, None)]
    assert distinct([idle, busy], "max_drawdown") == [-0.1]


def test_trials_that_trade_alike_count_once():
    rows = [row(0, 1.0, "a"), row(1, 2.0, "a"), row(2, 0.5, "b"), row(3, None, "c")]
    assert sorted(distinct(rows, "sharpe")) == [0.5, 2.0]


def test_the_parameter_that_matters_comes_first():
    rows = [
        row(n, 1.0 * stop + 0.1 * target, stop=stop, target=target)
        for n, (stop, target) in enumerate((s, t) for s in (1, 2, 3) for t in (1, 2))
    ]
    stop, target = effects_of(rows, "sharpe")
    assert (stop.path, target.path) == ("stop", "target")
    assert [(one.label, one.n_trials) for one in stop.values] == [
        ("1", 2),
        ("2", 2),
        ("3", 2),
    ]
    assert abs(stop.spread - 2.0) < 1e-12
    assert abs(target.spread - 0.1) < 1e-12


def test_many_numbers_become_ranges_of_as_many_trials():
    rows = [row(n, n / 100, stop=0.001 * (n + 1)) for n in range(100)]
    (effect,) = effects_of(rows, "sharpe")
    assert [one.n_trials for one in effect.values] == [20] * 5
    medians: list[Any] = [one.median for one in effect.values]
    assert medians == sorted(medians)


def test_failures_are_counted_by_reason():
    found = failures_of(["a", "b", "a"])
    assert [(one.error, one.count) for one in found] == [("a", 2), ("b", 1)]
