"""The one feature function, for training, backtests and charts."""

import numpy as np

from ktrdr.features.definitions import memberships_of, scaler_of
from ktrdr.features.fitted import FittedFeatures
from ktrdr.features.matrix import FeatureMatrix
from ktrdr.features.series import IndicatorTable, SymbolTimeframes, input_key, join
from ktrdr.strategy import FeatureInput, Strategy, expand_inputs
from ktrdr.typing import FloatArray


def compute_features(
    strategy: Strategy, bars: SymbolTimeframes, fitted: FittedFeatures
) -> FeatureMatrix:
    """Return all features of one symbol.

    Parameters
    ----------
    strategy : Strategy
        Which indicators, fuzzy sets and inputs.
    bars : mapping of Timeframe to Bars
        The symbol's bars on every timeframe that the strategy names.
    fitted : FittedFeatures
        Partitions and scalers, fitted on the training bars.

    Returns
    -------
    FeatureMatrix
        A row a base bar, a column a feature, in the order of the strategy file.

    Raises
    ------
    DataError
        If bars of a timeframe are missing or an indicator is infinite.
    BundleError
        If ``fitted`` does not fit the strategy.

    Notes
    -----
    Row i uses bars that have closed when base bar i closes, and no others: of a
    longer timeframe the newest such bar, however old it is where its data have a
    gap. What is not known yet is NaN, never filled.
    """
    table = IndicatorTable(strategy, bars)
    columns: list[FloatArray] = []
    names: list[str] = []
    for entry in expand_inputs(strategy):
        newest = table.newest_known(entry.timeframe)
        own = _transformed(strategy, fitted, entry, table.values(entry))
        columns += [join(values, newest) for values in own]
        names += entry.feature_ids
    values = np.column_stack(columns)
    values.flags.writeable = False
    return FeatureMatrix(names=tuple(names), time=table.base.time, values=values)


def indicator_values(strategy: Strategy, bars: SymbolTimeframes) -> FeatureMatrix:
    """Return the indicator values that the inputs are made of, for people to see.

    Parameters
    ----------
    strategy, bars
        As for ``compute_features``.

    Returns
    -------
    FeatureMatrix
        A column an input, named ``{timeframe}_{fuzzy_set}`` or as the raw feature,
        in the indicator's units, known when the features are.
    """
    table = IndicatorTable(strategy, bars)
    entries = expand_inputs(strategy)
    columns = [
        join(table.values(entry), table.newest_known(entry.timeframe))
        for entry in entries
    ]
    return FeatureMatrix(
        names=tuple(input_key(entry) for entry in entries),
        time=table.base.time,
        values=np.column_stack(columns),
    )


def _transformed(
    strategy: Strategy,
    fitted: FittedFeatures,
    entry: FeatureInput,
    values: FloatArray,
) -> list[FloatArray]:
    # On the timeframe's own bars, which are fewer; joining picks among them.
    if entry.fuzzy_set is None:
        scaler = scaler_of(fitted, entry.feature_ids[0])
        return [(values - scaler.mean) / scaler.std]
    functions = memberships_of(strategy, fitted, entry.timeframe, entry.fuzzy_set)
    return [function(values) for function in functions.values()]
