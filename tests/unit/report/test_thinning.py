import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.report.exposure import held_shares
from ktrdr.report.thinning import rows_to_draw, runs


def columns_of(n_bars, columns):
    edges = np.linspace(0, n_bars, columns + 1).astype(int)
    return [range(edges[i], edges[i + 1]) for i in range(columns)]


@given(
    seed=st.integers(0, 2**32 - 1),
    n_bars=st.integers(1, 3000),
    columns=st.integers(1, 90),
)
def test_every_column_keeps_its_ends_and_extremes(seed, n_bars, columns):
    values = np.random.default_rng(seed).integers(0, 50, n_bars).astype(float)
    rows = rows_to_draw(values, columns)
    assert (np.diff(rows) > 0).all()
    assert len(rows) <= max(4 * columns, 1)
    if n_bars <= 4 * columns:
        assert rows.tolist() == list(range(n_bars))
        return
    kept = set(rows.tolist())
    for column in columns_of(n_bars, columns):
        drawn = [values[row] for row in column if row in kept]
        everything = [values[row] for row in column]
        assert {column[0], column[-1]} <= kept
        assert (min(drawn), max(drawn)) == (min(everything), max(everything))


def test_one_spike_among_a_million_bars_survives():
    values = np.zeros(1_000_000)
    values[123_457], values[876_543] = 5.0, -7.0
    drawn = values[rows_to_draw(values, 800)]
    assert (drawn.max(), drawn.min()) == (5.0, -7.0)


def test_runs_of_equal_values():
    assert runs(np.array([1, 1, 0, 2, 2, 2])) == [(0, 2, 1), (2, 3, 0), (3, 6, 2)]
    assert runs(np.array([], dtype=np.int64)) == []


@given(
    held=st.lists(st.booleans(), min_size=1, max_size=300),
    columns=st.integers(1, 80),
)
def test_held_shares_equal_a_count_bar_by_bar(held, columns):
    edges, shares = held_shares(np.array(held), columns)
    spread = np.repeat(shares, np.diff(edges).astype(int))
    expected = [
        sum(held[row] for row in column) / len(column)
        for column in columns_of(len(held), min(len(held), columns))
        for _ in column
    ]
    assert spread.tolist() == expected
    assert (np.diff(shares) != 0).all()
