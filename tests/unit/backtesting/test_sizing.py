import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.backtesting import sizing as sizing_module
from ktrdr.backtesting.sizing import (
    annual_volatility,
    bars_per_year,
    risk_fraction,
    round_to_lots,
)
from ktrdr.data import Timeframe, sample_bars
from ktrdr.errors import InputError
from ktrdr.strategy import RiskSizing
from tests.builders import random_bars

HOURS_A_YEAR = 365.25 * 24


class TestRoundToLots:
    @pytest.mark.parametrize(
        ("units", "lot_step", "expected"),
        [
            (1.99, 1.0, 1.0),
            (0.99, 1.0, 0.0),
            (0.3, 0.1, 0.3),
            (123_456.0, 1_000.0, 123_000.0),
            (2.5, 0.0, 2.5),
        ],
    )
    def test_it_rounds_down(self, units, lot_step, expected):
        assert round_to_lots(units, lot_step) == pytest.approx(expected)

    @given(st.floats(0, 1e9), st.sampled_from([0.01, 0.1, 1.0, 100.0]))
    def test_the_result_is_a_multiple_and_at_most_a_lot_smaller(self, units, step):
        rounded = round_to_lots(units, step)
        assert rounded <= units + 1e-6 * step
        assert units - rounded < step
        assert rounded / step == pytest.approx(round(rounded / step))


class TestRiskFraction:
    def test_smaller_stops_allow_larger_positions_up_to_the_limit(self):
        sizing = RiskSizing(type="risk", risk=0.01, max_fraction=2.0)
        assert risk_fraction(sizing, 0.05) == pytest.approx(0.2)
        assert risk_fraction(sizing, 0.001) == 2.0

    def test_without_a_stop_there_is_no_risk_to_size_by(self):
        with pytest.raises(InputError, match="stop_loss"):
            risk_fraction(RiskSizing(type="risk", risk=0.01), None)


class TestBarsPerYear:
    def test_of_bars_without_gaps_it_follows_from_the_timeframe(self):
        bars = random_bars(10, timeframe=Timeframe.H1)
        np.testing.assert_allclose(bars_per_year(bars), HOURS_A_YEAR)

    def test_nights_and_weekends_count_by_themselves(self):
        # 2017 has 6,225 bars between its first opening and its last close.
        assert bars_per_year(sample_bars())[-1] == pytest.approx(6_250, rel=0.01)

    def test_later_bars_have_no_say(self):
        bars = sample_bars()
        np.testing.assert_array_equal(
            bars_per_year(bars[:1_000]), bars_per_year(bars)[:1_000]
        )

    def test_no_bars_no_numbers(self):
        assert bars_per_year(random_bars(0)).size == 0


class TestAnnualVolatility:
    def test_equals_the_formula_written_out(self):
        bars, lookback = random_bars(60, seed=3), 7
        rows = np.array([3, 6, 7, 8, 59])
        close = bars.close.tolist()
        expected = [math.nan, math.nan]
        for row in (7, 8, 59):
            returns = [
                close[i] / close[i - 1] - 1 for i in range(row - lookback + 1, row + 1)
            ]
            expected.append(statistics.stdev(returns) * math.sqrt(HOURS_A_YEAR))
        np.testing.assert_allclose(annual_volatility(bars, rows, lookback), expected)

    def test_batches_make_no_difference(self, monkeypatch):
        bars, rows = random_bars(300), np.arange(300)
        whole = annual_volatility(bars, rows, 20)
        monkeypatch.setattr(sizing_module, "_BATCH_ELEMENTS", 100)
        np.testing.assert_array_equal(annual_volatility(bars, rows, 20), whole)

    def test_more_lookback_than_bars_is_never_known(self):
        bars = random_bars(30)
        assert np.isnan(annual_volatility(bars, np.arange(30), 30)).all()
