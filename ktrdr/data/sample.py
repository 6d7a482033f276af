"""The sample set: EURUSD 1h 2017, which ships with ktrdr."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from ktrdr.data.bar_store import BarStore
from ktrdr.data.bars import Bars
from ktrdr.data.importing import store_columns
from ktrdr.data.provenance import Snapshot
from ktrdr.data.reading import ReadFile, ReadOptions, read_bytes

_FILE = "EURUSD_1h_2017_ask.csv.gz"
_SOURCE = "sample set: gym-anytrading 2.0.0 (MIT licence)"
_NOTE = "Ask prices of 2017: what a buyer paid. Set the spread as a cost."


@cache
def sample_bars() -> Bars:
    """Return the sample set: 6,225 hourly bars of EURUSD, ask prices, 2017, UTC."""
    file = _sample_file()
    return file.columns.to_bars(file.symbol, file.timeframe)


def install_sample(bar_store: BarStore) -> Snapshot:
    """Store the sample set, unless it is there already, and return its snapshot."""
    outcome = store_columns(
        bar_store,
        _sample_file(),
        kind="sample",
        calendar=None,
        repaired=False,
        now=datetime.now(UTC),
    )
    return outcome.snapshot


def _sample_file() -> ReadFile:
    data = files("ktrdr.data").joinpath("samples", _FILE).read_bytes()
    # The upstream file names no zone; samples/NOTICE.md says how it was found out.
    file = read_bytes(data, _FILE, ReadOptions(symbol="EURUSD", zone="UTC"))
    return replace(file, file_name=_SOURCE, notes=(_NOTE,))
