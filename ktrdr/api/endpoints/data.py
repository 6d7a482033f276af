"""Market data: import, list, bars, quality, gaps, resample."""

from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response

from ktrdr.api.access import OPERATOR, VIEWER
from ktrdr.api.dependencies import StoreDep
from ktrdr.api.endpoints.parameters import (
    CalendarName,
    End,
    Last,
    Limit,
    Offset,
    Start,
    Symbol,
    Timeframe,
)
from ktrdr.api.limits import UPLOAD, most_upload_bytes
from ktrdr.api.services import data_service
from ktrdr.schemas import (
    MOST_BARS,
    BarsPage,
    GapKindName,
    GapsDocument,
    ImportDocument,
    ImportOptions,
    QualityDocument,
    ResampleRequest,
    SnapshotDetail,
    SnapshotDocument,
    StoredDocument,
)

router = APIRouter(prefix="/data", tags=["data"])

# One at a time: a file is read in memory, and what is small may unpack to much.
_IMPORTING = CapacityLimiter(1)

_PARQUET = "application/vnd.apache.parquet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, _PARQUET: _BINARY}}
}
_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file as it is: CSV, perhaps gzipped, or Parquet.",
        "content": {"application/octet-stream": _BINARY},
    }
}


@router.post("/imports", dependencies=[OPERATOR, UPLOAD], openapi_extra=_UPLOAD_BODY)
async def import_bars(
    request: Request, store: StoreDep, options: Annotated[ImportOptions, Query()]
) -> ImportDocument:
    """Import a file of bars; faulty ones are refused unless they are to be repaired."""
    async with data_service.received(request.stream()) as path:
        return await to_thread.run_sync(
            data_service.import_upload,
            store,
            path,
            options,
            most_upload_bytes(request),
            limiter=_IMPORTING,
        )


@router.post("/sample", dependencies=[OPERATOR])
def store_sample(store: StoreDep) -> StoredDocument:
    """Store the sample set that ships with ktrdr: EURUSD 1h 2017."""
    return data_service.store_sample(store)


@router.get("", dependencies=[VIEWER])
def list_snapshots(
    store: StoreDep,
    show_all: Annotated[
        bool, Query(alias="all", description="Older snapshots too.")
    ] = False,
    offset: Offset = 0,
    limit: Limit = 1_000,
) -> list[SnapshotDocument]:
    """List the bars that are stored."""
    return data_service.list_snapshots(
        store, show_all=show_all, offset=offset, limit=limit
    )


@router.get(
    "/{symbol:path}/bars",
    dependencies=[VIEWER],
    response_model=BarsPage,
    responses=_FILES,
)
def read_bars(
    store: StoreDep,
    symbol: Symbol,
    timeframe: Timeframe = None,
    start: Start = None,
    end: End = None,
    last: Last = None,
    limit: Annotated[int, Query(ge=1, le=MOST_BARS)] = 1_000,
    form: Annotated[Literal["json", "csv", "parquet"], Query(alias="format")] = "json",
) -> BarsPage | Response:
    """Return bars, oldest first, as JSON columns or as a file."""
    snapshot, within, shown = data_service.read_bars(
        store, symbol, timeframe, start=start, end=end, last=last, limit=limit
    )
    if form == "json":
        return data_service.bars_page(snapshot, within, shown)
    media_type = "text/csv" if form == "csv" else _PARQUET
    return Response(data_service.bars_file(shown, form), media_type=media_type)


@router.get("/{symbol:path}/quality", dependencies=[VIEWER])
def check_bars(
    store: StoreDep,
    symbol: Symbol,
    timeframe: Timeframe = None,
    calendar: CalendarName = None,
) -> QualityDocument:
    """Check stored bars: faults, and gaps told apart by the market's calendar."""
    return data_service.check(store, symbol, timeframe, calendar)


@router.get("/{symbol:path}/gaps", dependencies=[VIEWER])
def list_gaps(
    store: StoreDep,
    symbol: Symbol,
    timeframe: Timeframe = None,
    calendar: CalendarName = None,
    kind: GapKindName = "unexpected",
    limit: Limit = 1_000,
) -> GapsDocument:
    """Return the longest gaps of one kind."""
    return data_service.gaps(store, symbol, timeframe, calendar, kind=kind, limit=limit)


@router.post("/{symbol:path}/resample", dependencies=[OPERATOR])
def resample_bars(
    store: StoreDep, symbol: Symbol, request: ResampleRequest
) -> StoredDocument:
    """Store bars of a longer timeframe, made of stored ones."""
    return data_service.resample(store, symbol, request)


# After the routes above, whose ends could be part of a symbol in capitals only.
@router.get("/{symbol:path}", dependencies=[VIEWER])
def show_snapshot(
    store: StoreDep, symbol: Symbol, timeframe: Timeframe = None
) -> SnapshotDetail:
    """Tell where the newest bars came from, how they were read and every repair."""
    return data_service.show_snapshot(store, symbol, timeframe)
