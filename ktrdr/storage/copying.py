"""Copy part of a store into another: what a document needs, and what lists that."""

from collections.abc import Iterable

from ktrdr.errors import InputError, NotFoundError
from ktrdr.storage.digest import Digest
from ktrdr.storage.references import digests_in, in_batches
from ktrdr.storage.store import ArtifactStore


def copy_needed(
    source: ArtifactStore,
    target: ArtifactStore,
    roots: Iterable[Digest],
    kinds: Iterable[str],
) -> None:
    """Copy the blobs ``roots``, all that they name, and records that name these.

    What is named and not there, or damaged, is left out: not every number that looks
    like a digest is one, and whoever needs it is told when it is not found.

    Parameters
    ----------
    source, target : ArtifactStore
    roots : iterable of Digest
    kinds : iterable of str
        Of the records to look through.
    """

    def copy(digest: Digest) -> set[Digest] | None:
        try:
            data = source.get(digest)
        except InputError:
            return None
        target.put(data)
        return digests_in(data)

    copied: set[Digest] = set()
    seen: set[Digest] = set()
    new = set(roots)
    while new:
        seen |= new
        ordered = sorted(new)
        found = zip(ordered, in_batches(copy, ordered), strict=True)
        named = {digest: names for digest, names in found if names is not None}
        copied |= named.keys()
        new = set().union(*named.values()) - seen
    for kind in kinds:
        _copy_records(source, target, kind, copied)


def _copy_records(
    source: ArtifactStore, target: ArtifactStore, kind: str, copied: set[Digest]
) -> None:
    def copy(key: tuple[str, ...]) -> None:
        try:
            data = source.record_bytes(kind, key)
        except NotFoundError:
            return
        if digests_in(data) & copied:
            target.put_record_bytes(kind, key, data)

    for _ in in_batches(copy, source.list_records(kind)):
        pass
