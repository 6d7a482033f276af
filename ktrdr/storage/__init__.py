"""Artifacts: immutable, addressed by content, in a folder."""

from ktrdr.storage.digest import Digest, complete_digest, digest_of, parse_digest
from ktrdr.storage.store import ArtifactStore, blob_path, canonical_json

__all__ = [
    "ArtifactStore",
    "Digest",
    "blob_path",
    "canonical_json",
    "complete_digest",
    "digest_of",
    "parse_digest",
]
