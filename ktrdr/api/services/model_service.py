"""Models: listed, shown, asked, deleted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrdr.schemas import (
    ExplanationDocument,
    ModelDetail,
    ModelSummary,
    PredictionDocument,
    PredictRequest,
)

if TYPE_CHECKING:
    from ktrdr.data import BarStore
    from ktrdr.models import Asked, Bundle
    from ktrdr.schemas import BarsInput
    from ktrdr.storage import ArtifactStore

# Features times bars that one question may cost: some seconds, and 400 MB.
_MOST_VALUES = 50_000_000
_SENT = "SENT"


def list_models(
    store: "ArtifactStore", *, offset: int, limit: int
) -> list[ModelSummary]:
    """Return a line about every model, by name and version."""
    from ktrdr.models import list_models as all_models
    from ktrdr.models import load_manifests, model_summary

    shown = all_models(store)[offset : offset + limit]
    return [model_summary(*found) for found in load_manifests(store, shown)]


def show_model(store: "ArtifactStore", model: str) -> ModelDetail:
    """Return a model's whole manifest, its weights checked."""
    from ktrdr.models import model_detail

    return model_detail(_bundle(store, model))


def explain(
    store: "ArtifactStore",
    model: str,
    *,
    symbol: str | None,
    at: Sequence[str],
    last: int | None,
) -> ExplanationDocument:
    """Return why a model decided as it did at stored bars."""
    from ktrdr.data import BarStore
    from ktrdr.models import ask_about_stored, explain_asked, explanation_document

    asked = ask_about_stored(
        _bundle(store, model), BarStore(store), symbol, most_values=_MOST_VALUES
    )
    return explanation_document(asked, explain_asked(asked, at, last))


def predict(
    store: "ArtifactStore", model: str, request: PredictRequest
) -> PredictionDocument:
    """Return what a model says and decides at bars, stored or sent along."""
    from ktrdr.data import BarStore, from_iso
    from ktrdr.models import predict_asked, prediction_document

    start = None if request.start is None else from_iso(request.start)
    end = None if request.end is None else from_iso(request.end)
    asked = _asked(BarStore(store), _bundle(store, model), request)
    time = asked.matrix.time
    stop = len(time) if end is None else int(time.searchsorted(end))
    first = 0 if start is None else int(time.searchsorted(start))
    rows = slice(max(min(first, stop), stop - request.last), stop)
    return prediction_document(asked, predict_asked(asked, rows))


def delete_model(store: "ArtifactStore", model: str, *, force: bool) -> None:
    """List a model no more; refused while results refer to it, unless forced."""
    from ktrdr.backtesting import delete_named_model

    delete_named_model(store, model, force=force)


def _bundle(store: "ArtifactStore", model: str) -> "Bundle":
    from ktrdr.models import find_model, load_bundle

    return load_bundle(store, find_model(store, model).digest)


def _asked(bar_store: "BarStore", bundle: "Bundle", request: PredictRequest) -> "Asked":
    from ktrdr.models import ask_about_stored

    if request.bars is None:
        return ask_about_stored(
            bundle, bar_store, request.symbol, most_values=_MOST_VALUES
        )
    return _asked_about_sent(bundle, request.bars)


def _asked_about_sent(bundle: "Bundle", sent: "BarsInput") -> "Asked":
    from ktrdr.data import Timeframe, bars_from_input
    from ktrdr.features import resample_symbol_bars
    from ktrdr.models import ask_about

    timeframe = Timeframe(bundle.strategy.training_data.base_timeframe)
    base = bars_from_input(sent, bundle.manifest.symbols[0], timeframe)
    loaded = resample_symbol_bars(bundle.strategy, base)
    return ask_about(bundle, loaded, most_values=_MOST_VALUES)
