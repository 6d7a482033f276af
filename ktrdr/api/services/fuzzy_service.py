"""Fuzzy sets: membership functions as curves, and degrees of values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ktrdr.errors import InputError, NotFoundError
from ktrdr.schemas import (
    CurvesAnswer,
    CurvesRequest,
    DegreesDocument,
    EvaluateRequest,
    FuzzyRequest,
    MembershipDocument,
)

if TYPE_CHECKING:
    from ktrdr.fuzzy import MembershipFunction
    from ktrdr.models import FuzzyInput
    from ktrdr.storage import ArtifactStore

_GIVEN = "memberships"


def curves(store: "ArtifactStore", request: CurvesRequest) -> CurvesAnswer:
    """Return the membership functions that ``request`` names as curves."""
    from ktrdr.models import curves_document, curves_of

    return CurvesAnswer(
        curves=tuple(
            curves_document(
                curves_of(
                    one,
                    n_points=request.n_points,
                    low=request.low,
                    high=request.high,
                )
            )
            for one in _named(store, request)
        )
    )


def evaluate(store: "ArtifactStore", request: EvaluateRequest) -> DegreesDocument:
    """Return how much values belong to the terms of one fuzzy set."""
    import numpy as np

    from ktrdr.data import none_for_nan

    found = _named(store, request)
    if len(found) > 1:
        names = ", ".join(one.key for one in found)
        raise InputError(f"say which fuzzy_set is to be evaluated, of {names}")
    values = np.array(request.values, dtype=np.float64)
    return DegreesDocument(
        name=found[0].key,
        degrees={
            name: none_for_nan(function(values))
            for name, function in found[0].functions.items()
        },
    )


def _named(store: "ArtifactStore", request: FuzzyRequest) -> "list[FuzzyInput]":
    if request.memberships is not None:
        return [_given(request.memberships)]
    if request.strategy is not None:
        found = _of_strategy(request.strategy)
    else:
        found = _of_model(store, request.model or "")
    if request.fuzzy_set is not None:
        chosen = [one for one in found if one.key == request.fuzzy_set]
        if not chosen:
            known = ", ".join(one.key for one in found) or "none"
            raise NotFoundError(
                f"no fuzzy set {request.fuzzy_set!r} whose functions are known; there "
                f"are {known}"
            )
        return chosen
    if not found:
        raise InputError(
            "there are no fuzzy sets whose functions are known: those of `auto` are "
            "fitted to the training bars; name a trained model instead"
        )
    return found


def _given(memberships: Mapping[str, MembershipDocument]) -> "FuzzyInput":
    from ktrdr.models import FuzzyInput

    functions = {name: _function(name, one) for name, one in memberships.items()}
    return FuzzyInput(key=_GIVEN, title=_GIVEN, indicator="", functions=functions)


def _function(name: str, given: MembershipDocument) -> "MembershipFunction":
    from pydantic import ValidationError

    from ktrdr.fuzzy import MembershipFunction

    try:
        return MembershipFunction(type=given.type, parameters=given.parameters)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise InputError(f"{name}: {problem.removeprefix('Value error, ')}") from None


def _of_strategy(text: str) -> "list[FuzzyInput]":
    from ktrdr.models import FuzzyInput
    from ktrdr.strategy import parse_strategy

    return [
        FuzzyInput(
            key=name, title=name, indicator=one.indicator, functions=one.memberships
        )
        for name, one in parse_strategy(text).fuzzy_sets.items()
        if one.auto is None
    ]


def _of_model(store: "ArtifactStore", model: str) -> "list[FuzzyInput]":
    from ktrdr.models import find_model, fuzzy_inputs, load_bundle

    bundle = load_bundle(store, find_model(store, model).digest)
    return list(fuzzy_inputs(bundle.strategy, bundle.fitted))
