"""A whole backtest: from a model and stored bars to a stored result."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ktrdr.backtesting.bootstrap import CONFIDENCE
from ktrdr.backtesting.evaluate import Evaluation, evaluate
from ktrdr.backtesting.market import Market
from ktrdr.backtesting.model_loader import LoadedModel, load_model
from ktrdr.backtesting.orders import find_runs
from ktrdr.backtesting.result import Decisions, Result
from ktrdr.backtesting.result_store import claimed_result, load_result, save_result
from ktrdr.backtesting.return_measures import drawdown_of
from ktrdr.backtesting.seen import count_seen, rows_of_period, seen_parts
from ktrdr.backtesting.simulation import Simulation
from ktrdr.backtesting.tables import decisions_table, equity_table, trades_table
from ktrdr.build_info import build_info
from ktrdr.data import BarStore, parse_symbol, to_iso
from ktrdr.features import FeatureMatrix, SymbolBars, load_symbol_bars
from ktrdr.models import decide, rules_in_words
from ktrdr.progress import Progress
from ktrdr.schemas import BacktestRequest, Overrides, Period, ResultManifest
from ktrdr.storage import ArtifactStore, open_store
from ktrdr.strategy import (
    BacktestSpec,
    Strategy,
    check_trading_paths,
    with_overrides,
)
from ktrdr.typing import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    """What there is when the positions have been traded."""

    model: LoadedModel
    text: str
    strategy: Strategy
    symbol_bars: SymbolBars
    market: Market
    features: FeatureMatrix
    decisions: Decisions
    simulation: Simulation

    @property
    def spec(self) -> BacktestSpec:
        return self.strategy.backtest


def run_backtest(request: BacktestRequest, progress: Progress) -> Result:
    """Backtest a model, store the result and return it.

    Features use all bars before the period as warm-up. The position is flat when
    the period begins, and the first decision is that at its first bar's close: what
    the model would have wanted before has no part in it.

    Parameters
    ----------
    request : BacktestRequest
        Model, symbol, period, snapshots, seed and number of resamples.
    progress : Progress
        Told what is being done.

    Returns
    -------
    Result
        As ``load_result`` reads it. The same request on the same snapshots gives
        the same tables, byte for byte, and the same measures. With an operation,
        the result that the first attempt at it to finish has kept.

    Raises
    ------
    NotFoundError
        If model or bars are not in the store.
    BundleError
        If the model is damaged or does not fit this program.
    InputError
        If no bar lies in the period.
    """
    store = open_store(request.store)
    if request.operation is not None:
        kept = claimed_result(store, request.operation)
        if kept is not None:
            return load_result(store, kept)
    run = _trade(store, request, progress)
    evaluation = evaluate(
        run.simulation,
        run.market,
        run.decisions.target,
        run.spec,
        n_resamples=request.resamples,
        seed=request.seed,
        progress=progress,
    )
    manifest = _manifest(store, request, run, evaluation)
    return load_result(store, save_result(store, manifest, request.operation))


def _trade(store: ArtifactStore, request: BacktestRequest, progress: Progress) -> _Run:
    progress.phase("model and bars")
    model = load_model(store, request.model)
    text, strategy = _overridden(model, request.overrides)
    split = model.bundle.manifest.split
    symbol = parse_symbol(request.symbol or strategy.training_data.symbols[0])
    pins = request.snapshots.get(symbol, {})
    loaded = load_symbol_bars(BarStore(store), strategy, symbol, pins)
    rows = rows_of_period(loaded.base, request, split)
    progress.phase("features and decisions")
    until_end = {**loaded.bars, loaded.base_timeframe: loaded.base[: rows.stop]}
    features = model.features(until_end)[rows]
    outputs = model.predictor.predict(features.values)
    decisions = Decisions(
        names=model.predictor.outputs,
        outputs=outputs,
        target=decide(strategy.decisions, outputs),
        seen=seen_parts(features.time, split),
    )
    market = Market.of(loaded.base, rows, strategy.backtest)
    progress.work("bars", len(market.bars))
    return _Run(
        model=model,
        text=text,
        strategy=strategy,
        symbol_bars=loaded,
        market=market,
        features=features,
        decisions=decisions,
        simulation=market.simulate(decisions.target, strategy.backtest),
    )


def _overridden(model: LoadedModel, overrides: Overrides) -> tuple[str, Strategy]:
    """Return the model's strategy, as text too, traded by other settings."""
    manifest = model.bundle.manifest
    if not overrides:
        return manifest.strategy_yaml, model.strategy
    check_trading_paths(overrides)
    source = f"strategy of {manifest.title}"
    return with_overrides(manifest.strategy_yaml, overrides, source)


def _manifest(
    store: ArtifactStore, request: BacktestRequest, run: _Run, evaluation: Evaluation
) -> ResultManifest:
    """Store the run's tables and return the manifest that names them."""
    model, bars, decided = run.model.bundle.manifest, run.market.bars, run.decisions
    period = Period(
        start=to_iso(bars.time[0]), end=to_iso(bars.time[-1]), n_bars=len(bars)
    )
    return ResultManifest(
        created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        request=_pinned(request, run),
        strategy_name=model.name,
        strategy_yaml=run.text,
        model_version=model.version,
        symbol=bars.symbol,
        timeframe=bars.timeframe.value,
        period=period,
        seen=count_seen(decided.seen, symbol_was_trained=bars.symbol in model.symbols),
        snapshots=run.symbol_bars.uses,
        initial_cash=run.spec.initial_cash,
        final_equity=float(run.simulation.equity[-1]),
        is_ruined=run.simulation.is_ruined,
        confidence=CONFIDENCE,
        resampling=evaluation.resampling,
        measures=evaluation.measures,
        n_entries_asked=len(find_runs(decided.target).entry_bar),
        n_ambiguous_bars=evaluation.n_ambiguous_bars,
        optimistic=evaluation.optimistic,
        buy_and_hold=evaluation.buy_and_hold,
        random_entries=evaluation.random_entries,
        cost_sensitivity=evaluation.cost_sensitivity,
        rules=rules_in_words(
            run.strategy, run.features, decided.outputs, decided.target
        ),
        trades=store.put(trades_table(run.simulation.trades, bars)),
        equity=store.put(_equity_table(run, evaluation.hold_equity)),
        decisions=store.put(decisions_table(bars, decided)),
        environment=build_info().environment,
    )


def _pinned(request: BacktestRequest, run: _Run) -> BacktestRequest:
    symbol = run.symbol_bars.symbol
    return request.model_copy(
        update={
            "model": run.model.bundle.digest,
            "store": "",
            "operation": None,
            "symbol": symbol,
            "snapshots": {symbol: run.symbol_bars.pins},
        }
    )


def _equity_table(run: _Run, hold_equity: FloatArray) -> bytes:
    simulation = run.simulation
    drawdown = drawdown_of(simulation.equity / run.spec.initial_cash)
    return equity_table(
        run.market.bars,
        equity=simulation.equity,
        hold_equity=hold_equity,
        drawdown=drawdown,
        position=simulation.position,
    )
