"""Bars as Parquet: one file a snapshot, which any Parquet reader opens."""

import io
import re

import numpy as np
from arro3.core import (
    Array,
    ChunkedArray,
    DataType,
    RecordBatch,
    RecordBatchReader,
    Table,
)
from arro3.io import read_parquet, write_parquet
from pydantic import ValidationError

from ktrdr.data.bars import COLUMNS, Bars
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError
from ktrdr.schemas import Part
from ktrdr.typing import FloatArray, IntArray

_BATCH_ROWS = 65_536
_MAGIC = b"PAR1"
_MOST_REASON = 120


class BarsLabel(Part):
    """Whose bars a Parquet file holds."""

    symbol: str
    timeframe: Timeframe


def bars_to_parquet(bars: Bars) -> bytes:
    """Return ``bars`` as a Parquet file; equal bars give equal bytes.

    Columns: ``time`` (milliseconds, UTC), ``open``, ``high``, ``low``, ``close``
    and ``volume``; the file's metadata ``bars`` is JSON that names symbol and
    timeframe.
    """
    time = Array.from_numpy(bars.time.astype(np.int64))
    columns = {
        "time": time.cast(DataType.timestamp("ms", tz="UTC")),
        **{name: Array.from_numpy(getattr(bars, name)) for name in COLUMNS},
    }
    label = BarsLabel(symbol=bars.symbol, timeframe=bars.timeframe)
    file = io.BytesIO()
    write_parquet(
        Table.from_arrays(list(columns.values()), names=list(columns)),
        file,
        compression="zstd(3)",
        # Opening times are evenly spaced: their differences take almost no room.
        column_encoding={"time": "delta_binary_packed"},
        column_dictionary_enabled={"time": False},
        created_by="ktrdr",
        # One key only: the writer keeps several in random order.
        key_value_metadata={"bars": label.model_dump_json()},
    )
    return file.getvalue()


def bars_from_parquet(data: bytes) -> Bars:
    """Return the bars that ``bars_to_parquet`` wrote.

    Raises
    ------
    DataError
        If ``data`` is no Parquet file of bars.
    """
    table = read_table(data)
    label = bars_label(table)
    missing = {"time", *COLUMNS} - set(table.column_names)
    if label is None or missing:
        lacking = sorted(missing) or ["the metadata that ktrdr writes"]
        raise DataError(f"not a file of stored bars: it lacks {', '.join(lacking)}")
    return Bars(
        symbol=label.symbol,
        timeframe=label.timeframe,
        time=integers(table.column("time")).astype("datetime64[ms]"),
        **{name: floats(table.column(name)) for name in COLUMNS},
    )


def bars_label(table: Table) -> BarsLabel | None:
    """Return whose bars ``table`` says it holds, or None if it doesn't say."""
    try:
        return BarsLabel.model_validate_json(table.schema.metadata_str["bars"])
    except (KeyError, ValidationError):
        return None


def read_table(data: bytes, most_rows: int | None = None) -> Table:
    """Return a Parquet file as a table.

    Raises
    ------
    DataError
        If it is none, is damaged or has more than ``most_rows`` rows; of these no
        more are unpacked, since a small file can hold very many.
    """
    footer = int.from_bytes(data[-8:-4], "little")
    is_framed = data[:4] == _MAGIC == data[-4:] and 12 <= footer + 12 <= len(data)
    if not is_framed:
        raise DataError("not a Parquet file, or one that was cut off")
    try:
        return _joined(
            read_parquet(io.BytesIO(data), batch_size=_BATCH_ROWS), most_rows
        )
    except (KeyboardInterrupt, SystemExit, DataError):
        raise
    # The reader panics on damaged files; its PanicException is no Exception and
    # can't be imported.
    except BaseException as error:
        # Quoted stands what the reader missed; around it, its own source.
        quoted = re.search(r'"([^"]+)"', str(error))
        reason = f" ({quoted[1][:_MOST_REASON]})" if quoted else ""
        raise DataError(
            "this Parquet file is damaged or of a kind that can't be read here"
            f"{reason}; write it anew, or as CSV"
        ) from None


def _joined(batches: RecordBatchReader, most_rows: int | None) -> Table:
    kept: list[RecordBatch] = []
    n_rows = 0
    for batch in batches:
        n_rows += batch.num_rows
        if most_rows is not None and n_rows > most_rows:
            raise DataError(f"the file has more than {most_rows:,} rows; split it")
        kept.append(batch)
    return Table.from_batches(kept, schema=batches.schema)


def integers(column: ChunkedArray) -> IntArray:
    """Return a column of integers or times; the caller knows the unit."""
    if not len(column):
        return np.empty(0, dtype=np.int64)
    array: IntArray = column.cast(DataType.int64()).to_numpy()
    return array


def floats(column: ChunkedArray) -> FloatArray:
    """Return a column of numbers, with NaN for what is missing."""
    if not len(column):
        return np.empty(0)
    values = column.cast(DataType.float64())
    array: FloatArray = (
        np.array(values.to_pylist(), dtype=np.float64)
        if values.null_count
        else values.to_numpy()
    )
    return array
