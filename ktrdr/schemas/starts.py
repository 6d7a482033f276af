"""What the backend is asked to start."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ktrdr.schemas.overrides import Overrides
from ktrdr.schemas.runs import BacktestRequest, Snapshots, TrainingRequest
from ktrdr.schemas.start import Start
from ktrdr.schemas.strategies import StrategyYaml
from ktrdr.schemas.studies import (
    DeviceName,
    Parameter,
    SweepRequest,
    WalkForwardRequest,
)

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
# Work that asks for a GPU is put before other work by more than this.
_Priority = Annotated[int, Field(ge=-100, le=100)]


class WorkStart(Start):
    """What all that starts work has in common.

    Attributes
    ----------
    priority : int
        Higher first.
    """

    priority: _Priority = 0


class _StrategyStart(WorkStart):
    """Work on a strategy.

    Attributes
    ----------
    strategy : str or None
        The strategy's YAML text, whole.
    strategy_name : str or None
        Instead of the text, the name of a strategy that the backend has.
    source : str
        Where the text came from, for messages.
    snapshots : dict
        Snapshots to use, symbol -> timeframe -> digest; the latest ones now where
        not given.
    """

    strategy: StrategyYaml | None = None
    strategy_name: _Name | None = None
    source: _Name = "strategy"
    snapshots: Snapshots = Field(default={})
    device: DeviceName = "auto"

    @model_validator(mode="after")
    def _check_strategy(self) -> Self:
        if (self.strategy is None) == (self.strategy_name is None):
            raise ValueError("give either strategy, a text, or strategy_name")
        return self


class TrainingStart(_StrategyStart):
    """Train a strategy."""

    def request(self, *, strategy: str, source: str) -> TrainingRequest:
        """Return what the job is given; workers fill in the rest."""
        return TrainingRequest(
            strategy=strategy,
            source=source,
            snapshots=self.snapshots,
            device=self.device,
        )


class BacktestStart(WorkStart):
    """Backtest a model; the fields are those of BacktestRequest.

    Attributes
    ----------
    model : str
        Name, ``name@version`` or digest.
    """

    model: _Name
    symbol: _Name | None = None
    part: Literal["validation", "test", "all"] = "test"
    start: _Name | None = None
    end: _Name | None = None
    snapshots: Snapshots = Field(default={})
    seed: _Seed = 0
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1_000
    overrides: Overrides = Field(default={})

    def request(self) -> BacktestRequest:
        """Return what the job is given; workers fill in the rest."""
        return BacktestRequest(**self.model_dump(exclude={"priority"}))


class SweepStart(WorkStart):
    """Try many values of parameters; the fields are those of SweepRequest."""

    model: _Name | None = None
    strategy: StrategyYaml | None = None
    strategy_name: _Name | None = None
    source: _Name = "strategy"
    parameters: Annotated[tuple[Parameter, ...], Field(min_length=1, max_length=20)]
    method: Literal["grid", "random"] = "grid"
    n_points: Annotated[int, Field(ge=1, le=20_000)] | None = None
    seed: _Seed = 0
    symbol: _Name | None = None
    part: Literal["validation", "test", "all"] = "validation"
    metric: _Name = "sharpe"
    snapshots: Snapshots = Field(default={})
    device: DeviceName = "auto"

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if [self.model, self.strategy, self.strategy_name].count(None) != 2:
            raise ValueError("give either model, strategy or strategy_name")
        if (self.method == "random") != (self.n_points is not None):
            raise ValueError("n_points goes with the method random, and is needed then")
        return self

    def request(self, *, strategy: str | None, source: str) -> SweepRequest:
        """Return the study that is asked for, on that strategy or on the model."""
        own = self.model_dump(exclude={"priority", "strategy_name", "parameters"})
        own |= {"strategy": strategy, "source": source}
        return SweepRequest(**own, parameters=self.parameters)


class WalkForwardStart(_StrategyStart):
    """Train and backtest on moving windows; see WalkForwardRequest."""

    n_windows: Annotated[int, Field(ge=2, le=500)] = 5
    is_anchored: bool = False
    train_fraction: Annotated[float, Field(gt=0.1, lt=0.95)] = 0.75
    symbol: _Name | None = None

    def request(self, *, strategy: str, source: str) -> WalkForwardRequest:
        """Return the study that is asked for."""
        own = self.model_dump(exclude={"priority", "strategy_name"})
        own |= {"strategy": strategy, "source": source}
        return WalkForwardRequest(**own)


class ProbesStart(WorkStart):
    """Put operations into a queue that do nothing, to measure and check it."""

    n: Annotated[int, Field(ge=1, le=100)] = 1
    queue: Literal["backtest", "training-cpu", "training-gpu", "training-mps"] = (
        "backtest"
    )
