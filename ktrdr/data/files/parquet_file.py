"""Parquet files of bars, whoever wrote them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from arro3.core import ChunkedArray, DataType

from ktrdr.data.bars import COLUMNS
from ktrdr.data.files.cells import numbers_of_text, stamps_of_text, the_symbol
from ktrdr.data.files.csv_file import MAX_ROWS
from ktrdr.data.files.layout import named_layout
from ktrdr.data.files.parsing import epoch_stamps, parse_stamps, refuse_other_centuries
from ktrdr.data.files.stamps import Stamps
from ktrdr.data.files.table import RawTable
from ktrdr.data.parquet import bars_label, floats, integers, read_table
from ktrdr.errors import DataError, InputError
from ktrdr.typing import FloatArray, IntArray

_DAY_MS = 86_400_000
_INTEGERS = frozenset(f"{sign}Int{n}" for sign in ("", "U") for n in (8, 16, 32, 64))
_FLOATS = frozenset({"Float16", "Float32", "Float64"})
_DECIMALS = frozenset({"Decimal128", "Decimal256"})
_STRINGS = frozenset({"Utf8", "LargeUtf8", "Utf8View"})


def read_parquet_file(
    data: bytes, mapping: Mapping[str, str], time_format: str | None
) -> RawTable:
    """Return the columns of a Parquet file of bars.

    Raises
    ------
    DataError
        If it holds none.
    InputError
        If ``mapping`` or ``time_format`` do not fit the file.
    """
    table = read_table(data, most_rows=MAX_ROWS)
    if not table.num_rows:
        raise DataError("the file has no rows: it holds no bars")
    layout = named_layout(table.column_names, mapping)
    if "date" in layout.columns:
        raise InputError("--column date=... is for text files; use --column time=...")
    columns = {name: table.column(at) for name, at in layout.columns.items()}
    row = np.arange(1, table.num_rows + 1)
    label = bars_label(table)
    return RawTable(
        row=row,
        stamps=_stamps(columns["time"], row, time_format),
        values={
            name: _numbers(columns[name], layout.label(name), row)
            if name in columns
            else np.zeros(table.num_rows)
            for name in COLUMNS
        },
        symbol=label.symbol if label else _symbol(columns.get("symbol")),
        timeframe=label.timeframe if label else None,
        settings={
            "layout": layout.name,
            **{f"column {name}": layout.label(name) for name in layout.columns},
        },
        notes=layout.notes,
    )


def _stamps(column: ChunkedArray, row: IntArray, time_format: str | None) -> Stamps:
    kind = _kind(column)
    if column.null_count:
        raise DataError(
            f"{column.null_count:,} of {len(column):,} rows have no time; give each "
            "its time or take it out"
        )
    if kind in _INTEGERS or kind in _STRINGS:
        times = stamps_of_text([str(each) for each in column.to_pylist()], row.tolist())
        return parse_stamps(times, row, time_format)
    if kind in _FLOATS:
        stamps = epoch_stamps(floats(column))
    elif kind == "Timestamp":
        numbers = integers(column).astype(np.float64)
        stamps = epoch_stamps(numbers, column.type.time_unit)
        # Without a zone the clock is that of the writer.
        if column.type.tz is None:
            stamps = replace(stamps, offset_ms=None)
    elif kind == "Date32":
        days = column.cast(DataType.int32()).to_numpy().astype(np.int64)
        stamps = _dates(days * _DAY_MS)
    elif kind == "Date64":
        stamps = _dates(integers(column))
    else:
        raise DataError(f"the time column holds {kind}, which is no time")
    if time_format is not None:
        raise InputError("--time-format is for text; this Parquet file knows its times")
    refuse_other_centuries(stamps, row)
    return stamps


def _dates(ms: IntArray) -> Stamps:
    return Stamps(local_ms=ms, offset_ms=None, has_clock=False, format="date")


def _numbers(column: ChunkedArray, name: str, row: IntArray) -> FloatArray:
    kind = _kind(column)
    if kind in _STRINGS:
        cells = ["" if each is None else each for each in column.to_pylist()]
        return numbers_of_text(cells, row.tolist())
    if kind not in _INTEGERS | _FLOATS | _DECIMALS:
        raise DataError(f"column {name} holds {kind}, expected numbers")
    return floats(column)


def _symbol(column: ChunkedArray | None) -> str | None:
    if column is None:
        return None
    return the_symbol(str(each) for each in column.to_pylist() if each is not None)


def _kind(column: ChunkedArray) -> str:
    # Such as Timestamp for a type that prints as arro3.core.DataType<Timestamp(ms)>.
    return str(column.type).partition("<")[2].partition("(")[0].strip("<>\n ")
