"""The artifact store that commands work on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore


def artifact_store(url: str | None = None) -> "ArtifactStore":
    """Return the store that the settings name, or that of the backend one names.

    A backend's store, named by ``url`` or KTRDR_API_URL, can only be read.
    """
    from ktrdr.cli.system import client_of, named_url
    from ktrdr.settings import settings
    from ktrdr.storage import ArtifactStore

    named = named_url(url)
    cache = settings().home / "cache" / "blobs"
    if named is not None:
        return client_of(named).artifacts(cache, cache_mb=settings().cache_mb)
    return ArtifactStore.open(
        settings().store_location, cache=cache, cache_mb=settings().cache_mb
    )
