"""What is listed by time, once for each operation however many attempts it took."""

import re

from ktrdr.errors import NotFoundError
from ktrdr.schemas import Part
from ktrdr.storage.digest import Digest, parse_digest
from ktrdr.storage.store import ArtifactStore

_CLAIMS = "claims"
# A record's key can't hold the colons and signs of ISO 8601.
_NOT_IN_KEYS = re.compile(r"[^0-9T.]")


class _Claim(Part):
    """The artifact that is an operation's, whichever attempt lists it."""

    digest: str


def time_key(created_at: str, digest: Digest) -> tuple[str, str]:
    """Return a record's key that sorts by ``created_at``, ISO 8601 in UTC."""
    return _NOT_IN_KEYS.sub("", created_at.partition("+")[0]), digest


def claim(store: ArtifactStore, operation: str, what: str, digest: Digest) -> Digest:
    """Return the digest that is the operation's ``what``: the first one claimed."""
    key = (operation, what)
    return parse_digest(store.put_once(_CLAIMS, key, {"digest": digest}, _Claim).digest)


def claimed(store: ArtifactStore, operation: str, what: str) -> Digest | None:
    """Return the digest claimed as the operation's ``what``, None if none was yet."""
    try:
        found = store.get_record(_CLAIMS, (operation, what), _Claim)
    except NotFoundError:
        return None
    return parse_digest(found.digest)
