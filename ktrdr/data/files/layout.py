"""Which column is what, in files of common programs and exchanges."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ktrdr.data.bars import PRICE_COLUMNS
from ktrdr.data.files.cells import MISSING_WORDS, the_symbol
from ktrdr.data.files.text import Row, TextTable, counted
from ktrdr.errors import DataError, InputError

MAPPABLE = ("time", "date", *PRICE_COLUMNS, "volume", "symbol")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?(\.\d+)?|\d{6}")
_EPOCH = re.compile(r"\d{9,19}(\.\d+)?")
_STAMP = re.compile(r"\d[\d:T ./+Z_-]{7,}.*")
_NUMBER = re.compile(r"[+-]?\$?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
# The first of these that a file has is its time; an epoch is never ambiguous.
_TIME_NAMES = (
    "unix unixtimestamp unixtime epoch timestampms timestamp opentime datetime "
    "datetimeutc dateutc timeutc utctime gmttime localtime bartime ts begin time date"
).split()
_VOLUME_NAMES = ("volume", "tickvol", "tickvolume", "vol", "v")
_PRICE_NAMES = {
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "highprice"),
    "low": ("low", "l", "lowprice"),
    "close": ("close", "c", "closeprice", "closelast", "last"),
}
# Of an index that pandas wrote.
_INDEX_NAMES = ("indexlevel0", "index")
_SYMBOL_NAMES = ("symbol", "ticker", "pair", "instrument")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where in a row everything is.

    Attributes
    ----------
    name : str
        Program or exchange that writes files like this.
    columns : dict of str to int
        Position of ``time``, ``open``, ``high``, ``low``, ``close``; also of ``date``
        where ``time`` is the time of day only, ``volume`` and ``symbol`` if present.
    header : tuple of str or None
        Names of the columns; None if the file has no header.
    first_row : int
        Number of the first row of data.
    symbol : str or None
        Symbol that the header tells.
    notes : tuple of str
        What the user should know.
    """

    name: str
    columns: dict[str, int]
    header: tuple[str, ...] | None
    first_row: int
    symbol: str | None = None
    notes: tuple[str, ...] = field(default=())

    def label(self, column: str) -> str:
        """Return the file's own name of ``column``, or its number from 1."""
        position = self.columns[column]
        return str(position + 1) if self.header is None else self.header[position]


def detect_layout(table: TextTable, mapping: Mapping[str, str]) -> Layout:
    """Return the layout of ``table``.

    Parameters
    ----------
    table : TextTable
    mapping : mapping of str to str
        What the user said: one of ``MAPPABLE`` to a column's name, or to its number
        from 1. It goes before what is recognized.

    Raises
    ------
    InputError
        If ``mapping`` names what is not there.
    DataError
        If a column that bars need is not found.
    """
    rows = [row for row in table.head if len(row[1]) == table.n_columns]
    n_header, first = _split(rows)
    sample = [[cell.strip() for cell in cells] for _, cells in rows[first:]]
    if not sample:
        raise DataError(
            f"found no row of prices among the first {len(table.head)} rows, the "
            f"first of which is {table.separator.join(table.head[0][1])[:120]!r}"
        )
    if n_header:
        header = [cells for _, cells in rows[first - n_header : first]]
        found = _with_header(header, sample)
        first_row = rows[first - 1][0] + 1
    else:
        if not {"time", *PRICE_COLUMNS} <= set(mapping):
            _refuse_uneven_header(table)
        found = _without_header(sample)
        first_row = rows[first][0]
    layout = replace(found, first_row=first_row)
    begin = rows[first - n_header][0]
    n_skipped = sum(number < begin for number, _ in table.head)
    if n_skipped:
        are = "is" if n_skipped == 1 else "are"
        note = f"{counted(n_skipped, 'row')} before the table {are} skipped."
        layout = replace(layout, notes=(*layout.notes, note))
    return _complete(_mapped(layout, mapping, table.n_columns), mapping)


def _split(rows: list[Row]) -> tuple[int, int]:
    # How many rows are header, and where after it the data begin.
    for at, (_, cells) in enumerate(rows):
        if {"open", "close"} <= set(_plain(cells)):
            is_yfinance = at + 1 < len(rows) and rows[at + 1][1][0].strip() == "Ticker"
            n_header = 3 if is_yfinance else 1
            return n_header, at + n_header
    data = (at for at, (_, cells) in enumerate(rows) if _is_data(cells))
    first = next(data, len(rows))
    return min(first, 1), first


def _refuse_uneven_header(table: TextTable) -> None:
    # Without these names the columns would be told by their order, perhaps wrongly.
    for number, cells in table.head:
        if {"open", "close"} <= set(_plain(cells)):
            raise DataError(
                f"row {number} names {counted(len(cells), 'column')}, but most rows "
                f"have {table.n_columns}; give each column a name, or say with "
                "--column which number, counted from 1, is time, open, high, low, close"
            )


def named_layout(titles: Sequence[str], mapping: Mapping[str, str]) -> Layout:
    """Return the layout of a file whose columns have names, such as Parquet.

    Raises
    ------
    InputError, DataError
        As ``detect_layout`` does.
    """
    names = _plain(titles)
    columns = _columns_by_name(names)
    time = _first_of(names, (*_TIME_NAMES, *_INDEX_NAMES))
    if time is not None:
        columns["time"] = time
    layout = Layout(
        name="Parquet",
        columns=columns,
        header=tuple(titles),
        first_row=1,
        notes=_notes(names),
    )
    return _complete(_mapped(layout, mapping, len(titles)), mapping)


def _is_data(cells: Sequence[str]) -> bool:
    words = [cell.strip().lower() for cell in cells]
    n_numbers = sum(bool(_NUMBER.fullmatch(word)) for word in words)
    n_missing = sum(word in MISSING_WORDS for word in words if word)
    return n_numbers + n_missing >= len(PRICE_COLUMNS)


def _with_header(header: list[list[str]], sample: list[list[str]]) -> Layout:
    titles = [name.strip() for name in header[0]]
    names = _plain(titles)
    symbol = None
    if len(header) > 1:
        # yfinance: under the names the tickers, and under these the name of the time.
        titles[0], names[0] = "Date", "date"
        symbol = the_symbol(cell.strip() for cell in header[1][1:])
    return Layout(
        name=_program(titles, names),
        columns={**_columns_by_name(names), **_time_columns(names, sample)},
        header=tuple(titles),
        first_row=0,
        symbol=symbol,
        notes=_notes(names),
    )


def _columns_by_name(names: Sequence[str]) -> dict[str, int]:
    columns = {
        name: position
        for name, aliases in (*_PRICE_NAMES.items(), ("symbol", _SYMBOL_NAMES))
        if (position := _first_of(names, aliases)) is not None
    }
    volume = _volume_column(names)
    return columns if volume is None else {**columns, "volume": volume}


def _notes(names: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if "adjclose" in names:
        notes.append(
            "Close is used, not Adj Close: prices are adjusted for splits only if the "
            "source has done so, and not for dividends."
        )
    if {"tickvol", "vol"} <= set(names):
        notes.append("<TICKVOL> is used as volume, not <VOL>.")
    return tuple(notes)


def _plain(titles: Sequence[str]) -> list[str]:
    return [re.sub(r"[^a-z0-9]", "", title.lower()) for title in titles]


def _first_of(names: Sequence[str], aliases: Sequence[str]) -> int | None:
    return next((names.index(alias) for alias in aliases if alias in names), None)


def _time_columns(names: list[str], sample: list[list[str]]) -> dict[str, int]:
    if "date" in names and "time" in names:
        date, time = names.index("date"), names.index("time")
        if all(_CLOCK.fullmatch(cells[time]) for cells in sample):
            return {"date": date, "time": time}
    time_column = _first_of(names, _TIME_NAMES)
    if time_column is None and not names[0] and _STAMP.fullmatch(sample[0][0]):
        # pandas leaves the name of an index of times empty.
        return {"time": 0}
    return {} if time_column is None else {"time": time_column}


def _volume_column(names: Sequence[str]) -> int | None:
    found = _first_of(names, _VOLUME_NAMES)
    if found is not None:
        return found
    # CryptoDataDownload: "Volume BTC", then "Volume USDT".
    return next(
        (at for at, name in enumerate(names) if name.startswith("volume")), None
    )


def _program(titles: Sequence[str], names: Sequence[str]) -> str:
    known = set(names)
    if titles[0].upper() == "<DATE>":
        return "MetaTrader 5"
    if {"average", "barcount"} <= known:
        return "Interactive Brokers"
    if {"opentime", "closetime"} <= known:
        return "Binance"
    if {"unix", "symbol"} <= known:
        return "CryptoDataDownload"
    if known & {"gmttime", "localtime"}:
        return "Dukascopy"
    return "Yahoo" if "adjclose" in known else "generic"


def _without_header(sample: list[list[str]]) -> Layout:
    first, n_columns = sample[0], len(sample[0])
    name, order = "unknown without header", tuple[str, ...]()
    starts_with_epoch = all(_EPOCH.fullmatch(cells[0]) for cells in sample)
    if n_columns == 12 and starts_with_epoch:
        name, order = "Binance without header", ("time", *PRICE_COLUMNS, "volume")
    elif n_columns == 6 and starts_with_epoch:
        name, order = "ccxt without header", ("time", *PRICE_COLUMNS, "volume")
    elif n_columns in (6, 7) and all(_CLOCK.fullmatch(cells[1]) for cells in sample):
        name, order = "MetaTrader 4", ("date", "time", *PRICE_COLUMNS, "volume")
    elif n_columns in (5, 6) and _STAMP.fullmatch(first[0]):
        name, order = "without header", ("time", *PRICE_COLUMNS, "volume")
    columns = {column: at for at, column in enumerate(order[:n_columns])}
    notes = ("The file has no header: columns are told by their order.",)
    return Layout(name=name, columns=columns, header=None, first_row=0, notes=notes)


def _mapped(layout: Layout, mapping: Mapping[str, str], n_columns: int) -> Layout:
    columns = dict(layout.columns)
    if "time" in mapping:
        columns.pop("date", None)
    for column, wanted in mapping.items():
        if column not in MAPPABLE:
            raise InputError(
                f"--column {column}={wanted}: expected one of {', '.join(MAPPABLE)} "
                "before the ="
            )
        columns[column] = _position(layout, wanted, n_columns)
    return replace(layout, columns=columns)


def _position(layout: Layout, wanted: str, n_columns: int) -> int:
    titles = [title.lower() for title in layout.header or ()]
    if wanted.strip().lower() in titles:
        return titles.index(wanted.strip().lower())
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= n_columns:
        return int(wanted) - 1
    raise InputError(
        f"no column {wanted[:80]!r}: expected a number from 1 to {n_columns}"
        + (f" or one of {', '.join(layout.header)}" if layout.header else "")
    )


def _complete(layout: Layout, mapping: Mapping[str, str]) -> Layout:
    titles = [title.lower() for title in layout.header or ()]
    for column, at in layout.columns.items():
        if column not in mapping and titles and titles.count(titles[at]) > 1:
            raise DataError(
                f"several columns are named {titles[at]!r}; say which with "
                f"--column {column}=NUMBER, counted from 1"
            )
    missing = [name for name in ("time", *PRICE_COLUMNS) if name not in layout.columns]
    # A file with dates only has no other time.
    if missing == ["time"] and "date" in layout.columns:
        columns = {**layout.columns, "time": layout.columns["date"]}
        del columns["date"]
        return replace(layout, columns=columns)
    if missing:
        there = ", ".join(layout.header) if layout.header else "not named"
        raise DataError(
            f"can't tell which column holds {', '.join(missing)}; columns are {there}; "
            f"say it with --column {missing[0]}=NAME, or with its number from 1"
        )
    if "volume" not in layout.columns:
        note = "The file has no volume: it is 0 in every bar."
        return replace(layout, notes=(*layout.notes, note))
    return layout
