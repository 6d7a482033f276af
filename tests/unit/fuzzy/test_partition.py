"""Partitions fitted to values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import sample_bars
from ktrdr.errors import DataError
from ktrdr.fuzzy import MembershipFunction, fit_partition

NAMES = ("a", "b", "c", "d", "e", "f")


def evenly(n_terms: int) -> dict[str, float | None]:
    return dict.fromkeys(NAMES[:n_terms])


values_with_ties = st.lists(
    st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, -100.0])),
    min_size=2,
    max_size=60,
)


@given(values_with_ties, st.integers(2, 6), st.lists(st.floats(-1e9, 1e9), min_size=1))
@settings(deadline=None)
def test_degrees_sum_to_1_everywhere(values, n_terms, points):
    try:
        partition = fit_partition(evenly(n_terms), np.array(values))
    except DataError:
        return
    x = np.array([*values, *points])
    total = sum(term(x) for term in partition.values())
    np.testing.assert_allclose(total, 1.0, atol=1e-12)


@given(values_with_ties, st.integers(2, 6))
@settings(deadline=None)
def test_each_term_alone_is_whole_at_its_peak(values, n_terms):
    try:
        partition = fit_partition(evenly(n_terms), np.array(values))
    except DataError:
        return
    peaks = [peak_of(term) for term in partition.values()]
    assert peaks == sorted(set(peaks))
    degrees = np.array([term(np.array(peaks)) for term in partition.values()])
    np.testing.assert_array_equal(degrees, np.eye(n_terms))


def peak_of(term: MembershipFunction) -> float:
    position = {"linear_z": 0, "triangular": 1, "linear_s": 1}[term.type]
    return term.parameters[position]


def test_peaks_stand_in_the_middle_of_equal_shares():
    partition = fit_partition(evenly(4), np.arange(1001.0))
    assert [peak_of(term) for term in partition.values()] == [125, 375, 625, 875]
    assert [term.type for term in partition.values()] == [
        "linear_z",
        "triangular",
        "triangular",
        "linear_s",
    ]


def test_peaks_stand_at_given_quantiles():
    auto = {"low": 0.1, "medium": 0.5, "high": 0.9}
    partition = fit_partition(auto, np.arange(101.0))
    assert {name: peak_of(term) for name, term in partition.items()} == {
        "low": 10,
        "medium": 50,
        "high": 90,
    }


def test_order_of_names_is_kept():
    assert list(fit_partition({"z": None, "a": None}, np.arange(9.0))) == ["z", "a"]


def test_unknown_values_do_not_count():
    values = np.arange(100.0)
    with_warm_up = np.concatenate([np.full(50, np.nan), values])
    assert fit_partition(evenly(3), with_warm_up) == fit_partition(evenly(3), values)


def test_order_of_values_does_not_count():
    values = np.random.default_rng(0).normal(size=500)
    assert fit_partition(evenly(3), values[::-1]) == fit_partition(evenly(3), values)


def test_many_equal_values_are_told_apart_by_their_distinct_ones():
    # Such as a candle pattern: 0 on almost every bar.
    values = np.concatenate([np.zeros(96), [100, 100, -100, -100]])
    partition = fit_partition({"bear": 0.0, "none": 0.5, "bull": 1.0}, values)
    assert [peak_of(term) for term in partition.values()] == [-100, 0, 100]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([], "no known value in 0 training bars"),
        ([np.nan, np.nan], "no known value in 2 training bars"),
        ([5.0] * 9, "9 values with 1 distinct, from 5 to 5, are too alike"),
        ([1.0, np.inf], "infinite"),
        ([1.0, 1e101], "beyond"),
        ([1.0, np.nextafter(1.0, 2)], "too alike to tell a, b, c, d, e, f apart"),
    ],
)
def test_values_that_can_not_be_parted_are_refused(values, told):
    with pytest.raises(DataError, match=f"1h_rsi_level: .*{told}"):
        fit_partition(evenly(6), np.array(values), source="1h_rsi_level")


def test_peaks_part_real_returns_at_the_quantiles():
    returns = np.diff(np.log(sample_bars().close))
    partition = fit_partition(evenly(3), returns)
    below = [np.mean(returns < peak_of(term)) for term in partition.values()]
    np.testing.assert_allclose(below, [1 / 6, 1 / 2, 5 / 6], atol=0.001)
