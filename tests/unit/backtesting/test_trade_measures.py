import numpy as np
import pytest

from ktrdr.backtesting import ExitReason
from ktrdr.backtesting.trade_measures import (
    average_loss,
    average_win,
    expectancy,
    exposure,
    holding_bars,
    holding_hours,
    largest_loss,
    largest_win,
    profit_factor,
    trade_measures,
    trade_returns,
    win_rate,
)
from ktrdr.data import Timeframe
from tests.builders import random_bars
from tests.unit.backtesting.trades import random_trades, trades_of

SIGNAL, STOP = ExitReason.SIGNAL, ExitReason.STOP_LOSS


def test_values_worked_out_by_hand():
    profit = np.array([10.0, -4.0, 0.0, 6.0, -1.0])
    assert win_rate(profit) == pytest.approx(2 / 5)
    assert profit_factor(profit) == pytest.approx(16 / 5)
    assert expectancy(profit) == pytest.approx(11 / 5)
    assert average_win(profit) == pytest.approx(8.0)
    assert average_loss(profit) == pytest.approx(-2.5)
    assert largest_win(profit) == 10.0
    assert largest_loss(profit) == -4.0


@pytest.mark.parametrize(
    "measure",
    [
        win_rate,
        profit_factor,
        expectancy,
        average_win,
        average_loss,
        largest_win,
        largest_loss,
    ],
)
def test_nothing_is_defined_without_trades(measure):
    assert np.isnan(measure(np.empty(0)))
    assert np.isnan(measure(np.empty((3, 0)))).all()


def test_without_a_loss_there_is_no_profit_factor_and_no_average_loss():
    profit = np.array([1.0, 2.0, 0.0])
    assert np.isnan(profit_factor(profit))
    assert np.isnan(average_loss(profit))
    assert np.isnan(largest_loss(profit))
    assert average_win(profit) == 1.5


def test_without_a_win_the_profit_factor_is_nothing():
    profit = np.array([-1.0, -2.0])
    assert profit_factor(profit) == 0.0
    assert np.isnan(average_win(profit))
    assert np.isnan(largest_win(profit))


def test_many_lists_at_once_are_measured_like_each_alone():
    rng = np.random.default_rng(0)
    profit = rng.normal(0, 1, (6, 9))
    profit[2] = np.abs(profit[2])
    columns = [profit, profit / 100, np.abs(profit), np.abs(profit)]
    together = trade_measures(*columns)
    for row in range(6):
        alone = trade_measures(*(column[row] for column in columns))
        for name, value in alone.items():
            assert together[name][row] == pytest.approx(float(value), nan_ok=True)


def test_an_exit_at_the_open_does_not_hold_its_bar_and_one_inside_does():
    bars = random_bars(20, timeframe=Timeframe.H4)
    trades = trades_of(
        (2, 5, 1, 1, SIGNAL),
        (7, 7, -1, -1, STOP),
        (10, 12, 1, 1, ExitReason.RUIN),
        (18, 19, -1, 1, ExitReason.END_OF_DATA),
    )
    assert holding_bars(trades).tolist() == [3, 1, 2, 2]
    assert holding_hours(trades, bars).tolist() == [12.0, 4.0, 8.0, 8.0]
    assert exposure(trades, len(bars)) == pytest.approx(8 / 20)


@pytest.mark.parametrize("seed", range(10))
def test_exposure_equals_bars_marked_one_by_one(seed):
    trades = random_trades(12, 100, seed)
    held = np.zeros(100, np.bool_)
    for entry, exit_, reason in zip(
        trades.entry_bar, trades.exit_bar, trades.exit_reason, strict=True
    ):
        held[entry : exit_ + (reason != SIGNAL)] = True
    assert exposure(trades, 100) == pytest.approx(held.mean())


def test_a_trade_return_is_measured_on_the_value_at_entry_for_shorts_too():
    trades = trades_of((1, 2, -4, 2.0, SIGNAL), (3, 4, 5, -1.0, SIGNAL))
    assert trade_returns(trades) == pytest.approx([0.05, -0.02])
