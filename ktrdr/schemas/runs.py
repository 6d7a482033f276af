"""What is asked of a training and of a backtest."""

from typing import Annotated, Literal

from pydantic import Field

from ktrdr.schemas.overrides import Overrides
from ktrdr.schemas.part import Part

# symbol -> timeframe -> digest of the snapshot to use
Snapshots = dict[str, dict[str, str]]


class TrainingRequest(Part):
    """Train one strategy.

    Attributes
    ----------
    strategy : str
        The strategy's YAML text, whole.
    source : str
        Where the text came from, for messages.
    store : str
        Folder or URL of the artifact store; filled in by whoever runs it.
    checkpoints : str
        Folder of the checkpoints of unfinished trainings.
    snapshots : dict
        Snapshots to use; the latest of each symbol and timeframe where not given.
    resume : bool
        Go on from the checkpoint of the same strategy, data and seed.
    device : str
        Where to train; ``auto`` takes CUDA where there is any, else the CPU.
    threads : int
        Threads that the training may use.
    operation : str or None
        Id of the operation that this is an attempt at: however often it is
        attempted, one model is listed.
    restart_if_unusable : bool
        With ``resume``: when the checkpoint can't be used, because it was made by
        another build or is damaged, say so and begin anew instead of failing.
    """

    strategy: str
    source: str = "strategy"
    store: str = ""
    checkpoints: str = ""
    snapshots: Snapshots = Field(default={})
    resume: bool = False
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    operation: str | None = None
    restart_if_unusable: bool = False


class BacktestRequest(Part):
    """Backtest one model on one symbol.

    Attributes
    ----------
    model : str
        Digest of the bundle's manifest.
    store : str
        Folder or URL of the artifact store; filled in by whoever runs it.
    symbol : str or None
        One of the strategy's symbols or another; None is the first of them.
    part : str
        Which bars: those held out for the test, those that stopped the training,
        or all that there are.
    start, end : str or None
        Instead of ``part``: first and last moment, ISO 8601, end excluded.
    snapshots : dict
        Snapshots to use; the latest of each timeframe where not given.
    seed : int
        Of the bootstrap and the random-entry null.
    resamples : int
        Number of bootstrap resamples and of random-entry runs.
    overrides : dict
        Paths below ``backtest`` and ``decisions`` to values that replace those of
        the model's strategy.
    operation : str or None
        Id of the operation that this is an attempt at: however often it is
        attempted, one result is listed.
    """

    model: str
    store: str = ""
    symbol: str | None = None
    part: Literal["validation", "test", "all"] = "test"
    start: str | None = None
    end: str | None = None
    snapshots: Snapshots = Field(default={})
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1_000
    overrides: Overrides = Field(default={})
    operation: str | None = None
