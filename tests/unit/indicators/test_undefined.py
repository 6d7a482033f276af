"""What comes out where quotients have no meaning."""

import numpy as np
import pytest

from ktrdr.data import Bars
from ktrdr.indicators import IndicatorUse, catalogue, compute_indicator, warm_up
from tests.builders import random_bars
from tests.unit.indicators.uses import NAMES, default_use, random_uses


def _bars(kind: str) -> Bars:
    bars, rng = random_bars(400, seed=3), np.random.default_rng(5)
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    volume = bars.volume.copy()
    if kind == "still":
        prices[:], volume[:] = 1.2345, 0
    if kind == "still for a while":
        prices[:, 150:300], volume[150:300] = bars.close[149], 0
    if kind == "coarse":
        prices, volume[rng.random(400) < 0.5] = np.round(prices), 0
    if kind == "large":
        prices, volume = prices * 1e6, volume * 1e9
    if kind == "tiny":
        prices, volume = prices * 1e-9, volume * 1e-6
    if kind == "huge":
        prices, volume = prices * 1e60, volume * 1e60
    if kind == "jumpy":
        prices = prices * np.where(rng.random(400) < 0.05, 1e5, 1.0)
    if kind == "traded once":
        volume[:50], volume[51:] = 0, 0
    return Bars(
        symbol=kind,
        timeframe=bars.timeframe,
        time=bars.time,
        open=prices[0],
        high=prices.max(axis=0),
        low=prices.min(axis=0),
        close=prices[3],
        volume=volume,
    )


KINDS = [
    *("still", "still for a while", "coarse", "large"),
    *("tiny", "huge", "jumpy", "traded once"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_never_infinite_and_missing_only_where_stated(kind):
    bars = _bars(kind)
    for name in NAMES:
        for use in [default_use(name), *random_uses(name, 3)]:
            for values in compute_indicator(use, bars).values():
                assert not np.isinf(values).any(), use
                known = ~np.isnan(values[warm_up(use) :])
                assert known.all() or catalogue()[name].may_be_undefined, use


def _compute(kind: str, name: str, **parameters: int | float | str) -> np.ndarray:
    use = IndicatorUse(type=name, parameters=parameters)
    outputs = compute_indicator(use, _bars(kind))
    return outputs[catalogue()[name].primary]


def test_place_in_bands_is_unknown_while_the_price_stands_still():
    place = _compute("still for a while", "bollinger_position", timeperiod=20)
    assert np.isnan(place[170:300]).all()
    assert not np.isnan(place[19:168]).any()
    assert not np.isnan(place[300:]).any()


def test_width_of_bands_is_zero_while_the_price_stands_still():
    width = _compute("still for a while", "bollinger_width", timeperiod=20)
    assert (width[170:300] == 0).all()


def test_squeeze_is_off_while_the_price_stands_still():
    outputs = compute_indicator(
        IndicatorUse(type="squeeze"), _bars("still for a while")
    )
    assert (outputs["is_on"][175:300] == 0).all()


@pytest.mark.parametrize("name", ["volume_ratio", "rvol", "vwma", "anchored_vwap"])
def test_nothing_is_known_of_volume_where_there_is_none(name):
    assert np.isnan(_compute("still", name)).all()


def test_quotient_by_zero_is_unknown_not_infinite():
    values = _compute("coarse", "div", source="close", source2="volume")
    bars = _bars("coarse")
    np.testing.assert_array_equal(np.isnan(values), bars.volume == 0)


def test_overflow_is_unknown_not_infinite():
    assert np.isnan(_compute("large", "exp")).all()
