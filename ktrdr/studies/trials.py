"""Many settings of one model, backtested one after the other on the same bars.

What a full backtest does once a setting is done here once for all: the model is
loaded, features and outputs are computed, decisions are made once for each setting
of ``decisions``. Intervals, nulls and tables are left to the trial that is chosen.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ktrdr.backtesting import (
    LoadedModel,
    Market,
    QuickMeasures,
    Simulation,
    Trader,
    Trades,
    load_model,
    rows_of_period,
)
from ktrdr.data import Bars, BarStore, parse_symbol
from ktrdr.errors import JobStopped, KtrdrError
from ktrdr.features import SymbolBars, load_symbol_bars
from ktrdr.models import decide
from ktrdr.progress import Progress
from ktrdr.schemas import BacktestRequest, Overrides, Trial
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import (
    BacktestSpec,
    DecisionsSpec,
    TradingOverrides,
    TradingSettings,
    VolatilitySizing,
)
from ktrdr.studies.trial_table import TrialRow
from ktrdr.typing import FloatArray

# From so many simulations of the same targets on it pays to prepare for them.
_LEAST_REPEATED = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class _Prepared:
    """One trial, with settings that are valid."""

    trial: Trial
    settings: TradingSettings


class TrialBench:
    """Backtests settings of one model on one stretch of bars.

    Parameters
    ----------
    store : ArtifactStore
        Holds model and bars.
    request : BacktestRequest
        Model, symbol, period and snapshots.

    Raises
    ------
    NotFoundError, BundleError, InputError
        As ``run_backtest``.
    """

    def __init__(self, store: ArtifactStore, request: BacktestRequest) -> None:
        self.model: LoadedModel = load_model(store, request.model)
        strategy = self.model.strategy
        symbol = parse_symbol(request.symbol or strategy.training_data.symbols[0])
        pins = request.snapshots.get(symbol, {})
        self.symbol_bars: SymbolBars = load_symbol_bars(
            BarStore(store), strategy, symbol, pins
        )
        self._base = self.symbol_bars.base
        split = self.model.bundle.manifest.split
        self._rows = rows_of_period(self._base, request, split)
        self._outputs = self._predict()
        manifest = self.model.bundle.manifest
        self._overrides = TradingOverrides(
            manifest.strategy_yaml, f"strategy of {manifest.title}"
        )
        self._markets: dict[int, Market] = {}
        self.bars: Bars = self._market(strategy.backtest).bars
        self._measures = QuickMeasures(self.bars)

    def run(self, trials: Sequence[Trial], progress: Progress) -> list[TrialRow]:
        """Return what each trial gives, in the order of ``trials``.

        A trial whose settings are invalid, or whose backtest fails, is a row that
        tells why.

        Raises
        ------
        JobStopped
            If the listener asks to stop.
        """
        progress.phase("trials", len(trials), "trials")
        rows: dict[int, TrialRow] = {}
        groups: dict[DecisionsSpec, list[_Prepared]] = {}
        for trial in trials:
            try:
                settings = self._overrides.settings(trial.overrides)
            except KtrdrError as error:
                rows[trial.number] = self._failed(trial, error)
            else:
                one = _Prepared(trial=trial, settings=settings)
                groups.setdefault(settings.decisions, []).append(one)
        for decisions, group in groups.items():
            for row in self._run_group(decisions, group):
                rows[row.number] = row
                progress.work("bars", len(self.bars))
                progress.advance(len(rows))
                if progress.should_stop():
                    raise JobStopped("the trials were stopped and can be done again")
        return [rows[trial.number] for trial in trials]

    def simulate(self, overrides: Overrides) -> tuple[Simulation, BacktestSpec]:
        """Return the backtest of one setting, and what it was traded by."""
        settings = self._overrides.settings(overrides)
        targets = decide(settings.decisions, self._outputs)
        market = self._market(settings.backtest)
        return market.simulate(targets, settings.backtest), settings.backtest

    def measure(
        self, simulation: Simulation, spec: BacktestSpec
    ) -> dict[str, float | None]:
        """Return all measures of a simulation on this bench."""
        return self._measures.measure(simulation, spec.initial_cash)

    def _predict(self) -> FloatArray:
        bars = self.symbol_bars
        until_end = {**bars.bars, bars.base_timeframe: self._base[: self._rows.stop]}
        features = self.model.features(until_end)[self._rows]
        return self.model.predictor.predict(features.values)

    def _run_group(
        self, decisions: DecisionsSpec, group: Sequence[_Prepared]
    ) -> Iterator[TrialRow]:
        """Yield the rows of trials that decide alike."""
        targets = decide(decisions, self._outputs)
        is_repeated = len(group) >= _LEAST_REPEATED
        traders: dict[int, Trader] = {}

        def simulate(spec: BacktestSpec) -> Simulation:
            market = self._market(spec)
            if market.n_before not in traders:
                trader = market.trader(targets, is_repeated=is_repeated)
                traders[market.n_before] = trader
            return market.trade(traders[market.n_before], spec)

        for one in group:
            yield self._run_one(one, simulate)

    def _run_one(
        self, one: _Prepared, simulate: Callable[[BacktestSpec], Simulation]
    ) -> TrialRow:
        spec = one.settings.backtest
        try:
            simulation = simulate(spec)
        except KtrdrError as error:
            return self._failed(one.trial, error)
        return TrialRow(
            number=one.trial.number,
            parameters=one.trial.overrides,
            measures=self.measure(simulation, spec),
            trades=_fingerprint(simulation.trades),
            model=self.model.bundle.digest,
        )

    def _failed(self, trial: Trial, error: KtrdrError) -> TrialRow:
        return TrialRow(
            number=trial.number,
            parameters=trial.overrides,
            model=self.model.bundle.digest,
            error=str(error),
        )

    def _market(self, spec: BacktestSpec) -> Market:
        # Markets differ by how far position sizes look back, and by nothing else.
        sizing = spec.sizing
        key = sizing.lookback if isinstance(sizing, VolatilitySizing) else 0
        if key not in self._markets:
            self._markets[key] = Market.of(self._base, self._rows, spec)
        return self._markets[key]


def _fingerprint(trades: Trades) -> str:
    # Entry, exit and side of a trade in one number: hashing takes a third of the time.
    numbers = trades.entry_bar << 32 | trades.exit_bar << 1 | (trades.size > 0)
    return hashlib.blake2b(numbers.tobytes(), digest_size=8).hexdigest()
