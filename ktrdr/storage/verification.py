"""Read everything in a store and tell what is damaged or missing."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal

from ktrdr.errors import InputError, NotFoundError
from ktrdr.progress import NoProgress
from ktrdr.schemas import Part
from ktrdr.storage.digest import Digest
from ktrdr.storage.references import blobs_in, in_batches, records_in
from ktrdr.storage.steps import Steps
from ktrdr.storage.store import ArtifactStore

# Given a record's path and content, returns the blobs without which it is worth
# nothing; raises InputError if it, or a document on the way, can't be read.
NeededBlobs = Callable[[ArtifactStore, str, bytes], Iterable[str]]


class StoreProblem(Part):
    """One thing that is not as it should be.

    Attributes
    ----------
    kind : str
        A blob whose content does not have its digest; a record that can't be read;
        a record that needs a blob which is not there.
    path : str
        Where in the store.
    message : str
        What was found.
    """

    kind: Literal["damaged_blob", "damaged_record", "missing_blob"]
    path: str
    message: str


class VerifyReport(Part):
    """What a verification read, and all that it found wrong."""

    n_blobs: int
    n_bytes: int
    n_records: int
    problems: tuple[StoreProblem, ...]


def verify(
    store: ArtifactStore,
    needed: Mapping[str, NeededBlobs],
    progress: Steps | None = None,
) -> VerifyReport:
    """Read every blob and every record of ``store``; change nothing.

    Parameters
    ----------
    store : ArtifactStore
        Opened without a cache, whose copies would hide damage.
    needed : mapping of str to callable
        Kind of records to what tells the blobs that such a record needs. Of other
        kinds it is checked only that they are JSON.
    progress : Steps or None
    """
    steps = progress or NoProgress()
    blobs = blobs_in(store.files)
    records = records_in(store.files)
    steps.phase("check blobs", total=len(blobs), unit="blobs")
    problems: list[StoreProblem] = []
    checked = in_batches(lambda digest: _blob_problem(store, digest), sorted(blobs))
    for done, problem in enumerate(checked, start=1):
        problems += [problem] if problem else []
        steps.advance(done)
    steps.phase("check records", total=len(records), unit="records")
    told = in_batches(
        lambda path: _record_problems(store, path, needed, blobs.keys()), records
    )
    for done, found in enumerate(told, start=1):
        problems += found
        steps.advance(done)
    return VerifyReport(
        n_blobs=len(blobs),
        n_bytes=sum(one.size for one in blobs.values()),
        n_records=len(records),
        problems=tuple(problems),
    )


def _blob_problem(store: ArtifactStore, digest: Digest) -> StoreProblem | None:
    try:
        store.get(digest)
    except NotFoundError:
        return None  # Deleted since it was listed.
    except InputError as error:
        path = f"blobs/{digest[:2]}/{digest}"
        return StoreProblem(kind="damaged_blob", path=path, message=str(error))
    return None


def _record_problems(
    store: ArtifactStore,
    path: str,
    needed: Mapping[str, NeededBlobs],
    blobs: Collection[str],
) -> list[StoreProblem]:
    try:
        data = store.files.read(path)
    except NotFoundError:
        return []
    try:
        json.loads(data)
    except ValueError as error:
        return [
            StoreProblem(
                kind="damaged_record", path=path, message=f"is no JSON: {error}"
            )
        ]
    try:
        find = needed.get(path.split("/")[1])
        names = find(store, path, data) if find else ()
        missing = [name for name in names if name not in blobs]
    except NotFoundError as error:
        return [StoreProblem(kind="missing_blob", path=path, message=str(error))]
    except InputError as error:
        return [StoreProblem(kind="damaged_record", path=path, message=str(error))]
    return [
        StoreProblem(kind="missing_blob", path=path, message=f"{name} is not there")
        for name in missing
    ]
