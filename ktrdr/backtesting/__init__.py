"""Backtests: trading simulated on bars, measured and compared with chance."""

from ktrdr.backtesting.bootstrap import CONFIDENCE
from ktrdr.backtesting.comparison import (
    Comparison,
    Difference,
    compare_backtests,
    compare_trainings,
)
from ktrdr.backtesting.equity_statistics import EquityStatistics, equity_statistics
from ktrdr.backtesting.evaluate import Evaluation, evaluate
from ktrdr.backtesting.kernel import simulate
from ktrdr.backtesting.market import Market
from ktrdr.backtesting.measures import MEASURES, Measure, measure
from ktrdr.backtesting.model_loader import LoadedModel, load_model
from ktrdr.backtesting.reference import simulate_reference
from ktrdr.backtesting.result import (
    CostPoint,
    Decisions,
    Interval,
    NullComparison,
    Period,
    Resampling,
    Result,
    ResultManifest,
    Seen,
    SeenBars,
)
from ktrdr.backtesting.result_store import (
    ResultSummary,
    find_result,
    list_results,
    load_result,
    load_result_manifest,
    parse_result_manifest,
    save_result,
)
from ktrdr.backtesting.return_measures import drawdown_of, years_of
from ktrdr.backtesting.run import run_backtest
from ktrdr.backtesting.simulation import ExitReason, Simulation, Trades

__all__ = [
    "CONFIDENCE",
    "MEASURES",
    "Comparison",
    "CostPoint",
    "Decisions",
    "Difference",
    "EquityStatistics",
    "Evaluation",
    "ExitReason",
    "Interval",
    "LoadedModel",
    "Market",
    "Measure",
    "NullComparison",
    "Period",
    "Resampling",
    "Result",
    "ResultManifest",
    "ResultSummary",
    "Seen",
    "SeenBars",
    "Simulation",
    "Trades",
    "compare_backtests",
    "compare_trainings",
    "drawdown_of",
    "equity_statistics",
    "evaluate",
    "find_result",
    "list_results",
    "load_model",
    "load_result",
    "load_result_manifest",
    "measure",
    "parse_result_manifest",
    "run_backtest",
    "save_result",
    "simulate",
    "simulate_reference",
    "years_of",
]
