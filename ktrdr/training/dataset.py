"""From bars to samples: features and labels of all symbols, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ktrdr.data import Bars
from ktrdr.errors import InputError
from ktrdr.features import (
    FeatureMatrix,
    FitSample,
    FittedFeatures,
    SymbolBars,
    compute_features,
    explain_unknown,
    fit_features,
)
from ktrdr.models import CLASSES, PartName
from ktrdr.progress import Progress
from ktrdr.strategy import Strategy
from ktrdr.training.labels import make_labels
from ktrdr.training.split import (
    LEAST_SAMPLES,
    PART_NAMES,
    Split,
    make_split,
    rows_of,
)
from ktrdr.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class PartSamples:
    """The samples of one part, symbol after symbol, each in order of time.

    Attributes
    ----------
    features : ndarray of float32, shape (n_samples, n_features)
    targets : ndarray of int64 or float64, shape (n_samples,)
        Classes, or returns.
    n_left_out : int
        Rows purged or embargoed.
    mean_span : float
        Mean number of bars that a label looks ahead. Labels of neighbouring bars
        overlap, so that about n_samples / mean_span of them are independent.
    """

    features: NDArray[np.float32]
    targets: IntArray | FloatArray
    n_left_out: int
    mean_span: float

    def __len__(self) -> int:
        return len(self.features)

    @property
    def classes(self) -> IntArray:
        """The targets as classes."""
        return self.targets.astype(np.int64, copy=False)

    @property
    def returns(self) -> FloatArray:
        """The targets as returns."""
        return self.targets.astype(np.float64, copy=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """All samples of a training.

    Attributes
    ----------
    names : tuple of str
        Feature ids.
    fitted : FittedFeatures
        Partitions and scalers, fitted on the training part's bars.
    split : Split
        Where the parts lie.
    parts : dict of str to PartSamples
        ``train``, ``validation`` and ``test``.
    """

    names: tuple[str, ...]
    fitted: FittedFeatures
    split: Split
    parts: dict[PartName, PartSamples]

    @property
    def reference(self) -> FloatArray:
        """Mean of every feature over the training samples, shape (n_features,)."""
        mean: FloatArray = self.parts["train"].features.mean(axis=0, dtype=np.float64)
        return mean

    @property
    def prior(self) -> FloatArray:
        """Share of each class among the training samples, shape (3,)."""
        counts = np.bincount(self.parts["train"].classes, minlength=len(CLASSES))
        shares: FloatArray = counts / counts.sum()
        return shares


@dataclass(frozen=True, kw_only=True, eq=False)
class _Piece:
    # One symbol's samples in one part.
    features: NDArray[np.float32]
    targets: IntArray | FloatArray
    spans: IntArray
    n_left_out: int


def make_dataset(
    strategy: Strategy, symbols: Sequence[SymbolBars], progress: Progress
) -> Dataset:
    """Return the samples of ``strategy`` on the bars of ``symbols``.

    Each symbol is labelled by itself and split at the same moments as the others;
    partitions and scalers are fitted on the bars of the training part of all.

    Raises
    ------
    InputError
        If a part has too few samples, or all training labels are one class.
    DataError
        If features can't be fitted.
    """
    progress.phase("features and labels", total=len(symbols), unit="symbols")
    usable = [_usable(strategy, symbol.base) for symbol in symbols]
    split = make_split(
        [symbol.base.time[rows] for symbol, rows in zip(symbols, usable, strict=True)],
        strategy.training.split,
        symbols[0].base_timeframe.duration,
    )
    fitted = _fitted(strategy, symbols, usable, split)
    pieces: dict[PartName, list[_Piece]] = {part: [] for part in PART_NAMES}
    reasons = []
    for done, (symbol, rows) in enumerate(zip(symbols, usable, strict=True), start=1):
        matrix = compute_features(strategy, symbol.bars, fitted)
        reasons.append(f"{symbol.symbol}: {explain_unknown(matrix)}")
        cut = _cut(strategy, symbol.base, matrix, rows, split)
        for part, piece in cut.items():
            pieces[part].append(piece)
        progress.advance(done, symbol.symbol)
    dataset = Dataset(
        names=matrix.names,
        fitted=fitted,
        split=split,
        parts={part: _joined(pieces[part]) for part in PART_NAMES},
    )
    _check_sizes(dataset, reasons)
    if strategy.decisions.format == "classification":
        _check_classes(dataset, progress)
    else:
        _check_returns(dataset)
    return dataset


def _usable(strategy: Strategy, base: Bars) -> BoolArray:
    # Base bars that may be samples, whatever is known of them.
    data = strategy.training_data
    rows = np.arange(len(base)) >= data.history_required
    if data.start_time is not None:
        rows &= base.time >= data.start_time
    if data.end_time is not None:
        rows &= base.time < data.end_time
    return rows


def _fitted(
    strategy: Strategy,
    symbols: Sequence[SymbolBars],
    usable: Sequence[BoolArray],
    split: Split,
) -> FittedFeatures:
    samples = [
        FitSample(
            bars=symbol.bars,
            in_training=rows & (symbol.base.time < split.train.end),
        )
        for symbol, rows in zip(symbols, usable, strict=True)
    ]
    return fit_features(strategy, samples)


def _cut(
    strategy: Strategy,
    base: Bars,
    matrix: FeatureMatrix,
    usable: BoolArray,
    split: Split,
) -> dict[PartName, _Piece]:
    labels = make_labels(base, strategy.training.labels, strategy.decisions.format)
    spans = labels.end - np.arange(len(base))
    pieces: dict[PartName, _Piece] = {}
    for part in PART_NAMES:
        rows = rows_of(split[part], base, labels, usable & matrix.is_known)
        pieces[part] = _Piece(
            features=matrix.values[rows.used].astype(np.float32),
            targets=labels.values[rows.used],
            spans=spans[rows.used],
            n_left_out=int(rows.left_out.sum()),
        )
    return pieces


def _joined(pieces: Sequence[_Piece]) -> PartSamples:
    spans = np.concatenate([piece.spans for piece in pieces])
    return PartSamples(
        features=np.concatenate([piece.features for piece in pieces]),
        targets=np.concatenate([piece.targets for piece in pieces]),
        n_left_out=sum(piece.n_left_out for piece in pieces),
        mean_span=float(spans.mean()) if len(spans) else 0.0,
    )


def _check_sizes(dataset: Dataset, reasons: Sequence[str]) -> None:
    sizes = {part: len(samples) for part, samples in dataset.parts.items()}
    if min(sizes.values()) >= LEAST_SAMPLES:
        return
    found = ", ".join(
        f"{size} in {part} ({dataset.parts[part].n_left_out} left out by purge and "
        "embargo)"
        for part, size in sizes.items()
    )
    raise InputError(
        f"too few samples: {found}; at least {LEAST_SAMPLES} in each expected. "
        f"{'; '.join(reasons)}. Import more data, or use a shorter label horizon, "
        "embargo or warm-up, or other shares in training.split"
    )


def _check_classes(dataset: Dataset, progress: Progress) -> None:
    missing = [
        name for name, share in zip(CLASSES, dataset.prior, strict=True) if share == 0
    ]
    if len(missing) == len(CLASSES) - 1:
        raise InputError(
            f"no training label is {' or '.join(missing)}, so there is nothing to "
            "learn; change training.labels, such as their threshold or barriers"
        )
    if missing:
        progress.note(f"no training label is {missing[0]}: it will not be predicted")


def _check_returns(dataset: Dataset) -> None:
    if np.ptp(dataset.parts["train"].targets) == 0:
        raise InputError(
            "all forward returns of the training part are equal, so there is nothing "
            "to learn; check the data with `ktrdr data check`"
        )
