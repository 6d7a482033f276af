"""What features are, in full: their definitions and one hash over them."""

from collections.abc import Sequence

from ktrdr.errors import BundleError
from ktrdr.features.fitted import FittedFeatures, Scaler
from ktrdr.features.series import output_of
from ktrdr.fuzzy import MembershipFunction
from ktrdr.indicators import find_indicator
from ktrdr.schemas import Part
from ktrdr.storage import canonical_json, digest_of
from ktrdr.strategy import FeatureInput, Strategy, expand_inputs

# Counts changes of this room, of indicators or of membership functions that give
# the same strategy other values. A network knows only the features it was trained on.
FEATURE_CODE_VERSION = 1


class FeatureDefinition(Part):
    """One feature with all that its values depend on, beside the bars.

    Attributes
    ----------
    name : str
        Feature id.
    timeframe, base_timeframe : str
        Of the bars it is computed on, and of those it is joined to.
    indicator, output : str
        The indicator's type and which of its outputs.
    parameters : dict
        All of the indicator's, defaults included.
    membership : MembershipFunction or None
        What a fuzzy feature is the degree of.
    scaler : Scaler or None
        What a raw feature is standardized by.
    """

    name: str
    timeframe: str
    base_timeframe: str
    indicator: str
    output: str
    parameters: dict[str, int | float | str]
    membership: MembershipFunction | None = None
    scaler: Scaler | None = None


def feature_definitions(
    strategy: Strategy, fitted: FittedFeatures
) -> tuple[FeatureDefinition, ...]:
    """Return every feature of ``strategy`` with all its parameters, in order.

    Raises
    ------
    BundleError
        If ``fitted`` lacks a partition or a scaler that the strategy needs.
    """
    return tuple(
        definition
        for entry in expand_inputs(strategy)
        for definition in _definitions_of(strategy, fitted, entry)
    )


def feature_fingerprint(strategy: Strategy, fitted: FittedFeatures) -> str:
    """Return the SHA-256 over names, order, code version and all parameters."""
    return fingerprint_of(FEATURE_CODE_VERSION, feature_definitions(strategy, fitted))


def fingerprint_of(code_version: int, definitions: Sequence[FeatureDefinition]) -> str:
    """Return the SHA-256 over the canonical JSON of ``definitions``."""
    document = {
        "code_version": code_version,
        "features": [one.model_dump(mode="json") for one in definitions],
    }
    return digest_of(canonical_json(document))


def check_features(
    strategy: Strategy,
    fitted: FittedFeatures,
    *,
    code_version: int,
    definitions: Sequence[FeatureDefinition],
    fingerprint: str,
) -> None:
    """Check that today's features are those that were stored with a network.

    Raises
    ------
    BundleError
        If not; the message tells the first difference.
    """
    if code_version != FEATURE_CODE_VERSION:
        raise BundleError(
            f"the features were computed by version {code_version} of ktrdr's feature "
            f"code, this is version {FEATURE_CODE_VERSION}; train the model anew, or "
            "use the release that made it"
        )
    if fingerprint_of(code_version, definitions) != fingerprint:
        raise BundleError("the feature fingerprint does not fit the definitions")
    now = feature_definitions(strategy, fitted)
    if feature_fingerprint(strategy, fitted) != fingerprint:
        raise BundleError(
            "today's features are not those that the network was trained on: "
            f"{_first_difference(definitions, now)}; train the model anew"
        )


def memberships_of(
    strategy: Strategy, fitted: FittedFeatures, timeframe: str, fuzzy_set: str
) -> dict[str, MembershipFunction]:
    """Return the membership functions of a fuzzy set on one timeframe, by name.

    Raises
    ------
    BundleError
        If they are to be fitted, and ``fitted`` lacks them.
    """
    spec = strategy.fuzzy_sets[fuzzy_set]
    if spec.auto is None:
        return spec.memberships
    key = f"{timeframe}_{fuzzy_set}"
    found = fitted.partitions.get(key)
    # JSON does not keep the order of names, the strategy does.
    if found is None or set(found) != set(spec.names):
        raise BundleError(
            f"the fitted partition {key} holds {list(found) if found else 'nothing'}, "
            f"expected {list(spec.names)}"
        )
    return {name: found[name] for name in spec.names}


def scaler_of(fitted: FittedFeatures, feature: str) -> Scaler:
    """Return the scaler of a raw feature, or raise BundleError."""
    try:
        return fitted.scalers[feature]
    except KeyError:
        raise BundleError(f"no scaler was fitted for the feature {feature}") from None


def _definitions_of(
    strategy: Strategy, fitted: FittedFeatures, entry: FeatureInput
) -> list[FeatureDefinition]:
    use = strategy.indicators[entry.indicator]
    indicator = find_indicator(use.type)
    given = {**indicator.defaults, **use.parameters}
    kinds = {parameter.name: parameter.kind for parameter in indicator.parameters}
    common = FeatureDefinition(
        name=entry.feature_ids[0],
        timeframe=entry.timeframe.value,
        base_timeframe=strategy.training_data.base_timeframe,
        indicator=indicator.name,
        output=output_of(strategy, entry),
        # 2 and 2.0 mean the same and must look the same.
        parameters={
            name: float(value) if kinds[name] == "float" else value
            for name, value in given.items()
        },
    )
    if entry.fuzzy_set is None:
        scaler = scaler_of(fitted, common.name)
        return [common.model_copy(update={"scaler": scaler})]
    functions = memberships_of(strategy, fitted, entry.timeframe, entry.fuzzy_set)
    return [
        common.model_copy(update={"name": name, "membership": function})
        for name, function in zip(entry.feature_ids, functions.values(), strict=True)
    ]


def _first_difference(
    stored: Sequence[FeatureDefinition], now: Sequence[FeatureDefinition]
) -> str:
    names, names_now = ([one.name for one in side] for side in (stored, now))
    if names != names_now:
        return f"stored are {names}, now {names_now}"
    for before, after in zip(stored, now, strict=True):
        for key in FeatureDefinition.model_fields:
            if (old := getattr(before, key)) != (new := getattr(after, key)):
                return f"{before.name} had {key} {old}, now {new}"
    return "no single feature differs"
