"""Market data: bars, where they come from and whether they can be trusted."""

from ktrdr.data.bar_store import BarStore
from ktrdr.data.bars import COLUMNS, PRICE_COLUMNS, Bars
from ktrdr.data.calendar import Calendar, calendar_named
from ktrdr.data.candles import CandleChart, draw_candles
from ktrdr.data.columns import Columns
from ktrdr.data.gaps import GAP_KINDS, Gap, Gaps, find_gaps
from ktrdr.data.importing import ImportOutcome, check_file, import_file
from ktrdr.data.moments import from_iso, to_iso, to_minute
from ktrdr.data.parquet import bars_from_parquet, bars_to_parquet
from ktrdr.data.provenance import Change, Provenance, Snapshot
from ktrdr.data.quality import (
    Fault,
    Finding,
    Notice,
    QualityReport,
    check_quality,
)
from ktrdr.data.reading import ReadFile, ReadOptions, read_file
from ktrdr.data.repair import repair
from ktrdr.data.resample import PartialBuckets, partial_buckets, resample
from ktrdr.data.sample import install_sample, sample_bars
from ktrdr.data.symbol import parse_symbol
from ktrdr.data.timeframe import Timeframe

__all__ = [
    "COLUMNS",
    "GAP_KINDS",
    "PRICE_COLUMNS",
    "BarStore",
    "Bars",
    "Calendar",
    "CandleChart",
    "Change",
    "Columns",
    "Fault",
    "Finding",
    "Gap",
    "Gaps",
    "ImportOutcome",
    "Notice",
    "PartialBuckets",
    "Provenance",
    "QualityReport",
    "ReadFile",
    "ReadOptions",
    "Snapshot",
    "Timeframe",
    "bars_from_parquet",
    "bars_to_parquet",
    "calendar_named",
    "check_file",
    "check_quality",
    "draw_candles",
    "find_gaps",
    "from_iso",
    "import_file",
    "install_sample",
    "parse_symbol",
    "partial_buckets",
    "read_file",
    "repair",
    "resample",
    "sample_bars",
    "to_iso",
    "to_minute",
]
