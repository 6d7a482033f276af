"""The trading rules, each as a table of candles; both simulators obey them."""

from typing import cast

import numpy as np
import pytest

from ktrdr.backtesting import ExitReason, simulate, simulate_reference
from ktrdr.strategy import (
    BacktestSpec,
    CostsSpec,
    FractionSizing,
    RiskSizing,
    StopsSpec,
    UnitsSizing,
    VolatilitySizing,
)
from tests.builders import bars_from_rows
from tests.unit.backtesting.candles import Simulator, candles, check

STOP = StopsSpec(stop_loss=0.02)
TARGET = StopsSpec(take_profit=0.04)
BOTH = StopsSpec(stop_loss=0.02, take_profit=0.04)
TRAILING = StopsSpec(trailing_stop=0.05)


@pytest.fixture(params=[simulate_reference, simulate], ids=["reference", "kernel"])
def simulator(request) -> Simulator:
    return cast(Simulator, request.param)


class TestSignals:
    def test_a_decision_at_the_close_fills_at_the_next_open(self, simulator):
        # The close of 105 decided; 106 is the first price that can be had.
        check(
            simulator,
            """
            100 101  99 100  0 |
            100 106 100 105  1 |
            106 108 106 107  1 | buy 106
            107 109 107 109  0 |
            110 111 110 110  0 | sell 110 signal
            110 111 110 110  0 |
            """,
        )

    def test_a_target_on_the_first_bar_is_a_change(self, simulator):
        # Before bar 0 the target is flat, so bar 0 may already decide.
        check(
            simulator,
            """
            100 101  99 100  1 |
            101 102 100 101  0 | buy 101
            102 103 101 102  0 | sell 102 signal
            102 103 101 102 -1 |
            103 104 102 103  0 | sell 103
            101 102 100 101  0 | buy 101 signal
            """,
        )

    def test_a_reversal_leaves_and_enters_at_the_same_open(self, simulator):
        check(
            simulator,
            """
            100 101  99 100  1 |
            101 102 100 101 -1 | buy 101
            103 104 102 103  1 | sell 103 signal, sell 103
            102 103 101 102  0 | buy 102 signal, buy 102
            104 105 103 104  0 | sell 104 signal
            104 105 103 104  0 |
            """,
        )

    def test_a_change_on_the_last_bar_is_never_filled(self, simulator):
        # There is no next open; the position made earlier is closed instead.
        check(
            simulator,
            """
            100 101  99 100  0 |
            100 101  99 100  1 |
            101 102 100 101  1 | buy 101
            102 103 101 102  1 |
            102 103 101 102  1 |
            103 105 103 104 -1 | sell 104 end_of_data
            """,
        )

    def test_an_entry_on_the_last_bar_is_closed_at_its_close(self, simulator):
        result = check(
            simulator,
            """
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100 -1 |
            101 105 100 104 -1 | sell 101, buy 104 end_of_data
            """,
        )
        # The position is shown as held at the close, its loss is in the equity.
        assert result.position.tolist() == [0, 0, 0, 0, 0, -1]
        assert result.equity[-1] == 100_000 - 3

    def test_a_lone_last_bar_signal_makes_no_trade(self, simulator):
        check(
            simulator,
            """
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  0 |
            101 105 100 104  1 |
            """,
        )


class TestStops:
    def test_a_stop_fills_at_its_price(self, simulator):
        # 2 % below the fill of 100.
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            100 101  99 100  1 |
             99 100  97  99  1 | sell 98 stop_loss
             99 101  99 100  1 |
            100 101  99 100  1 |
            """,
            stops=STOP,
        )

    def test_touching_the_stop_is_enough(self, simulator):
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            100 101  99 100  1 |
             99 100  98  99  1 | sell 98 stop_loss
             99 101  99 100  1 |
            100 101  99 100  1 |
            """,
            stops=STOP,
        )

    def test_gap_through_stop_fills_at_open(self, simulator):
        # The market opened at 95: nobody bought at 98.
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            100 101  99 100  1 |
             95  99  94  98  1 | sell 95 stop_loss
             98 101  97 100  1 |
            100 101  99 100  1 |
            """,
            stops=STOP,
        )

    def test_gap_through_a_short_position_s_stop_fills_at_open(self, simulator):
        check(
            simulator,
            """
            100 101  99 100 -1 |
            100 101  99 100 -1 | sell 100
            100 101  99 100 -1 |
            105 106 101 102 -1 | buy 105 stop_loss
            100 101  97 100 -1 |
            100 101  99 100 -1 |
            """,
            stops=STOP,
        )

    def test_a_stop_is_active_in_the_entry_bar(self, simulator):
        # The low comes after the open at which the position was taken.
        check(
            simulator,
            """
            100 101  99 100  0 |
            100 101  99 100  1 |
            100 101  97  99  1 | buy 100, sell 98 stop_loss
             99 100  97  99  1 |
             99 101  99 100  1 |
            100 101  99 100  1 |
            """,
            stops=STOP,
        )

    def test_an_exit_due_at_the_open_precedes_the_stop_of_that_bar(self, simulator):
        # The low of 90 lies after the sale at the open.
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            100 101  99 100  0 |
             99 100  90  91  0 | sell 99 signal
             91  92  90  91  0 |
             91  92  90  91  0 |
            """,
            stops=STOP,
        )

    def test_no_new_entry_after_a_stop_until_the_target_changes(self, simulator):
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  97 100  1 | buy 100, sell 98 stop_loss
            100 101  99 100  1 |
            100 101  99 100  0 |
            100 101  99 100  1 |
            101 102 100 101  1 | buy 101, sell 101 end_of_data
            """,
            stops=STOP,
        )

    def test_a_stop_may_be_followed_by_a_reversal_at_the_next_open(self, simulator):
        # The change of target at the close of the stop's bar is a change.
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            100 101  97  97 -1 | sell 98 stop_loss
             97  98  96  96 -1 | sell 97
             96  97  95  95  0 |
             95  96  94  95  0 | buy 95 signal
            """,
            stops=STOP,
        )

    def test_a_stop_in_the_last_bar_precedes_its_close(self, simulator):
        check(
            simulator,
            """
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  0 |
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            100 101  97 101  1 | sell 98 stop_loss
            """,
            stops=STOP,
        )


class TestTargets:
    def test_a_target_fills_at_its_price(self, simulator):
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            101 105 100 102  1 | sell 104 take_profit
            102 103 101 102  1 |
            102 103 101 102  1 |
            102 103 101 102  1 |
            """,
            stops=TARGET,
        )

    def test_gap_through_target_fills_at_open(self, simulator):
        # A limit order to sell at 104 gets the better price that is there.
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            107 108 106 107  1 | sell 107 take_profit
            102 103 101 102  1 |
            102 103 101 102  1 |
            102 103 101 102  1 |
            """,
            stops=TARGET,
        )

    def test_a_short_position_s_target_lies_below(self, simulator):
        check(
            simulator,
            """
            100 101  99 100 -1 |
            100 101  99 100 -1 | sell 100
             99 100  95  97 -1 | buy 96 take_profit
             97  98  96  97 -1 |
             97  98  96  97  1 |
             93  98  92  97  1 | buy 93, sell 96.72 take_profit
            """,
            stops=TARGET,
        )

    def test_a_target_beyond_the_whole_price_is_never_reached(self, simulator):
        # A short position cannot gain 150 %.
        check(
            simulator,
            """
            100 101  99 100 -1 |
            100 101  99 100 -1 | sell 100
             50  51  49  50 -1 |
             10  11   9  10 -1 |
              1   2   1   1 -1 |
              1   2   1   1 -1 | buy 1 end_of_data
            """,
            stops=StopsSpec(take_profit=1.5),
        )


STOP_AND_TARGET = """
    100 101  99 100  1 |
    100 101  99 100  1 | buy 100
    100 105  97 101  1 | {fill}
    101 102 100 101  1 |
    101 102 100 101  1 |
    101 102 100 101  1 |
    """


class TestStopAndTargetInOneBar:
    def test_the_stop_fills(self, simulator):
        # Nobody knows which came first; the worse one is assumed, and counted.
        check(simulator, STOP_AND_TARGET.format(fill="sell 98 stop_loss?"), stops=BOTH)

    def test_if_optimistic_the_target_fills(self, simulator):
        check(
            simulator,
            STOP_AND_TARGET.format(fill="sell 104 take_profit?"),
            stops=BOTH,
            optimistic=True,
        )

    def test_the_same_for_short_positions(self, simulator):
        check(
            simulator,
            """
            100 101  99 100 -1 |
            100 103  95 100 -1 | sell 100, buy 102 stop_loss?
            100 105  97 101  0 |
            101 102 100 101  0 |
            101 102 100 101  0 |
            101 102 100 101  0 |
            """,
            stops=BOTH,
        )

    @pytest.mark.parametrize("optimistic", [False, True])
    def test_an_opening_beyond_the_target_settles_it(self, simulator, optimistic):
        # The opening price is the bar's first: the target was there before the stop.
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
            105 106  97 101  1 | sell 105 take_profit
            101 102 100 101  1 |
            101 102 100 101  1 |
            101 102 100 101  1 |
            """,
            stops=BOTH,
            optimistic=optimistic,
        )

    @pytest.mark.parametrize("optimistic", [False, True])
    def test_an_opening_beyond_the_stop_settles_it(self, simulator, optimistic):
        check(
            simulator,
            """
            100 101  99 100  1 |
            100 101  99 100  1 | buy 100
             97 106  96 101  1 | sell 97 stop_loss
            101 102 100 101  1 |
            101 102 100 101  1 |
            101 102 100 101  1 |
            """,
            stops=BOTH,
            optimistic=optimistic,
        )


class TestTrailingStop:
    def test_it_follows_the_best_price_of_earlier_bars(self, simulator):
        # 5 % below the high of 120, which was made a bar before.
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 110  99 108  1 | buy 100
            108 120 107 118  1 |
            118 119 113 116  1 | sell 114 trailing_stop
            116 117 115 116  1 |
            116 117 115 116  1 |
            """,
            stops=TRAILING,
        )

    def test_a_bar_s_own_high_does_not_raise_its_stop(self, simulator):
        # With 130 counted, 5 % below would be 123.5 and above the low of 118; but
        # nobody knows that the high came before the low.
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 120  99 119  1 | buy 100
            119 130 118 128  1 |
            128 129 122 125  1 | sell 123.5 trailing_stop
            125 126 124 125  1 |
            125 126 124 125  1 |
            """,
            stops=TRAILING,
        )

    def test_it_starts_from_the_entry_price(self, simulator):
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 101  94  96  1 | buy 100, sell 95 trailing_stop
             96  97  95  96  1 |
             96  97  95  96  1 |
             96  97  95  96  1 |
             96  97  95  96  1 |
            """,
            stops=TRAILING,
        )

    def test_a_short_position_s_stop_follows_the_lows(self, simulator):
        check(
            simulator,
            """
            100 100 100 100 -1 |
            100 101  90  92 -1 | sell 100
             92  94  80  81 -1 |
             81  85  80  84 -1 | buy 84 trailing_stop
             84  85  83  84 -1 |
             84  85  83  84 -1 |
            """,
            stops=TRAILING,
        )

    def test_the_tighter_stop_counts(self, simulator):
        # At first the stop loss at 98, later the trailing stop at 104.5.
        stops = StopsSpec(stop_loss=0.02, trailing_stop=0.05)
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 101  97  98  0 | buy 100, sell 98 stop_loss
            100 100 100 100  1 |
            100 110  99 108  1 | buy 100
            108 109 104 106  1 | sell 104.5 trailing_stop
            106 107 105 106  1 |
            """,
            stops=stops,
        )

    def test_each_position_starts_anew(self, simulator):
        # The high of 120 belongs to the first position.
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 120  99 119  0 | buy 100
            119 119 100 100  1 | sell 119 signal
            100 101  99 100  1 | buy 100
            100 101  99 100  1 |
            100 101  94  96  1 | sell 95.95 trailing_stop
            """,
            stops=TRAILING,
        )


ONE_LONG = """
    100 100 100 100  1 |
    100 101  99 100  1 | {entry}
    100 101  99 100  0 |
    110 111 109 110  0 | {exit}
    110 111 109 110  0 |
    110 111 109 110  0 |
    """


class TestCosts:
    def test_both_sides_pay_half_the_spread_and_the_slippage(self, simulator):
        # 1 % half spread and 0.5 % slippage: 100 * 1.015 and 110 * 0.985.
        costs = CostsSpec(spread_rate=0.02, slippage_rate=0.005)
        result = check(
            simulator,
            ONE_LONG.format(entry="buy 101.5", exit="sell 108.35 signal"),
            costs=costs,
        )
        assert result.trades.profit[0] == pytest.approx(108.35 - 101.5)

    def test_a_short_position_sells_low_and_buys_high(self, simulator):
        check(
            simulator,
            """
            100 100 100 100 -1 |
            100 101  99 100 -1 | sell 98.5
            100 101  99 100  0 |
            110 111 109 110  0 | buy 111.65 signal
            110 111 109 110  0 |
            110 111 109 110  0 |
            """,
            costs=CostsSpec(spread_rate=0.02, slippage_rate=0.005),
        )

    def test_a_target_pays_half_the_spread_but_no_slippage(self, simulator):
        # Target 4 % above 101.5 is 105.56; a limit order does not slip.
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 101 100 100  1 | buy 101.5
            100 106 100 100  1 | sell 104.504 take_profit
            110 111 109 110  1 |
            110 111 109 110  1 |
            110 111 109 110  1 |
            """,
            costs=CostsSpec(spread_rate=0.02, slippage_rate=0.005),
            stops=TARGET,
        )

    def test_a_stop_pays_spread_and_slippage(self, simulator):
        # Measured from the fill: 2 % below 102 is 99.96, sold 2 % lower.
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 101 100 100  1 | buy 102
            100 106  99 100  1 | sell 97.9608 stop_loss
            110 111 109 110  1 |
            110 111 109 110  1 |
            110 111 109 110  1 |
            """,
            costs=CostsSpec(spread_rate=0.01, slippage_rate=0.015),
            stops=STOP,
        )

    def test_a_stop_above_the_opening_fills_at_once_at_the_opening(self, simulator):
        # Costs of 3 % put the 2 % stop above the price at which it could be sold.
        check(
            simulator,
            """
            100 100 100 100  1 |
            100 105 100 104  1 | buy 103, sell 97 stop_loss
            104 105 103 104  1 |
            104 105 103 104  1 |
            104 105 103 104  1 |
            104 105 103 104  1 |
            """,
            costs=CostsSpec(slippage_rate=0.03),
            stops=STOP,
        )

    def test_the_last_close_pays_like_any_market_order(self, simulator):
        check(
            simulator,
            """
            100 100 100 100  0 |
            100 100 100 100  0 |
            100 100 100 100  0 |
            100 100 100 100  0 |
            100 100 100 100  1 |
            100 100 100 100  1 | buy 101.5, sell 98.5 end_of_data
            """,
            costs=CostsSpec(spread_rate=0.02, slippage_rate=0.005),
        )

    @pytest.mark.parametrize(
        ("costs", "entry", "exit_"),
        [
            (CostsSpec(commission_rate=0.01), 1.0, 1.1),
            (CostsSpec(commission_per_unit=0.3), 0.3, 0.3),
            (CostsSpec(commission_rate=0.01, commission_per_unit=0.3), 1.3, 1.4),
            (CostsSpec(commission_rate=0.01, commission_minimum=1.05), 1.05, 1.1),
            (CostsSpec(commission_minimum=2.0), 2.0, 2.0),
        ],
        ids=["rate", "unit", "rate and unit", "rate and minimum", "minimum"],
    )
    def test_each_fill_pays_commission(self, simulator, costs, entry, exit_):
        # One unit bought at 100 and sold at 110; profit is after both commissions.
        result = check(
            simulator,
            ONE_LONG.format(entry="buy 100", exit="sell 110 signal"),
            costs=costs,
        )
        trades = result.trades
        assert trades.entry_commission[0] == pytest.approx(entry)
        assert trades.exit_commission[0] == pytest.approx(exit_)
        assert trades.profit[0] == pytest.approx(10 - entry - exit_)
        assert result.equity.tolist() == pytest.approx(
            [
                100_000,
                100_000 - entry,
                100_000 - entry,
                *[100_010 - entry - exit_] * 3,
            ]
        )


RISING = """
    100 100 100 100  1 |
    100 101  99 100  1 |
    100 111  99 110  0 |
    110 111 109 110  1 |
    110 111 109 110  1 |
    110 122 109 121  1 |
    """


def sizes(simulator: Simulator, spec: BacktestSpec, table: str = RISING) -> list[float]:
    case = candles(table)
    trades = simulator(case.bars, case.targets, spec).trades
    return [float(size) for size in trades.size]


class TestSizing:
    def test_a_fraction_of_the_equity_before_each_entry(self, simulator):
        # 500 units at 100 gain 10 each: half of 105,000 buys 477.27 at 110.
        spec = BacktestSpec(sizing=FractionSizing(type="fraction", fraction=0.5))
        assert sizes(simulator, spec) == pytest.approx([500, 52_500 / 110])

    def test_the_fill_price_counts_not_the_quoted_one(self, simulator):
        spec = BacktestSpec(costs=CostsSpec(slippage_rate=0.01))
        assert sizes(simulator, spec)[0] == pytest.approx(100_000 / 101)

    def test_a_reversal_is_sized_after_its_exit(self, simulator):
        table = """
            100 100 100 100  1 |
            100 101  99 100 -1 |
            120 121 119 120 -1 |
            120 121 119 120 -1 |
            """
        spec = BacktestSpec(costs=CostsSpec(commission_rate=0.01))
        after = 100_000 + 20_000 - 1_000 - 1_200
        assert sizes(simulator, spec, table) == pytest.approx([1_000, -after / 120])

    def test_sizes_are_rounded_down_to_lots(self, simulator):
        spec = BacktestSpec(
            sizing=FractionSizing(type="fraction", fraction=0.5), lot_step=100.0
        )
        assert sizes(simulator, spec) == [500, 400]

    @pytest.mark.parametrize(
        "sizing",
        [
            UnitsSizing(type="units", units=999.0),
            FractionSizing(type="fraction", fraction=0.5),
        ],
    )
    def test_a_size_below_one_lot_is_no_trade(self, simulator, sizing):
        spec = BacktestSpec(sizing=sizing, lot_step=1_000.0)
        assert sizes(simulator, spec) == []

    def test_fixed_units(self, simulator):
        spec = BacktestSpec(sizing=UnitsSizing(type="units", units=3.7), lot_step=0.5)
        assert sizes(simulator, spec) == [3.5, 3.5]

    def test_risk_loses_its_share_at_the_stop(self, simulator):
        # 1 % of 100,000 is lost when 500 units fall by 2 %, costs aside.
        spec = BacktestSpec(
            sizing=RiskSizing(type="risk", risk=0.01, max_fraction=10), stops=STOP
        )
        table = """
            100 100 100 100  1 |
            100 101  97 100  1 |
            100 101  99 100  1 |
            100 101  99 100  1 |
            """
        case = candles(table)
        result = simulator(case.bars, case.targets, spec)
        assert result.trades.size.tolist() == pytest.approx([500])
        assert result.trades.profit.tolist() == pytest.approx([-1_000])

    def test_risk_is_held_back_by_max_fraction(self, simulator):
        spec = BacktestSpec(
            sizing=RiskSizing(type="risk", risk=0.5, max_fraction=2.0), stops=STOP
        )
        table = "\n".join(["100 100 100 100 1 |"] * 4)
        assert sizes(simulator, spec, table) == pytest.approx([2_000])

    def test_volatility_target(self, simulator):
        # Two returns, +10 % and -10 %: deviation 0.1414 a bar of an hour.
        table = """
            100 100 100 100  0 |
            110 110 110 110  0 |
             99  99  99  99  1 |
             99  99  99  99  1 |
            """
        spec = BacktestSpec(
            sizing=VolatilitySizing(type="volatility_target", target=1.0, lookback=2)
        )
        annual = np.sqrt(0.02) * np.sqrt(365.25 * 24)
        assert sizes(simulator, spec, table) == pytest.approx([100_000 / annual / 99])

    def test_volatility_target_is_held_back_by_max_fraction(self, simulator):
        # Prices that never moved have no volatility to divide by.
        spec = BacktestSpec(
            sizing=VolatilitySizing(
                type="volatility_target", target=0.1, lookback=2, max_fraction=1.5
            )
        )
        table = "\n".join([*["100 100 100 100 0 |"] * 4, *["100 100 100 100 1 |"] * 2])
        assert sizes(simulator, spec, table) == pytest.approx([1_500])

    def test_no_entry_while_volatility_is_not_known(self, simulator):
        # Bar 1 knows one return of the two needed; bar 4 knows enough.
        table = """
            100 100 100 100  0 |
            110 110 110 110  1 |
             99  99  99  99  1 |
            110 110 110 110  0 |
            100 100 100 100  1 |
            100 100 100 100  1 |
            """
        spec = BacktestSpec(
            sizing=VolatilitySizing(type="volatility_target", target=1.0, lookback=2)
        )
        case = candles(table)
        result = simulator(case.bars, case.targets, spec)
        assert result.trades.entry_bar.tolist() == [5]


LEVERAGED = BacktestSpec(sizing=FractionSizing(type="fraction", fraction=10.0))


class TestRuin:
    def test_a_ruined_account_closes_at_the_next_open_and_stays_out(self, simulator):
        # Ten times leveraged, a fall by 11 % takes more than there is.
        case = candles(
            """
            100 100 100 100  1 |
            100 100 100 100  1 |
             95  95  89  89  1 |
             90  90  90  90  1 |
             90  90  90  90 -1 |
             80  80  80  80 -1 |
            """
        )
        result = simulator(case.bars, case.targets, LEVERAGED)
        assert result.is_ruined
        assert result.trades.exit_bar.tolist() == [3]
        assert result.trades.exit_reason.tolist() == [ExitReason.RUIN]
        assert result.equity.tolist() == pytest.approx(
            [100_000, 100_000, -10_000, 0, 0, 0]
        )
        assert result.position.tolist() == [0, 10_000, 10_000, 0, 0, 0]

    def test_an_exit_due_anyway_keeps_its_reason(self, simulator):
        case = candles(
            """
            100 100 100 100  1 |
            100 100 100 100  1 |
             95  95  89  89 -1 |
             95  95  95  95 -1 |
             90  90  90  90 -1 |
             80  80  80  80 -1 |
            """
        )
        result = simulator(case.bars, case.targets, LEVERAGED)
        # 95 would leave 50,000, but equity at the close had been below 0.
        assert result.is_ruined
        assert result.trades.exit_reason.tolist() == [ExitReason.SIGNAL]
        assert result.equity[-1] == pytest.approx(50_000)

    def test_a_ruinous_exit_lets_no_reversal_follow(self, simulator):
        case = candles(
            """
            100 100 100 100  1 |
            100 100 100 100 -1 |
             85  85  85  85 -1 |
             80  80  80  80 -1 |
             80  80  80  80 -1 |
             80  80  80  80 -1 |
            """
        )
        result = simulator(case.bars, case.targets, LEVERAGED)
        assert result.is_ruined
        assert result.trades.exit_bar.tolist() == [2]
        assert result.equity[-1] == pytest.approx(-50_000)

    def test_an_exit_that_leaves_nothing_is_a_ruin(self, simulator):
        # Ten times leveraged, a fall by exactly 10 %, between close and open.
        case = candles(
            """
            100 100 100 100  1 |
            100 100  95  95 -1 |
             90  90  90  90 -1 |
             80  80  80  80 -1 |
             80  80  80  80 -1 |
             80  80  80  80 -1 |
            """
        )
        result = simulator(case.bars, case.targets, LEVERAGED)
        assert result.is_ruined
        assert len(result.trades) == 1
        assert result.equity[-1] == 0.0

    def test_the_last_close_may_ruin(self, simulator):
        case = candles(
            """
            100 100 100 100  0 |
            100 100 100 100  0 |
            100 100 100 100  0 |
            100 100 100 100  1 |
            100 100 100 100  1 |
            100 100  80  80  1 |
            """
        )
        result = simulator(case.bars, case.targets, LEVERAGED)
        assert result.is_ruined
        assert result.trades.exit_reason.tolist() == [ExitReason.END_OF_DATA]
        assert result.equity[-1] == pytest.approx(-100_000)

    def test_commission_alone_can_ruin(self, simulator):
        bars = bars_from_rows([(100.0, 100.0, 100.0, 100.0)] * 6)
        spec = BacktestSpec(
            initial_cash=10.0,
            sizing=UnitsSizing(type="units", units=1.0),
            costs=CostsSpec(commission_minimum=10.0),
        )
        result = simulator(bars, np.array([1, 1, 1, 0, 1, 1], np.int8), spec)
        assert result.is_ruined
        assert result.trades.exit_bar.tolist() == [2]
        assert result.equity[-1] == -10.0
