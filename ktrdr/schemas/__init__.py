"""Documents that cross a process border."""

from ktrdr.schemas.part import IDENTIFIER_PATTERN, Identifier, Part
from ktrdr.schemas.runs import BacktestRequest, Snapshots, TrainingRequest

__all__ = [
    "IDENTIFIER_PATTERN",
    "BacktestRequest",
    "Identifier",
    "Part",
    "Snapshots",
    "TrainingRequest",
]
