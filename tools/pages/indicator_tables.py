"""The catalogue of indicators as tables, one for each group."""

from collections.abc import Iterator
from itertools import groupby

from ktrdr.indicators import Indicator, Parameter, catalogue, find_indicator
from tools.pages.markdown import code, table

CATALOGUE = "Catalogue of indicators"
_INTRODUCTION = """\
Values of `type` below `indicators`, with the parameters that may stand beside it and
their defaults. A `source` is one of {sources}. `ktrdr indicators show NAME` tells the
warm-up, too."""


def indicator_tables() -> Iterator[str]:
    """Yield the parts of the section."""
    sources = _sources()
    yield f"## {CATALOGUE}"
    yield _INTRODUCTION.format(sources=", ".join(map(code, sources)))
    found = sorted(catalogue().values(), key=lambda one: (one.group, one.name))
    for group, members in groupby(found, key=lambda one: one.group):
        yield f"### Group {group}"
        yield table(
            ("type", "title", "parameters", "outputs"),
            (_row(one, sources) for one in members),
        )


def _sources() -> tuple[str, ...]:
    parameters = {one.name: one for one in find_indicator("ema").parameters}
    return parameters["source"].choices


def _row(indicator: Indicator, sources: tuple[str, ...]) -> tuple[str, ...]:
    parameters = (_parameter(one, sources) for one in indicator.parameters)
    outputs = ", ".join(map(code, indicator.outputs))
    return code(indicator.name), indicator.title, "; ".join(parameters), outputs


def _parameter(parameter: Parameter, sources: tuple[str, ...]) -> str:
    told = f"{code(parameter.name)} = {parameter.default}"
    # The introduction lists them, once for all.
    return told if parameter.choices == sources else f"{told} ({parameter.expected})"
