"""Run the benchmarks and print what was reached.

``python -m benchmarks`` needs the packages of the groups ``dev`` and ``bench`` and
the extra ``ml``. ``--quick`` does little work, to see that everything runs and that
all find the same; its times mean nothing.
"""

import argparse
import os
import platform

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.agreement import described, is_same
from benchmarks.measure import Measurement, measure, measure_process
from benchmarks.stages import STAGES, stage_seconds
from benchmarks.work import WORKS, Work

_QUICK_BARS = 20_000
_CONTESTANTS = {
    "W1": ("ktrdr", "vectorbt", "vectorbt_given"),
    "W2": ("ktrdr", "vectorbt", "vectorbt_given"),
    "W3": ("ktrdr", "vectorbt"),
    "W4": ("ktrdr", "vectorbt"),
}
# backtesting.py calls a method for every bar: a tenth of the bars tells enough.
_SLOW_PEER = {"W1": 10, "W2": 10}
# vectorbt may override an exit that is already due, so its money differs there.
_OTHER_RULES = {"W2"}
_PROCESS_BARS = 100_000
_WIDTH = 100
_PROCESS_AIM_S = 0.5


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="little work: a check, not a measurement"
    )
    names = [work.name for work in WORKS]
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*names, "W6", "process", "sweep", "system", "workers"],
        default=[*names, "process", "W6", "sweep", "system", "workers"],
        help="leave out the others",
    )
    options = parser.parse_args()
    console = Console(width=max(_WIDTH, Console().width))
    _print_machine(console)
    works = [work for work in WORKS if work.name in options.only]
    is_agreed = _simulations(console, works, quick=options.quick)
    if works:
        _print_stages(console, works, quick=options.quick)
    if "process" in options.only:
        _print_processes(console, quick=options.quick)
    if "sweep" in options.only:
        # Imported here: it trains a model, for which torch is needed.
        from benchmarks import sweep

        is_agreed &= sweep.main(console, quick=options.quick)
    if "system" in options.only:
        # Imported here: it needs an embedded PostgreSQL.
        from benchmarks import system

        system.main(console, quick=options.quick)
    if "workers" in options.only:
        # Imported here: it needs an embedded PostgreSQL.
        from benchmarks import many_workers

        many_workers.main(console, quick=options.quick)
    if "W6" in options.only:
        # Imported here: it needs torch and scikit-learn, the others do not.
        from benchmarks import training

        training.main(rounds=1 if options.quick else training.ROUNDS)
    return 0 if is_agreed else 1


def _print_machine(console: Console) -> None:
    console.print(
        f"Python {platform.python_version()}, numpy {np.__version__}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors. "
        "Processor seconds, medians of interleaved rounds; each contestant in a "
        "process of its own with one thread, warmed up, data frames made before. "
        "Timed: signals, trades, equity, Sharpe ratio and drawdown."
    )


def _simulations(console: Console, works: list[Work], *, quick: bool) -> bool:
    """Measure and print; tell whether vectorbt found what ktrdr found."""
    is_agreed = True
    notes: dict[str, str] = {}
    for work in works:
        console.print(f"Measuring {work.name} ...")
        measured = _measured(work, quick=quick)
        _print_work(console, work, measured)
        ours, vectorbt = measured[0].outcome, measured[1].outcome
        if work.name not in _OTHER_RULES:
            is_agreed &= is_same(ours, vectorbt)
        notes.update({one.name: one.note for one in measured if one.note})
    for name, note in notes.items():
        console.print(f"{name}: {note}.")
    return is_agreed


def _measured(work: Work, *, quick: bool) -> list[Measurement]:
    """Measure ktrdr, vectorbt and, where it is fast enough, backtesting.py."""
    n_bars = _QUICK_BARS if quick else work.n_bars
    rounds, warm_ups = (1, 1) if quick else (work.rounds, 2 if work.rounds > 1 else 1)
    together = measure(
        work.name,
        dict.fromkeys(_CONTESTANTS[work.name], n_bars),
        rounds=rounds,
        warm_ups=warm_ups,
    )
    if work.name not in _SLOW_PEER:
        return together
    slow = {"backtesting": n_bars // _SLOW_PEER[work.name]}
    return together + measure(work.name, slow, rounds=1, warm_ups=1)


def _print_work(console: Console, work: Work, measured: list[Measurement]) -> None:
    ours = measured[0]
    table = Table(
        title=f"{work.name}  {work.title}, {ours.n_bars:,} bars", title_justify="left"
    )
    table.add_column("contestant")
    for heading in ("CPU s", "M bars/s", "ktrdr faster", "peak MB"):
        table.add_column(heading, justify="right")
    table.add_column("result")
    for one in measured:
        scale = ours.n_bars / one.n_bars
        ratio = one.seconds_per_bar / ours.seconds_per_bar
        is_comparable = one is not ours and one.n_bars == ours.n_bars
        table.add_row(
            one.name,
            f"{one.seconds * scale:.4f}" + (" scaled up" if scale != 1 else ""),
            f"{work.n_runs / one.seconds_per_bar / 1e6:.2f}",
            "" if one is ours else f"{ratio:.1f} times",
            f"{one.peak_bytes / 1e6:.0f}",
            described(ours.outcome, one.outcome)
            if is_comparable
            else f"{one.outcome.n_trades:,} trades",
        )
    console.print(table)
    reached = measured[1].seconds_per_bar / ours.seconds_per_bar
    verdict = "reached" if reached >= work.aim else "not reached"
    console.print(
        f"Aim: {work.aim:g} times vectorbt. {verdict}: {reached:.1f} times.\n"
    )


def _print_stages(console: Console, works: list[Work], *, quick: bool) -> None:
    table = Table(
        title="Where ktrdr's time goes, ms (of W3: one pair)", title_justify="left"
    )
    table.add_column("stage")
    columns = []
    for work in works:
        table.add_column(work.name, justify="right")
        n_bars = _QUICK_BARS if quick else work.n_bars
        columns.append(stage_seconds(work, n_bars, rounds=3 if quick else 15))
    for stage in STAGES:
        row = (
            f"{column[stage] * 1e3:.2f} {column[stage] / sum(column.values()):4.0%}"
            for column in columns
        )
        table.add_row(stage, *row)
    console.print(table)


def _print_processes(console: Console, *, quick: bool) -> None:
    n_bars = _QUICK_BARS if quick else _PROCESS_BARS
    table = Table(
        title=f"Whole process with imports, W1 on {n_bars:,} bars, least of rounds",
        title_justify="left",
    )
    table.add_column("contestant")
    table.add_column("CPU s", justify="right")
    seconds = {
        module: measure_process(module, "W1", n_bars, rounds=1 if quick else 5)
        for module in ("ktrdr", "vectorbt", "backtesting")
    }
    for module, value in seconds.items():
        table.add_row(module, f"{value:.2f}")
    console.print(table)
    reached = "reached" if seconds["ktrdr"] <= _PROCESS_AIM_S else "not reached"
    console.print(f"Aim: {_PROCESS_AIM_S:g} s. {reached}: {seconds['ktrdr']:.2f} s.\n")


if __name__ == "__main__":
    raise SystemExit(main())
