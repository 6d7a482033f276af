"""Text files of bars, a block of rows at a time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ktrdr.data.bars import COLUMNS, PRICE_COLUMNS
from ktrdr.data.files.cells import numbers_of_text, stamps_of_text, the_symbol
from ktrdr.data.files.layout import Layout, detect_layout
from ktrdr.data.files.parsing import parse_stamps
from ktrdr.data.files.shapes import StampArray
from ktrdr.data.files.table import RawTable
from ktrdr.data.files.text import Row, TextTable, counted, open_text
from ktrdr.errors import DataError
from ktrdr.typing import FloatArray, IntArray

MAX_ROWS = 20_000_000
# Few enough to stay in the processor's cache.
_BLOCK_ROWS = 5_000
_THOUSANDS = r"\d{1,3}(\.\d{3})+"
_COMMA_DECIMAL = re.compile(rf"[+-]?({_THOUSANDS}|\d*),\d+|[+-]?({_THOUSANDS}|\d+)")


def read_csv(
    data: bytes, mapping: Mapping[str, str], time_format: str | None
) -> RawTable:
    """Return the columns of a text file of bars.

    Raises
    ------
    DataError
        If it holds none, or a cell that can't be read; the message tells the row.
    InputError
        If ``mapping`` or ``time_format`` do not fit the file.
    """
    table = open_text(data)
    layout = detect_layout(table, mapping)
    has_comma = _has_decimal_comma(table, layout)
    blocks = list(_read_blocks(table, layout, has_comma))
    row = np.concatenate([block.row for block in blocks])
    stamps = np.concatenate([block.stamps for block in blocks])
    symbols = frozenset().union(*(block.symbols for block in blocks))
    notes = list(layout.notes)
    if has_comma:
        notes.append(
            "Commas in numbers are read as decimal points, points as parting thousands."
        )
    return RawTable(
        row=row,
        stamps=parse_stamps(stamps, row, time_format),
        values={
            name: np.concatenate([block.values[name] for block in blocks])
            for name in COLUMNS
        },
        symbol=the_symbol(symbols) or layout.symbol,
        timeframe=None,
        settings={
            "layout": layout.name,
            "separator": table.separator_name,
            **{f"column {name}": layout.label(name) for name in layout.columns},
        },
        notes=tuple(notes),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    row: IntArray
    stamps: StampArray
    values: dict[str, FloatArray]
    symbols: frozenset[str]


def _read_blocks(table: TextTable, layout: Layout, has_comma: bool) -> Iterator[_Block]:
    n_rows = 0
    for rows in table.blocks(_BLOCK_ROWS):
        data = [row for row in rows if row[0] >= layout.first_row]
        n_rows += len(data)
        if n_rows > MAX_ROWS:
            raise DataError(f"the file has more than {MAX_ROWS:,} rows; split it")
        if data:
            yield _read_block(data, table, layout, has_comma)


def _read_block(
    rows: list[Row], table: TextTable, layout: Layout, has_comma: bool
) -> _Block:
    for number, cells in rows:
        if len(cells) != table.n_columns:
            raise DataError(
                f"row {number} has {counted(len(cells), 'cell')}, expected "
                f"{table.n_columns}: {table.separator.join(cells)[:120]!r}; complete "
                "that row or take it out"
            )
    numbers = [number for number, _ in rows]
    columns = list(zip(*(cells for _, cells in rows), strict=True))
    cells_of = {name: list(columns[at]) for name, at in layout.columns.items()}
    times = list(map(str.strip, cells_of["time"]))
    if "date" in cells_of:
        dates = map(str.strip, cells_of["date"])
        times = list(map(" ".join, zip(dates, times, strict=True)))
    return _Block(
        row=np.array(numbers, dtype=np.int64),
        stamps=stamps_of_text(times, numbers),
        values={
            name: numbers_of_text(
                _pointed(cells_of[name], numbers) if has_comma else cells_of[name],
                numbers,
            )
            if name in cells_of
            else np.zeros(len(rows))
            for name in COLUMNS
        },
        symbols=frozenset(map(str.strip, cells_of.get("symbol", ()))),
    )


def _pointed(cells: list[str], rows: list[int]) -> list[str]:
    # Beside a decimal comma a point can only part thousands: 1.234 is no 1,234.
    for cell, row in zip(cells, rows, strict=True):
        if "." in cell and not _COMMA_DECIMAL.fullmatch(cell.strip()):
            raise DataError(
                f"row {row}: {cell[:80]!r} is no number in a file whose decimal point "
                "is a comma"
            )
    return [cell.replace(".", "").replace(",", ".") for cell in cells]


def _has_decimal_comma(table: TextTable, layout: Layout) -> bool:
    if table.separator == ",":
        return False
    prices = [
        cells[layout.columns[name]].strip()
        for number, cells in table.head
        if number >= layout.first_row and len(cells) == table.n_columns
        for name in PRICE_COLUMNS
    ]
    is_plain = all(_COMMA_DECIMAL.fullmatch(price) for price in prices if price)
    return is_plain and any("," in price for price in prices)
