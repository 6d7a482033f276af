"""From a file to columns that can be checked: symbol, timeframe, UTC, oldest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ktrdr.data.bars import COLUMNS
from ktrdr.data.columns import Columns
from ktrdr.data.files.csv_file import read_csv
from ktrdr.data.files.naming import symbol_from_name
from ktrdr.data.files.parquet_file import read_parquet_file
from ktrdr.data.files.stamps import Stamps
from ktrdr.data.files.table import RawTable
from ktrdr.data.files.text import unpack
from ktrdr.data.files.times import to_utc
from ktrdr.data.symbol import parse_symbol
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.storage import Digest, digest_of
from ktrdr.typing import FloatArray, IntArray, TimeArray

_PARQUET_MAGIC = b"PAR1"
MAX_FILE_BYTES = 1 << 30
_LEAST_TIMES = 10
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user says about a file; None is found out.

    Attributes
    ----------
    symbol : str or None
    timeframe : Timeframe or None
    columns : mapping of str to str
        Column to its name in the file, or to its number from 1.
    zone : str or None
        IANA time zone of times that do not tell theirs; UTC where None.
    time_format : str or None
        ``s``, ``ms``, ``us``, ``ns`` or as for ``strptime``.
    labelled_by : str
        Whether times are those at which bars open or at which they close.
    most_bytes : int
        Largest file to read, unpacked; reading takes about three times as much memory.
    """

    symbol: str | None = None
    timeframe: Timeframe | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    time_format: str | None = None
    labelled_by: Literal["open", "close"] = "open"
    most_bytes: int = MAX_FILE_BYTES


def parse_columns(pairs: Iterable[str]) -> dict[str, str]:
    """Return what columns are, said as ``open=NAME`` each, or raise InputError."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, name = pair.partition("=")
        if not (column and equals and name) or column in mapping:
            raise InputError(
                f"--column {pair}: expected a column and its name once, such as "
                "open=Open"
            )
        mapping[column.strip().lower()] = name
    return mapping


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadFile:
    """A file as columns, and all that was assumed about it.

    Attributes
    ----------
    columns : Columns
        Not yet checked.
    symbol : str
    timeframe : Timeframe
    file_name : str
    digest : Digest
        SHA-256 of the file as it is.
    settings : dict of str to str
        How it was read, for the record.
    notes : tuple of str
        What the user should know.
    """

    columns: Columns
    symbol: str
    timeframe: Timeframe
    file_name: str
    digest: Digest
    settings: dict[str, str]
    notes: tuple[str, ...]


def read_file(path: Path, options: ReadOptions, name: str | None = None) -> ReadFile:
    """Read a CSV or Parquet file of bars.

    Parameters
    ----------
    path : Path
    options : ReadOptions
    name : str, optional
        What the file is called, where ``path`` does not tell.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it holds no bars, or something in it can't be read.
    InputError
        If ``options`` do not fit the file, or something has to be said in them.
    """
    data = _read_bytes(path, options.most_bytes)
    file_name = _printable(path.name if name is None else name)
    try:
        return read_bytes(data, file_name, options)
    except DataError as error:
        raise DataError(f"{file_name}: {error}") from None


def read_bytes(data: bytes, file_name: str, options: ReadOptions) -> ReadFile:
    """Read the content of a CSV or Parquet file; see ``read_file``."""
    is_parquet = data.startswith(_PARQUET_MAGIC)
    read = read_parquet_file if is_parquet else read_csv
    content = unpack(data, options.most_bytes)
    table = read(content, options.columns, options.time_format)
    symbol, symbol_note = _symbol(table, file_name, options)
    order, order_note = _oldest_first(table.stamps)
    times = to_utc(_taken(table.stamps, order), table.row[order], options.zone)
    time = times.ms.astype("datetime64[ms]")
    timeframe, timeframe_note = _timeframe(table, time, options)
    if options.labelled_by == "close":
        time = _closing_times(time, table.stamps) - timeframe.duration
    values = {name: table.values[name][order] for name in COLUMNS}
    volume_note = _clear_unknown_volume(values)
    notes = (symbol_note, timeframe_note, order_note, times.note, volume_note)
    return ReadFile(
        columns=Columns(row=table.row[order], time=time, **values),
        symbol=symbol,
        timeframe=timeframe,
        file_name=file_name,
        digest=digest_of(data),
        settings={
            **table.settings,
            "time format": table.stamps.format,
            "time zone": times.zone,
            "labelled by": options.labelled_by,
        },
        notes=(*table.notes, *(note for note in notes if note)),
    )


def detect_timeframe(time: TimeArray) -> Timeframe:
    """Return the timeframe that most neighbouring times are apart.

    Raises
    ------
    DataError
        If there are fewer than two times, or the spacing is that of no timeframe.
    """
    spacing = np.abs(np.diff(time)).astype(np.int64)
    spacing = spacing[spacing > 0]
    if not spacing.size:
        raise DataError(
            "can't tell the timeframe from fewer than two times: give --timeframe"
        )
    lengths, counts = np.unique(spacing, return_counts=True)
    commonest = int(lengths[np.argmax(counts)])
    for timeframe in Timeframe:
        if timeframe.milliseconds == commonest:
            return timeframe
    raise DataError(
        f"bars are mostly {_duration(commonest)} apart, which is none of "
        f"{', '.join(Timeframe)}; if they are one of these, give --timeframe"
    )


def _read_bytes(path: Path, most_bytes: int) -> bytes:
    shown = _printable(str(path))
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise InputError(
                f"{shown} is no file that holds bars: expected CSV or Parquet, not a "
                "folder, pipe or device"
            )
        if size > most_bytes:
            raise DataError(
                f"{shown} has {size:,} bytes, more than the {most_bytes:,} "
                "that can be read at once; split it"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {shown}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{shown} can't be read: {error}") from None


def _printable(name: str) -> str:
    # A file's name may hold anything: line ends, codes that steer the terminal, bytes
    # that are no text and could not be stored.
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name
    )


def _symbol(
    table: RawTable, file_name: str, options: ReadOptions
) -> tuple[str, str | None]:
    if options.symbol is not None:
        return parse_symbol(options.symbol), None
    if table.symbol is not None:
        symbol = parse_symbol(table.symbol)
        return symbol, f"Symbol {symbol} as the file tells (--symbol)."
    symbol = symbol_from_name(file_name)
    return symbol, f"Symbol {symbol} as the file's name suggests (--symbol)."


def _timeframe(
    table: RawTable, time: TimeArray, options: ReadOptions
) -> tuple[Timeframe, str | None]:
    if options.timeframe is not None:
        _refuse_longer_bars(time, options.timeframe)
        return options.timeframe, None
    if table.timeframe is not None:
        return table.timeframe, f"Timeframe {table.timeframe} as the file tells."
    timeframe = detect_timeframe(time)
    return timeframe, f"Timeframe {timeframe} by the spacing of times (--timeframe)."


def _refuse_longer_bars(time: TimeArray, timeframe: Timeframe) -> None:
    # A bar that is taken for shorter than it is would be known before its close.
    distinct = np.unique(time)
    if len(distinct) < _LEAST_TIMES:
        return
    nearest = int(np.diff(distinct).min().astype(np.int64))
    if nearest >= 2 * timeframe.milliseconds:
        raise DataError(
            f"these are no {timeframe} bars: no two of them are less than "
            f"{_duration(nearest)} apart; give the right --timeframe"
        )


def _oldest_first(stamps: Stamps) -> tuple[IntArray, str | None]:
    # Exchanges write the newest first. That is an order, not disorder.
    order = np.arange(len(stamps.local_ms))
    steps = np.diff(stamps.local_ms)
    if (steps < 0).sum() > (steps > 0).sum():
        return order[::-1], "The file has the newest first: rows were turned around."
    return order, None


def _taken(stamps: Stamps, order: IntArray) -> Stamps:
    offset_ms = None if stamps.offset_ms is None else stamps.offset_ms[order]
    return replace(stamps, local_ms=stamps.local_ms[order], offset_ms=offset_ms)


def _clear_unknown_volume(values: dict[str, FloatArray]) -> str | None:
    # Interactive Brokers writes -1 where a market, such as FX, has no volume.
    volume = values["volume"]
    if not (volume == -1).all():
        return None
    values["volume"] = np.zeros_like(volume)
    return "Volume is -1 in every row, which stands for unknown: it is 0 in every bar."


def _closing_times(label: TimeArray, stamps: Stamps) -> TimeArray:
    # A date is that of the day at whose end a bar closes. Taken for its midnight, the
    # bar would be known before it has traded.
    return label if stamps.has_clock else label + _DAY


def _duration(milliseconds: int) -> str:
    for unit, length in (
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
    ):
        if milliseconds % length == 0:
            return f"{milliseconds // length:,}{unit}"
    return f"{milliseconds:,}ms"
