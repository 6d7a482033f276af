"""What is asked of a training and of a backtest."""

from typing import Annotated, Literal

from pydantic import Field

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
        Folder of the artifact store.
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
    """

    strategy: str
    source: str = "strategy"
    store: str
    checkpoints: str
    snapshots: Snapshots = Field(default={})
    resume: bool = False
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1


class BacktestRequest(Part):
    """Backtest one model on one symbol.

    Attributes
    ----------
    model : str
        Digest of the bundle's manifest.
    store : str
        Folder of the artifact store.
    symbol : str or None
        One of the strategy's symbols or another; None is the first of them.
    part : str
        Which bars: those held out for the test, or all that there are.
    start, end : str or None
        Instead of ``part``: first and last moment, ISO 8601, end excluded.
    snapshots : dict
        Snapshots to use; the latest of each timeframe where not given.
    seed : int
        Of the bootstrap and the random-entry null.
    resamples : int
        Number of bootstrap resamples and of random-entry runs.
    """

    model: str
    store: str
    symbol: str | None = None
    part: Literal["test", "all"] = "test"
    start: str | None = None
    end: str | None = None
    snapshots: Snapshots = Field(default={})
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1_000
