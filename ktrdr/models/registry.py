"""Which models there are: names, versions and digests."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.schemas import Part
from ktrdr.storage import ArtifactStore, Digest, complete_digest, parse_digest

_KIND = "models"


class _Record(Part):
    """What is kept of a model under its name and version."""

    digest: str


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
    """Return all models, by name and version."""
    return [_read(store, name, version) for name, version in _keys(store)]


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


def register(store: ArtifactStore, name: str, version: int, digest: Digest) -> bool:
    """List the manifest ``digest`` as ``name@version``; False if that is taken."""
    try:
        store.put_record(_KIND, (name, _padded(version)), {"digest": digest})
    except ConflictError:
        return False
    return True


def next_version(store: ArtifactStore, name: str) -> int:
    """Return the number after the highest one of ``name``."""
    return 1 + max((number for key, number in _keys(store) if key == name), default=0)


def _padded(version: int) -> str:
    # With leading zeros, the store lists versions in their order.
    return f"{version:06d}"


def _keys(store: ArtifactStore) -> Iterator[tuple[str, int]]:
    for *name, version in store.list_records(_KIND):
        if len(name) == 1 and version.isdecimal():
            yield name[0], int(version)


def _read(store: ArtifactStore, name: str, version: int) -> ModelRef:
    record = store.get_record(_KIND, (name, _padded(version)), _Record)
    return ModelRef(name=name, version=version, digest=parse_digest(record.digest))


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
