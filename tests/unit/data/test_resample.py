import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import (
    COLUMNS,
    Bars,
    Timeframe,
    partial_buckets,
    resample,
    sample_bars,
)
from ktrdr.errors import DataError, InputError
from tests.builders import bars_from_rows, random_bars


def slow_resample(bars, timeframe):
    """Bar by bar into dictionaries; a bar is known when its whole time has passed."""
    found = {}
    for i in range(len(bars)):
        opening = timeframe.opening(bars.time[i : i + 1])[0]
        if opening not in found:
            found[opening] = {
                "open": bars.open[i],
                "high": bars.high[i],
                "low": bars.low[i],
                "volume": 0.0,
            }
        bucket = found[opening]
        bucket["high"] = max(bucket["high"], bars.high[i])
        bucket["low"] = min(bucket["low"], bars.low[i])
        bucket["close"] = bars.close[i]
        bucket["volume"] += bars.volume[i]
    known_until = bars.time[-1] + bars.timeframe.duration
    return {
        opening: bucket
        for opening, bucket in found.items()
        if opening + timeframe.duration <= known_until
    }


@st.composite
def gappy_bars(draw):
    timeframe = draw(st.sampled_from([Timeframe.M15, Timeframe.H1, Timeframe.H4]))
    full = random_bars(
        draw(st.integers(1, 400)),
        seed=draw(st.integers(0, 10_000)),
        timeframe=timeframe,
        start=draw(st.sampled_from(["2020-01-06", "2020-01-03T20:00", "1969-12-30"])),
    )
    kept = np.random.default_rng(draw(st.integers(0, 100))).random(len(full)) < draw(
        st.sampled_from([0.1, 0.7, 1.0])
    )
    kept[draw(st.integers(0, len(full) - 1))] = True
    return Bars(
        symbol="TEST",
        timeframe=timeframe,
        time=full.time[kept],
        **{name: getattr(full, name)[kept] for name in COLUMNS},
    )


targets = st.sampled_from([Timeframe.H4, Timeframe.D1, Timeframe.W1])


@given(gappy_bars(), targets)
@settings(deadline=None)
def test_equals_the_slow_and_obvious_way(bars, timeframe):
    fast = resample(bars, timeframe)
    slow = slow_resample(bars, timeframe)

    if timeframe is bars.timeframe:
        assert len(fast) == len(bars)
        return
    assert list(fast.time) == list(slow)
    for name in ("open", "high", "low", "close"):
        assert getattr(fast, name).tolist() == [one[name] for one in slow.values()]
    np.testing.assert_allclose(fast.volume, [one["volume"] for one in slow.values()])


@given(gappy_bars(), targets, st.data())
@settings(deadline=None)
def test_no_bar_changes_or_comes_early_when_more_bars_follow(bars, timeframe, data):
    n_known = data.draw(st.integers(1, len(bars)))
    full = resample(bars, timeframe)

    early = resample(bars[:n_known], timeframe)

    is_known = full.close_time <= bars.close_time[n_known - 1]
    assert len(early) == is_known.sum()
    for name in ("time", *COLUMNS):
        np.testing.assert_array_equal(
            getattr(early, name), getattr(full, name)[: len(early)]
        )


def test_four_hours_by_hand():
    bars = bars_from_rows(
        [
            (10, 12, 9, 11),
            (11, 15, 10, 14),
            (14, 14, 8, 9),
            (9, 10, 9, 10),
            (5, 5, 5, 5),
        ],
        start="2020-01-06T00:00",
    )

    [bar] = [resample(bars, Timeframe.H4)]

    assert bar.time.tolist() == [np.datetime64("2020-01-06T00:00", "ms").item()]
    assert [getattr(bar, name)[0] for name in COLUMNS] == [10, 15, 8, 10, 400]


def test_days_of_the_sample_set():
    days = resample(sample_bars(), Timeframe.D1)
    third = sample_bars().between(
        np.datetime64("2017-01-03"), np.datetime64("2017-01-04")
    )
    row = days.time.tolist().index(np.datetime64("2017-01-03", "ms").item())

    assert len(third) == 24
    assert days.high[row] == third.high.max()
    assert days.close[row] == third.close[-1]
    # The last Friday ends at 22:00, before its day does.
    assert days.time[-1] == np.datetime64("2017-12-28")


def test_shorter_bars_can_not_be_made():
    with pytest.raises(InputError, match="1m bars can't be made of 1h"):
        resample(random_bars(5), Timeframe.M1)


def test_same_timeframe_gives_the_same_bars():
    bars = random_bars(5)

    assert resample(bars, Timeframe.H1).close.tolist() == bars.close.tolist()


def test_no_bars_stay_no_bars():
    assert len(resample(random_bars(0), Timeframe.D1)) == 0
    assert resample(random_bars(0), Timeframe.D1).timeframe is Timeframe.D1


def test_bars_that_reach_into_the_next_bucket_are_refused():
    # 11:30 to 12:30 holds prices from after the close of the bar 8:00 to 12:00.
    bars = random_bars(6, start="2020-01-06T09:30")

    with pytest.raises(DataError, match="prices from after its close"):
        resample(bars, Timeframe.H4)
    assert len(resample(bars, Timeframe.D1)) == 0


def test_partial_buckets_at_both_ends_are_told():
    bars = random_bars(6, start="2020-01-06T03:00")

    partial = partial_buckets(bars, Timeframe.H4)

    assert partial.first == np.datetime64("2020-01-06T00:00")
    assert partial.last == np.datetime64("2020-01-06T08:00")
    whole = partial_buckets(random_bars(8, start="2020-01-06T00:00"), Timeframe.H4)
    assert (whole.first, whole.last) == (None, None)
    assert partial_buckets(random_bars(0), Timeframe.H4).last is None
