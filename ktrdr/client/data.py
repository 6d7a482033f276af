"""Market data of the backend, and indicators on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import TypeAdapter

from ktrdr.client.transport import Ask
from ktrdr.schemas import (
    BarsPage,
    CalculateRequest,
    CurvesAnswer,
    CurvesRequest,
    DegreesDocument,
    EvaluateRequest,
    GapKindName,
    GapsDocument,
    ImportDocument,
    ImportOptions,
    IndicatorDetail,
    IndicatorSummary,
    IndicatorValues,
    QualityDocument,
    ResampleRequest,
    SnapshotDetail,
    SnapshotDocument,
    StoredDocument,
    TimeframeName,
)

if TYPE_CHECKING:
    from ktrdr.client.transport import Transport

_SNAPSHOTS = TypeAdapter(list[SnapshotDocument])
_INDICATORS = TypeAdapter(tuple[IndicatorSummary, ...])
_CHUNK_BYTES = 256 * 1024
# Reading a large file takes its time.
_IMPORT_SILENCE_S = 900.0
_MOST_LISTED = 10_000


class DataClient:
    """Bars: import, list, read, check, resample."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def import_file(
        self, file: Path, options: ImportOptions | None = None
    ) -> ImportDocument:
        """Send a file of bars, as it is, to be imported."""
        given = options or ImportOptions(name=file.name[-200:])
        ask = Ask(
            method="POST",
            path="/data/imports",
            parameters=given.model_dump(mode="json", exclude_none=True),
            body=_chunks(file),
            silence_s=_IMPORT_SILENCE_S,
        )
        return self._transport.read(ImportDocument, ask)

    def store_sample(self) -> StoredDocument:
        """Store the sample set: EURUSD 1h 2017."""
        ask = Ask(method="POST", path="/data/sample", repeatable=True)
        return self._transport.read(StoredDocument, ask)

    def list(self, *, show_all: bool = False) -> Iterator[SnapshotDocument]:
        """Yield what bars are stored; with ``show_all`` older snapshots too."""
        offset = 0
        while True:
            parameters = {"all": show_all, "offset": offset, "limit": _MOST_LISTED}
            ask = Ask(path="/data", parameters=parameters)
            found = self._transport.read(_SNAPSHOTS, ask)
            yield from found
            offset += len(found)
            if len(found) < _MOST_LISTED:
                return

    def show(
        self, symbol: str, timeframe: TimeframeName | None = None
    ) -> SnapshotDetail:
        """Return where the newest bars came from, and every repair."""
        ask = Ask(path=_path(symbol), parameters={"timeframe": timeframe})
        return self._transport.read(SnapshotDetail, ask)

    def bars(
        self,
        symbol: str,
        timeframe: TimeframeName | None = None,
        *,
        start: str | None = None,
        end: str | None = None,
        last: int | None = None,
        limit: int = 1_000,
    ) -> BarsPage:
        """Return bars from ``start`` until before ``end``: the first or the last."""
        ask = Ask(
            path=_path(symbol, "bars"),
            parameters={
                "timeframe": timeframe,
                "from": start,
                "to": end,
                "last": last,
                "limit": limit,
            },
        )
        return self._transport.read(BarsPage, ask)

    def quality(
        self,
        symbol: str,
        timeframe: TimeframeName | None = None,
        *,
        calendar: str | None = None,
    ) -> QualityDocument:
        """Return what a check of stored bars finds."""
        parameters = {"timeframe": timeframe, "calendar": calendar}
        ask = Ask(path=_path(symbol, "quality"), parameters=parameters)
        return self._transport.read(QualityDocument, ask)

    def gaps(
        self,
        symbol: str,
        timeframe: TimeframeName | None = None,
        *,
        calendar: str | None = None,
        kind: GapKindName = "unexpected",
        limit: int = 1_000,
    ) -> GapsDocument:
        """Return the longest gaps of one kind."""
        ask = Ask(
            path=_path(symbol, "gaps"),
            parameters={
                "timeframe": timeframe,
                "calendar": calendar,
                "kind": kind,
                "limit": limit,
            },
        )
        return self._transport.read(GapsDocument, ask)

    def resample(
        self,
        symbol: str,
        to: TimeframeName,
        timeframe: TimeframeName | None = None,
    ) -> StoredDocument:
        """Store bars of a longer timeframe, made of stored ones."""
        ask = Ask(
            method="POST",
            path=_path(symbol, "resample"),
            body=ResampleRequest(to=to, timeframe=timeframe),
            repeatable=True,
        )
        return self._transport.read(StoredDocument, ask)


class IndicatorsClient:
    """The catalogue of indicators, their values, and fuzzy sets."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def list(
        self, search: str = "", *, group: str | None = None
    ) -> tuple[IndicatorSummary, ...]:
        """Return the indicators with that text in name or title."""
        parameters = {"search": search, "group": group}
        ask = Ask(path="/indicators", parameters=parameters)
        return self._transport.read(_INDICATORS, ask)

    def show(self, name: str) -> IndicatorDetail:
        """Return what an indicator takes and gives."""
        ask = Ask(path=f"/indicators/{quote(name, safe='')}")
        return self._transport.read(IndicatorDetail, ask)

    def calculate(self, request: CalculateRequest) -> IndicatorValues:
        """Return an indicator's values on stored bars."""
        ask = _question("/indicators/calculate", request)
        return self._transport.read(IndicatorValues, ask)

    def curves(self, request: CurvesRequest) -> CurvesAnswer:
        """Return membership functions as curves."""
        return self._transport.read(CurvesAnswer, _question("/fuzzy/curves", request))

    def degrees(self, request: EvaluateRequest) -> DegreesDocument:
        """Return how much values belong to the terms of a fuzzy set."""
        ask = _question("/fuzzy/evaluate", request)
        return self._transport.read(DegreesDocument, ask)


def _question(
    path: str, request: CalculateRequest | CurvesRequest | EvaluateRequest
) -> Ask:
    # A question too long for a query: it changes nothing.
    return Ask(method="POST", path=path, body=request, repeatable=True)


def _path(symbol: str, what: str = "") -> str:
    return f"/data/{quote(symbol)}{'/' if what else ''}{what}"


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
