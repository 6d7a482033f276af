"""``ktrdr data``: import, look at, check and resample bars."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.data_options import (
    CalendarOption,
    ColumnOption,
    LabelledByOption,
    Symbol,
    SymbolOption,
    TimeFormatOption,
    TimeframeOption,
    ZoneOption,
    read_options,
)
from ktrdr.cli.options import AsJson, Url

if TYPE_CHECKING:
    import numpy as np

    from ktrdr.data import BarStore, Calendar
    from ktrdr.schemas import StoredDocument

app = typer.Typer(no_args_is_help=True, help="Import, look at and check market data.")

_FILE_SUFFIXES = {".csv", ".gz", ".parquet", ".pq", ".tsv", ".txt"}


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, perhaps gzipped, or Parquet.")],
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    column: ColumnOption = None,
    timezone: ZoneOption = None,
    time_format: TimeFormatOption = None,
    labelled_by: LabelledByOption = "open",
    calendar: CalendarOption = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Repair faults, say each change and record it."),
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Import bars from a file: columns, times and symbol are found out or given.

    Knows files of MetaTrader 4 and 5, Yahoo, Interactive Brokers, Dukascopy, Binance,
    CryptoDataDownload and ccxt, and any other with time, open, high, low and close.
    Faulty data are refused with a list of what is wrong, unless --repair is given.
    """
    from ktrdr.cli.data_view import print_import
    from ktrdr.cli.data_writing import ImportChoices, import_bars
    from ktrdr.cli.output import print_json

    done = import_bars(
        file,
        ImportChoices(
            symbol=symbol,
            timeframe=timeframe,
            columns=tuple(column or ()),
            zone=timezone,
            time_format=time_format,
            labelled_by=labelled_by,
            calendar=calendar,
            repair=repair,
        ),
        url,
    )
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        print_import(done, repaired=repair)


@app.command()
def sample(url: Url = None, as_json: AsJson = False) -> None:
    """Store the sample set that ships with ktrdr: EURUSD 1h 2017."""
    from ktrdr.cli.data_writing import store_sample

    _tell_stored(store_sample(url), as_json=as_json)


@app.command("list")
def list_(
    show_all: Annotated[
        bool, typer.Option("--all", help="Older snapshots too, not only the latest.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the bars that are stored."""
    from ktrdr.cli.data_view import snapshot_table
    from ktrdr.cli.output import console, notes, print_json

    snapshots = _bar_store(url).list()
    if not show_all:
        newest = {(one.symbol, one.timeframe): one for one in snapshots}
        snapshots = list(newest.values())
    if as_json:
        print_json([one.model_dump(mode="json") for one in snapshots])
    elif snapshots:
        console().print(snapshot_table(snapshots))
    else:
        notes().print(
            "No bars are stored: `ktrdr data import FILE`, or `ktrdr data sample`.",
            markup=False,
            soft_wrap=True,
        )


@app.command()
def show(
    symbol: Symbol,
    timeframe: TimeframeOption = None,
    last: Annotated[
        int, typer.Option(min=1, help="How many bars, counted from the end.")
    ] = 100,
    start: Annotated[
        str | None, typer.Option("--from", help="First moment, UTC, ISO 8601.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Moment after the last, UTC.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows of the table.")] = 10,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show bars as a chart of candles and a table."""
    from ktrdr.cli.data_view import bar_table, print_chart
    from ktrdr.cli.output import console, print_json
    from ktrdr.data import COLUMNS, choose_snapshot, time_texts
    from ktrdr.errors import NotFoundError

    bar_store = _bar_store(url)
    snapshot = choose_snapshot(bar_store, symbol, timeframe)
    within = bar_store.load(snapshot).between(_moment(start), _moment(end))
    bars = within[-last:]
    if not len(bars):
        raise NotFoundError(f"there are no bars then: {snapshot}")
    if as_json:
        columns = [getattr(bars, name).tolist() for name in COLUMNS]
        print_json(
            {
                "snapshot": snapshot.model_dump(mode="json"),
                "columns": ["time", *COLUMNS],
                "rows": [
                    list(row)
                    for row in zip(time_texts(bars.time), *columns, strict=True)
                ],
            }
        )
        return
    console().print(str(snapshot), markup=False, soft_wrap=True)
    print_chart(bars)
    if rows:
        console().print(bar_table(bars[-rows:]))


@app.command()
def check(
    what: Annotated[str, typer.Argument(help="A stored symbol, or a file.")],
    timeframe: TimeframeOption = None,
    calendar: CalendarOption = None,
    symbol: SymbolOption = None,
    column: ColumnOption = None,
    timezone: ZoneOption = None,
    time_format: TimeFormatOption = None,
    labelled_by: LabelledByOption = "open",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Check data: faults, and gaps told apart by the market's calendar.

    Ends with exit code 4 if there are faults. Nothing is stored or changed.
    """
    from datetime import UTC, datetime

    from ktrdr.cli.data_view import print_quality
    from ktrdr.cli.output import notes, print_json
    from ktrdr.data import (
        check_file,
        check_stored,
        choose_snapshot,
        quality_document,
        read_file,
    )
    from ktrdr.errors import DataError, handling_of

    if Path(what).suffix.lower() not in _FILE_SUFFIXES and not Path(what).is_file():
        bar_store = _bar_store(url)
        snapshot = choose_snapshot(bar_store, what, timeframe)
        report = check_stored(bar_store, snapshot, _calendar(calendar))
    else:
        options = read_options(
            symbol, timeframe, column, timezone, time_format, labelled_by
        )
        file = read_file(Path(what), options)
        report = check_file(file, calendar=_calendar(calendar), now=datetime.now(UTC))
        for note in () if as_json else file.notes:
            notes().print(note, markup=False, soft_wrap=True)
    found = quality_document(report)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_quality(found, with_faults=True)
    if report.faults:
        raise typer.Exit(handling_of(DataError()).exit_code)


@app.command()
def resample(
    symbol: Symbol,
    to: Annotated[str, typer.Option("--to", help="The longer timeframe, such as 4h.")],
    timeframe: Annotated[
        str | None,
        typer.Option(
            "--timeframe", "-t", help="The stored one; the shortest if not given."
        ),
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Store bars of a longer timeframe, made of stored ones."""
    from ktrdr.cli.data_writing import resample_bars

    _tell_stored(resample_bars(symbol, to, timeframe, url), as_json=as_json)


@app.command()
def provenance(
    symbol: Annotated[str, typer.Argument(help="A symbol, or a snapshot's digest.")],
    timeframe: TimeframeOption = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Tell where bars came from, how they were read and every repair made."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.data import choose_snapshot
    from ktrdr.errors import NotFoundError

    bar_store = _bar_store(url)
    try:
        snapshot = choose_snapshot(bar_store, symbol, timeframe)
    except NotFoundError:
        if timeframe is not None or len(symbol) < 6:
            raise
        snapshot = bar_store.get(symbol)
    changes = bar_store.changes(snapshot)
    document = snapshot.model_dump(mode="json")
    if as_json:
        listed = [change.model_dump(mode="json") for change in changes]
        print_json({**document, "changes": listed})
        return
    for key, value in document.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name}: {each}" for name, each in value.items())
        elif isinstance(value, list):
            value = " ".join(value)
        console().print(
            f"{key:>16}  {'' if value is None else value}", markup=False, soft_wrap=True
        )
    # Not line by line through the console, which takes minutes for 100,000 changes.
    typer.echo("".join(f"{change}\n" for change in changes), nl=False)


def _bar_store(url: str | None) -> "BarStore":
    from ktrdr.cli.stores import artifact_store
    from ktrdr.data import BarStore

    return BarStore(artifact_store(url))


def _calendar(name: str | None) -> "Calendar | None":
    from ktrdr.data import calendar_named

    return None if name is None else calendar_named(name)


def _moment(text: str | None) -> "np.datetime64 | None":
    from ktrdr.data import from_iso

    return None if text is None else from_iso(text)


def _tell_stored(stored: "StoredDocument", *, as_json: bool) -> None:
    from ktrdr.cli.data_view import snapshot_of
    from ktrdr.cli.output import console, notes, print_json

    if as_json:
        print_json(stored.model_dump(mode="json"))
        return
    for line in stored.notes:
        notes().print(line, markup=False, soft_wrap=True)
    snapshot = snapshot_of(stored.snapshot)
    console().print(f"Stored: {snapshot}", markup=False, soft_wrap=True)
