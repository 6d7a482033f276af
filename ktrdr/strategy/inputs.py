"""The network's inputs, expanded to features in the order of the file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ktrdr.data import Timeframe

if TYPE_CHECKING:
    from ktrdr.strategy.spec import Strategy


@dataclass(frozen=True, kw_only=True)
class FeatureInput:
    """One indicator output on one timeframe, as the network sees it.

    Attributes
    ----------
    timeframe : Timeframe
        Of the bars that the indicator is computed on.
    indicator : str
        Id of the indicator.
    output : str or None
        Name of its output; None is the primary one.
    fuzzy_set : str or None
        Id of the fuzzy set, each of whose terms is a feature; None for raw, where
        the one feature is the standardized value.
    memberships : tuple of str
        Names of its terms; empty for raw.
    feature_ids : tuple of str
        ``{timeframe}_{fuzzy_set}_{membership}`` each, or
        ``{timeframe}_{indicator}_raw``, ``{timeframe}_{indicator}_{output}_raw``
        where an output is named.
    """

    timeframe: Timeframe
    indicator: str
    output: str | None
    fuzzy_set: str | None
    memberships: tuple[str, ...]
    feature_ids: tuple[str, ...]


def expand_inputs(strategy: "Strategy") -> tuple[FeatureInput, ...]:
    """Return each input on each of its timeframes, in the order of the file."""
    everywhere = strategy.training_data.timeframes
    expanded: list[FeatureInput] = []
    for one in strategy.nn_inputs:
        names = everywhere if one.timeframes == "all" else one.timeframes
        for timeframe in map(Timeframe, names):
            if one.fuzzy_set is not None:
                expanded.append(_fuzzy(strategy, timeframe, one.fuzzy_set))
            elif one.raw_indicator is not None:
                expanded.append(_raw(timeframe, one.raw_indicator))
    return tuple(expanded)


def feature_ids(strategy: "Strategy") -> list[str]:
    """Return the ids of all features, in the order of the network's inputs."""
    return [name for one in expand_inputs(strategy) for name in one.feature_ids]


def _fuzzy(strategy: "Strategy", timeframe: Timeframe, name: str) -> FeatureInput:
    fuzzy_set = strategy.fuzzy_sets[name]
    return FeatureInput(
        timeframe=timeframe,
        indicator=fuzzy_set.indicator_id,
        output=fuzzy_set.output,
        fuzzy_set=name,
        memberships=fuzzy_set.names,
        feature_ids=fuzzy_feature_ids(timeframe, name, fuzzy_set.names),
    )


def _raw(timeframe: Timeframe, reference: str) -> FeatureInput:
    indicator, _, output = reference.partition(".")
    return FeatureInput(
        timeframe=timeframe,
        indicator=indicator,
        output=output or None,
        fuzzy_set=None,
        memberships=(),
        feature_ids=(raw_feature_id(timeframe, reference),),
    )


def fuzzy_feature_ids(
    timeframe: str, fuzzy_set: str, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the ids of a fuzzy set's features on a timeframe."""
    return tuple(f"{timeframe}_{fuzzy_set}_{name}" for name in names)


def raw_feature_id(timeframe: str, reference: str) -> str:
    """Return the id of an indicator's standardized value on a timeframe."""
    return f"{timeframe}_{reference.replace('.', '_')}_raw"
