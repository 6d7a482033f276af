import math

import pytest

from ktrdr.data import Timeframe
from ktrdr.errors import NotFoundError
from ktrdr.indicators import IndicatorUse, catalogue, settling, warm_up
from ktrdr.indicators.settling import _measure
from tests.unit.indicators.uses import NAMES, default_use


@pytest.mark.parametrize("timeperiod", [5, 50, 400])
def test_average_over_a_window_settles_with_its_warm_up(timeperiod):
    use = IndicatorUse(type="sma", parameters={"timeperiod": timeperiod})
    assert settling(use) == warm_up(use) == timeperiod - 1


@pytest.mark.parametrize("timeperiod", [5, 50, 400])
def test_exponential_average_settles_as_its_weights_decay(timeperiod):
    use = IndicatorUse(type="ema", parameters={"timeperiod": timeperiod})
    decay = 1 - 2 / (timeperiod + 1)
    forgotten = math.log(1e-9) / math.log(decay)
    settled = settling(use)
    assert settled is not None
    # From the first value on, which differs by less than the price itself.
    assert 0.5 * forgotten < settled < timeperiod + forgotten


def test_rsi_settles_long_after_its_warm_up():
    settled = settling(IndicatorUse(type="rsi"))
    assert settled is not None
    assert 200 < settled < 300


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_to_depend_on_the_first_bar_does_and_nothing_else(name):
    use, indicator = default_use(name), catalogue()[name]
    if indicator.depends_on_first_bar:
        assert settling(use) is None
        defaults = tuple(sorted(indicator.defaults.items()))
        assert _measure(name, defaults, Timeframe.D1) is None
    else:
        settled = settling(use)
        assert settled is not None
        assert settled >= warm_up(use)


def test_anchored_average_settles_with_the_first_whole_session():
    use = IndicatorUse(type="anchored_vwap")
    assert settling(use, Timeframe.H1) == 23
    assert settling(use, Timeframe.H4) == 5


@pytest.mark.slow
def test_zigzag_that_never_turns_does_not_settle():
    use = IndicatorUse(type="zigzag", parameters={"threshold": 0.9})
    assert settling(use) is None


def test_unknown_indicator_has_no_settling():
    with pytest.raises(NotFoundError):
        settling(IndicatorUse(type="nothing"))
