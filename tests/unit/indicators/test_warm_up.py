import numpy as np
import pytest

from ktrdr.data import Bars, sample_bars
from ktrdr.errors import InputError, NotFoundError
from ktrdr.indicators import IndicatorUse, catalogue, compute_indicator, warm_up
from ktrdr.indicators.indicator import Value
from tests.builders import random_bars
from tests.unit.indicators.uses import NAMES, default_use, random_uses

BARS = random_bars(700)
# Arc sine and cosine are defined for values up to 1, exponentials up to 709.
LOW_BARS = Bars(
    symbol="LOW",
    timeframe=BARS.timeframe,
    time=BARS.time,
    open=BARS.open / 1000,
    high=BARS.high / 1000,
    low=BARS.low / 1000,
    close=BARS.close / 1000,
    volume=BARS.volume / 1000,
)


def bars_for(name: str) -> Bars:
    return LOW_BARS if name in ("acos", "asin", "cosh", "exp", "sinh") else BARS


@pytest.mark.parametrize("name", NAMES)
def test_values_are_known_exactly_after_the_warm_up(name):
    for use in [default_use(name), *random_uses(name, 12)]:
        unknown = warm_up(use)
        assert unknown < 700
        for key, values in compute_indicator(use, bars_for(name)).items():
            assert values.dtype == np.float64
            assert np.isnan(values[:unknown]).all(), (use, key)
            assert not np.isnan(values[unknown:]).any(), (use, key)


def test_every_value_is_known_on_real_bars_unless_stated_otherwise():
    bars = sample_bars()
    for name, indicator in catalogue().items():
        use = default_use(name)
        for values in compute_indicator(use, bars).values():
            assert np.isnan(values[: warm_up(use)]).all(), name
            later = values[warm_up(use) :]
            assert indicator.may_be_undefined or not np.isnan(later).any(), name


@pytest.mark.parametrize("n_bars", [0, 1, 2, 7])
def test_too_few_bars_give_unknown_values_and_no_error(n_bars):
    for use in (use for name in NAMES for use in random_uses(name, 3)):
        for values in compute_indicator(use, BARS[:n_bars]).values():
            assert values.shape == (n_bars,), use
            assert values.dtype == np.float64, use
            assert np.isnan(values[: warm_up(use)]).all(), use


@pytest.mark.parametrize("name", NAMES)
def test_longest_periods_are_computed(name):
    longest: dict[str, Value] = {
        one.name: int(one.maximum)
        for one in catalogue()[name].parameters
        if one.kind == "int" and one.name != "fastperiod"
    }
    use = IndicatorUse(type=name, parameters=longest)
    assert warm_up(use) >= max(map(int, longest.values()), default=1) - 1
    for values in compute_indicator(use, bars_for(name)).values():
        assert np.isnan(values[: warm_up(use)]).all()


def test_outputs_are_named_and_the_primary_one_comes_first():
    outputs = compute_indicator(IndicatorUse(type="bbands"), BARS)
    assert list(outputs) == ["middleband", "upperband", "lowerband"]


def test_unknown_indicator_cannot_be_computed():
    with pytest.raises(NotFoundError, match="did you mean rsi"):
        warm_up(IndicatorUse(type="rsii"))


def test_wrong_parameters_cannot_be_computed_and_all_are_told():
    use = IndicatorUse(type="rsi", parameters={"timeperiod": 1, "sauce": "close"})
    with pytest.raises(InputError, match=r"timeperiod: .* from 2 to 10000; sauce: "):
        compute_indicator(use, BARS)
