"""Which models there are: names, versions and digests."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.schemas import Part
from ktrdr.storage import (
    ArtifactStore,
    Digest,
    complete_digest,
    parse_digest,
    parse_record,
)

_KIND = "models"
# Versions that were deleted: their numbers mean nothing else ever again.
_DELETED = "deleted-models"
_CLAIMS = "claims"


class _Record(Part):
    """What is kept of a model under its name and version."""

    digest: str
    operation: str | None = None


class _Claim(Part):
    """The model that is an operation's, whichever attempt lists it."""

    name: str
    version: int
    digest: str

    @property
    def ref(self) -> "ModelRef":
        return ModelRef(
            name=self.name, version=self.version, digest=parse_digest(self.digest)
        )


@dataclass(frozen=True, kw_only=True)
class ModelRef:
    """One model in the store.

    Attributes
    ----------
    name : str
        The strategy's name.
    version : int
        From 1, in the order of storing.
    digest : Digest
        Of the manifest.
    """

    name: str
    version: int
    digest: Digest

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def list_models(store: ArtifactStore) -> list[ModelRef]:
    """Return all models, by name and version, but those whose records are damaged."""
    return [
        _ref(key[0], int(key[1]), record)
        for key, record in store.read_records(_KIND, _Record, _is_version).items()
    ]


def find_model(store: ArtifactStore, text: str) -> ModelRef:
    """Return the model that ``text`` means.

    Parameters
    ----------
    store : ArtifactStore
        Where to look.
    text : str
        ``name`` for the newest of that name, ``name@3``, or the manifest's digest
        or its first digits, at least 6.

    Raises
    ------
    NotFoundError
        If there is none; the message names what there is.
    ConflictError
        If several models have a digest that begins so.
    InputError
        If the version is not a whole number.
    """
    name, has_version, version = text.rpartition("@")
    if has_version:
        return _find_version(store, name, version)
    versions = [number for key, number in _keys(store) if key == text]
    if versions:
        return _read(store, text, max(versions))
    return _find_digest(store, text)


def delete_model(store: ArtifactStore, ref: ModelRef) -> None:
    """List ``ref`` no more; its number is never given to another model.

    What nothing else refers to is deleted by the next `ktrdr store gc`.

    Raises
    ------
    NotFoundError
        If it is not listed.
    """
    key = (ref.name, _padded(ref.version))
    operation = store.get_record(_KIND, key, _Record).operation
    store.put_record(_DELETED, key, {})
    if operation is not None:
        for claim in store.list_records(_CLAIMS, operation, _KIND):
            store.delete_record(_CLAIMS, claim)
    store.delete_record(_KIND, key)


def register(store: ArtifactStore, ref: ModelRef, operation: str | None = None) -> bool:
    """List ``ref``; False if another model has its name and version."""
    record = _Record(digest=ref.digest, operation=operation)
    try:
        store.put_record(
            _KIND,
            (ref.name, _padded(ref.version)),
            record.model_dump(mode="json", exclude_none=True),
        )
    except ConflictError:
        return False
    return True


def claimed_model(store: ArtifactStore, operation: str) -> ModelRef | None:
    """Return the model of ``operation``, None if no attempt at it stored one yet.

    It is listed if the attempt that stored it did not come so far.
    """
    for key in store.list_records(_CLAIMS, operation, _KIND):
        claim = store.get_record(_CLAIMS, key, _Claim).ref
        if register(store, claim, operation):
            return claim
    return None


def register_once(
    store: ArtifactStore, operation: str, propose: Callable[[], ModelRef]
) -> ModelRef:
    """List one model for ``operation`` and return it, however many attempts try.

    Parameters
    ----------
    store : ArtifactStore
    operation : str
        Its id.
    propose : callable
        Returns a stored model that could be listed: with a version that was free.

    Notes
    -----
    The attempts agree on a sequence of claims, each of them made once and for all.
    A claim whose version went to another model meanwhile stays so for everyone; the
    first one that can be listed is the operation's model, for everyone as well.
    """
    turn = 1
    while True:
        key = (operation, _KIND, _padded(turn))
        claim = store.put_once(_CLAIMS, key, asdict(propose()), _Claim).ref
        if register(store, claim, operation):
            return claim
        turn += 1


def recorded_digest(path: str, record: bytes) -> str:
    """Return what the record at ``path`` lists, or raise DataError."""
    return parse_record(record, _Record, path).digest


def next_version(store: ArtifactStore, name: str) -> int:
    """Return the number after the highest one that ``name`` ever had."""
    keys = (*store.list_records(_KIND, name), *store.list_records(_DELETED, name))
    return 1 + max((int(key[1]) for key in keys if _is_version(key)), default=0)


def _padded(version: int) -> str:
    # With leading zeros, the store lists versions in their order.
    return f"{version:06d}"


def _is_version(key: tuple[str, ...]) -> bool:
    return len(key) == 2 and key[1].isdecimal()


def _keys(store: ArtifactStore) -> Iterator[tuple[str, int]]:
    for key in filter(_is_version, store.list_records(_KIND)):
        yield key[0], int(key[1])


def _ref(name: str, version: int, record: _Record) -> ModelRef:
    return ModelRef(name=name, version=version, digest=parse_digest(record.digest))


def _read(store: ArtifactStore, name: str, version: int) -> ModelRef:
    return _ref(
        name, version, store.get_record(_KIND, (name, _padded(version)), _Record)
    )


def _find_version(store: ArtifactStore, name: str, version: str) -> ModelRef:
    if not (version.isascii() and version.isdigit() and len(version) <= 6):
        raise InputError(f"not a version: {version[:40]!r}; expected such as {name}@1")
    if (name, int(version)) in set(_keys(store)):
        return _read(store, name, int(version))
    raise _not_found(store, f"{name}@{version}")


def _find_digest(store: ArtifactStore, text: str) -> ModelRef:
    by_digest = {ref.digest: ref for ref in list_models(store)}
    digest = complete_digest(text, by_digest)
    if digest is None:
        raise _not_found(store, text)
    return by_digest[digest]


def _not_found(store: ArtifactStore, text: str) -> NotFoundError:
    titles = [f"{name}@{version}" for name, version in _keys(store)]
    if not titles:
        hint = "there are none yet; train one with `ktrdr train`"
    else:
        hint = f"there are {_some(_close(text, titles) or titles)}"
    return NotFoundError(f"no model {text[:80]!r}: {hint}")


def _close(text: str, titles: Sequence[str]) -> Sequence[str]:
    return difflib.get_close_matches(text, titles, n=5)


def _some(titles: Sequence[str]) -> str:
    shown = ", ".join(titles[-8:])
    return f"{len(titles)} models, such as {shown}" if len(titles) > 8 else shown
