from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ktrdr.errors import InputError
from ktrdr.strategy import ForwardReturnLabels, SplitSpec, ZigzagLabels
from ktrdr.training.labels import forward_return, zigzag
from ktrdr.training.split import PART_NAMES, make_split, rows_of
from tests.builders import random_bars

HOUR = np.timedelta64(1, "h")


def bars_of(n_bars, start="2020-01-06T00:00", seed=0):
    return random_bars(n_bars, start=start, seed=seed)


def split_of(symbols, **keys):
    return make_split([bars.time for bars in symbols], SplitSpec(**keys), HOUR)


def all_rows(bars):
    return np.ones(len(bars), bool)


def test_parts_take_their_shares_in_order_of_time():
    bars = bars_of(100)
    split = split_of([bars], train=0.5, validation=0.3, test=0.2)
    assert (split.train.start, split.train.last) == (bars.time[0], bars.time[49])
    assert (split.validation.start, split.validation.last) == (
        bars.time[50],
        bars.time[79],
    )
    assert (split.test.start, split.test.last) == (bars.time[80], bars.time[99])
    assert split.test.end > bars.time[99]


def test_the_newest_rest_is_unused():
    bars = bars_of(100)
    split = split_of([bars], train=0.5, validation=0.2, test=0.2)
    assert split.test.last == bars.time[89]
    assert split.test.end == bars.time[90]


def test_shares_that_miss_one_by_rounding_use_all_bars():
    bars = bars_of(100)
    split = split_of([bars], train=0.7, validation=0.1, test=0.2)
    assert split.test.last == bars.time[99]


def test_all_symbols_are_cut_at_the_same_moment():
    early, late = bars_of(100), bars_of(100, start="2020-01-07T00:00")
    split = split_of([early, late])
    spec = ForwardReturnLabels(type="forward_return", horizon=1)
    for bars in (early, late):
        labels = forward_return(bars, spec, "regression")
        train, validation, test = (
            bars.time[rows_of(split[part], bars, labels, all_rows(bars)).used]
            for part in PART_NAMES
        )
        assert train.max() < split.validation.boundary <= validation.min()
        assert validation.max() < split.test.boundary <= test.min()


def test_purge_and_embargo_are_counted():
    bars = bars_of(100)
    split = split_of([bars], train=0.5, validation=0.3, test=0.2, embargo=4)
    spec = ForwardReturnLabels(type="forward_return", horizon=5)
    labels = forward_return(bars, spec, "regression")
    rows = {
        part: rows_of(split[part], bars, labels, all_rows(bars)) for part in PART_NAMES
    }
    # A label ends 6 bars after its own: the last 6 of a part reach beyond it.
    assert np.flatnonzero(rows["train"].used).tolist() == list(range(44))
    assert rows["train"].left_out.sum() == 6
    assert np.flatnonzero(rows["validation"].used).tolist() == list(range(54, 74))
    assert rows["validation"].left_out.sum() == 6 + 4
    # The very last 6 have no label at all, which is no purge.
    assert np.flatnonzero(rows["test"].used).tolist() == list(range(84, 94))
    assert rows["test"].left_out.sum() == 4


def test_too_few_bars_are_an_error_with_numbers():
    with pytest.raises(InputError, match=r"59 base bars are too few.*at least 60"):
        split_of([bars_of(59)])
    with pytest.raises(InputError, match="0 base bars"):
        split_of([])


def test_an_embargo_that_leaves_nothing_is_an_error():
    with pytest.raises(InputError, match="embargo of 30 base bars leaves nothing"):
        split_of([bars_of(100)], embargo=30)


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(80, 250), min_size=1, max_size=3),
    offsets=st.lists(st.integers(0, 100), min_size=3, max_size=3),
    horizon=st.integers(1, 30),
    embargo=st.integers(0, 10),
    shares=st.sampled_from([(0.6, 0.2, 0.2), (0.5, 0.25, 0.2), (0.4, 0.3, 0.3)]),
    is_zigzag=st.booleans(),
)
def test_no_label_looks_into_a_later_part(
    sizes, offsets, horizon, embargo, shares, is_zigzag
):
    start = np.datetime64("2020-01-06T00:00")
    symbols = [
        bars_of(size, str(start + offset * HOUR), seed=index)
        for index, (size, offset) in enumerate(zip(sizes, offsets, strict=False))
    ]
    train, validation, test = shares
    try:
        split = split_of(
            symbols, train=train, validation=validation, test=test, embargo=embargo
        )
    except InputError:
        assume(False)
    last_data: dict[str, np.datetime64] = {}
    first_sample: dict[str, np.datetime64] = {}
    for bars in symbols:
        labels = (
            zigzag(bars, ZigzagLabels(type="zigzag", threshold=0.01))
            if is_zigzag
            else forward_return(
                bars,
                ForwardReturnLabels(type="forward_return", horizon=horizon),
                "classification",
            )
        )
        seen = np.zeros(len(bars), int)
        for part in PART_NAMES:
            rows = rows_of(split[part], bars, labels, all_rows(bars))
            seen += rows.used
            assert not (rows.used & rows.left_out).any()
            if not rows.used.any():
                continue
            end = bars.time[labels.end[rows.used]].max()
            last_data[part] = max(last_data.get(part, end), end)
            first = bars.time[rows.used].min()
            first_sample[part] = min(first_sample.get(part, first), first)
        assert seen.max() <= 1
    for earlier, later in pairwise(PART_NAMES):
        if earlier in last_data and later in first_sample:
            gap = embargo * HOUR
            assert last_data[earlier] < split[later].boundary
            assert (
                first_sample[later] >= split[later].boundary + gap or len(symbols) > 1
            )
            assert first_sample[later] >= split[later].start
