"""A result's tables as Parquet: the same result gives the same bytes."""

import io
from collections.abc import Mapping
from typing import cast

import numpy as np
from arro3.core import Array, DataType, Table
from arro3.io import read_parquet, write_parquet

from ktrdr.backtesting.result import Decisions, Seen
from ktrdr.backtesting.simulation import ExitReason, Trades
from ktrdr.backtesting.trade_measures import trade_returns
from ktrdr.data import Bars, time_texts
from ktrdr.schemas import Cell, TableDocument, TableName
from ktrdr.typing import FloatArray, IntArray, TimeArray

_OUTPUT_PREFIX = "output_"


def trades_table(trades: Trades, bars: Bars) -> bytes:
    """Return the trades, one row each, with times, sides and returns in words.

    Beside the columns of ``Trades``: ``entry_time`` and ``exit_time``, the opening
    times of the bars in which the fills happened, ``side`` and ``return``, the
    profit as a fraction of the value at entry. ``exit_reason`` is a name.
    """
    return _write(
        {
            "entry_time": _times(bars.time[trades.entry_bar]),
            "exit_time": _times(bars.time[trades.exit_bar]),
            "side": _texts(["long" if size > 0 else "short" for size in trades.size]),
            "size": Array.from_numpy(trades.size),
            "entry_price": Array.from_numpy(trades.entry_price),
            "exit_price": Array.from_numpy(trades.exit_price),
            "entry_commission": Array.from_numpy(trades.entry_commission),
            "exit_commission": Array.from_numpy(trades.exit_commission),
            "profit": Array.from_numpy(trades.profit),
            "return": Array.from_numpy(trade_returns(trades)),
            "exit_reason": _names(trades.exit_reason, ExitReason),
            "is_ambiguous": Array.from_numpy(trades.is_ambiguous),
            "entry_bar": Array.from_numpy(trades.entry_bar),
            "exit_bar": Array.from_numpy(trades.exit_bar),
        }
    )


def trades_from_table(data: bytes) -> Trades:
    """Return the trades that ``trades_table`` wrote."""
    table = _read(data)
    reasons = [ExitReason[name.upper()] for name in table["exit_reason"].to_pylist()]
    return Trades(
        entry_bar=_integers(table, "entry_bar"),
        exit_bar=_integers(table, "exit_bar"),
        size=_floats(table, "size"),
        entry_price=_floats(table, "entry_price"),
        exit_price=_floats(table, "exit_price"),
        entry_commission=_floats(table, "entry_commission"),
        exit_commission=_floats(table, "exit_commission"),
        profit=_floats(table, "profit"),
        exit_reason=np.array(reasons, np.int64),
        is_ambiguous=np.array(table["is_ambiguous"].to_pylist(), np.bool_),
    )


def equity_table(
    bars: Bars,
    *,
    equity: FloatArray,
    hold_equity: FloatArray,
    drawdown: FloatArray,
    position: FloatArray,
) -> bytes:
    """Return price, money, drawdown and position at every bar's close."""
    columns = {
        "close": bars.close,
        "equity": equity,
        "hold_equity": hold_equity,
        "drawdown": drawdown,
        "position": position,
    }
    arrays = {
        name: Array.from_numpy(np.ascontiguousarray(column))
        for name, column in columns.items()
    }
    return _write({"time": _times(bars.time), **arrays})


def equity_from_table(data: bytes) -> tuple[TimeArray, dict[str, FloatArray]]:
    """Return time and the columns that ``equity_table`` wrote."""
    table = _read(data)
    names = [name for name in table.column_names if name != "time"]
    time = _integers(table, "time").astype("datetime64[ms]")
    return time, {name: _floats(table, name) for name in names}


def decisions_table(bars: Bars, decisions: Decisions) -> bytes:
    """Return the model's outputs, the target and the part seen, of every bar.

    Outputs are named ``output_short`` and so on; NaN before they are known.
    """
    outputs = {
        f"{_OUTPUT_PREFIX}{name}": Array.from_numpy(np.ascontiguousarray(column))
        for name, column in zip(decisions.names, decisions.outputs.T, strict=True)
    }
    return _write(
        {
            "time": _times(bars.time),
            **outputs,
            "target": Array.from_numpy(np.ascontiguousarray(decisions.target)),
            "seen": _names(decisions.seen, Seen),
        }
    )


def decisions_from_table(data: bytes) -> Decisions:
    """Return the decisions that ``decisions_table`` wrote."""
    table = _read(data)
    columns = [name for name in table.column_names if name.startswith(_OUTPUT_PREFIX)]
    seen = [Seen[name.upper()] for name in table["seen"].to_pylist()]
    return Decisions(
        names=tuple(name.removeprefix(_OUTPUT_PREFIX) for name in columns),
        outputs=np.stack([_floats(table, name) for name in columns], axis=1),
        target=_integers(table, "target").astype(np.int8),
        seen=np.array(seen, np.int64),
    )


def table_document(
    data: bytes, *, result: str, table: TableName, offset: int, limit: int
) -> TableDocument:
    """Return rows of a stored table in columns; times in ISO 8601, NaN as None."""
    stored = _read(data)
    first = min(offset, stored.num_rows)
    rows = stored.slice(first, min(limit, stored.num_rows - first))
    return TableDocument(
        result=result,
        table=table,
        n_rows=stored.num_rows,
        offset=offset,
        columns={name: _cells(rows, name) for name in rows.column_names},
    )


def _cells(rows: Table, name: str) -> tuple[Cell, ...]:
    if name.endswith("time"):
        times = _integers(rows, name).astype("datetime64[ms]")
        return tuple(time_texts(times))
    values = rows[name].to_pylist()
    return tuple(None if value != value else value for value in values)


def _times(times: TimeArray) -> Array:
    numbers = Array.from_numpy(times.astype("datetime64[ms]").astype(np.int64))
    return numbers.cast(DataType.timestamp("ms", tz="UTC"))


def _names(values: IntArray, kind: type[ExitReason] | type[Seen]) -> Array:
    return _texts([kind(value).name.lower() for value in values.tolist()])


def _texts(values: list[str]) -> Array:
    return Array(values, DataType.utf8())


def _integers(table: Table, name: str) -> IntArray:
    # A table without rows has no chunk that could be turned into an array.
    if not table.num_rows:
        return np.empty(0, np.int64)
    return cast(IntArray, table[name].cast(DataType.int64()).to_numpy())


def _floats(table: Table, name: str) -> FloatArray:
    if not table.num_rows:
        return np.empty(0)
    return cast(FloatArray, table[name].to_numpy())


def _write(columns: Mapping[str, Array]) -> bytes:
    file = io.BytesIO()
    table = Table.from_arrays(list(columns.values()), names=list(columns))
    write_parquet(table, file, compression="zstd(3)", created_by="ktrdr")
    return file.getvalue()


def _read(data: bytes) -> Table:
    return read_parquet(io.BytesIO(data)).read_all()
