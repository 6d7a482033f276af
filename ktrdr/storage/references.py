"""Which blobs are needed: what records name, and what the documents they name name."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ktrdr.errors import DataError, NotFoundError
from ktrdr.storage.digest import Digest, digest_of
from ktrdr.storage.files import FileEntry, Files

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
RECORDS = "records"
BLOBS = "blobs"
_RECORD_SUFFIX = ".json"
_BLOB = re.compile(r"blobs/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_DIGEST = re.compile(rb"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])")
# Our documents are JSON objects and lists, written without a space before.
_BEGIN_OF_DOCUMENT = (b"{", b"[")
_READERS = 8
_BATCH = 256


def in_batches(
    work: Callable[[ItemT], ResultT], items: Iterable[ItemT]
) -> Iterator[ResultT]:
    """Yield ``work(item)`` for each item, in order, several at a time.

    A remote store answers each in milliseconds, and many at once. Only a batch of
    results is held.
    """
    waiting = list(items)
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(waiting), _BATCH):
            yield from readers.map(work, waiting[start : start + _BATCH])


def digests_in(data: bytes) -> set[Digest]:
    """Return all that looks like a digest in ``data``, whatever it means there."""
    return {Digest(found.decode()) for found in _DIGEST.findall(data)}


def blobs_in(files: Files) -> dict[Digest, FileEntry]:
    """Return all blobs that there are."""
    found = ((_BLOB.fullmatch(one.path), one) for one in files.list(BLOBS))
    return {Digest(match[2]): one for match, one in found if match}


def records_in(files: Files) -> list[str]:
    """Return the paths of all records that there are, sorted."""
    entries = files.list(RECORDS)
    return sorted(one.path for one in entries if one.path.endswith(_RECORD_SUFFIX))


def recorded_digests(files: Files) -> set[Digest]:
    """Return what all records name.

    Raises
    ------
    DataError
        If a record is damaged, since what it named can't be known.
    """

    def named(path: str) -> set[Digest]:
        try:
            data = files.read(path)
            json.loads(data)
        except NotFoundError:
            return set()  # Deleted since it was listed.
        except ValueError:
            raise _unknowable(f"{path} is damaged") from None
        return digests_in(data)

    return set().union(*in_batches(named, records_in(files)))


def reachable(
    files: Files, roots: Iterable[str], there: Iterable[Digest]
) -> set[Digest]:
    """Return those of ``there`` that ``roots`` are, name, or name by others.

    Every number of 64 hexadecimal digits in a document counts as a name, so more may
    be returned than is needed, never less.

    Raises
    ------
    DataError
        If a document is damaged, since what it named can't be known.
    """

    def named(digest: Digest) -> set[Digest]:
        path = f"{BLOBS}/{digest[:2]}/{digest}"
        try:
            if files.read_start(path, 1) not in _BEGIN_OF_DOCUMENT:
                return set()
            data = files.read(path)
        except NotFoundError:
            return set()
        if digest_of(data) != digest:
            raise _unknowable(f"artifact {digest} is damaged")
        return digests_in(data)

    known = set(there)
    found: set[Digest] = set()
    new = known.intersection(map(Digest, roots))
    while new:
        found |= new
        named_by_new: set[Digest] = set().union(*in_batches(named, sorted(new)))
        new = (named_by_new & known) - found
    return found


def _unknowable(what: str) -> DataError:
    return DataError(
        f"{what}, so that what it refers to can't be known; `ktrdr store verify` "
        "lists all that is damaged: restore it from a backup, or delete it"
    )
