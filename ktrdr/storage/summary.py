"""How much is in a store."""

from collections import Counter

from ktrdr.schemas import Part
from ktrdr.storage.references import blobs_in, records_in
from ktrdr.storage.store import ArtifactStore


class StoreSummary(Part):
    """Where a store is and how much it holds.

    Attributes
    ----------
    n_bytes : int
        Of the blobs.
    n_records : dict of str to int
        By kind.
    """

    location: str
    n_blobs: int
    n_bytes: int
    n_records: dict[str, int]


def summarize(store: ArtifactStore) -> StoreSummary:
    """Return how much is in ``store``."""
    blobs = blobs_in(store.files).values()
    kinds = Counter(path.split("/")[1] for path in records_in(store.files))
    return StoreSummary(
        location=store.location,
        n_blobs=len(blobs),
        n_bytes=sum(one.size for one in blobs),
        n_records=dict(sorted(kinds.items())),
    )
