"""The sweep: a trained model, 100,000 bars and 1,000 settings to trade it by."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.agreement import described, is_same
from benchmarks.measure import Measurement, measure
from benchmarks.work import INITIAL_CASH, Prices, make_prices
from ktrdr.backtesting import load_model
from ktrdr.data import Bars, BarStore, Provenance, Timeframe, sample_bars
from ktrdr.features import load_symbol_bars
from ktrdr.models import decide
from ktrdr.schemas import ChildOutcome, Parameter, StudySummaryRequest, SweepRequest
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import TradingOverrides, examples_folder
from ktrdr.studies import PlannedRun, plan_sweep
from ktrdr.typing import TargetArray
from ktrdr.workers import JobProcess, ResultEvent

NAME = "sweep"
AIM = 10.0
SYMBOL = "WALK"
THRESHOLD = "decisions.thresholds.long"
FEE = 0.0001
FREQUENCY = "1h"
THRESHOLDS = tuple(0.40 + 0.02 * n for n in range(10))
STOPS = (None, *(0.002 * n for n in range(1, 10)))
TARGETS = (None, *(0.003 * n for n in range(1, 10)))
# Where contestants find model and bars.
STORE_VARIABLE = "KTRDR_BENCHMARK_STORE"
_N_BARS, _QUICK_BARS = 100_000, 5_000
# As much as cash pays for, its commission included, and long only: so vectorbt can
# do the same.
_TRADING = f"""decisions:
  format: classification
  thresholds: {{long: 0.4, short: 0.4}}
  min_signal_separation: 6
  exit_on: opposite
  shorts: false

backtest:
  initial_cash: {INITIAL_CASH}
  costs: {{commission_rate: {FEE}}}
  sizing: {{type: fraction, fraction: {1 / (1 + FEE)!r}}}
"""


def strategy_text() -> str:
    """Return the sample strategy, traded in a way that peers know too."""
    text = (examples_folder() / "momentum.yaml").read_text(encoding="utf-8")
    return text[: text.index("decisions:")] + _TRADING


def request(model: str) -> SweepRequest:
    """Return the sweep; one threshold after the other, without stops first."""
    return SweepRequest(
        model=model,
        parameters=(
            Parameter(path=THRESHOLD, values=THRESHOLDS),
            Parameter(path="backtest.stops.stop_loss", values=STOPS),
            Parameter(path="backtest.stops.take_profit", values=TARGETS),
        ),
        symbol=SYMBOL,
        part="all",
    )


def walk_bars(prices: Prices) -> Bars:
    """Return the generated prices as hourly bars near 1, as those of a currency."""
    return Bars(
        symbol=SYMBOL,
        timeframe=Timeframe.H1,
        time=prices.time[0] + np.arange(len(prices)) * Timeframe.H1.duration,
        open=prices.open / 100,
        high=prices.high / 100,
        low=prices.low / 100,
        close=prices.close / 100,
        volume=np.zeros(len(prices)),
    )


def targets_of_store() -> dict[float, TargetArray]:
    """Return the targets that the model decides on, by threshold."""
    store = ArtifactStore.in_folder(Path(os.environ[STORE_VARIABLE]))
    model = load_model(store, "momentum")
    bars = load_symbol_bars(BarStore(store), model.strategy, SYMBOL, {})
    outputs = model.predictor.predict(model.features(bars.bars).values)
    overrides = TradingOverrides(strategy_text())
    return {
        value: decide(overrides.settings({THRESHOLD: value}).decisions, outputs)
        for value in THRESHOLDS
    }


def make_store(folder: Path, n_bars: int) -> str:
    """Train the strategy on the sample, store the bars, and return the model."""
    # Imported here: it needs torch, the other benchmarks do not.
    from ktrdr.schemas import TrainingRequest
    from ktrdr.training import train

    store = ArtifactStore.in_folder(folder / "store")
    for bars in (sample_bars(), walk_bars(make_prices(n_bars))):
        made = Provenance(kind="made", source="bench", imported_at=datetime.now(UTC))
        BarStore(store).save(bars, made)
    asked = TrainingRequest(
        strategy=strategy_text(),
        store=str(folder / "store"),
        checkpoints=str(folder / "checkpoints"),
    )
    return train(asked).model


def main(console: Console, *, quick: bool) -> bool:
    """Measure, print, and tell whether vectorbt found what ktrdr found."""
    n_bars = _QUICK_BARS if quick else _N_BARS
    console.print("Measuring the sweep ...")
    with TemporaryDirectory() as folder:
        model = make_store(Path(folder), n_bars)
        os.environ[STORE_VARIABLE] = str(Path(folder) / "store")
        ours, theirs = measure(
            NAME, {"ktrdr": n_bars, "vectorbt": n_bars}, rounds=1, warm_ups=1
        )
        seconds, n_jobs = _seconds_of_jobs(Path(folder) / "store", model)
    _print(console, ours, theirs)
    console.print(
        f"As jobs, two at a time: {n_jobs} packs, planned, started, traded and put "
        f"together in {seconds:.1f} s of time.\n"
    )
    return is_same(ours.outcome, theirs.outcome)


def _print(console: Console, ours: Measurement, theirs: Measurement) -> None:
    n_points = len(THRESHOLDS) * len(STOPS) * len(TARGETS)
    table = Table(
        title=f"Sweep  {n_points:,} points of the sample strategy (thresholds, stops, "
        f"targets), {ours.n_bars:,} bars",
        title_justify="left",
    )
    table.add_column("contestant")
    for heading in ("CPU s", "ms a point", "ktrdr faster", "peak MB"):
        table.add_column(heading, justify="right")
    table.add_column("result")
    ratio = theirs.seconds / ours.seconds
    for one in (ours, theirs):
        is_ours = one is ours
        table.add_row(
            one.name,
            f"{one.seconds:.2f}",
            f"{one.seconds / n_points * 1e3:.2f}",
            "" if is_ours else f"{ratio:.1f} times",
            f"{one.peak_bytes / 1e6:.0f}",
            f"{one.outcome.n_trades:,} trades"
            if is_ours
            else described(ours.outcome, one.outcome),
        )
    console.print(table)
    verdict = "reached" if ratio >= AIM else "not reached"
    console.print(f"Aim: {AIM:g} times vectorbt. {verdict}: {ratio:.1f} times.")
    console.print(
        "Compared: all trades, and the money of the points without stops, since "
        "vectorbt lets a stop override an exit already due at that bar's open. ktrdr "
        "also computes features and outputs, and 22 measures where vectorbt computes "
        "3; vectorbt is given the signals."
    )


def _seconds_of_jobs(folder: Path, model: str) -> tuple[float, int]:
    """Run the sweep as `ktrdr sweep` does, in job processes, two at a time."""
    began_s = time.monotonic()
    asked = request(model)
    plan = plan_sweep(asked, ArtifactStore.in_folder(folder), n_workers=2)
    with ThreadPoolExecutor(2) as pool:
        children = list(pool.map(lambda run: _outcome_of(folder, run), plan.runs))
    summary = StudySummaryRequest(
        study=asked, store=str(folder), children=tuple(children)
    )
    with JobProcess("ktrdr.workers.study_job", summary) as job:
        list(job.events())
    return time.monotonic() - began_s, len(plan.runs)


def _outcome_of(folder: Path, run: PlannedRun) -> ChildOutcome:
    asked = run.request.model_copy(update={"store": str(folder)})
    with JobProcess("ktrdr.workers.trials_job", asked) as job:
        *_, last = job.events()
    if not isinstance(last, ResultEvent):
        raise RuntimeError(f"{run.title} ended without a result")
    return ChildOutcome(title=run.title, state="completed", result=last.result)
