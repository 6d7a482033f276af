"""Equity curves of windows as Parquet."""

import io
from collections.abc import Mapping

import numpy as np
from arro3.core import Array, DataType, Table
from arro3.io import read_parquet, write_parquet

from ktrdr.typing import FloatArray, TimeArray


def curve_table(time: TimeArray, columns: Mapping[str, FloatArray]) -> bytes:
    """Return opening times and columns of one length as Parquet."""
    moments = Array.from_numpy(time.astype("datetime64[ms]").astype(np.int64))
    arrays = [moments.cast(DataType.timestamp("ms", tz="UTC"))]
    arrays += [Array.from_numpy(np.ascontiguousarray(one)) for one in columns.values()]
    table = Table.from_arrays(arrays, names=["time", *columns])
    file = io.BytesIO()
    write_parquet(table, file, compression="zstd(3)", created_by="ktrdr")
    return file.getvalue()


def curve_of_table(data: bytes) -> tuple[TimeArray, dict[str, FloatArray]]:
    """Return what ``curve_table`` wrote."""
    table = read_parquet(io.BytesIO(data)).read_all()
    time = table["time"].cast(DataType.int64()).to_numpy().astype("datetime64[ms]")
    names = [name for name in table.column_names if name != "time"]
    return time, {name: table[name].to_numpy() for name in names}
