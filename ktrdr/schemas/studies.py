"""What is asked of sweeps and walk-forward studies, and of the trials in them.

A *trial* is one setting of the strategy, backtested. A *study* makes many: a sweep
over parameters, or a walk-forward over windows of time.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ktrdr.schemas.overrides import Overrides, ParameterValue
from ktrdr.schemas.part import Part
from ktrdr.schemas.results import Interval, Period
from ktrdr.schemas.runs import Snapshots

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class Parameter(Part):
    """One path of the strategy and the values it takes.

    Attributes
    ----------
    path : str
        Such as ``backtest.stops.stop_loss`` or ``indicators.rsi.timeperiod``.
    values : tuple or None
        The values, each once.
    low, high : float or None
        Instead of values, for a random sweep: an interval.
    is_log, is_integer : bool
        Draw evenly in the logarithm; draw whole numbers.
    """

    path: Annotated[str, Field(min_length=1, max_length=200)]
    values: tuple[ParameterValue, ...] | None = None
    low: float | None = None
    high: float | None = None
    is_log: bool = False
    is_integer: bool = False

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if (self.values is not None) == (self.low is not None or self.high is not None):
            raise ValueError(f"{self.path}: give either values, or low and high")
        if self.values is not None:
            if not self.values or len(set(map(repr, self.values))) < len(self.values):
                raise ValueError(f"{self.path}: values must be there, each once")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError(f"{self.path}: low must be less than high")
        elif self.is_log and self.low <= 0:
            raise ValueError(f"{self.path}: a logarithm needs low above 0")
        return self


class SweepRequest(Part):
    """Try a strategy with many values of its parameters.

    Attributes
    ----------
    model : str or None
        A trained model: only paths below ``backtest`` and ``decisions`` vary.
    strategy : str or None
        Instead of a model, a strategy's YAML text: whatever paths vary, what has to
        be trained anew is.
    parameters : tuple of Parameter
    method : str
        All combinations of the values, or ``n_points`` drawn at random.
    part : str
        Bars on which trials are ranked. Choosing by the test part makes it no test:
        the default leaves it for the one that is chosen.
    metric : str
        Measure by which trials are ranked, higher is better.
    store, checkpoints : str
        As in a training's request; filled in by whoever runs it.
    """

    model: str | None = None
    strategy: str | None = None
    source: str = "strategy"
    store: str = ""
    checkpoints: str = ""
    parameters: Annotated[tuple[Parameter, ...], Field(min_length=1, max_length=20)]
    method: Literal["grid", "random"] = "grid"
    n_points: Annotated[int, Field(ge=1, le=20_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    symbol: str | None = None
    part: Literal["validation", "test", "all"] = "validation"
    metric: str = "sharpe"
    snapshots: Snapshots = Field(default={})
    device: DeviceName = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if (self.model is None) == (self.strategy is None):
            raise ValueError("give either a model or a strategy")
        if (self.method == "random") != (self.n_points is not None):
            raise ValueError("n_points goes with the method random, and is needed then")
        return self


class WalkForwardRequest(Part):
    """Train and backtest on windows that move through time.

    Attributes
    ----------
    strategy : str
        YAML text.
    n_windows : int
        How many, of equal length of test.
    is_anchored : bool
        Every window's training begins at the first bar, instead of rolling along.
    train_fraction : float
        Of a rolling window: training and validation bars to all its bars.
    """

    strategy: str
    source: str = "strategy"
    store: str = ""
    checkpoints: str = ""
    n_windows: Annotated[int, Field(ge=2, le=500)] = 5
    is_anchored: bool = False
    train_fraction: Annotated[float, Field(gt=0.1, lt=0.95)] = 0.75
    symbol: str | None = None
    snapshots: Snapshots = Field(default={})
    device: DeviceName = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1


class Trial(Part):
    """One setting.

    Attributes
    ----------
    number : int
        From 0, in the order of the study.
    overrides : dict
        What differs from the strategy as written.
    """

    number: int
    overrides: Overrides


class TrialsRequest(Part):
    """Backtest many settings, in one process.

    Attributes
    ----------
    model : str or None
        Trained already, or None: ``training`` trains it first.
    training : dict or None
        A training's overrides of the strategy ``strategy``, paths to values.
    model_name : str or None
        What the trained model is called; as the strategy, if None. A study's models
        have names of their own, or the newest ``momentum`` would be one of them.
    test_start, test_end : str or None
        Of a walk-forward window: bars to backtest on, instead of ``part``.
    """

    model: str | None = None
    strategy: str | None = None
    source: str = "strategy"
    store: str = ""
    checkpoints: str = ""
    resume: bool = False
    operation: str | None = None
    training: Overrides = Field(default={})
    model_name: str | None = None
    trials: Annotated[tuple[Trial, ...], Field(min_length=1)]
    symbol: str | None = None
    part: Literal["validation", "test", "all"] = "validation"
    test_start: str | None = None
    test_end: str | None = None
    snapshots: Snapshots = Field(default={})
    device: DeviceName = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1


class ChildOutcome(Part):
    """How one child of a study ended.

    Attributes
    ----------
    state : str
        An end state of operations.
    result : dict or None
        What its job gave; None unless it was completed.
    error : str or None
        Why it failed.
    """

    title: str
    state: Literal["completed", "failed", "cancelled", "dead_letter"]
    result: dict[str, Any] | None = None
    error: str | None = None


class StudySummaryRequest(Part):
    """Put the trials of a study together.

    Attributes
    ----------
    study : SweepRequest or WalkForwardRequest
        As it was asked for.
    children : tuple of ChildOutcome
        In the order of the plan.
    """

    study: SweepRequest | WalkForwardRequest
    store: str = ""
    operation: str | None = None
    children: tuple[ChildOutcome, ...]


class FailureCount(Part):
    """One reason for which trials or children failed, and how often."""

    error: str
    count: int


class RankedTrial(Part):
    """One trial with its measures.

    Attributes
    ----------
    rank : int or None
        From 1; trials of the same value share it. None without a value.
    value : float or None
        Of the metric; None where it is not defined.
    model : str or None
        Digest of the model that was traded.
    """

    number: int
    rank: int | None
    value: float | None
    parameters: Overrides
    measures: dict[str, float | None]
    model: str | None = None


class ValueEffect(Part):
    """Trials in which a parameter had one value, or a value of one range.

    Attributes
    ----------
    label : str
        The value or range.
    median : float or None
        Of the metric over these trials.
    """

    label: str
    n_trials: int
    median: float | None


class ParameterEffect(Part):
    """How the metric hangs on one parameter, whatever the others are.

    Attributes
    ----------
    spread : float
        Highest less lowest median: how much the parameter matters.
    """

    path: str
    spread: float
    values: tuple[ValueEffect, ...]


class Luck(Part):
    """How good the best of so many trials would be without any skill.

    Attributes
    ----------
    n_distinct : int
        Trials whose trades differ from all others'.
    expected_best : float
        What the best of as many trials without skill is expected to reach, in the
        metric, given how far the trials lie apart.
    probability : float or None
        For the Sharpe ratio: the deflated Sharpe ratio, the probability that the
        true one of the best trial is above ``expected_best``.
    stands_out : bool
        The best is better than luck would make it, with 95 % confidence.
    """

    n_distinct: int
    median: float
    expected_best: float
    probability: float | None = None
    stands_out: bool


class SweepSummary(Part):
    """What came out of a sweep.

    Attributes
    ----------
    table : str
        Digest of a Parquet file: all trials, a row each, in their order.
    top : tuple of RankedTrial
        The best, best first.
    n_tied : int
        Trials that share the first rank.
    test : str or None
        Digest of the backtest of the best trial on the test part, which took no part
        in choosing it.
    test_measures : dict
        That backtest's measures.
    """

    metric: str
    part: str
    symbol: str
    timeframe: str
    period: Period
    n_trials: int
    n_failed: int
    failures: tuple[FailureCount, ...]
    n_tied: int
    top: tuple[RankedTrial, ...]
    parameters: tuple[ParameterEffect, ...]
    luck: Luck | None
    table: str
    test: str | None = None
    test_measures: dict[str, Interval] = Field(default={})

    @property
    def best(self) -> RankedTrial | None:
        """The trial of the first rank."""
        return self.top[0] if self.top and self.top[0].rank == 1 else None


class WindowSummary(Part):
    """One window of a walk-forward study.

    Attributes
    ----------
    number : int
        From 1.
    train_start, train_end : str
        Opening times of the first and the last bar of training and validation.
    test_start, test_end : str
        The same of the window's test. All four are None if the window failed.
    measures : dict
        On the test; empty if the window failed.
    in_sample : dict
        Of the same model on its own training and validation bars.
    model : str or None
        Digest.
    error : str or None
        Why it failed.
    """

    number: int
    train_start: str | None = None
    train_end: str | None = None
    test_start: str | None = None
    test_end: str | None = None
    measures: dict[str, float | None] = Field(default={})
    in_sample: dict[str, float | None] = Field(default={})
    model: str | None = None
    error: str | None = None


class WalkForwardSummary(Part):
    """What came out of a walk-forward study.

    Attributes
    ----------
    measures : dict of str to Interval
        Of the out-of-sample returns of all windows, one after the other.
    buy_and_hold : dict
        The same measures for holding over the same bars.
    efficiency : float or None
        Mean annual return out of sample over that in sample, of the windows' models;
        None where the latter is not above 0.
    n_profitable : int
        Windows that gained.
    worst : int or None
        Number of the window that lost most or gained least.
    equity : str
        Digest of a Parquet file: the stitched equity, and that of buy and hold.
    """

    symbol: str
    timeframe: str
    period: Period
    windows: tuple[WindowSummary, ...]
    n_failed: int
    n_trades: int
    measures: dict[str, Interval]
    buy_and_hold: dict[str, float | None]
    efficiency: float | None
    n_profitable: int
    worst: int | None
    equity: str


class StudySummary(Part):
    """A study, as it is stored and shown.

    Attributes
    ----------
    format : int
        Version of this document.
    created_at : str
        ISO 8601, UTC.
    request : SweepRequest or WalkForwardRequest
        What was asked; its ``store`` is empty.
    sentences : tuple of str
        What is to be learned from it, in words, the most important first.
    """

    format: Literal[1] = 1
    created_at: str
    title: str
    strategy_name: str
    request: SweepRequest | WalkForwardRequest
    sweep: SweepSummary | None = None
    walk_forward: WalkForwardSummary | None = None
    sentences: tuple[str, ...]
    environment: dict[str, str]


class StudyLine(Part):
    """One line about a stored study."""

    digest: str
    created_at: str
    kind: Literal["sweep", "walk_forward"]
    title: str
    n_trials: int
    n_failed: int
    sentence: str
