"""What a job of trials gives to the study's summary."""

import json
from typing import Any

from pydantic import Field

from ktrdr.schemas import Overrides, Part, Period, Snapshots


class TrialsOutcome(Part):
    """One pack of trials, done.

    Attributes
    ----------
    table : str
        Digest of a Parquet file, see ``trial_table``.
    model : str
        Digest of the model that was traded.
    training : dict
        Overrides that the model was trained with.
    years : float
        Calendar time of the bars.
    snapshots : dict
        Of the symbol that was traded, by timeframe.
    equity : str or None
        Of a walk-forward window: digest of the equity at each bar.
    in_sample : dict
        Of a walk-forward window: measures on the bars that the model learned from.
    train_start, train_end : str
        Opening times of the first and the last bar of training and validation.
    """

    table: str
    n_trials: int
    n_failed: int
    model: str
    training: Overrides = Field(default={})
    symbol: str
    timeframe: str
    period: Period
    years: float
    snapshots: Snapshots
    train_start: str
    train_end: str
    equity: str | None = None
    in_sample: dict[str, float | None] = Field(default={})

    @classmethod
    def of_result(cls, result: dict[str, Any]) -> "TrialsOutcome":
        """Return the outcome that a job's result holds."""
        # From JSON, which knows no tuples.
        return cls.model_validate_json(json.dumps(result))
