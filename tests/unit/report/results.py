"""Results for tests: generated decisions, traded and measured by the real code."""

from typing import Any

import numpy as np

from ktrdr.backtesting import (
    CONFIDENCE,
    Decisions,
    Market,
    Period,
    Result,
    ResultManifest,
    Seen,
    SeenBars,
    drawdown_of,
    evaluate,
)
from ktrdr.backtesting.orders import find_runs
from ktrdr.data import Bars, sample_bars, to_iso
from ktrdr.progress import NoProgress
from ktrdr.schemas import BacktestRequest
from ktrdr.strategy import BacktestSpec, CostsSpec, StopsSpec

STRATEGY = """\
name: tested
version: 3
description: Made for tests.
training_data:
  symbols: [EURUSD]
  timeframes: [1h]
  base_timeframe: 1h
indicators:
  rsi: {type: rsi, timeperiod: 14}
  macd: {type: macd}
fuzzy_sets:
  strength:
    indicator: rsi
    low: {type: linear_z, parameters: [30, 50]}
    middle: {type: gaussian, parameters: [50, 8]}
    high: {type: sigmoid, parameters: [0.3, 65]}
  direction:
    indicator: macd.macdhist
    auto: {falling, even, rising}
nn_inputs:
  - fuzzy_set: strength
  - fuzzy_set: direction
model: {type: mlp, hidden_layers: [4]}
training:
  labels: {type: forward_return, horizon: 8, threshold: 0.0005}
decisions: {format: classification}
backtest:
  costs: {spread_rate: 0.0001, commission_rate: 0.00002}
  stops: {stop_loss: 0.004, take_profit: 0.004}
"""
SPEC = BacktestSpec(
    costs=CostsSpec(spread_rate=0.0001, commission_rate=0.00002),
    stops=StopsSpec(stop_loss=0.004, take_profit=0.004),
)


def eurusd(n_bars: int = 1200) -> Bars:
    """The last real bars of the sample set."""
    return sample_bars()[-n_bars:]


def random_targets(n_bars: int, *, seed: int = 3, hold: int = 24) -> np.ndarray:
    """Positions that change about every ``hold`` bars."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(-1, 2, n_bars // hold + 1)
    return np.repeat(blocks, hold)[:n_bars].astype(np.int8)


def result_of(
    bars: Bars,
    targets: np.ndarray,
    spec: BacktestSpec = SPEC,
    *,
    n_seen: int = 0,
    n_resamples: int = 100,
    **changes: Any,
) -> Result:
    """The result of trading ``targets``; the first ``n_seen`` bars are training bars.

    ``changes`` replace fields of the manifest.
    """
    market = Market.of(bars, slice(0, len(bars)), spec)
    simulation = market.simulate(targets, spec)
    evaluation = evaluate(
        simulation,
        market,
        targets,
        spec,
        n_resamples=n_resamples,
        seed=0,
        progress=NoProgress(),
    )
    evaluated = dict(vars(evaluation))
    hold_equity = evaluated.pop("hold_equity")
    seen = np.full(len(bars), Seen.TEST, np.int64)
    seen[:n_seen] = Seen.TRAIN
    seen[n_seen * 3 // 4 : n_seen] = Seen.VALIDATION
    fields = {
        "created_at": "2026-01-02T03:04:05+00:00",
        "request": BacktestRequest(model="ab" * 32, store=""),
        "strategy_name": "tested",
        "strategy_yaml": STRATEGY,
        "model_version": 3,
        "symbol": bars.symbol,
        "timeframe": str(bars.timeframe),
        "period": Period(
            start=to_iso(bars.time[0]), end=to_iso(bars.time[-1]), n_bars=len(bars)
        ),
        "seen": SeenBars(
            train=int((seen == Seen.TRAIN).sum()),
            validation=int((seen == Seen.VALIDATION).sum()),
            test=int((seen == Seen.TEST).sum()),
            other=0,
        ),
        "snapshots": (),
        "initial_cash": spec.initial_cash,
        "final_equity": float(simulation.equity[-1]),
        "n_entries_asked": len(find_runs(targets).entry_bar),
        "is_ruined": simulation.is_ruined,
        "confidence": CONFIDENCE,
        **evaluated,
        "rules": (
            "On 900 bars the model decided.",
            "When strength is high and direction rising (40 bars): long on 90 %.",
        ),
        "trades": "0a" * 32,
        "equity": "0b" * 32,
        "decisions": "0c" * 32,
        "environment": {"ktrdr": "0.1.0", "commit": "0" * 40, "numpy": "2.3"},
        **changes,
    }
    return Result(
        digest="12" * 32,
        manifest=ResultManifest(**fields),
        trades=simulation.trades,
        time=bars.time,
        close=bars.close,
        equity=simulation.equity,
        hold_equity=hold_equity,
        drawdown=drawdown_of(simulation.equity / spec.initial_cash),
        position=simulation.position,
        decisions=Decisions(
            names=("short", "flat", "long"),
            outputs=np.full((len(bars), 3), 1 / 3),
            target=targets,
            seen=seen,
        ),
    )
