"""Artifacts: immutable, addressed by content, in a folder or a bucket."""

from ktrdr.storage.cache import CachedFiles
from ktrdr.storage.collection import DEFAULT_MIN_AGE, GcReport, SpareBlob, gc
from ktrdr.storage.copying import copy_needed
from ktrdr.storage.digest import Digest, complete_digest, digest_of, parse_digest
from ktrdr.storage.files import FileEntry, Files
from ktrdr.storage.listing import claim, claimed, time_key
from ktrdr.storage.locations import folder_of, is_remote
from ktrdr.storage.references import digests_in
from ktrdr.storage.steps import Steps
from ktrdr.storage.store import (
    ArtifactStore,
    blob_path,
    canonical_json,
    open_store,
    parse_record,
    record_path,
)
from ktrdr.storage.summary import StoreSummary, summarize
from ktrdr.storage.verification import NeededBlobs, StoreProblem, VerifyReport, verify

__all__ = [
    "DEFAULT_MIN_AGE",
    "ArtifactStore",
    "CachedFiles",
    "Digest",
    "FileEntry",
    "Files",
    "GcReport",
    "NeededBlobs",
    "SpareBlob",
    "Steps",
    "StoreProblem",
    "StoreSummary",
    "VerifyReport",
    "blob_path",
    "canonical_json",
    "claim",
    "claimed",
    "complete_digest",
    "copy_needed",
    "digest_of",
    "digests_in",
    "folder_of",
    "gc",
    "is_remote",
    "open_store",
    "parse_digest",
    "parse_record",
    "record_path",
    "summarize",
    "time_key",
    "verify",
]
