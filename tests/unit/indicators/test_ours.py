"""Each of our own indicators against a slow twin written from its definition."""

import numpy as np
import pytest

from ktrdr.data import Bars, Timeframe, sample_bars
from ktrdr.indicators import IndicatorUse, compute_indicator
from ktrdr.typing import FloatArray
from tests.builders import random_bars

BARS = random_bars(400, seed=11)
REAL = sample_bars()[:1500]


def _compute(
    bars: Bars, name: str, **parameters: int | float | str
) -> dict[str, FloatArray]:
    use = IndicatorUse(type=name, parameters=parameters)
    return compute_indicator(use, bars)


def _assert_equal(values: FloatArray, expected: list[float] | FloatArray) -> None:
    np.testing.assert_allclose(values, expected, rtol=1e-8, atol=1e-10)


def _windows(values: FloatArray, length: int) -> list[FloatArray | None]:
    """The last ``length`` values at each bar, None where there are fewer."""
    return [
        values[row - length + 1 : row + 1] if row >= length - 1 else None
        for row in range(len(values))
    ]


@pytest.mark.parametrize("bars", [BARS, REAL], ids=["random", "real"])
def test_bollinger_place(bars):
    position, width = [], []
    for window in _windows(bars.close, 20):
        if window is None or window.max() == window.min():
            position.append(np.nan)
            width.append(np.nan if window is None else 0.0)
            continue
        reach = 2.5 * np.sqrt(np.mean((window - window.mean()) ** 2))
        lower, upper = window.mean() - reach, window.mean() + reach
        position.append((window[-1] - lower) / (upper - lower))
        width.append((upper - lower) / window.mean())
    found = _compute(bars, "bollinger_position", nbdev=2.5)["value"]
    np.testing.assert_allclose(found, position, rtol=1e-5, atol=1e-7)
    found = _compute(bars, "bollinger_width", nbdev=2.5)["value"]
    np.testing.assert_allclose(found, width, rtol=1e-5, atol=1e-9)


def test_donchian_position():
    expected = []
    for row in range(len(REAL)):
        if row < 14:
            expected.append(np.nan)
            continue
        high, low = REAL.high[row - 14 : row + 1], REAL.low[row - 14 : row + 1]
        place = (REAL.close[row] - low.min()) / (high.max() - low.min())
        expected.append(place)
    found = _compute(REAL, "donchian_position", timeperiod=15)["value"]
    _assert_equal(found, expected)


def _true_ranges(bars: Bars) -> list[float]:
    ranges = [np.nan]
    for row in range(1, len(bars)):
        high, low, before = bars.high[row], bars.low[row], bars.close[row - 1]
        ranges.append(max(high - low, abs(high - before), abs(low - before)))
    return ranges


def test_keltner():
    length, atr_length, multiplier = 20, 10, 1.7
    ranges, rows = _true_ranges(BARS), range(len(BARS))
    middle = np.full(len(BARS), np.nan)
    middle[length - 1] = BARS.close[:length].mean()
    for row in rows[length:]:
        step = (BARS.close[row] - middle[row - 1]) * 2 / (length + 1)
        middle[row] = middle[row - 1] + step
    atr = np.full(len(BARS), np.nan)
    atr[atr_length] = np.mean(ranges[1 : atr_length + 1])
    for row in rows[atr_length + 1 :]:
        atr[row] = (atr[row - 1] * (atr_length - 1) + ranges[row]) / atr_length
    upper, lower = middle + multiplier * atr, middle - multiplier * atr
    found = _compute(BARS, "keltner", multiplier=multiplier)
    _assert_equal(found["middleband"], middle)
    _assert_equal(found["upperband"], upper)
    _assert_equal(found["lowerband"], lower)
    _assert_equal(found["position"], (BARS.close - lower) / (upper - lower))
    _assert_equal(found["width"], (upper - lower) / middle)


@pytest.mark.parametrize("bars", [BARS, REAL], ids=["random", "real"])
def test_squeeze(bars):
    length = 14
    ranges = np.array(_true_ranges(bars))
    momentum, is_on = np.full((2, len(bars)), np.nan)
    distance = np.full(len(bars), np.nan)
    for row in range(length - 1, len(bars)):
        rows = slice(row - length + 1, row + 1)
        middle = (bars.high[rows].max() + bars.low[rows].min()) / 2
        mean = bars.close[rows].mean()
        distance[row] = bars.close[row] - (middle + mean) / 2
        if row < 2 * length - 2:
            continue
        line = np.polyfit(np.arange(length), distance[rows], 1)
        momentum[row] = np.polyval(line, length - 1)
        is_on[row] = 2 * bars.close[rows].std() < 1.2 * ranges[rows].mean()
    found = _compute(bars, "squeeze", timeperiod=length, multiplier=1.2)
    _assert_equal(found["momentum"], list(momentum))
    np.testing.assert_array_equal(found["is_on"], is_on)
    assert {0.0, 1.0} <= set(found["is_on"])


@pytest.mark.parametrize("bars", [BARS, REAL], ids=["random", "real"])
def test_fisher_transform(bars):
    middle = (bars.high + bars.low) / 2
    smooth, fisher, values = 0.0, 0.0, []
    for window in _windows(middle, 10):
        if window is None:
            values.append(np.nan)
            continue
        span = window.max() - window.min()
        place = (window[-1] - window.min()) / span if span else 0.5
        smooth = 0.33 * 2 * (place - 0.5) + 0.67 * smooth
        if abs(smooth) > 0.99:
            smooth = np.copysign(0.999, smooth)
        fisher = 0.5 * np.log((1 + smooth) / (1 - smooth)) + 0.5 * fisher
        values.append(fisher)
    found = _compute(bars, "fisher_transform")
    _assert_equal(found["fisher"][10:], values[10:])
    _assert_equal(found["trigger"][10:], values[9:-1])
    assert np.isnan(found["fisher"][:10]).all()
    assert np.isnan(found["trigger"][:10]).all()


def test_relative_vigor_index():
    length, weights = 7, (1, 2, 2, 1)

    def smoothed(values: list[float], row: int) -> float:
        lags = zip(weights, (0, 1, 2, 3), strict=True)
        return sum(weight * values[row - lag] for weight, lag in lags) / 6

    bodies, spans = list(REAL.close - REAL.open), list(REAL.high - REAL.low)
    rows = range(len(REAL))
    body = [smoothed(bodies, row) if row >= 3 else np.nan for row in rows]
    span = [smoothed(spans, row) if row >= 3 else np.nan for row in rows]
    vigor = [
        sum(body[row - length + 1 : row + 1]) / sum(span[row - length + 1 : row + 1])
        if row >= length + 2
        else np.nan
        for row in rows
    ]
    first = length + 5
    signal = [smoothed(vigor, row) for row in rows[first:]]
    found = _compute(REAL, "relative_vigor_index", timeperiod=length)
    _assert_equal(found["vigor"][first:], vigor[first:])
    _assert_equal(found["signal"][first:], signal)
    assert np.isnan(found["vigor"][:first]).all()
    assert np.nanmax(np.abs(found["vigor"])) <= 1


def _zigzag_at(values: FloatArray, threshold: float) -> list[tuple[float, ...]]:
    """At each bar, from the values up to it: distance, direction, pivot, bars since."""
    known: list[tuple[float, ...]] = []
    pivot, direction = 0, 0
    for row in range(len(values)):
        leg = values[pivot : row + 1]
        highest, lowest = pivot + int(leg.argmax()), pivot + int(leg.argmin())
        if direction <= 0 and values[row] >= values[lowest] * (1 + threshold):
            pivot, direction = lowest, 1
        elif direction >= 0 and values[row] <= values[highest] * (1 - threshold):
            pivot, direction = highest, -1
        distance = values[row] / values[pivot] - 1
        known.append((distance, direction, values[pivot], row - pivot))
    return known


@pytest.mark.parametrize("threshold", [0.0005, 0.003, 0.01, 0.9])
@pytest.mark.parametrize("bars", [BARS, REAL], ids=["random", "real"])
def test_zigzag(bars, threshold):
    found = _compute(bars, "zigzag", threshold=threshold)
    known = np.array(_zigzag_at(bars.close, threshold))
    for values, expected in zip(found.values(), known.T, strict=True):
        np.testing.assert_array_equal(values, expected)


def test_zigzag_confirms_a_turn_only_when_price_has_moved_by_the_threshold():
    close = np.array([100, 104, 110, 106, 104.5, 103, 108, 113.4, 113])
    bars = Bars(
        symbol="SWING",
        timeframe=Timeframe.H1,
        time=np.datetime64("2020-01-06", "ms") + np.arange(9) * np.timedelta64(1, "h"),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones(9),
    )
    found = _compute(bars, "zigzag", threshold=0.05)
    # Up from 100 is known at 110; the top 110 at 104.5, which is 5 % below; the
    # bottom 103 at 113.4, since 108 is not yet 5 % above it.
    assert found["direction"].tolist() == [0, 0, 1, 1, -1, -1, -1, 1, 1]
    assert found["pivot"].tolist() == [*[100] * 4, *[110] * 3, 103, 103]
    assert found["bars_since"].tolist() == [0, 1, 2, 3, 2, 3, 4, 2, 3]


@pytest.mark.parametrize("bars", [BARS, REAL], ids=["random", "real"])
def test_ichimoku(bars):
    def middle(row: int, length: int) -> float:
        rows = slice(row - length + 1, row + 1)
        return float((bars.high[rows].max() + bars.low[rows].min()) / 2)

    found = _compute(bars, "ichimoku")
    assert np.isnan(found["tenkan"][: 51 + 26]).all()
    for row in range(51 + 26, len(bars)):
        drawn = row - 26
        edge_a = (middle(drawn, 9) + middle(drawn, 26)) / 2
        edge_b = middle(drawn, 52)
        assert found["tenkan"][row] == middle(row, 9)
        assert found["kijun"][row] == middle(row, 26)
        assert found["senkou_a"][row] == edge_a
        assert found["senkou_b"][row] == edge_b
        close, top, bottom = bars.close[row], max(edge_a, edge_b), min(edge_a, edge_b)
        nearest = top if close > top else bottom if close < bottom else close
        assert found["cloud_distance"][row] == pytest.approx((close - nearest) / close)
        assert found["chikou"][row] == close - bars.close[drawn]


def test_distance_from_moving_average():
    expected = [
        np.nan if window is None else window[-1] / window.mean() - 1
        for window in _windows(REAL.close, 50)
    ]
    _assert_equal(_compute(REAL, "ma_distance", timeperiod=50)["value"], expected)


@pytest.mark.parametrize(
    ("anchor", "form"), [("day", "%Y-%m-%d"), ("week", "%G-%V"), ("month", "%Y-%m")]
)
def test_anchored_vwap(anchor, form):
    session, money, units, expected = "", 0.0, 0.0, []
    price = (REAL.high + REAL.low + REAL.close) / 3
    for row, moment in enumerate(REAL.time.tolist()):
        if moment.strftime(form) != session:
            session, money, units = moment.strftime(form), 0.0, 0.0
        money += price[row] * REAL.volume[row]
        units += REAL.volume[row]
        expected.append(money / units)
    found = _compute(REAL, "anchored_vwap", anchor=anchor)
    _assert_equal(found["vwap"], expected)
    _assert_equal(found["distance"], REAL.close / expected - 1)


def test_anchored_vwap_waits_for_the_first_volume_of_its_session():
    bars = random_bars(60, start="2020-01-06T00:00")
    volume = bars.volume.copy()
    volume[24:30] = 0
    quiet = Bars(
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        time=bars.time,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=volume,
    )
    found = _compute(quiet, "anchored_vwap")["vwap"]
    assert np.flatnonzero(np.isnan(found)).tolist() == [24, 25, 26, 27, 28, 29]


def test_volume_ratio():
    expected = [
        np.nan if window is None else window[-1] / window.mean()
        for window in _windows(BARS.volume, 20)
    ]
    _assert_equal(_compute(BARS, "volume_ratio")["value"], expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zigzag", "fisher_transform", "anchored_vwap"])
def test_loops_take_less_than_two_seconds_for_a_million_bars(name):
    from time import process_time

    bars = random_bars(1_000_000, volatility=0.0005, gap_volatility=0.0001)
    begun = process_time()
    _compute(bars, name)
    assert process_time() - begun < 2
