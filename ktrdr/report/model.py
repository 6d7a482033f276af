"""The model behind a result, whose membership functions the report shows."""

from dataclasses import dataclass

from ktrdr.backtesting import Result
from ktrdr.errors import BundleError, NotFoundError
from ktrdr.models import Manifest, load_manifest
from ktrdr.storage import ArtifactStore


@dataclass(frozen=True, kw_only=True)
class ReportedModel:
    """The model that was backtested, or why it can't be shown."""

    manifest: Manifest | None
    reason: str | None = None


def reported_model(store: ArtifactStore, result: Result) -> ReportedModel:
    """Return the model of ``result``, which may be gone or of another format."""
    try:
        found = load_manifest(store, result.manifest.request.model)
    except (BundleError, NotFoundError) as error:
        return ReportedModel(manifest=None, reason=str(error))
    return ReportedModel(manifest=found)
