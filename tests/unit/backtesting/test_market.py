import numpy as np
import pytest

from ktrdr.backtesting import Market, Trades, simulate
from ktrdr.data import PRICE_COLUMNS, Bars
from ktrdr.strategy import BacktestSpec, UnitsSizing, VolatilitySizing
from tests.builders import random_bars

BY_VOLATILITY = BacktestSpec(
    sizing=VolatilitySizing(type="volatility_target", target=0.2, lookback=30)
)


def test_without_need_for_history_the_period_is_all_there_is():
    bars = random_bars(100)
    market = Market.of(bars, slice(40, 90), BacktestSpec())
    assert market.n_before == 0
    assert len(market.bars) == 50
    assert market.bars.time[0] == bars.time[40]


def test_a_volatility_target_sizes_the_first_trade_from_bars_before_the_period():
    bars = random_bars(200, seed=1)
    market = Market.of(bars, slice(100, 160), BY_VOLATILITY)
    targets = np.tile([1, 1, -1], 20).astype(np.int8)
    found = market.simulate(targets, BY_VOLATILITY)
    assert found.trades.entry_bar[0] == 1
    alone = simulate(market.bars, targets, BY_VOLATILITY)
    assert alone.trades.entry_bar[0] > 30
    returns = bars.close[71:101] / bars.close[70:100] - 1
    annual = returns.std(ddof=1) * np.sqrt(365.25 * 24)
    value = found.trades.size[0] * found.trades.entry_price[0]
    assert value == pytest.approx(100_000 * min(0.2 / annual, 1.0))


def test_a_volatility_target_does_not_depend_on_where_the_period_begins():
    # Of a market that closes on weekends, a few days do not tell the bars of a year.
    bars = random_bars(3000, seed=4)
    is_open = (bars.time.astype("datetime64[D]").astype(int) + 3) % 7 < 5
    columns = {
        name: getattr(bars, name)[is_open]
        for name in ("time", *PRICE_COLUMNS, "volume")
    }
    bars = Bars(symbol=bars.symbol, timeframe=bars.timeframe, **columns)
    spec = BacktestSpec(
        sizing=VolatilitySizing(type="volatility_target", target=0.2, lookback=10)
    )
    for start in (1450, 1475, 1500, 1525, 1550):
        sizes = []
        for first in (start, 1400):
            market = Market.of(bars, slice(first, 1600), spec)
            targets = np.zeros(1600 - first, np.int8)
            targets[start - first : start - first + 3] = 1
            sizes.append(market.simulate(targets, spec).trades.size[0])
        assert sizes[0] == pytest.approx(sizes[1], rel=1e-9)


def test_bars_are_counted_from_the_first_of_the_period():
    bars = random_bars(200, seed=2)
    rows = slice(120, 180)
    targets = np.tile([1, 0, -1, -1, 0], 12).astype(np.int8)
    spec = BacktestSpec(sizing=UnitsSizing(type="units", units=2.0))
    whole = Market.of(bars, rows, BY_VOLATILITY).simulate(targets, spec)
    alone = simulate(bars[rows], targets, spec)
    for column in Trades.columns():
        expected = getattr(alone.trades, column)
        assert getattr(whole.trades, column) == pytest.approx(expected)
    assert whole.equity == pytest.approx(alone.equity)
    assert whole.position == pytest.approx(alone.position)


def test_history_that_does_not_reach_back_far_enough_is_taken_as_it_is():
    bars = random_bars(60, seed=3)
    market = Market.of(bars, slice(10, 60), BY_VOLATILITY)
    assert market.n_before == 10
    found = market.simulate(np.tile([1, -1], 25).astype(np.int8), BY_VOLATILITY)
    assert found.trades.entry_bar[0] > 20
    assert len(found.equity) == 50
