"""What a result is worth, in plain words made from its numbers."""

from dataclasses import dataclass
from typing import Literal

from ktrdr.backtesting import Interval, NullComparison, ResultManifest
from ktrdr.report.remarks import chance_explains, n_trades_of, remarks_on
from ktrdr.report.wording import number, percent, plural, rough_percent

Outcome = Literal["gain", "loss", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement on one backtest.

    Attributes
    ----------
    outcome : str
        What became of the money.
    headline : str
        The result beside what else could have been done, in one sentence.
    caution : str
        What the model had seen of these bars; empty if nothing.
    remarks : tuple of str
        What a reader should know before believing the headline.
    is_evidence : bool
        The model had seen none of these bars, and chance alone seldom does as well.
    """

    outcome: Outcome
    headline: str
    caution: str
    remarks: tuple[str, ...]
    is_evidence: bool

    @property
    def tone(self) -> Outcome:
        """The outcome, unless it is a gain that is no evidence."""
        is_doubtful = self.outcome == "gain" and not self.is_evidence
        return "unchanged" if is_doubtful else self.outcome


def verdict_of(manifest: ResultManifest) -> Verdict:
    """Return the judgement on the result of ``manifest``."""
    total = manifest.final_equity / manifest.initial_cash - 1
    return Verdict(
        outcome="gain" if total > 0 else "loss" if total < 0 else "unchanged",
        headline="; ".join([_result(manifest, total), *_comparisons(manifest)]) + ".",
        caution=_caution(manifest),
        remarks=remarks_on(manifest, total),
        is_evidence=manifest.seen.n_in_sample == 0 and not chance_explains(manifest),
    )


def _result(manifest: ResultManifest, total: float) -> str:
    words, costs = _outcome_words(manifest, total), _costs(manifest)
    if manifest.seen.symbol_was_trained and manifest.seen.n_in_sample == 0:
        return f"{words} out of sample{costs}"
    return f"{words}{costs}, {_where(manifest)}"


def _outcome_words(manifest: ResultManifest, total: float) -> str:
    if manifest.is_ruined:
        return f"Lost everything ({rough_percent(total)})"
    if n_trades_of(manifest) == 0:
        return "Made no trade"
    if total == 0:
        return "Ended with what it began with"
    return f"{'Gained' if total > 0 else 'Lost'} {rough_percent(total)}"


def _where(manifest: ResultManifest) -> str:
    seen, n_bars = manifest.seen, manifest.period.n_bars
    if not seen.symbol_was_trained:
        return "on a symbol that the model was not trained on"
    if seen.n_in_sample == n_bars:
        return "on the very bars that the model was made from"
    return f"on bars of which {_seen_share(manifest)} are in sample"


def _seen_share(manifest: ResultManifest) -> str:
    return rough_percent(manifest.seen.n_in_sample / manifest.period.n_bars)


def _costs(manifest: ResultManifest) -> str:
    if n_trades_of(manifest) == 0:
        return ""
    returns = {
        point.multiple: point.total_return for point in manifest.cost_sensitivity
    }
    if 0.0 in returns and returns[0.0] == returns.get(1.0):
        return " with no costs charged"
    return " after costs"


def _comparisons(manifest: ResultManifest) -> list[str]:
    clauses = []
    hold = manifest.buy_and_hold.get("total_return")
    if hold is not None:
        verb = "gained" if hold > 0 else "lost"
        words = f"{verb} {rough_percent(hold)}" if hold else "changed nothing"
        clauses.append(f"buy and hold {words}")
    sharpe = manifest.measures.get("sharpe", Interval(value=None))
    if sharpe.low is not None and sharpe.high is not None:
        clauses.append(_interval_clause(manifest.confidence, sharpe.low, sharpe.high))
    if manifest.random_entries is not None:
        clauses.append(_null_clause(manifest.random_entries))
    return clauses


def _interval_clause(confidence: float, low: float, high: float) -> str:
    relation = (
        "lies above 0" if low > 0 else "lies below 0" if high < 0 else "includes 0"
    )
    return (
        f"the {percent(confidence, 0)} interval of the Sharpe ratio, "
        f"{number(low, 1)} to {number(high, 1)}, {relation}"
    )


def _null_clause(null: NullComparison) -> str:
    # The p-value counts the strategy itself as one of the runs.
    n_as_good = round(null.p_value * (1 + null.n_runs)) - 1
    if n_as_good <= 0:
        runs = plural(null.n_runs, "run")
        return f"none of {runs} with random entries did as well"
    if n_as_good >= null.n_runs:
        return "every run with random entries did at least as well"
    share = n_as_good / null.n_runs
    words = "less than 1" if share < 0.01 else "more than 99" if share > 0.99 else None
    said = f"{words} %" if words else percent(share, 0)
    return f"{said} of runs with random entries did at least as well"


def _caution(manifest: ResultManifest) -> str:
    seen, n_bars = manifest.seen, manifest.period.n_bars
    if seen.n_in_sample == 0:
        return ""
    bars = f"{number(seen.n_in_sample, 0)} of {plural(n_bars, 'bar')}"
    parts = f"{number(seen.train, 0)} training, {number(seen.validation, 0)} validation"
    if not seen.symbol_was_trained:
        return (
            f"{bars} lie in the time from which the model was made ({parts}), though "
            "of other symbols. Markets move together: this is weaker evidence than "
            "later bars would give."
        )
    return (
        f"The model was made from {bars} shown here ({parts}). On such bars a model "
        "looks better than it is: this result says little about the future."
    )
