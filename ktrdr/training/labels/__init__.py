"""Labels: what hindsight says should have been decided, one idea a file."""

from ktrdr.data import Bars
from ktrdr.strategy import ForwardReturnLabels, TripleBarrierLabels
from ktrdr.strategy import Labels as LabelsSpec
from ktrdr.training.labels.forward_return import forward_return
from ktrdr.training.labels.labels import (
    FLAT,
    LONG,
    SHORT,
    UNKNOWN,
    Labels,
    OutputFormat,
)
from ktrdr.training.labels.triple_barrier import triple_barrier
from ktrdr.training.labels.zigzag import zigzag

__all__ = [
    "FLAT",
    "LONG",
    "SHORT",
    "UNKNOWN",
    "Labels",
    "OutputFormat",
    "forward_return",
    "make_labels",
    "triple_barrier",
    "zigzag",
]


def make_labels(bars: Bars, spec: LabelsSpec, output: OutputFormat) -> Labels:
    """Return the labels that ``spec`` describes; only forward returns can be values."""
    if isinstance(spec, ForwardReturnLabels):
        return forward_return(bars, spec, output)
    if isinstance(spec, TripleBarrierLabels):
        return triple_barrier(bars, spec)
    return zigzag(bars, spec)
