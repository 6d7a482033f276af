"""A backtest's result as the terminal shows it; imported by commands when needed."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ktrdr.backtesting import (
    MEASURES,
    Interval,
    Measure,
    ResultManifest,
    ResultSummary,
)
from ktrdr.report import replaced_settings, verdict_of

_DIGITS = 12
_UNDEFINED = "-"


def print_result(console: Console, digest: str, manifest: ResultManifest) -> None:
    """Print what came out, what it is compared with and how far to believe it."""
    verdict = verdict_of(manifest)
    console.print(Text(_title(manifest), style="bold"))
    console.print(Text(period_line(manifest)))
    console.print(Text(seen_line(manifest), style=_seen_style(manifest)))
    for sentence in replaced_settings(manifest.request.overrides):
        console.print(Text(sentence, style="yellow"))
    console.print()
    console.print(Text(verdict.headline))
    if verdict.caution:
        console.print(Text(verdict.caution, style="bold yellow"))
    for remark in verdict.remarks:
        console.print(Text(f"- {remark}"))
    console.print()
    console.print(_measures_table(manifest))
    console.print()
    console.print(Text(_random_line(manifest)))
    console.print(Text(_ambiguous_line(manifest)))
    console.print()
    console.print(_costs_table(manifest))
    console.print()
    console.print(Text(f"Result {digest[:_DIGITS]}"))
    console.print(Text(f"Next: ktrdr report {digest[:_DIGITS]}"))


def results_table(summaries: list[ResultSummary]) -> Table:
    """Return a table of results, one a row."""
    table = Table(box=None, pad_edge=False)
    table.add_column("result", no_wrap=True)
    table.add_column("model", overflow="fold")
    for name in ("bars", "from"):
        table.add_column(name, no_wrap=True)
    for name in ("trades", "return", "Sharpe", "seen"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in summaries:
        table.add_row(
            one.digest[:_DIGITS],
            one.model,
            f"{one.symbol} {one.timeframe}",
            one.start[:10],
            f"{one.n_trades:,}",
            format_value(one.total_return, "fraction"),
            format_value(one.sharpe, "ratio"),
            "yes" if one.n_in_sample else "no",
        )
    return table


def period_line(manifest: ResultManifest) -> str:
    """Return first and last bar and their number."""
    period = manifest.period
    start, end = _minutes(period.start), _minutes(period.end)
    return f"{start} to {end} UTC, {period.n_bars:,} bars"


def seen_line(manifest: ResultManifest) -> str:
    """Return in one sentence which of the bars the model had seen."""
    seen = manifest.seen
    counts = [
        f"{number:,} in the {part} part"
        for part, number in (
            ("training", seen.train),
            ("validation", seen.validation),
            ("test", seen.test),
        )
        if number
    ]
    if seen.other:
        counts.append(f"{seen.other:,} in none")
    where = ", ".join(counts)
    if not seen.symbol_was_trained:
        return f"The model was not trained on {manifest.symbol}; by time: {where}"
    if seen.n_in_sample:
        share = seen.n_in_sample / manifest.period.n_bars
        return f"IN SAMPLE: the model had seen {share:.0%} of these bars ({where})"
    return f"Out of sample: the model had seen none of these bars ({where})"


def format_value(value: float | None, unit: str) -> str:
    """Return a measure's value in its unit."""
    if value is None:
        return _UNDEFINED
    if unit == "fraction":
        return f"{value:.2%}"
    if unit in ("bars", "hours"):
        return f"{value:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{value:,.0f}" if unit == "count" else f"{value:,.2f}"


def _title(manifest: ResultManifest) -> str:
    model = f"{manifest.strategy_name}@{manifest.model_version}"
    return f"{model} on {manifest.symbol} {manifest.timeframe}"


def _seen_style(manifest: ResultManifest) -> str:
    return "bold yellow" if manifest.seen.n_in_sample else "green"


def _measures_table(manifest: ResultManifest) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("measure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column(
        f"{manifest.confidence:.0%} interval", justify="right", no_wrap=True
    )
    table.add_column("buy and hold", justify="right", no_wrap=True)
    for known, found in _measured(manifest):
        held = manifest.buy_and_hold.get(known.name)
        has_twin = known.name in manifest.buy_and_hold
        table.add_row(
            known.title,
            format_value(found.value, known.unit),
            _limits(found, known.unit),
            format_value(held, known.unit) if has_twin else "",
        )
    return table


def _measured(manifest: ResultManifest) -> Iterator[tuple[Measure, Interval]]:
    # Without trades most measures are not defined: a column of dashes says nothing.
    has_trades = manifest.measures["n_trades"].value
    for known in MEASURES:
        found = manifest.measures[known.name]
        if has_trades or found.value is not None:
            yield known, found


def _limits(found: Interval, unit: str) -> str:
    if found.low is None or found.high is None:
        return ""
    return f"{format_value(found.low, unit)} to {format_value(found.high, unit)}"


def _random_line(manifest: ResultManifest) -> str:
    null = manifest.random_entries
    if null is None:
        return (
            "Random entries: nothing to compare; there was no trade, or hardly another "
            "way to place them"
        )
    low, high = (f"{value:.2%}" for value in (null.low_return, null.high_return))
    return (
        f"Random entries, {null.n_runs:,} runs: median return "
        f"{null.median_return:.2%}, 95% of them {low} to {high}; "
        f"p = {null.p_value:.3f}"
    )


def _ambiguous_line(manifest: ResultManifest) -> str:
    count = manifest.n_ambiguous_bars
    if not count:
        return "No bar touched both stop and target"
    optimistic = format_value(manifest.optimistic["total_return"], "fraction")
    bars = "1 bar" if count == 1 else f"{count:,} bars"
    return (
        f"{bars} touched both stop and target: the stop was taken; with the target "
        f"first the total return would be {optimistic}"
    )


def _costs_table(manifest: ResultManifest) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("costs", no_wrap=True)
    for name in ("total return", "Sharpe", "trades"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in manifest.cost_sensitivity:
        table.add_row(
            "as assumed" if point.multiple == 1 else f"{point.multiple:g} times",
            format_value(point.total_return, "fraction"),
            format_value(point.sharpe, "ratio"),
            f"{point.n_trades:,}",
        )
    return table


def _minutes(moment: str) -> str:
    return moment[:16].replace("T", " ")
