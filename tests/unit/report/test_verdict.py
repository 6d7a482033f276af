from functools import cache

import pytest

from ktrdr.backtesting import CostPoint, Interval, NullComparison, SeenBars
from ktrdr.report import verdict_of
from tests.unit.report.results import eurusd, random_targets, result_of

N_BARS = 400


@cache
def base():
    return result_of(eurusd(N_BARS), random_targets(N_BARS)).manifest


def manifest(total=-0.0321, *, n_trades=120, sharpe=(-1.9, 0.8), p=48, **changes):
    """A manifest with chosen numbers; ``p`` of 99 random runs did as well."""
    measures = {
        **base().measures,
        "total_return": Interval(value=total),
        "n_trades": Interval(value=float(n_trades)),
        "sharpe": Interval(value=0.0, low=sharpe[0], high=sharpe[1])
        if sharpe
        else Interval(value=None),
    }
    null = NullComparison(
        n_runs=99,
        median_return=0.0,
        low_return=-0.1,
        high_return=0.1,
        p_value=(1 + (p or 0)) / 100,
    )
    fields = {
        "measures": measures,
        "initial_cash": 100_000.0,
        "final_equity": 100_000.0 * (1 + total),
        "is_ruined": False,
        "buy_and_hold": {"total_return": 0.0756},
        "random_entries": null if n_trades and p is not None else None,
        "cost_sensitivity": costs(total),
        "n_entries_asked": n_trades,
        "n_ambiguous_bars": 0,
        "seen": SeenBars(train=0, validation=0, test=N_BARS, other=0),
        "period": base().period.model_copy(
            update={
                "start": "2017-01-01T00:00:00Z",
                "end": "2017-12-29T00:00:00Z",
            }
        ),
        **changes,
    }
    return base().model_copy(update=fields)


def costs(total, free=None, twice=None):
    returns = {
        0.0: total - 0.01 if free is None else free,
        1.0: total,
        2.0: total if twice is None else twice,
    }
    return tuple(
        CostPoint(multiple=multiple, total_return=value, sharpe=None, n_trades=1)
        for multiple, value in returns.items()
    )


def said(**numbers):
    return verdict_of(manifest(**numbers)).headline.replace("\u202f", " ")


def remarks(**numbers):
    found = verdict_of(manifest(**numbers)).remarks
    return [remark.replace("\u202f", " ") for remark in found]


def test_a_loss_is_called_a_loss_in_the_first_words():
    assert said() == (
        "Lost 3.2 % out of sample after costs; buy and hold gained 7.6 %; the 95 % "
        "interval of the Sharpe ratio, \u22121.9 to 0.8, includes 0; 48 % of runs "
        "with random entries did at least as well."
    )
    assert verdict_of(manifest()).outcome == "loss"
    assert verdict_of(manifest()).caution == ""


def test_a_good_gain():
    assert said(total=0.21, sharpe=(0.4, 2.1), p=0, cost_sensitivity=costs(0.21)) == (
        "Gained 21.0 % out of sample after costs; buy and hold gained 7.6 %; the "
        "95 % interval of the Sharpe ratio, 0.4 to 2.1, lies above 0; none of 99 "
        "runs with random entries did as well."
    )


def test_only_a_gain_that_is_evidence_is_shown_as_one():
    good = {"total": 0.2, "sharpe": (0.4, 2.1), "p": 0}
    seen = SeenBars(train=1, validation=0, test=N_BARS - 1, other=0)
    assert verdict_of(manifest(**good)).tone == "gain"
    for doubt in ({"sharpe": (-0.1, 2.1)}, {"p": 10}, {"seen": seen}):
        found = verdict_of(manifest(**{**good, **doubt}))
        assert (found.outcome, found.tone) == ("gain", "unchanged")
        assert not found.is_evidence
    assert verdict_of(manifest()).tone == "loss"


def test_a_good_gain_is_still_one_sample():
    (remark,) = remarks(total=0.21, sharpe=(0.4, 2.1), p=0)
    assert remark.startswith("Luck alone seldom does this well. It is still one period")


@pytest.mark.parametrize("numbers", [{"sharpe": (-0.1, 3.0), "p": 0}, {"p": 20}])
def test_a_gain_that_chance_explains_is_said_to_be_no_evidence(numbers):
    chosen = {"sharpe": (0.1, 3.0), **numbers}
    assert "These tests can't tell the gain from luck." in remarks(total=0.1, **chosen)


def test_in_sample_bars_are_named_before_anything_else():
    seen = SeenBars(train=300, validation=100, test=0, other=0)
    found = verdict_of(manifest(total=0.5, seen=seen))
    assert found.headline.replace("\u202f", " ").startswith(
        "Gained 50.0 % after costs, on the very bars that the model was made from;"
    )
    assert found.caution.startswith(
        "The model was made from 400 of 400 bars shown here (300 training, "
        "100 validation)."
    )
    assert (found.outcome, found.tone) == ("gain", "unchanged")


def test_partly_seen_bars():
    seen = SeenBars(train=100, validation=0, test=300, other=0)
    assert said(seen=seen).startswith(
        "Lost 3.2 % after costs, on bars of which 25.0 % are in sample;"
    )


def test_another_symbol():
    seen = SeenBars(
        train=100, validation=0, test=300, other=0, symbol_was_trained=False
    )
    assert said(seen=seen).startswith(
        "Lost 3.2 % after costs, on a symbol that the model was not trained on;"
    )
    caution = verdict_of(manifest(seen=seen)).caution
    assert "of other symbols" in caution


def test_no_trade():
    assert said(total=0.0, n_trades=0, sharpe=None, p=None) == (
        "Made no trade out of sample; buy and hold gained 7.6 %."
    )
    assert remarks(total=0.0, n_trades=0, sharpe=None, p=None) == [
        "Without trades there is nothing to judge."
    ]


def test_ruin():
    ruined = {"total": -1.29, "is_ruined": True}
    assert said(**ruined).startswith(
        "Lost everything (129.0 %) out of sample after costs; buy and hold"
    )
    assert remarks(**ruined)[0] == (
        "Equity fell to 0 or below; the position was closed with a debt of 29.0 % of "
        "the initial money and nothing was traded afterwards."
    )


def test_exactly_nothing():
    assert said(total=0.0).startswith("Ended with what it began with out of sample")


def test_free_trading_is_named():
    free = costs(-0.0321, free=-0.0321)
    assert said(cost_sensitivity=free).startswith(
        "Lost 3.2 % out of sample with no costs charged;"
    )


def test_buy_and_hold_may_lose_or_do_nothing():
    assert "buy and hold lost 4.0 %;" in said(buy_and_hold={"total_return": -0.04})
    assert "buy and hold changed nothing;" in said(buy_and_hold={"total_return": 0.0})
    assert "buy and hold" not in said(buy_and_hold={})


@pytest.mark.parametrize(
    ("p", "clause"),
    [
        (99, "every run with random entries did at least as well"),
        (0, "none of 99 runs with random entries did as well"),
        (33, "33 % of runs with random entries did at least as well"),
    ],
)
def test_shares_of_random_runs(p, clause):
    assert said(p=p).endswith(f"{clause}.")


def test_costs_that_eat_a_gain():
    assert remarks(cost_sensitivity=costs(-0.0321, free=0.02)) == [
        "Without costs it would have gained 2.0 %: its trades don't earn what they "
        "cost."
    ]


def test_a_gain_that_higher_costs_would_eat():
    found = remarks(total=0.1, p=20, cost_sensitivity=costs(0.1, twice=-0.03))
    assert "At 2 times the costs it would have lost 3.0 %." in found


def test_few_trades():
    assert remarks(n_trades=1) == ["1 trade is too few to judge a strategy by."]
    assert remarks(n_trades=29) == ["29 trades are too few to judge a strategy by."]
    assert remarks(n_trades=30) == []


def test_ambiguous_bars_name_the_optimistic_result():
    (remark,) = remarks(n_ambiguous_bars=3, optimistic={"total_return": 0.012})
    assert remark == (
        "In 3 bars price touched both stop and target; the stop is taken to have come "
        "first. Had the target come first, it would have gained 1.2 %: finer bars are "
        "needed to know."
    )
    (remark,) = remarks(n_ambiguous_bars=1, optimistic={"total_return": -0.02})
    assert remark.endswith("Had the target come first, it would have lost 2.0 %.")


def test_short_periods_are_named():
    period = base().period.model_copy(
        update={"start": "2017-11-01T00:00:00Z", "end": "2017-12-01T00:00:00+00:00"}
    )
    assert remarks(period=period) == [
        "The period is 30 days long; annual figures extrapolate from it."
    ]


def test_entries_whose_size_was_too_small_are_named():
    (remark,) = remarks(n_entries_asked=121)
    assert remark.startswith("Of 121 entries that the decisions asked for, 1 came to")
    without_trades = verdict_of(manifest(0.0, n_trades=0, n_entries_asked=4))
    assert "4 came to nothing" in " ".join(without_trades.remarks)
    assert not remarks(n_entries_asked=120)
