"""Results of backtests: listed, shown, their tables and reports."""

from typing import TYPE_CHECKING, Literal

from ktrdr.schemas import ResultDetail, ResultSummary, TableDocument, TableName

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore


def list_results(
    store: "ArtifactStore", model: str | None, *, offset: int, limit: int
) -> list[ResultSummary]:
    """Return a line about every result, oldest first; of one model if it is given."""
    from ktrdr.backtesting import list_results as all_results

    return all_results(store, model)[offset : offset + limit]


def show_result(store: "ArtifactStore", result: str) -> ResultDetail:
    """Return a result's manifest."""
    from ktrdr.backtesting import find_result, load_result_manifest

    digest = find_result(store, result)
    return ResultDetail(digest=digest, manifest=load_result_manifest(store, digest))


def read_table(
    store: "ArtifactStore", result: str, table: TableName, *, offset: int, limit: int
) -> TableDocument:
    """Return rows of one of a result's tables, in columns."""
    from ktrdr.backtesting import table_document

    found = show_result(store, result)
    return table_document(
        _table(store, found, table),
        result=found.digest,
        table=table,
        offset=offset,
        limit=limit,
    )


def table_file(store: "ArtifactStore", result: str, table: TableName) -> bytes:
    """Return one of a result's tables as it is stored, a Parquet file."""
    return _table(store, show_result(store, result), table)


def report(
    store: "ArtifactStore", result: str, form: Literal["html", "png", "json"]
) -> bytes:
    """Return the report on a result."""
    from ktrdr.backtesting import find_result, load_result
    from ktrdr.report import numbers, page, picture, reported_model

    found = load_result(store, find_result(store, result))
    if form == "png":
        return picture(found)
    if form == "json":
        return numbers(found).encode()
    return page(found, reported_model(store, found).manifest).encode()


def report_policy() -> str:
    """Return what a browser may load for the page of a report: nothing."""
    from ktrdr.report import page_policy

    return f"{page_policy()}; frame-ancestors 'none'; sandbox"


def _table(store: "ArtifactStore", found: ResultDetail, table: TableName) -> bytes:
    from ktrdr.storage import parse_digest

    digests = {
        "trades": found.manifest.trades,
        "equity": found.manifest.equity,
        "decisions": found.manifest.decisions,
    }
    return store.get(parse_digest(digests[table]))
