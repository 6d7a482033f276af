"""Backtests: trading simulated on bars, measured and compared with chance."""

from ktrdr.backtesting.block_length import block_length_of
from ktrdr.backtesting.bootstrap import CONFIDENCE, return_intervals
from ktrdr.backtesting.comparison import (
    Comparison,
    Difference,
    compare_backtests,
    compare_trainings,
)
from ktrdr.backtesting.equity_statistics import EquityStatistics, equity_statistics
from ktrdr.backtesting.evaluate import Evaluation, evaluate
from ktrdr.backtesting.kernel import Trader, simulate
from ktrdr.backtesting.market import Market
from ktrdr.backtesting.measures import MEASURES, Measure, equity_measures, measure
from ktrdr.backtesting.model_deletion import delete_named_model
from ktrdr.backtesting.model_loader import LoadedModel, load_model
from ktrdr.backtesting.nulls import buy_and_hold
from ktrdr.backtesting.quick_measures import QuickMeasures
from ktrdr.backtesting.reference import simulate_reference
from ktrdr.backtesting.result import Decisions, Result, Seen
from ktrdr.backtesting.result_store import (
    blobs_of_result,
    claimed_result,
    find_result,
    list_results,
    load_result,
    load_result_manifest,
    parse_result_manifest,
    save_result,
)
from ktrdr.backtesting.return_measures import (
    drawdown_of,
    return_measures,
    returns_of,
    wealth_of,
    years_of,
)
from ktrdr.backtesting.run import run_backtest
from ktrdr.backtesting.seen import rows_of_period
from ktrdr.backtesting.simulation import ExitReason, Simulation, Trades
from ktrdr.backtesting.tables import table_document
from ktrdr.schemas import (
    CostPoint,
    Interval,
    NullComparison,
    Period,
    Resampling,
    ResultManifest,
    ResultSummary,
    SeenBars,
)

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
    "QuickMeasures",
    "Resampling",
    "Result",
    "ResultManifest",
    "ResultSummary",
    "Seen",
    "SeenBars",
    "Simulation",
    "Trader",
    "Trades",
    "blobs_of_result",
    "block_length_of",
    "buy_and_hold",
    "claimed_result",
    "compare_backtests",
    "compare_trainings",
    "delete_named_model",
    "drawdown_of",
    "equity_measures",
    "equity_statistics",
    "evaluate",
    "find_result",
    "list_results",
    "load_model",
    "load_result",
    "load_result_manifest",
    "measure",
    "parse_result_manifest",
    "return_intervals",
    "return_measures",
    "returns_of",
    "rows_of_period",
    "run_backtest",
    "save_result",
    "simulate",
    "simulate_reference",
    "table_document",
    "wealth_of",
    "years_of",
]
