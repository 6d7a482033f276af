import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import draw_candles
from ktrdr.errors import InputError
from tests.builders import bars_from_rows, random_bars


def test_candles_by_hand():
    # open, high, low, close; eight halves of a cell from 1 to 8.
    bars = bars_from_rows([(3, 8, 1, 6), (6, 6, 2, 2), (4, 4, 4, 4)])

    chart = draw_candles(bars, width=3, height=4)

    assert chart.rows == (
        "│  ",
        "┃┃ ",
        "┃┃╹",
        "│╹ ",
    )
    assert chart.is_up == (True, False, True)
    assert chart.bars_per_candle == 1
    assert chart.prices == pytest.approx((7.125, 5.375, 3.625, 1.875))


def test_neighbours_are_joined_when_there_is_no_room():
    bars = bars_from_rows([(1, 2, 1, 2), (2, 5, 2, 3), (3, 3, 1, 1)])

    chart = draw_candles(bars, width=2, height=2)

    assert chart.bars_per_candle == 2
    assert chart.is_up == (True, False)


def test_least_prices_are_drawn_like_others():
    # The range of these has no finite reciprocal.
    bars = bars_from_rows([(price,) * 4 for price in (1e-310, 2e-310)])

    assert draw_candles(bars, width=2, height=1).rows == ("╻╹",)


def test_flat_prices_are_a_line():
    chart = draw_candles(bars_from_rows([(5, 5, 5, 5)] * 4), width=10, height=3)

    assert [row.strip() for row in chart.rows] == ["", "", "╻╻╻╻"]


@given(st.integers(1, 300), st.integers(1, 100), st.integers(1, 40))
@settings(deadline=None, max_examples=50)
def test_chart_is_never_wider_or_higher_than_asked(n_bars, width, height):
    chart = draw_candles(random_bars(n_bars), width=width, height=height)

    assert len(chart.rows) == len(chart.prices) == height
    lengths = {len(row) for row in chart.rows}
    assert lengths == {len(chart.is_up)}
    assert len(chart.is_up) <= width
    # Every candle is drawn somewhere.
    assert all(
        any(row[at] != " " for row in chart.rows) for at in range(len(chart.is_up))
    )


@pytest.mark.parametrize(
    ("n_bars", "width", "height"), [(0, 5, 5), (5, 0, 5), (5, 5, 0)]
)
def test_nothing_can_not_be_drawn(n_bars, width, height):
    with pytest.raises(InputError, match="can't draw"):
        draw_candles(random_bars(n_bars), width=width, height=height)
