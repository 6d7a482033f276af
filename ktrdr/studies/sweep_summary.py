"""What came out of a sweep: ranking, parameters, luck, and the best one's test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ktrdr.backtesting import returns_of, run_backtest
from ktrdr.errors import BacktestError, InputError, RunError
from ktrdr.progress import Progress
from ktrdr.schemas import (
    BacktestRequest,
    ChildOutcome,
    Luck,
    Overrides,
    RankedTrial,
    StudySummaryRequest,
    SweepRequest,
    SweepSummary,
)
from ktrdr.storage import ArtifactStore, parse_digest
from ktrdr.strategy import is_trading_path
from ktrdr.studies.luck import luck_of_sharpe, luck_of_values
from ktrdr.studies.outcome import TrialsOutcome
from ktrdr.studies.ranking import distinct, effects_of, failures_of, ranked
from ktrdr.studies.sweep import trials_of_jobs
from ktrdr.studies.trial_table import TrialRow, rows_of_table, trial_table
from ktrdr.studies.trials import TrialBench

_TOP = 20


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """The best trial, ready to be backtested again."""

    trial: RankedTrial
    outcome: TrialsOutcome
    overrides: Overrides

    def request(self, part: Literal["validation", "test", "all"]) -> BacktestRequest:
        return BacktestRequest(
            model=self.outcome.model,
            symbol=self.outcome.symbol,
            part=part,
            snapshots=self.outcome.snapshots,
            overrides=self.overrides,
        )


def summarize_sweep(
    store: ArtifactStore,
    asked: StudySummaryRequest,
    request: SweepRequest,
    progress: Progress,
) -> SweepSummary:
    """Return what is to be known about a sweep whose children have ended.

    The best trial of a sweep that was ranked on other bars is backtested once on the
    test part, with intervals and nulls; the result is stored as any other.

    Raises
    ------
    BacktestError
        If not a single child was completed.
    """
    progress.phase("put trials together")
    outcomes = [_outcome(child) for child in asked.children if _is_done(child)]
    if not outcomes:
        errors = dict.fromkeys(map(_error, asked.children))
        raise BacktestError(f"no trial was made: {'; '.join(errors)}")
    rows = _rows(store, request, asked.children)
    order = ranked(rows, request.metric)
    failed = [row.error for row in rows if row.error is not None]
    chosen = _chosen(order, outcomes)
    summary = SweepSummary(
        metric=request.metric,
        part=request.part,
        symbol=outcomes[0].symbol,
        timeframe=outcomes[0].timeframe,
        period=outcomes[0].period,
        n_trials=len(rows),
        n_failed=len(failed),
        failures=failures_of(failed),
        n_tied=sum(one.rank == 1 for one in order),
        top=tuple(order[:_TOP]),
        parameters=effects_of(rows, request.metric),
        luck=_luck(store, request, rows, chosen),
        table=store.put(trial_table(rows)),
    )
    if chosen is None or request.part != "validation":
        return summary
    return _with_test(asked, summary, chosen, progress)


def _is_done(child: ChildOutcome) -> bool:
    return child.state == "completed" and child.result is not None


def _outcome(child: ChildOutcome) -> TrialsOutcome:
    return TrialsOutcome.of_result(child.result or {})


def _error(child: ChildOutcome) -> str:
    return child.error or f"{child.title}: {child.state}"


def _rows(
    store: ArtifactStore, request: SweepRequest, children: Sequence[ChildOutcome]
) -> list[TrialRow]:
    """Return a row for each point; those of a job that failed tell why it did."""
    rows: list[TrialRow] = []
    planned = trials_of_jobs(request, len(children))
    for child, trials in zip(children, planned, strict=True):
        if _is_done(child):
            table = store.get(parse_digest(_outcome(child).table))
            rows += rows_of_table(table)
        else:
            rows += [
                TrialRow(
                    number=trial.number,
                    parameters=trial.overrides,
                    error=_error(child),
                )
                for trial in trials
            ]
    return sorted(rows, key=lambda row: row.number)


def _chosen(
    order: Sequence[RankedTrial], outcomes: Sequence[TrialsOutcome]
) -> _Chosen | None:
    best = order[0]
    if best.rank is None:
        return None
    outcome = next(one for one in outcomes if one.model == best.model)
    own = {k: v for k, v in best.parameters.items() if is_trading_path(k)}
    return _Chosen(trial=best, outcome=outcome, overrides=own)


def _luck(
    store: ArtifactStore,
    request: SweepRequest,
    rows: Sequence[TrialRow],
    chosen: _Chosen | None,
) -> Luck | None:
    if chosen is None:
        return None
    values = distinct(rows, request.metric)
    if request.metric != "sharpe":
        return luck_of_values(values)
    # Its returns once more: a table of all trials' returns would be huge.
    bench = TrialBench(store, chosen.request(request.part))
    simulation, spec = bench.simulate(chosen.overrides)
    returns = returns_of(simulation.equity, spec.initial_cash)
    return luck_of_sharpe(returns, values, len(returns) / chosen.outcome.years)


def _with_test(
    asked: StudySummaryRequest,
    summary: SweepSummary,
    chosen: _Chosen,
    progress: Progress,
) -> SweepSummary:
    known = {"store": asked.store, "operation": asked.operation}
    request = chosen.request("test").model_copy(update=known)
    try:
        result = run_backtest(request, progress)
    except (InputError, RunError) as error:
        # The ranking stands without it.
        progress.note(f"the best trial could not be tested: {error}")
        return summary
    return summary.model_copy(
        update={"test": result.digest, "test_measures": result.manifest.measures}
    )
