"""Summaries of studies in the artifact store, listed by time."""

from pydantic import ValidationError

from ktrdr.errors import DataError, NotFoundError
from ktrdr.schemas import StudyLine, StudySummary
from ktrdr.storage import (
    ArtifactStore,
    Digest,
    canonical_json,
    claim,
    claimed,
    complete_digest,
    parse_digest,
    parse_record,
    time_key,
)

LATEST = "latest"
_KIND = "studies"
_CLAIM = "study"


def save_study(
    store: ArtifactStore, summary: StudySummary, operation: str | None = None
) -> Digest:
    """Keep ``summary``, whose tables are stored already, and list it.

    With an ``operation``, the digest of what another attempt at it kept before is
    returned instead, and that is listed.
    """
    digest = store.put(canonical_json(summary.model_dump(mode="json")))
    if operation is not None:
        digest = claim(store, operation, _CLAIM, digest)
        summary = load_study(store, digest)
    _register(store, digest, summary)
    return digest


def claimed_study(store: ArtifactStore, operation: str) -> Digest | None:
    """Return the study of ``operation``, listed; None if no attempt kept one yet."""
    digest = claimed(store, operation, _CLAIM)
    if digest is not None:
        _register(store, digest, load_study(store, digest))
    return digest


def _register(store: ArtifactStore, digest: Digest, summary: StudySummary) -> None:
    key = time_key(summary.created_at, digest)
    store.put_record(_KIND, key, line_of(digest, summary).model_dump(mode="json"))


def line_of(digest: Digest, summary: StudySummary) -> StudyLine:
    """Return the line that lists ``summary``."""
    walk = summary.walk_forward
    sweep = summary.sweep
    n_trials = len(walk.windows) if walk else sweep.n_trials if sweep else 0
    n_failed = walk.n_failed if walk else sweep.n_failed if sweep else 0
    return StudyLine(
        digest=digest,
        created_at=summary.created_at,
        kind="walk_forward" if walk else "sweep",
        title=summary.title,
        n_trials=n_trials,
        n_failed=n_failed,
        sentence=summary.sentences[0] if summary.sentences else "",
    )


def list_studies(store: ArtifactStore) -> list[StudyLine]:
    """Return a line about every study, oldest first, but damaged ones."""
    return list(store.read_records(_KIND, StudyLine).values())


def find_study(store: ArtifactStore, text: str) -> Digest:
    """Return the digest of the study that ``text`` means.

    Parameters
    ----------
    store : ArtifactStore
    text : str
        ``latest``, or the summary's digest or its first digits, at least 6.

    Raises
    ------
    NotFoundError
        If there is none.
    ConflictError
        If several studies have a digest that begins so.
    """
    known = [parse_digest(key[-1]) for key in store.list_records(_KIND)]
    if text == LATEST and known:
        return known[-1]
    found = complete_digest(text, known)
    if found is not None:
        return found
    what = (
        f"expected `{LATEST}` or the first digits of one of {len(known)}, such as "
        f"{known[-1][:12]}"
        if known
        else "there are none yet; make one with `ktrdr sweep` or `ktrdr walk-forward`"
    )
    raise NotFoundError(f"no study {text[:80]!r}: {what}")


def load_study(store: ArtifactStore, digest: Digest) -> StudySummary:
    """Return the study ``digest``.

    Raises
    ------
    NotFoundError
        If the store does not hold it.
    DataError
        If it is no study that this release can read.
    """
    try:
        return StudySummary.model_validate_json(store.get(digest))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(
            f"artifact {digest} is no study that this version of ktrdr can read: "
            f"{where}: {first['msg']}"
        ) from None


def blobs_of_study(store: ArtifactStore, path: str, record: bytes) -> list[str]:
    """Return what the study listed at ``path`` needs, or raise InputError."""
    digest = parse_digest(parse_record(record, StudyLine, path).digest)
    summary = load_study(store, digest)
    tables = [
        summary.sweep.table if summary.sweep else None,
        summary.walk_forward.equity if summary.walk_forward else None,
    ]
    return [digest, *filter(None, tables)]
