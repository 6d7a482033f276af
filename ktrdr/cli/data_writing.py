"""Bars that are stored: here, or by the backend that the user names."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ktrdr.client import Client
    from ktrdr.data import BarStore
    from ktrdr.schemas import ImportDocument, StoredDocument, TimeframeName


@dataclass(frozen=True, kw_only=True)
class ImportChoices:
    """What was said about a file; see the options of ``ktrdr data import``."""

    symbol: str | None
    timeframe: str | None
    columns: tuple[str, ...]
    zone: str | None
    time_format: str | None
    labelled_by: Literal["open", "close"]
    calendar: str | None
    repair: bool


def import_bars(
    file: Path, choices: ImportChoices, url: str | None
) -> "ImportDocument":
    """Import ``file`` and return what it came to."""
    from ktrdr.cli.data_options import read_options
    from ktrdr.data import calendar_named, import_document, import_file

    client = _named_client(url)
    if client is not None:
        return _send(client, file, choices)
    options = read_options(
        choices.symbol,
        choices.timeframe,
        list(choices.columns),
        choices.zone,
        choices.time_format,
        choices.labelled_by,
    )
    calendar = None if choices.calendar is None else calendar_named(choices.calendar)
    outcome = import_file(
        _bar_store(), file, options, calendar=calendar, repaired=choices.repair
    )
    return import_document(outcome)


def store_sample(url: str | None) -> "StoredDocument":
    """Store the sample set."""
    from ktrdr.data import install_sample, snapshot_document
    from ktrdr.schemas import StoredDocument

    client = _named_client(url)
    if client is not None:
        return client.data.store_sample()
    snapshot = install_sample(_bar_store())
    return StoredDocument(snapshot=snapshot_document(snapshot), notes=())


def resample_bars(
    symbol: str, to: str, timeframe: str | None, url: str | None
) -> "StoredDocument":
    """Store bars of the longer timeframe ``to``, made of stored ones."""
    from ktrdr.data import (
        Timeframe,
        choose_snapshot,
        resample_stored,
        snapshot_document,
    )
    from ktrdr.schemas import StoredDocument

    target = Timeframe.parse(to)
    client = _named_client(url)
    if client is not None:
        return client.data.resample(symbol, target.value, _timeframe(timeframe))
    bar_store = _bar_store()
    base = choose_snapshot(bar_store, symbol, timeframe)
    outcome = resample_stored(bar_store, base, target)
    snapshot = snapshot_document(outcome.snapshot)
    return StoredDocument(snapshot=snapshot, notes=outcome.notes)


def _send(client: "Client", file: Path, choices: ImportChoices) -> "ImportDocument":
    from ktrdr.errors import NotFoundError
    from ktrdr.schemas import ImportOptions

    if not file.is_file():
        raise NotFoundError(f"there is no file {file}")
    options = ImportOptions(
        name=file.name[-200:],
        symbol=choices.symbol,
        timeframe=_timeframe(choices.timeframe),
        column=choices.columns,
        timezone=choices.zone,
        time_format=choices.time_format,
        labelled_by=choices.labelled_by,
        calendar=choices.calendar,
        repair=choices.repair,
    )
    return client.data.import_file(file, options)


def _timeframe(text: str | None) -> "TimeframeName | None":
    from ktrdr.data import Timeframe

    return None if text is None else Timeframe.parse(text).value


def _named_client(url: str | None) -> "Client | None":
    from ktrdr.cli.system import client_of, named_url

    named = named_url(url)
    return None if named is None else client_of(named)


def _bar_store() -> "BarStore":
    from ktrdr.cli.stores import artifact_store
    from ktrdr.data import BarStore

    return BarStore(artifact_store())
