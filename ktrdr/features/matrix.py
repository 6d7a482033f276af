"""The feature matrix: one row a base bar, one named column a feature."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from ktrdr.typing import BoolArray, FloatArray, TimeArray


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureMatrix:
    """Features of one symbol.

    Attributes
    ----------
    names : tuple of str
        Feature ids, in the order of the strategy file.
    time : ndarray of datetime64[ms], shape (n_bars,)
        Opening times of the base bars. Row i uses only what was known at the
        close of base bar i.
    values : ndarray of float64, shape (n_bars, n_features)
        NaN where not yet known; never filled.
    """

    names: tuple[str, ...]
    time: TimeArray
    values: FloatArray

    def __getitem__(self, rows: slice) -> "FeatureMatrix":
        return FeatureMatrix(
            names=self.names, time=self.time[rows], values=self.values[rows]
        )

    @property
    def is_known(self) -> BoolArray:
        """Rows in which every feature is known, shape (n_bars,)."""
        return ~cast(BoolArray, np.isnan(self.values).any(axis=1))
