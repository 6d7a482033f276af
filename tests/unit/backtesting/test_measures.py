import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.backtesting import MEASURES, measure, simulate
from ktrdr.backtesting.bootstrap import confidence_limits
from ktrdr.progress import NoProgress
from ktrdr.strategy import BacktestSpec, CostsSpec, FractionSizing, StopsSpec
from tests.builders import bars_from_rows, random_bars
from tests.unit.backtesting.simulations import any_bars, targets_for

NAMES = [known.name for known in MEASURES]


def test_a_small_backtest_worked_out_by_hand():
    bars = bars_from_rows(
        [
            (100, 100, 100, 100),
            (100, 110, 100, 110),
            (110, 110, 99, 99),
            (99, 99, 99, 99),
            (99, 99, 88, 90),
        ]
    )
    spec = BacktestSpec(initial_cash=1000.0, costs=CostsSpec(commission_per_unit=0.1))
    targets = np.array([1, 1, 0, -1, -1], np.int8)
    found = measure(simulate(bars, targets, spec), bars, 1000.0)
    # Long 10 units at 100 to 99, short from 99 to 90, 0.1 a unit each way.
    units = 988.0 / 99
    short = units * (9 - 0.2)
    assert found["n_trades"] == 2
    assert found["largest_loss"] == pytest.approx(10 * (-1 - 0.2))
    assert found["largest_win"] == pytest.approx(short)
    assert found["total_return"] == pytest.approx((988 + short) / 1000 - 1)
    assert found["profit_factor"] == pytest.approx(short / 12)
    assert found["win_rate"] == 0.5
    assert found["exposure"] == pytest.approx(3 / 5)
    assert found["average_holding_bars"] == 1.5
    assert found["average_holding_hours"] == 1.5
    assert found["commission_paid"] == pytest.approx(2 + 0.2 * units)
    # From 1099 (10 units at 110, commission paid) to the short's end.
    assert found["max_drawdown"] == pytest.approx(988 / 1099 - 1)
    # Below the peak in all bars after it; the short did not win it back.
    assert found["max_drawdown_bars"] == 3
    assert found["max_drawdown_hours"] == 3.0


def test_names_are_those_of_the_list_and_in_its_order():
    bars = random_bars(50)
    simulation = simulate(bars, np.zeros(50, np.int8), BacktestSpec())
    assert list(measure(simulation, bars, 100_000.0)) == NAMES
    assert len(set(NAMES)) == len(NAMES)


def test_without_trades_only_what_is_defined_has_a_value():
    bars = random_bars(50)
    simulation = simulate(bars, np.zeros(50, np.int8), BacktestSpec())
    found = measure(simulation, bars, 100_000.0)
    defined = {name: value for name, value in found.items() if value is not None}
    assert defined == {
        "total_return": 0.0,
        "annual_return": 0.0,
        "volatility": 0.0,
        "max_drawdown": 0.0,
        "max_drawdown_bars": 0.0,
        "max_drawdown_hours": 0.0,
        "exposure": 0.0,
        "n_trades": 0.0,
        "commission_paid": 0.0,
    }


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_happens_measures_and_limits_are_finite_or_none(data):
    bars = data.draw(any_bars())
    targets = data.draw(targets_for(len(bars)))
    spec = BacktestSpec(
        sizing=FractionSizing(
            type="fraction", fraction=data.draw(st.sampled_from([0.5, 1.0, 40.0]))
        ),
        stops=StopsSpec(stop_loss=data.draw(st.sampled_from([None, 0.01]))),
    )
    simulation = simulate(bars, targets, spec)
    found = measure(simulation, bars, spec.initial_cash)
    limits, length = confidence_limits(
        simulation,
        bars,
        spec.initial_cash,
        n_resamples=100,
        seed=np.random.SeedSequence(0),
        progress=NoProgress(),
    )
    json.dumps([found, limits, length], allow_nan=False)
    assert limits.keys() <= found.keys()
