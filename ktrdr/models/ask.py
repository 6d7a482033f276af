"""A stored model asked about a symbol's bars: what it says, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from ktrdr.data import BarStore, parse_symbol
from ktrdr.errors import TooLargeError
from ktrdr.features import (
    FeatureMatrix,
    SymbolBars,
    compute_features,
    load_symbol_bars,
)
from ktrdr.models.bundle import Bundle, predictor_of
from ktrdr.models.decisions import decide
from ktrdr.models.explain import Explanation, explain_bars
from ktrdr.models.rows import first_decision_row, rows_to_explain
from ktrdr.typing import FloatArray, TargetArray, TimeArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A model with a symbol's bars and their features.

    Attributes
    ----------
    loaded : SymbolBars
        On every timeframe of the model.
    matrix : FeatureMatrix
        A row a base bar.
    """

    bundle: Bundle
    symbol: str
    loaded: SymbolBars
    matrix: FeatureMatrix


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What a model says and decides at the close of each bar.

    Attributes
    ----------
    time : ndarray of datetime64[ms], shape (n_bars,)
        Opening times.
    outputs : ndarray of float64, shape (n_bars, n_outputs)
        Class probabilities or predicted return; NaN where not known.
    target : ndarray of int8, shape (n_bars,)
        Position decided: -1, 0 or 1.
    """

    time: TimeArray
    names: tuple[str, ...]
    outputs: FloatArray
    target: TargetArray


def ask_about_stored(
    bundle: Bundle,
    bar_store: BarStore,
    symbol: str | None = None,
    *,
    most_values: int | None = None,
) -> Asked:
    """Return ``bundle`` with the stored bars of ``symbol`` and their features.

    Parameters
    ----------
    bundle : Bundle
    bar_store : BarStore
    symbol : str or None
        None is the model's first.
    most_values : int or None
        Features times bars that may be computed.

    Raises
    ------
    InputError, NotFoundError, DataError
        As ``load_symbol_bars`` and ``compute_features`` do.
    TooLargeError
        If there are more than ``most_values`` values.
    """
    chosen = bundle.manifest.symbols[0] if symbol is None else parse_symbol(symbol)
    loaded = load_symbol_bars(bar_store, bundle.strategy, chosen, {})
    return ask_about(bundle, loaded, most_values=most_values)


def ask_about(
    bundle: Bundle, loaded: SymbolBars, *, most_values: int | None = None
) -> Asked:
    """Return ``bundle`` with the bars ``loaded`` and their features.

    Raises
    ------
    TooLargeError
        If there are more than ``most_values`` values.
    """
    n_features = len(bundle.manifest.features.names)
    n_values = n_features * len(loaded.base)
    if most_values is not None and n_values > most_values:
        raise TooLargeError(
            f"{loaded.symbol} has {len(loaded.base):,} bars, which with {n_features} "
            f"features make {n_values:,} values, at most {most_values:,} are computed "
            "at once; use a command or a backtest instead"
        )
    matrix = compute_features(bundle.strategy, loaded.bars, bundle.fitted)
    return Asked(bundle=bundle, symbol=loaded.symbol, loaded=loaded, matrix=matrix)


def explain_asked(
    asked: Asked, at: Sequence[str] = (), last: int | None = None
) -> tuple[Explanation, ...]:
    """Return why the model said what it said; see ``rows_to_explain``.

    Rows of the explanations are counted from where decisions begin.
    """
    rows = rows_to_explain(asked.loaded.base, asked.matrix, at, last)
    start = first_decision_row(asked.bundle, asked.matrix, rows[0])
    return explain_bars(
        asked.bundle, asked.matrix[start:], [row - start for row in rows]
    )


def predict_asked(asked: Asked, rows: slice) -> Predictions:
    """Return what the model says and decides at ``rows``, which have a beginning."""
    start = first_decision_row(asked.bundle, asked.matrix, rows.start)
    matrix = asked.matrix[start:]
    predictor = predictor_of(asked.bundle)
    outputs = predictor.predict(matrix.values)
    target = decide(asked.bundle.strategy.decisions, outputs)
    shown = slice(rows.start - start, rows.stop - start)
    return Predictions(
        time=matrix.time[shown],
        names=predictor.outputs,
        outputs=outputs[shown],
        target=target[shown],
    )
