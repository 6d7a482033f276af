"""What a study says, in words: the finding, and how far it can be trusted."""

from collections.abc import Iterator

from ktrdr.backtesting import MEASURES
from ktrdr.schemas import Luck, RankedTrial, SweepSummary, WalkForwardSummary
from ktrdr.studies.ranking import label_of

_UNITS = {known.name: known.unit for known in MEASURES}
_TITLES = {known.name: known.title for known in MEASURES}


def measure_text(name: str, value: float | None) -> str:
    """Return a measure's value for people, such as ``1.5 %``."""
    if value is None:
        return "none"
    match _UNITS.get(name):
        case "fraction":
            return f"{value:.2%}".replace("%", " %")
        case "count" | "bars":
            return f"{value:,.0f}"
        case _:
            return f"{value:,.2f}"


def parameters_text(trial: RankedTrial) -> str:
    """Return a trial's parameters, such as ``stop_loss 0.004, take_profit none``."""
    return ", ".join(
        f"{path} = {label_of(value)}" for path, value in trial.parameters.items()
    )


def sweep_sentences(sweep: SweepSummary) -> list[str]:
    """Return what a sweep says, the most important first."""
    return list(_sweep_sentences(sweep))


def _sweep_sentences(sweep: SweepSummary) -> Iterator[str]:
    title = _TITLES[sweep.metric]
    best = sweep.best
    if sweep.n_failed == sweep.n_trials:
        yield f"All of {sweep.n_trials:,} trials failed."
    elif best is None:
        yield (
            f"None of {sweep.n_trials:,} trials has a {title.lower()}: "
            "as a rule, because none of them traded."
        )
    else:
        tied = f", as have {sweep.n_tied - 1:,} others" if sweep.n_tied > 1 else ""
        yield (
            f"Best of {sweep.n_trials:,} trials on {_part(sweep.part)}: {title} "
            f"{measure_text(sweep.metric, best.value)} with "
            f"{parameters_text(best)}{tied}."
        )
    if sweep.luck is not None:
        yield _luck_sentence(sweep, sweep.luck)
    elif best is not None:
        yield (
            "Whether the best stands out can't be told: the trials are too few or "
            "too much alike."
        )
    if best is not None:
        yield _test_sentence(sweep)
    if sweep.n_failed:
        first = sweep.failures[0]
        yield f"{sweep.n_failed:,} failed, {first.count:,} of them so: {first.error}"


def _luck_sentence(sweep: SweepSummary, luck: Luck) -> str:
    expected = measure_text(sweep.metric, luck.expected_best)
    median = measure_text(sweep.metric, luck.median)
    verdict = (
        "the best stands out from luck"
        if luck.stands_out
        else "the best does not stand out from luck"
    )
    if luck.probability is None:
        return (
            f"Of {luck.n_distinct:,} ways to trade (median {median}), luck alone would "
            f"bring the best to about {expected}: {verdict}."
        )
    return (
        f"Of {luck.n_distinct:,} ways to trade (median {median}), luck alone would "
        f"bring the best to about {expected}; the probability that its true Sharpe "
        f"ratio is above that is {luck.probability:.0%}: {verdict}."
    )


def _test_sentence(sweep: SweepSummary) -> str:
    if sweep.part != "validation":
        return (
            f"It was chosen on {_part(sweep.part)}, so that these bars are no test of "
            "it any more: only newer bars can be."
        )
    found = sweep.test_measures.get(sweep.metric)
    if sweep.test is None or found is None:
        return "The best could not be backtested on the test part."
    limits = ""
    if found.low is not None and found.high is not None:
        low, high = (measure_text(sweep.metric, one) for one in (found.low, found.high))
        limits = f" (95 % interval {low} to {high})"
    return (
        f"On the test part, which had no say in the choice, it has "
        f"{measure_text(sweep.metric, found.value)}{limits}."
    )


def _part(part: str) -> str:
    return "all bars" if part == "all" else f"the {part} part"


def walk_forward_sentences(walk: WalkForwardSummary) -> list[str]:
    """Return what a walk-forward study says, the most important first."""
    return list(_walk_sentences(walk))


def _walk_sentences(walk: WalkForwardSummary) -> Iterator[str]:
    total, sharpe = walk.measures["total_return"], walk.measures["sharpe"]
    n_tested = len(walk.windows) - walk.n_failed
    held = measure_text("total_return", walk.buy_and_hold.get("total_return"))
    yield (
        f"Out of sample, over {n_tested} windows and {walk.n_trades:,} trades: "
        f"{measure_text('total_return', total.value)}, buy and hold {held}."
    )
    if sharpe.low is not None and sharpe.high is not None:
        above = (
            "above 0"
            if sharpe.low > 0
            else "not distinguishable from 0"
            if sharpe.high > 0
            else "below 0"
        )
        yield (
            f"Sharpe ratio {measure_text('sharpe', sharpe.value)}, 95 % interval "
            f"{sharpe.low:.2f} to {sharpe.high:.2f}: {above}."
        )
    yield f"{walk.n_profitable} of {n_tested} windows gained{_worst(walk)}."
    if walk.efficiency is None:
        yield (
            "The models did not gain on the bars that they learned from, so that "
            "there is no walk-forward efficiency."
        )
    else:
        yield (
            f"Walk-forward efficiency {walk.efficiency:.0%}: the models' annual "
            "return out of sample, as a share of that on the bars they learned from."
        )
    if walk.n_failed:
        errors = [one for one in walk.windows if one.error is not None]
        yield (
            f"{walk.n_failed} windows failed and are left out, the first, number "
            f"{errors[0].number}, so: {errors[0].error}"
        )


def _worst(walk: WalkForwardSummary) -> str:
    worst = next((one for one in walk.windows if one.number == walk.worst), None)
    if worst is None:
        return ""
    value = measure_text("total_return", worst.measures["total_return"])
    return f"; the worst, number {worst.number}, made {value}"
