"""One job of trials: from its request to a stored table."""

from dataclasses import replace

from ktrdr.backtesting import years_of
from ktrdr.data import from_iso, to_iso
from ktrdr.errors import BacktestError, InputError
from ktrdr.progress import Progress
from ktrdr.schemas import BacktestRequest, Period, Trial, TrialsRequest
from ktrdr.storage import ArtifactStore, open_store
from ktrdr.studies.curve_table import curve_table
from ktrdr.studies.outcome import TrialsOutcome
from ktrdr.studies.trial_table import trial_table
from ktrdr.studies.trials import TrialBench


def run_trials(request: TrialsRequest, progress: Progress) -> TrialsOutcome:
    """Backtest all trials of the request on its model and store their table.

    Raises
    ------
    InputError
        If no model is named, or no bar lies in the period.
    NotFoundError, BundleError
        If model or bars can't be had.
    JobStopped
        If the listener asks to stop.
    """
    if request.model is None:
        raise InputError("trials need a model, and the request names none")
    store = open_store(request.store)
    progress.phase("model and bars")
    bench = TrialBench(store, _backtest(request, request.model))
    if request.test_start is not None:
        _refuse_seen(bench, request.test_start)
    rows = [
        replace(row, parameters={**request.training, **row.parameters})
        for row in bench.run(request.trials, progress)
    ]
    outcome = _outcome(request, bench, store.put(trial_table(rows)))
    outcome = outcome.model_copy(
        update={"n_failed": sum(row.error is not None for row in rows)}
    )
    if request.test_start is None or rows[0].error is not None:
        return outcome
    return _with_window(store, request, request.trials[0], bench, outcome)


def _backtest(request: TrialsRequest, model: str) -> BacktestRequest:
    return BacktestRequest(
        model=model,
        symbol=request.symbol,
        part=request.part,
        start=request.test_start,
        end=request.test_end,
        snapshots=request.snapshots,
    )


def _refuse_seen(bench: TrialBench, test_start: str) -> None:
    split = bench.model.bundle.manifest.split
    if from_iso(split.validation.end) >= from_iso(test_start):
        raise BacktestError(
            f"{bench.model.bundle.ref} learned from bars up to {split.validation.end} "
            f"and was to be tested from {test_start} on: its result would mean nothing"
        )


def _outcome(request: TrialsRequest, bench: TrialBench, table: str) -> TrialsOutcome:
    bars, manifest = bench.bars, bench.model.bundle.manifest
    return TrialsOutcome(
        table=table,
        n_trials=len(request.trials),
        n_failed=0,
        model=bench.model.bundle.digest,
        training=request.training,
        symbol=bars.symbol,
        timeframe=bars.timeframe.value,
        period=Period(
            start=to_iso(bars.time[0]), end=to_iso(bars.time[-1]), n_bars=len(bars)
        ),
        years=years_of(bars),
        snapshots={bars.symbol: bench.symbol_bars.pins},
        train_start=manifest.split.train.start,
        train_end=manifest.split.validation.end,
    )


def _with_window(
    store: ArtifactStore,
    request: TrialsRequest,
    trial: Trial,
    bench: TrialBench,
    outcome: TrialsOutcome,
) -> TrialsOutcome:
    """Add what the summary of a walk-forward study needs of a window."""
    simulation, spec = bench.simulate(trial.overrides)
    wealth = simulation.equity / spec.initial_cash
    learned = BacktestRequest(
        model=outcome.model,
        symbol=request.symbol,
        start=outcome.train_start,
        end=to_iso(from_iso(outcome.train_end) + bench.bars.timeframe.duration),
        snapshots=request.snapshots,
    )
    inside = TrialBench(store, learned)
    measures = inside.measure(*inside.simulate(trial.overrides))
    return outcome.model_copy(
        update={
            "equity": store.put(curve_table(bench.bars.time, {"equity": wealth})),
            "in_sample": measures,
        }
    )
