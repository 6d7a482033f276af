"""What a reader should know before believing a result."""

from collections.abc import Iterator
from datetime import datetime

from ktrdr.backtesting import CostPoint, Interval, ResultManifest
from ktrdr.report.wording import THIN_SPACE, number, plural, rough_percent

# Fewer trades than this say little, whatever their profits.
_FEW_TRADES = 30
_FEW_DAYS = 183
# Share of random runs at least as good above which chance explains the result.
_CHANCE = 0.05


def n_trades_of(manifest: ResultManifest) -> int:
    """Return the number of trades."""
    return round(manifest.measures.get("n_trades", Interval(value=None)).value or 0)


def remarks_on(manifest: ResultManifest, total: float) -> tuple[str, ...]:
    """Return what qualifies a total return of ``total``, the gravest first."""
    if n_trades_of(manifest) == 0:
        return (
            "Without trades there is nothing to judge.",
            *_lost_entries(manifest),
            *_shortness(manifest),
        )
    return tuple(
        [
            *_ruin(manifest, total),
            *_lost_entries(manifest),
            *_chance(manifest, total),
            *_fewness(manifest),
            *_costs(manifest, total),
            *_ambiguity(manifest, total),
            *_shortness(manifest),
        ]
    )


def _ruin(manifest: ResultManifest, total: float) -> Iterator[str]:
    if manifest.is_ruined:
        debt = f" with a debt of {rough_percent(total + 1)} of the initial money"
        yield (
            f"Equity fell to 0 or below; the position was closed"
            f"{debt if total < -1 else ''} and nothing was traded afterwards."
        )


def _lost_entries(manifest: ResultManifest) -> Iterator[str]:
    lost = manifest.n_entries_asked - n_trades_of(manifest)
    if lost > 0 and not manifest.is_ruined:
        asked = plural(manifest.n_entries_asked, "entry", "entries")
        yield (
            f"Of {asked} that the decisions asked for, {number(lost, 0)} came to "
            "nothing: the size was less than one lot step, or not known yet. See "
            "backtest.lot_step and backtest.sizing."
        )


def chance_explains(manifest: ResultManifest) -> bool:
    """Return whether the tests leave it open that the result is luck.

    True unless the interval of the Sharpe ratio lies above 0 and at most 5 % of the
    runs with random entries did as well.
    """
    sharpe, null = manifest.measures.get("sharpe"), manifest.random_entries
    if sharpe is None or sharpe.low is None or null is None:
        return True
    return sharpe.low <= 0 or null.p_value > _CHANCE


def _chance(manifest: ResultManifest, total: float) -> Iterator[str]:
    if total <= 0:
        return
    if chance_explains(manifest):
        yield "These tests can't tell the gain from luck."
    elif manifest.seen.n_in_sample == 0:
        yield (
            "Luck alone seldom does this well. It is still one period of one "
            "symbol, and each further strategy tried on these bars makes a lucky "
            "one likelier."
        )


def _fewness(manifest: ResultManifest) -> Iterator[str]:
    n_trades = n_trades_of(manifest)
    if n_trades < _FEW_TRADES:
        verb = "is" if n_trades == 1 else "are"
        yield f"{plural(n_trades, 'trade')} {verb} too few to judge a strategy by."


def _costs(manifest: ResultManifest, total: float) -> Iterator[str]:
    points = {point.multiple: point for point in manifest.cost_sensitivity}
    free = points.get(0.0)
    if total <= 0 and free is not None and free.total_return > 0:
        yield (
            f"Without costs it would have gained {rough_percent(free.total_return)}: "
            "its trades don't earn what they cost."
        )
    losing = _first_losing(points, total)
    if losing is not None:
        times = number(losing.multiple, 0 if losing.multiple % 1 == 0 else 1)
        yield (
            f"At {times}{THIN_SPACE}times the costs it would have lost "
            f"{rough_percent(losing.total_return)}."
        )


def _first_losing(points: dict[float, CostPoint], total: float) -> CostPoint | None:
    if total <= 0:
        return None
    dearer = [points[multiple] for multiple in sorted(points) if multiple > 1]
    return next((point for point in dearer if point.total_return < 0), None)


def _ambiguity(manifest: ResultManifest, total: float) -> Iterator[str]:
    count = manifest.n_ambiguous_bars
    if count == 0:
        return
    bars = f"In {plural(count, 'bar')} price touched both stop and target"
    better = manifest.optimistic.get("total_return")
    told = f"{bars}; the stop is taken to have come first"
    if better is None:
        yield f"{told}."
    elif total <= 0 < better:
        yield (
            f"{told}. Had the target come first, it would have gained "
            f"{rough_percent(better)}: finer bars are needed to know."
        )
    else:
        verb = "lost" if better < 0 else "gained"
        yield (
            f"{told}. Had the target come first, it would have {verb} "
            f"{rough_percent(better)}."
        )


def _shortness(manifest: ResultManifest) -> Iterator[str]:
    period = manifest.period
    days = (_moment(period.end) - _moment(period.start)).days
    if days < _FEW_DAYS:
        yield (
            f"The period is {plural(max(days, 1), 'day')} long; annual figures "
            "extrapolate from it."
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
