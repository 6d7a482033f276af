"""Results of backtests: their manifest, which is stored, and lines about them."""

from typing import Literal

from pydantic import Field

from ktrdr.schemas.data import SnapshotUse
from ktrdr.schemas.document import Document
from ktrdr.schemas.part import Part
from ktrdr.schemas.runs import BacktestRequest

Cell = bool | int | float | str | None
TableName = Literal["trades", "equity", "decisions"]


class Interval(Part):
    """A measured value with the limits of its bootstrap confidence interval."""

    value: float | None = Field(description="None where it is not defined.")
    low: float | None = None
    high: float | None = None


class Period(Part):
    """Bars from ``start`` to ``end``, opening times in ISO 8601, both included."""

    start: str
    end: str
    n_bars: int


class SeenBars(Part):
    """Which of the backtest's bars the model had seen.

    Attributes
    ----------
    train, validation, test, other : int
        Backtest bars in the time of each part of the model's split, and in none.
    symbol_was_trained : bool
        The model was trained on this symbol; otherwise the parts tell when, not
        what, it was trained on.
    """

    train: int
    validation: int
    test: int
    other: int
    symbol_was_trained: bool = True

    @property
    def n_in_sample(self) -> int:
        """Bars that training or early stopping used."""
        return self.train + self.validation


class NullComparison(Part):
    """The strategy beside random entries with the same number of trades.

    Attributes
    ----------
    n_runs : int
        Random runs made.
    median_return, low_return, high_return : float
        Total returns of the random runs: median, 2.5 % and 97.5 % quantile.
    p_value : float
        Share of random runs at least as good, (1 + k) / (1 + n_runs).
    """

    n_runs: int
    median_return: float
    low_return: float
    high_return: float
    p_value: float


class Resampling(Part):
    """How the confidence intervals were made.

    Attributes
    ----------
    n_resamples : int
        Bootstrap resamples behind every interval.
    block_length : float
        Mean length, in bars, of the blocks of returns that were drawn together.
    """

    n_resamples: int
    block_length: float


class CostPoint(Part):
    """What would have come out at ``multiple`` times the costs."""

    multiple: float
    total_return: float
    sharpe: float | None
    n_trades: int


class ResultManifest(Part):
    """Everything about a backtest but its tables, which it names by digest.

    Attributes
    ----------
    format : int
        Version of this document.
    created_at : str
        Moment of the run, ISO 8601, UTC.
    request : BacktestRequest
        What was asked, with model, symbol and every snapshot pinned, so that it can
        be repeated. Its ``store`` is empty: it is the store that holds this.
    seen : SeenBars
        How many of the bars the model had seen.
    confidence : float
        Level of all intervals.
    measures : dict of str to Interval
        One for each of ``ktrdr.backtesting.MEASURES``, which has their order.
    n_entries_asked : int
        Entries that the targets asked for. Fewer trades mean that sizes were less
        than one lot step or not known yet, or that nothing was left to trade with.
    n_ambiguous_bars : int
        Bars that touched both stop and target, where the stop was taken.
    optimistic : dict of str to float or None
        ``total_return``, ``sharpe`` and ``n_trades`` if in every bar that touched
        both stop and target the target had come first.
    buy_and_hold : dict of str to float or None
        The same measures for holding one full-equity long position, costs included.
    random_entries : NullComparison or None
        None when the strategy made no trade, or when its trades fill the period so
        that there is hardly another way to place them.
    trades, equity, decisions : str
        Digests of the Parquet tables.
    environment : dict of str to str
        Program, interpreter, machine and libraries that made the result.
    """

    format: Literal[1] = 1
    created_at: str
    request: BacktestRequest
    strategy_name: str
    strategy_yaml: str
    model_version: int
    symbol: str
    timeframe: str
    period: Period
    seen: SeenBars
    snapshots: tuple[SnapshotUse, ...]
    initial_cash: float
    final_equity: float
    is_ruined: bool
    confidence: float
    resampling: Resampling
    measures: dict[str, Interval]
    n_entries_asked: int
    n_ambiguous_bars: int
    optimistic: dict[str, float | None]
    buy_and_hold: dict[str, float | None]
    random_entries: NullComparison | None
    cost_sensitivity: tuple[CostPoint, ...]
    rules: tuple[str, ...] = Field(
        description="What the model decided under which memberships, in words."
    )
    trades: str
    equity: str
    decisions: str
    environment: dict[str, str]


class ResultSummary(Part):
    """One line about a result.

    Attributes
    ----------
    digest : str
        Of the manifest.
    created_at : str
        ISO 8601, UTC.
    model : str
        Name and version, such as ``momentum@3``.
    start, end : str
        Opening times of the first and the last bar.
    n_in_sample : int
        Bars that the model had seen.
    total_return, sharpe : float or None
        As in the manifest's measures.
    """

    digest: str
    created_at: str
    model: str
    symbol: str
    timeframe: str
    start: str
    end: str
    n_in_sample: int
    n_trades: int
    total_return: float | None
    sharpe: float | None


class ResultDetail(Document):
    """A result's manifest, and the digest by which it goes."""

    digest: str
    manifest: ResultManifest


class TableDocument(Document):
    """Some rows of one of a result's tables, in columns.

    Attributes
    ----------
    n_rows : int
        Of the whole table.
    offset : int
        Number of the first row here, from 0.
    columns : dict of str to tuple
        By name; None where a value is not known.
    """

    result: str
    table: TableName
    n_rows: int
    offset: int
    columns: dict[str, tuple[Cell, ...]]
