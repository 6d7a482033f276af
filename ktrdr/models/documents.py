"""Models and what they say, for HTTP and ``--json``."""

from collections.abc import Sequence

from ktrdr.data import none_for_nan, time_texts, to_iso
from ktrdr.models.ask import Asked, Predictions
from ktrdr.models.bundle import Bundle
from ktrdr.models.drawing import MembershipCurves, membership_curves
from ktrdr.models.explain import Contribution, Explanation
from ktrdr.models.manifest import Manifest
from ktrdr.models.registry import ModelRef
from ktrdr.schemas import (
    BarExplanation,
    ContributionDocument,
    CurvesDocument,
    ExplanationDocument,
    ModelDetail,
    ModelSummary,
    PredictionDocument,
)
from ktrdr.storage import canonical_json

_CURVE_POINTS = 61


def model_summary(ref: ModelRef, manifest: Manifest) -> ModelSummary:
    """Return one line about a model."""
    return ModelSummary(
        model=str(ref),
        name=ref.name,
        version=ref.version,
        digest=ref.digest,
        created_at=manifest.created_at,
        symbols=manifest.symbols,
        metrics=manifest.metrics,
    )


def model_detail(bundle: Bundle) -> ModelDetail:
    """Return the whole manifest of ``bundle``."""
    document = {"digest": bundle.digest, **bundle.manifest.model_dump(mode="json")}
    # From text: parts of it are strict about lists in a document that was parsed.
    return ModelDetail.model_validate_json(canonical_json(document))


def explanation_document(
    asked: Asked, found: Sequence[Explanation]
) -> ExplanationDocument:
    """Return the membership functions, and why the model decided as it did."""
    bundle = asked.bundle
    curves = membership_curves(bundle.strategy, bundle.fitted, n_points=_CURVE_POINTS)
    return ExplanationDocument(
        model=str(bundle.ref),
        digest=bundle.digest,
        symbol=asked.symbol,
        memberships=tuple(map(curves_document, curves)),
        bars=tuple(map(_bar, found)),
    )


def prediction_document(asked: Asked, found: Predictions) -> PredictionDocument:
    """Return what the model says and decides at each bar."""
    return PredictionDocument(
        model=str(asked.bundle.ref),
        digest=asked.bundle.digest,
        symbol=asked.symbol,
        timeframe=asked.loaded.base_timeframe.value,
        time=tuple(time_texts(found.time)),
        outputs={
            name: none_for_nan(column)
            for name, column in zip(found.names, found.outputs.T, strict=True)
        },
        target=tuple(found.target.tolist()),
    )


def curves_document(curves: MembershipCurves) -> CurvesDocument:
    """Return the curves of one fuzzy set."""
    return CurvesDocument(
        name=curves.key,
        indicator=curves.indicator,
        values=tuple(curves.values.tolist()),
        degrees={name: tuple(each.tolist()) for name, each in curves.degrees.items()},
    )


def _bar(one: Explanation) -> BarExplanation:
    return BarExplanation(
        time=to_iso(one.time),
        outputs=one.outputs,
        says=one.says,
        runner_up=one.runner_up,
        target=one.target,
        margin=one.margin,
        reference_margin=one.reference_margin,
        inputs=tuple(map(_contribution, one.inputs)),
        features=tuple(map(_contribution, one.features)),
        words=one.words,
    )


def _contribution(one: Contribution) -> ContributionDocument:
    return ContributionDocument(
        name=one.name,
        words=one.words,
        value=one.value,
        reference=one.reference,
        contribution=one.amount,
    )
