"""Delete the blobs that nothing refers to."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from ktrdr.progress import NoProgress
from ktrdr.schemas import Part
from ktrdr.storage.digest import Digest
from ktrdr.storage.files import FileEntry, Files
from ktrdr.storage.references import blobs_in, reachable, recorded_digests
from ktrdr.storage.steps import Steps
from ktrdr.storage.store import ArtifactStore

DEFAULT_MIN_AGE = timedelta(hours=24)
# Digests that are needed though no record names them.
Keep = Callable[[], Iterable[str]]


class SpareBlob(Part):
    """A blob that nothing refers to."""

    digest: str
    size: int


class GcReport(Part):
    """What a collection found.

    Attributes
    ----------
    is_dry_run : bool
        Whether nothing was deleted.
    n_blobs, n_bytes : int
        All that there were.
    n_used : int
        Blobs that something refers to.
    n_young : int
        Blobs that nothing refers to yet, left alone for their age.
    deleted : tuple of SpareBlob
        What was deleted, or would have been.
    """

    is_dry_run: bool
    n_blobs: int
    n_bytes: int
    n_used: int
    n_young: int
    deleted: tuple[SpareBlob, ...]

    @property
    def n_bytes_deleted(self) -> int:
        """Their size together."""
        return sum(one.size for one in self.deleted)


def gc(
    store: ArtifactStore,
    *,
    dry_run: bool = False,
    min_age: timedelta = DEFAULT_MIN_AGE,
    keep: Keep = tuple,
    progress: Steps | None = None,
) -> GcReport:
    """Delete the blobs that nothing refers to.

    What a record names is referred to, and what a document names that is itself
    referred to. What is deleted was spare twice: when everything was looked through,
    and again right before. Whenever it is interrupted, all that is listed stays
    whole.

    Parameters
    ----------
    store : ArtifactStore
    dry_run : bool
        Delete nothing.
    min_age : timedelta
        Leave younger blobs alone: a job puts blobs before the record that names them.
    keep : callable
        Returns digests that are needed besides, such as checkpoints; asked twice.
    progress : Steps or None

    Raises
    ------
    DataError
        If a record or a document is damaged, since what it named can't be known;
        then nothing is deleted.
    """
    steps = progress or NoProgress()
    steps.phase("look for references")
    blobs = blobs_in(store.files)
    used = _used(store.files, keep, blobs)
    oldest = datetime.now(UTC) - min_age
    unused = {digest: blobs[digest] for digest in sorted(blobs.keys() - used)}
    spare = {digest: one for digest, one in unused.items() if _is_old(one, oldest)}
    gone = spare if dry_run else _delete(store.files, spare, oldest, keep, steps)
    return GcReport(
        is_dry_run=dry_run,
        n_blobs=len(blobs),
        n_bytes=sum(one.size for one in blobs.values()),
        n_used=len(used),
        n_young=len(unused) - len(spare),
        deleted=tuple(
            SpareBlob(digest=digest, size=one.size) for digest, one in gone.items()
        ),
    )


def _used(files: Files, keep: Keep, blobs: Iterable[Digest]) -> set[Digest]:
    return reachable(files, recorded_digests(files) | set(keep()), blobs)


def _is_old(blob: FileEntry, oldest: datetime) -> bool:
    return blob.modified_at is not None and blob.modified_at <= oldest


def _delete(
    files: Files,
    spare: dict[Digest, FileEntry],
    oldest: datetime,
    keep: Keep,
    steps: Steps,
) -> dict[Digest, FileEntry]:
    if not spare:
        return {}
    used = _used(files, keep, blobs_in(files))
    steps.phase("delete", total=len(spare), unit="blobs")
    gone: dict[Digest, FileEntry] = {}
    for done, (digest, blob) in enumerate(_still_old(files, spare, oldest), start=1):
        if digest not in used:
            files.delete(blob.path)
            gone[digest] = blob
        steps.advance(done)
    return gone


def _still_old(
    files: Files, spare: dict[Digest, FileEntry], oldest: datetime
) -> Iterator[tuple[Digest, FileEntry]]:
    # What somebody put again meanwhile is young again. Asked folder by folder, so
    # that little time passes before the deletion.
    for folder in sorted({blob.path.rpartition("/")[0] for blob in spare.values()}):
        for blob in list(files.list(folder)):
            digest = Digest(blob.path.rpartition("/")[2])
            if digest in spare and _is_old(blob, oldest):
                yield digest, blob
