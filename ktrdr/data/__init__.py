"""Market data: bars, where they come from and whether they can be trusted."""

from ktrdr.data.bar_store import BarStore, blobs_of_snapshot
from ktrdr.data.bars import COLUMNS, PRICE_COLUMNS, Bars
from ktrdr.data.calendar import Calendar, calendar_named
from ktrdr.data.candles import CandleChart, draw_candles
from ktrdr.data.columns import Columns
from ktrdr.data.documents import (
    bar_columns,
    bars_from_input,
    gaps_document,
    import_document,
    none_for_nan,
    quality_document,
    snapshot_detail,
    snapshot_document,
    time_texts,
)
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
from ktrdr.data.reading import ReadFile, ReadOptions, parse_columns, read_file
from ktrdr.data.repair import repair
from ktrdr.data.resample import PartialBuckets, partial_buckets, resample
from ktrdr.data.sample import install_sample, sample_bars
from ktrdr.data.stored import (
    ResampleOutcome,
    check_stored,
    choose_snapshot,
    resample_stored,
)
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
    "ResampleOutcome",
    "Snapshot",
    "Timeframe",
    "bar_columns",
    "bars_from_input",
    "bars_from_parquet",
    "bars_to_parquet",
    "blobs_of_snapshot",
    "calendar_named",
    "check_file",
    "check_quality",
    "check_stored",
    "choose_snapshot",
    "draw_candles",
    "find_gaps",
    "from_iso",
    "gaps_document",
    "import_document",
    "import_file",
    "install_sample",
    "none_for_nan",
    "parse_columns",
    "parse_symbol",
    "partial_buckets",
    "quality_document",
    "read_file",
    "repair",
    "resample",
    "resample_stored",
    "sample_bars",
    "snapshot_detail",
    "snapshot_document",
    "time_texts",
    "to_iso",
    "to_minute",
]
