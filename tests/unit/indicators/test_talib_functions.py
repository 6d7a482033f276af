import numpy as np
import talib

from ktrdr.data import sample_bars
from ktrdr.indicators import IndicatorUse, catalogue, compute_indicator
from ktrdr.indicators.talib_border import MOVING_AVERAGES, implementation

BARS = sample_bars()
OPEN, HIGH, LOW, CLOSE = BARS.open, BARS.high, BARS.low, BARS.close


def _compute(name: str, **parameters: int | float | str) -> list[np.ndarray]:
    use = IndicatorUse(type=name, parameters=parameters)
    return list(compute_indicator(use, BARS).values())


def test_values_are_talibs_own():
    expected = {
        "rsi": [talib.RSI(CLOSE, 14)],
        "macd": talib.MACD(CLOSE, 12, 26, 9),
        "atr": [talib.ATR(HIGH, LOW, CLOSE, 14)],
        "ema": [talib.EMA(CLOSE, 30)],
        "adx": [talib.ADX(HIGH, LOW, CLOSE, 14)],
        "avgprice": [talib.AVGPRICE(OPEN, HIGH, LOW, CLOSE)],
        "obv": [talib.OBV(CLOSE, BARS.volume)],
        "correl": [talib.CORREL(HIGH, LOW, 30)],
    }
    for name, outputs in expected.items():
        for ours, talibs in zip(_compute(name), outputs, strict=True):
            np.testing.assert_array_equal(ours, talibs)


def test_parameters_reach_talib_in_the_right_places():
    upper, middle, lower = implementation("BBANDS")(
        CLOSE, 33, 1.5, 2.5, MOVING_AVERAGES["wma"]
    )
    ours = _compute("bbands", timeperiod=33, nbdevup=1.5, nbdevdn=2.5, matype="wma")
    for values, expected in zip(ours, (middle, upper, lower), strict=True):
        np.testing.assert_array_equal(values, expected)


def test_whole_number_is_taken_where_a_fraction_may_stand():
    np.testing.assert_array_equal(
        _compute("stddev", nbdev=2)[0], talib.STDDEV(CLOSE, 5, 2.0)
    )


def test_source_chooses_the_series():
    for name, series in {
        "volume": BARS.volume,
        "hl2": (HIGH + LOW) / 2,
        "hlc3": (HIGH + LOW + CLOSE) / 3,
        "ohlc4": (OPEN + HIGH + LOW + CLOSE) / 4,
    }.items():
        np.testing.assert_array_equal(
            _compute("sma", timeperiod=9, source=name)[0], talib.SMA(series, 9)
        )


def test_two_sources_keep_their_order():
    values = _compute("sub", source="close", source2="open")[0]
    np.testing.assert_array_equal(values, CLOSE - OPEN)


def test_candlestick_pattern_is_unknown_at_first_and_a_number_later():
    values = _compute("cdlengulfing")[0]
    assert np.isnan(values[:2]).all()
    assert set(np.unique(values[2:])) <= {-100.0, -80.0, 0.0, 80.0, 100.0}
    np.testing.assert_array_equal(
        values[2:], talib.CDLENGULFING(OPEN, HIGH, LOW, CLOSE)[2:]
    )


def test_mavp_takes_its_period_from_the_dominant_cycle():
    cycle = np.clip(np.round(talib.HT_DCPERIOD(CLOSE)), 10, 40)
    values = _compute("mavp", minperiod=10, maxperiod=40)[0]
    for row in (500, 2001, 6000):
        length = int(cycle[row])
        mean = CLOSE[row - length + 1 : row + 1].mean()
        np.testing.assert_allclose(values[row], mean, rtol=1e-12)


def test_vwma_of_hlc3_is_the_rolling_volume_weighted_price():
    values = _compute("vwma", timeperiod=24, source="hlc3")[0]
    rows = slice(1000 - 23, 1001)
    price = ((HIGH + LOW + CLOSE) / 3)[rows]
    expected = np.average(price, weights=BARS.volume[rows])
    np.testing.assert_allclose(values[1000], expected, rtol=1e-12)


def test_titles_of_namesakes_tell_them_apart():
    assert "relative_vigor_index" in catalogue()["rvi"].note
    assert "anchored_vwap" in catalogue()["vwap"].note
    assert "keltner" in catalogue()["kc"].note
