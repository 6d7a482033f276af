"""The trials of a study as a Parquet table: a row each."""

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from arro3.core import Array, DataType, Table
from arro3.io import read_parquet, write_parquet

from ktrdr.backtesting import MEASURES
from ktrdr.schemas import Overrides, ParameterValue

_NAMES = tuple(known.name for known in MEASURES)


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """What one trial gave.

    Attributes
    ----------
    number : int
        Of the trial in its study.
    parameters : dict
        All overrides of the strategy, the training's among them.
    measures : dict of str to float or None
        One for each of ``MEASURES``; empty if the trial failed.
    trades : str
        Stands for when and on which side it traded: equal where that is the same.
    model : str or None
        Digest of the model that was traded.
    error : str or None
        Why it failed.
    """

    number: int
    parameters: Overrides
    measures: dict[str, float | None] = field(default_factory=dict)
    trades: str = ""
    model: str | None = None
    error: str | None = None


def trial_table(rows: Sequence[TrialRow]) -> bytes:
    """Return the rows as Parquet; equal rows give equal bytes.

    Columns: ``number``, one for each parameter by its path, every measure, NaN where
    not defined, ``trades``, ``model``, ``error`` and, for programs, ``parameters``,
    all of them as JSON.
    """
    paths = list(dict.fromkeys(path for row in rows for path in row.parameters))
    columns = {
        "number": Array([row.number for row in rows], DataType.int64()),
        **{path: _values([row.parameters.get(path) for row in rows]) for path in paths},
        **{name: _measure(rows, name) for name in _NAMES},
        "trades": _texts([row.trades for row in rows]),
        "model": _texts([row.model for row in rows]),
        "error": _texts([row.error for row in rows]),
        "parameters": _texts([json.dumps(row.parameters) for row in rows]),
    }
    file = io.BytesIO()
    table = Table.from_arrays(list(columns.values()), names=list(columns))
    write_parquet(table, file, compression="zstd(3)", created_by="ktrdr")
    return file.getvalue()


def rows_of_table(data: bytes) -> list[TrialRow]:
    """Return the rows that ``trial_table`` wrote."""
    table = read_parquet(io.BytesIO(data)).read_all()
    columns = {
        name: table[name].to_pylist()
        for name in ("number", *_NAMES, "trades", "model", "error", "parameters")
    }
    rows = []
    for at, number in enumerate(columns["number"]):
        error = columns["error"][at]
        measures = {name: _defined(columns[name][at]) for name in _NAMES}
        rows.append(
            TrialRow(
                number=int(number),
                parameters=_parameters(str(columns["parameters"][at])),
                measures={} if error is not None else measures,
                trades=str(columns["trades"][at]),
                model=columns["model"][at],
                error=error,
            )
        )
    return rows


def _parameters(text: str) -> Overrides:
    return {
        path: tuple(value) if isinstance(value, list) else value
        for path, value in json.loads(text).items()
    }


def _values(values: Sequence[ParameterValue]) -> Array:
    """Return numbers as numbers, anything else as text."""
    numbers = [value for value in values if value is not None]
    if all(type(value) in (int, float) for value in numbers):
        plain = [
            None if value is None else float(cast(float, value)) for value in values
        ]
        return Array(plain, DataType.float64())
    return _texts([None if value is None else _text(value) for value in values])


def _text(value: ParameterValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _measure(rows: Sequence[TrialRow], name: str) -> Array:
    found = (row.measures.get(name) for row in rows)
    return Array(
        [math.nan if value is None else value for value in found], DataType.float64()
    )


def _texts(values: Sequence[str | None]) -> Array:
    return Array(list(values), DataType.utf8())


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
