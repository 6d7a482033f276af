"""Results of backtests: list, show, tables, reports."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from ktrdr.api.access import VIEWER
from ktrdr.api.dependencies import StoreDep
from ktrdr.api.endpoints.parameters import Limit, Offset, ResultName
from ktrdr.api.services import result_service
from ktrdr.schemas import (
    MOST_BARS,
    ResultDetail,
    ResultSummary,
    TableDocument,
    TableName,
)

router = APIRouter(prefix="/results", tags=["results"])

_PARQUET = "application/vnd.apache.parquet"
_REPORTS = {"html": "text/html", "png": "image/png", "json": "application/json"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _answers(media_type: str, content: dict[str, Any]) -> dict[int | str, Any]:
    return {200: {"content": {media_type: content}}}


@router.get("", dependencies=[VIEWER])
def list_results(
    store: StoreDep,
    model: Annotated[
        str | None,
        Query(max_length=128, description="Only of this, such as momentum@3."),
    ] = None,
    offset: Offset = 0,
    limit: Limit = 1_000,
) -> list[ResultSummary]:
    """List the results, oldest first."""
    return result_service.list_results(store, model, offset=offset, limit=limit)


@router.get("/{result}", dependencies=[VIEWER])
def show_result(store: StoreDep, result: ResultName) -> ResultDetail:
    """Show measures, comparisons and how far to believe them."""
    return result_service.show_result(store, result)


@router.get(
    "/{result}/report.html",
    dependencies=[VIEWER],
    response_class=Response,
    responses=_answers("text/html", {"schema": {"type": "string"}}),
)
def html_report(store: StoreDep, result: ResultName) -> Response:
    """Return the report as a page that asks nothing of the network."""
    return _report(store, result, "html")


@router.get(
    "/{result}/report.png",
    dependencies=[VIEWER],
    response_class=Response,
    responses=_answers("image/png", _BINARY),
)
def png_report(store: StoreDep, result: ResultName) -> Response:
    """Return the report as a picture."""
    return _report(store, result, "png")


@router.get(
    "/{result}/report.json",
    dependencies=[VIEWER],
    response_class=Response,
    responses=_answers("application/json", {"schema": {"type": "object"}}),
)
def json_report(store: StoreDep, result: ResultName) -> Response:
    """Return verdict and manifest, as `ktrdr report` writes them."""
    return _report(store, result, "json")


@router.get(
    "/{result}/{table}",
    dependencies=[VIEWER],
    response_model=TableDocument,
    responses=_answers(_PARQUET, _BINARY),
)
def read_table(
    store: StoreDep,
    result: ResultName,
    table: TableName,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_BARS)] = 1_000,
    form: Annotated[
        Literal["json", "parquet"],
        Query(alias="format", description="Parquet holds all rows."),
    ] = "json",
) -> TableDocument | Response:
    """Return rows of a table in columns, or the whole table as a file."""
    if form == "parquet":
        data = result_service.table_file(store, result, table)
        return Response(data, media_type=_PARQUET)
    return result_service.read_table(store, result, table, offset=offset, limit=limit)


def _report(
    store: StoreDep, result: str, form: Literal["html", "png", "json"]
) -> Response:
    answer = Response(
        result_service.report(store, result, form), media_type=_REPORTS[form]
    )
    if form == "html":
        answer.headers["Content-Security-Policy"] = result_service.report_policy()
    return answer
