"""Sweeps and walk-forward studies as the terminal shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ktrdr.backtesting import MEASURES
from ktrdr.cli.result_view import format_value
from ktrdr.schemas import (
    Interval,
    Overrides,
    ParameterEffect,
    RankedTrial,
    StudyLine,
    StudySummary,
    SweepSummary,
    WalkForwardSummary,
    WindowSummary,
)

_UNITS = {known.name: known.unit for known in MEASURES}
_DIGITS = 12
_SHOWN = 10
# Beside the metric, where it is not one of them.
_BESIDE = ("total_return", "sharpe", "max_drawdown", "n_trades")
_TITLES = {
    "total_return": "return",
    "sharpe": "Sharpe",
    "max_drawdown": "drawdown",
    "n_trades": "trades",
}


def print_study(outcome: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what came out of a sweep or a walk-forward study."""
    import json

    from ktrdr.cli.output import console, print_json

    if as_json:
        print_json(outcome)
        return
    # From JSON, which knows no tuples.
    text = json.dumps(outcome["summary"])
    print_summary(
        console(), str(outcome["digest"]), StudySummary.model_validate_json(text)
    )


def print_summary(console: Console, digest: str, summary: StudySummary) -> None:
    """Print a study: what is to be learned from it, then its tables."""
    console.print(Text(summary.title, style="bold"))
    for sentence in summary.sentences:
        console.print(Text(sentence))
    if summary.sweep is not None:
        _print_sweep(console, summary.sweep)
    if summary.walk_forward is not None:
        _print_walk_forward(console, summary.walk_forward)
    console.print()
    console.print(Text(f"Study {digest[:_DIGITS]}"))
    if summary.sweep is not None and summary.sweep.test is not None:
        console.print(Text(f"Next: ktrdr report {summary.sweep.test[:_DIGITS]}"))


def studies_table(lines: Sequence[StudyLine]) -> Table:
    """Return a table of studies, one a row."""
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("study", "made"):
        table.add_column(name, no_wrap=True)
    for name in ("trials", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in lines:
        table.add_row(
            one.digest[:_DIGITS],
            one.created_at[:10],
            f"{one.n_trials:,}",
            f"{one.n_failed:,}",
            Text(one.title),
        )
    return table


def _print_sweep(console: Console, sweep: SweepSummary) -> None:
    console.print()
    console.print(_ranking(sweep.metric, sweep.top[:_SHOWN]))
    if len(sweep.top) < sweep.n_trials or len(sweep.top) > _SHOWN:
        shown = min(_SHOWN, len(sweep.top))
        console.print(Text(f"{shown} of {sweep.n_trials:,} trials", style="dim"))
    if len(sweep.parameters) > 0:
        console.print()
        console.print(_effects(sweep.metric, sweep.parameters))
    for failure in sweep.failures:
        console.print(Text(f"failed {failure.count}x: {failure.error}", style="yellow"))
    if sweep.test_measures:
        console.print()
        console.print(Text("The best one on the test part", style="bold"))
        console.print(_measured(sweep.test_measures, {}))


def _ranking(metric: str, trials: Sequence[RankedTrial]) -> Table:
    measures = [metric, *(name for name in _BESIDE if name != metric)]
    names = _short_names(trials)
    table = Table(box=None, pad_edge=False)
    table.add_column("rank", justify="right", no_wrap=True)
    for name in measures:
        table.add_column(_title(name), justify="right", no_wrap=True)
    for name in names.values():
        table.add_column(Text(name), justify="right", overflow="fold")
    for one in trials:
        table.add_row(
            "-" if one.rank is None else str(one.rank),
            *(_value(name, one.measures.get(name)) for name in measures),
            *(Text(_setting(one.parameters, path)) for path in names),
        )
    return table


def _short_names(trials: Sequence[RankedTrial]) -> dict[str, str]:
    """Return each path that varies with as much of its end as tells it apart."""
    paths = list(dict.fromkeys(path for one in trials for path in one.parameters))
    names: dict[str, str] = {}
    for path in paths:
        parts = path.split(".")
        ends = [".".join(parts[-n:]) for n in range(1, len(parts) + 1)]
        unlike = (
            end
            for end in ends
            if sum(one == end or one.endswith(f".{end}") for one in paths) == 1
        )
        names[path] = next(unlike, path)
    return names


def _effects(metric: str, effects: Sequence[ParameterEffect]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("parameter", overflow="fold")
    table.add_column(f"median {_title(metric)} by value", overflow="fold")
    for one in effects:
        values = ", ".join(
            f"{value.label}: {_value(metric, value.median)}" for value in one.values
        )
        table.add_row(Text(one.path), Text(values))
    return table


def _print_walk_forward(console: Console, walk: WalkForwardSummary) -> None:
    console.print()
    console.print(_windows(walk.windows))
    console.print()
    console.print(Text("All tests, one after the other", style="bold"))
    console.print(_measured(walk.measures, walk.buy_and_hold))


def _windows(windows: Sequence[WindowSummary]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("window", "tested from", "to"):
        table.add_column(name, no_wrap=True)
    for name in ("return", "Sharpe", "trades"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("in sample", justify="right", no_wrap=True)
    for one in windows:
        if one.error is not None:
            failed = Text("failed", style="yellow")
            table.add_row(str(one.number), *_tested(one), failed)
            continue
        table.add_row(
            str(one.number),
            *_tested(one),
            *(
                _value(name, one.measures.get(name))
                for name in ("total_return", "sharpe", "n_trades")
            ),
            _value("sharpe", one.in_sample.get("sharpe")),
        )
    return table


def _tested(window: WindowSummary) -> tuple[str, str]:
    return (window.test_start or "-")[:10], (window.test_end or "-")[:10]


def _measured(
    measures: Mapping[str, Interval], beside: Mapping[str, float | None]
) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("measure", no_wrap=True)
    for name in ("value", "95% interval", *(["buy and hold"] if beside else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for known in MEASURES:
        found = measures.get(known.name)
        if found is None or found.value is None:
            continue
        low, high = (_value(known.name, end) for end in (found.low, found.high))
        interval = "" if found.low is None else f"{low} to {high}"
        held = [_value(known.name, beside.get(known.name))] if beside else []
        table.add_row(known.title, _value(known.name, found.value), interval, *held)
    return table


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " "))


def _value(name: str, value: float | None) -> str:
    return format_value(value, _UNITS.get(name, "ratio"))


def _setting(parameters: Overrides, path: str) -> str:
    if path not in parameters:
        return ""
    value = parameters[path]
    if isinstance(value, float):
        return f"{value:.6g}"
    return "null" if value is None else str(value)
