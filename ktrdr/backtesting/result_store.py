"""Results in the artifact store: tables and a manifest, listed by time."""

from collections.abc import Sequence

from pydantic import ValidationError

from ktrdr.backtesting.result import Result
from ktrdr.backtesting.tables import (
    decisions_from_table,
    equity_from_table,
    trades_from_table,
)
from ktrdr.errors import DataError, NotFoundError
from ktrdr.schemas import ResultManifest, ResultSummary
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
_KIND = "results"
_CLAIM = "result"


def save_result(
    store: ArtifactStore, manifest: ResultManifest, operation: str | None = None
) -> Digest:
    """Keep ``manifest``, whose tables are stored already, and list it.

    The record is written last, so a result that is listed is whole. With an
    ``operation``, the digest of what another attempt at it kept before is returned
    instead, and that is listed.
    """
    digest = store.put(canonical_json(manifest.model_dump(mode="json")))
    if operation is not None:
        digest = claim(store, operation, _CLAIM, digest)
        manifest = load_result_manifest(store, digest)
    _register(store, digest, manifest)
    return digest


def claimed_result(store: ArtifactStore, operation: str) -> Digest | None:
    """Return the result of ``operation``, None if no attempt at it kept one yet.

    It is listed if the attempt that kept it did not come so far.
    """
    digest = claimed(store, operation, _CLAIM)
    if digest is not None:
        _register(store, digest, load_result_manifest(store, digest))
    return digest


def _register(store: ArtifactStore, digest: Digest, manifest: ResultManifest) -> None:
    key = time_key(manifest.created_at, digest)
    store.put_record(_KIND, key, summarize(digest, manifest).model_dump(mode="json"))


def summarize(digest: Digest, manifest: ResultManifest) -> ResultSummary:
    """Return the line that lists ``manifest``."""
    measured = {name: found.value for name, found in manifest.measures.items()}
    return ResultSummary(
        digest=digest,
        created_at=manifest.created_at,
        model=f"{manifest.strategy_name}@{manifest.model_version}",
        symbol=manifest.symbol,
        timeframe=manifest.timeframe,
        start=manifest.period.start,
        end=manifest.period.end,
        n_in_sample=manifest.seen.n_in_sample,
        n_trades=int(measured["n_trades"] or 0),
        total_return=measured["total_return"],
        sharpe=measured["sharpe"],
    )


def list_results(store: ArtifactStore, model: str | None = None) -> list[ResultSummary]:
    """Return a line about every result, oldest first, but damaged ones.

    Of ``model`` only, ``name`` or ``name@version``, if one is given.
    """
    found = store.read_records(_KIND, ResultSummary).values()
    return [
        one for one in found if model in (None, one.model, one.model.partition("@")[0])
    ]


def find_result(store: ArtifactStore, text: str) -> Digest:
    """Return the digest of the result that ``text`` means.

    Parameters
    ----------
    store : ArtifactStore
        Where to look.
    text : str
        ``latest``; the manifest's digest or its first digits, at least 6; or a
        model, ``name`` or ``name@version``, for its newest result.

    Raises
    ------
    NotFoundError
        If there is none; the message names what there is.
    ConflictError
        If several results have a digest that begins so.
    """
    known = [parse_digest(key[-1]) for key in store.list_records(_KIND)]
    if text == LATEST and known:
        return known[-1]
    found = complete_digest(text, known)
    if found is not None:
        return found
    of_model = list_results(store, text)
    if of_model:
        return parse_digest(of_model[-1].digest)
    raise NotFoundError(f"no result {text[:80]!r}: {_what_there_is(known)}")


def load_result_manifest(store: ArtifactStore, digest: Digest) -> ResultManifest:
    """Return the manifest ``digest``, without its tables.

    Raises
    ------
    NotFoundError
        If the store does not hold it.
    DataError
        If it is no manifest of this format.
    """
    return parse_result_manifest(store.get(digest), f"artifact {digest}")


def parse_result_manifest(data: bytes, source: str) -> ResultManifest:
    """Return the manifest that ``data`` holds as JSON, or raise DataError."""
    try:
        return ResultManifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{source} is no backtest result that this version of ktrdr can read: "
            f"{where}: {first['msg']}"
        ) from None


def load_result(store: ArtifactStore, digest: Digest) -> Result:
    """Return the result ``digest`` with its tables.

    Raises
    ------
    NotFoundError, DataError
        As ``load_result_manifest``.
    """
    manifest = load_result_manifest(store, digest)

    def table(name: str) -> bytes:
        return store.get(parse_digest(name))

    time, columns = equity_from_table(table(manifest.equity))
    return Result(
        digest=digest,
        manifest=manifest,
        trades=trades_from_table(table(manifest.trades)),
        time=time,
        close=columns["close"],
        equity=columns["equity"],
        hold_equity=columns["hold_equity"],
        drawdown=columns["drawdown"],
        position=columns["position"],
        decisions=decisions_from_table(table(manifest.decisions)),
    )


def blobs_of_result(store: ArtifactStore, path: str, record: bytes) -> list[str]:
    """Return what the result listed at ``path`` needs, or raise InputError."""
    digest = parse_digest(parse_record(record, ResultSummary, path).digest)
    manifest = load_result_manifest(store, digest)
    return [digest, manifest.trades, manifest.equity, manifest.decisions]


def _what_there_is(known: Sequence[Digest]) -> str:
    if not known:
        return "there are none yet; make one with `ktrdr backtest`"
    shown = ", ".join(digest[:12] for digest in known[-5:])
    return (
        f"expected `{LATEST}`, a model such as momentum@3, or at least the first 6 "
        f"digits of a digest, such as {shown}"
    )
