import numpy as np
import pytest
from hypothesis import given, settings

from ktrdr.backtesting import ExitReason, simulate, simulate_reference
from ktrdr.data import Bars, sample_bars
from ktrdr.errors import BacktestError, InputError
from ktrdr.strategy import (
    BacktestSpec,
    CostsSpec,
    FractionSizing,
    RiskSizing,
    StopsSpec,
)
from ktrdr.typing import TargetArray
from tests.builders import bars_from_rows, random_bars
from tests.unit.backtesting.simulations import assert_same, cases, moved_money

ALL_STOPS = StopsSpec(stop_loss=0.01, take_profit=0.02, trailing_stop=0.008)


def long_and_short(n_bars: int, seed: int = 1) -> TargetArray:
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(-1, 2, n_bars), 5)[:n_bars].astype(np.int8)


class TestEqualsReference:
    @settings(max_examples=400, deadline=None)
    @given(cases())
    def test_on_generated_bars(self, case):
        bars, targets, spec, optimistic = case
        fast = simulate(bars, targets, spec, optimistic=optimistic)
        slow = simulate_reference(bars, targets, spec, optimistic=optimistic)
        assert_same(fast, slow)

    @pytest.mark.parametrize("lot_step", [0.0, 1.0])
    def test_on_real_bars(self, lot_step):
        bars = sample_bars()
        spec = BacktestSpec(
            costs=CostsSpec(commission_rate=0.0001, spread_rate=0.0002),
            stops=StopsSpec(stop_loss=0.003, take_profit=0.004, trailing_stop=0.002),
            lot_step=lot_step,
        )
        targets = long_and_short(len(bars))
        fast = simulate(bars, targets, spec)
        assert_same(fast, simulate_reference(bars, targets, spec))
        assert len(np.unique(fast.trades.exit_reason)) >= 4

    @pytest.mark.parametrize("seed", range(20))
    def test_on_long_walks(self, seed):
        bars = random_bars(1_500, seed=seed, volatility=0.004 * (1 + seed % 3))
        spec = BacktestSpec(
            costs=CostsSpec(commission_rate=0.0002, spread_rate=0.0005),
            sizing=FractionSizing(type="fraction", fraction=1.0 + 9 * (seed % 2)),
            stops=ALL_STOPS if seed % 4 else StopsSpec(),
        )
        targets = long_and_short(len(bars), seed)
        assert_same(
            simulate(bars, targets, spec), simulate_reference(bars, targets, spec)
        )

    def test_no_bars_no_trades(self):
        bars = bars_from_rows([])
        targets = np.array([], np.int8)
        spec = BacktestSpec(stops=ALL_STOPS)
        fast = simulate(bars, targets, spec)
        assert_same(fast, simulate_reference(bars, targets, spec))
        assert len(fast.trades) == 0


class TestConservation:
    @settings(max_examples=200, deadline=None)
    @given(cases())
    def test_profits_sum_to_the_change_of_equity(self, case):
        bars, targets, spec, optimistic = case
        result = simulate(bars, targets, spec, optimistic=optimistic)
        gained = result.equity[-1] - spec.initial_cash
        rounding = 1e-9 * moved_money(result)
        assert result.trades.profit.sum() == pytest.approx(gained, abs=rounding)

    @settings(max_examples=200, deadline=None)
    @given(cases())
    def test_position_is_the_sum_of_fills(self, case):
        bars, targets, spec, optimistic = case
        result = simulate(bars, targets, spec, optimistic=optimistic)
        trades = result.trades
        held = np.zeros(len(bars) + 1)
        np.add.at(held, trades.entry_bar, trades.size)
        is_final = trades.exit_reason == ExitReason.END_OF_DATA
        np.add.at(held, np.where(is_final, len(bars), trades.exit_bar), -trades.size)
        scale = np.abs(trades.size).max(initial=0)
        np.testing.assert_allclose(
            np.cumsum(held)[:-1], result.position, atol=1e-9 * scale
        )

    @settings(max_examples=200, deadline=None)
    @given(cases())
    def test_equity_is_cash_plus_position_at_the_close(self, case):
        bars, targets, spec, optimistic = case
        result = simulate(bars, targets, spec, optimistic=optimistic)
        expected = cash_by_bar(result, bars, spec) + result.position * bars.close
        is_final = result.trades.exit_reason == ExitReason.END_OF_DATA
        if is_final.any():
            expected[-1] = spec.initial_cash + result.trades.profit.sum()
        np.testing.assert_allclose(
            result.equity, expected, atol=1e-8 * moved_money(result)
        )


def cash_by_bar(result, bars: Bars, spec: BacktestSpec):
    """Cash at each close, from the fills alone, without the final closing trade."""
    trades = result.trades
    paid = np.zeros(len(bars))
    np.add.at(
        paid,
        trades.entry_bar,
        trades.size * trades.entry_price + trades.entry_commission,
    )
    is_left = trades.exit_reason != ExitReason.END_OF_DATA
    received = trades.size * trades.exit_price - trades.exit_commission
    np.add.at(paid, trades.exit_bar[is_left], -received[is_left])
    return spec.initial_cash - np.cumsum(paid)


class TestCausality:
    @settings(max_examples=100, deadline=None)
    @given(cases())
    def test_a_prefix_gives_the_same_equity_up_to_its_last_bar(self, case):
        bars, targets, spec, optimistic = case
        whole = simulate(bars, targets, spec, optimistic=optimistic)
        cut = max(1, len(bars) // 2)
        part = simulate(bars[:cut], targets[:cut], spec, optimistic=optimistic)
        last = cut - 1
        np.testing.assert_allclose(part.equity[:last], whole.equity[:last], rtol=1e-12)
        np.testing.assert_array_equal(part.position[:last], whole.position[:last])

    @settings(max_examples=100, deadline=None)
    @given(cases())
    def test_optimistic_changes_ambiguous_bars_only(self, case):
        bars, targets, spec, _ = case
        worst = simulate(bars, targets, spec)
        best = simulate(bars, targets, spec, optimistic=True)
        n_trades = min(len(worst.trades), len(best.trades))
        same = np.s_[:n_trades]
        if not worst.is_ruined and not best.is_ruined and spec.lot_step == 0:
            np.testing.assert_array_equal(
                worst.trades.exit_bar[same], best.trades.exit_bar[same]
            )
            differs = worst.trades.exit_reason[same] != best.trades.exit_reason[same]
            np.testing.assert_array_equal(differs, worst.trades.is_ambiguous[same])


class TestInput:
    @pytest.mark.parametrize(
        "targets",
        [
            np.zeros(9, np.int8),
            np.zeros((10, 1), np.int8),
            np.zeros(10),
            np.full(10, 2, np.int8),
            np.full(10, -128, np.int8),
        ],
    )
    def test_targets_that_do_not_fit_are_refused(self, targets):
        with pytest.raises(InputError, match="expected"):
            simulate(random_bars(10), targets, BacktestSpec())

    @pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64])
    def test_other_whole_numbers_are_the_same_as_int8(self, kind):
        bars = random_bars(50)
        wanted = np.arange(50) % 7 < 3
        narrow = simulate(bars, wanted.astype(np.int8), BacktestSpec())
        assert_same(simulate(bars, wanted.astype(kind), BacktestSpec()), narrow)

    def test_sizing_by_risk_without_a_stop_loss_is_refused(self):
        spec = BacktestSpec(sizing=RiskSizing(type="risk", risk=0.01))
        with pytest.raises(InputError, match="stop_loss"):
            simulate(random_bars(10), np.ones(10, np.int8), spec)

    def test_costs_beyond_the_price_are_refused(self):
        costs = CostsSpec(spread_rate=0.9, slippage_rate=0.6)
        with pytest.raises(InputError, match="slippage_rate"):
            simulate(random_bars(10), np.ones(10, np.int8), BacktestSpec(costs=costs))

    @pytest.mark.parametrize("lot_step", [0.0, 1.0])
    def test_equity_beyond_all_numbers_is_an_error_not_a_result(self, lot_step):
        n_bars = 400
        close = 2.0 ** np.arange(n_bars)
        rows = [(price, price, price, price) for price in close.tolist()]
        sizing = FractionSizing(type="fraction", fraction=100.0)
        spec = BacktestSpec(sizing=sizing, lot_step=lot_step)
        targets = (np.arange(n_bars) % 2 == 0).astype(np.int8)
        with pytest.raises(BacktestError, match="largest number"):
            simulate(bars_from_rows(rows), targets, spec)


@pytest.mark.parametrize("stops", [StopsSpec(), ALL_STOPS])
def test_inputs_are_left_as_they_were(stops):
    bars, targets = random_bars(200), long_and_short(200)
    before = targets.copy()
    targets.flags.writeable = False
    simulate(bars, targets, BacktestSpec(stops=stops))
    np.testing.assert_array_equal(targets, before)
