"""Digests: the names of artifacts, whole or by their first digits."""

import hashlib
import re
from collections.abc import Iterable
from typing import NewType

from ktrdr.errors import ConflictError, InputError

Digest = NewType("Digest", str)
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Fewer digits are more likely a word than a digest.
_FIRST_DIGITS = re.compile(r"[0-9a-f]{6,64}")


def digest_of(data: bytes) -> Digest:
    """Return the SHA-256 of ``data``, in lower-case hexadecimal."""
    return Digest(hashlib.sha256(data).hexdigest())


def parse_digest(text: str) -> Digest:
    """Return ``text`` as a digest, or raise InputError."""
    if not _DIGEST.fullmatch(text):
        raise InputError(f"not a digest: {text[:80]!r}; expected 64 hexadecimal digits")
    return Digest(text)


def complete_digest(text: str, known: Iterable[Digest]) -> Digest | None:
    """Return the one of ``known`` that is ``text`` or begins with it.

    None if there is none, or ``text`` is not made of at least 6 digits.

    Raises
    ------
    ConflictError
        If several of them begin so; names them.
    """
    if not _FIRST_DIGITS.fullmatch(text):
        return None
    found = sorted({digest for digest in known if digest.startswith(text)})
    if len(found) > 1:
        shown = ", ".join(digest[:12] for digest in found[:8])
        raise ConflictError(
            f"{len(found)} digests begin with {text}: {shown}; give more digits"
        )
    return found[0] if found else None
