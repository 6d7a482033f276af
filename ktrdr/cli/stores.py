"""The artifact store that commands work on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore


def artifact_store() -> "ArtifactStore":
    """Return the store in the folder that the settings name."""
    from ktrdr.settings import settings
    from ktrdr.storage import ArtifactStore

    return ArtifactStore.in_folder(settings().store_path)
