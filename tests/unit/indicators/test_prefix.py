import numpy as np
import pytest

from ktrdr.indicators import compute_indicator, warm_up
from tests.unit.indicators.test_warm_up import bars_for
from tests.unit.indicators.uses import NAMES, default_use, random_uses


@pytest.mark.parametrize("name", NAMES)
def test_later_bars_change_nothing(name):
    bars = bars_for(name)
    for use in [default_use(name), *random_uses(name, 6)]:
        whole, unknown = compute_indicator(use, bars), warm_up(use)
        for n_bars in (unknown, unknown + 1, unknown + 2, 350, 523, 699):
            part = compute_indicator(use, bars[:n_bars])
            for key, values in part.items():
                np.testing.assert_array_equal(values, whole[key][:n_bars], str(use))


def test_results_are_the_callers_own():
    for name in NAMES:
        use, bars = default_use(name), bars_for(name)
        for key, values in compute_indicator(use, bars).items():
            values[:] = 0
            assert compute_indicator(use, bars)[key].any(), name
