"""A strategy to break in one place at a time."""

from collections.abc import Sequence

import pytest

from ktrdr.errors import Problem, StrategyError
from ktrdr.strategy import parse_strategy

BASE = """\
name: base
version: 3
training_data:
  symbols: [EURUSD]
  timeframes: [1h, 4h]
  base_timeframe: 1h
indicators:
  rsi: {type: rsi, timeperiod: 14}
  macd: {type: macd}
fuzzy_sets:
  strength:
    indicator: rsi
    low: {type: linear_z, parameters: [30, 50]}
    high: {type: linear_s, parameters: [50, 70]}
  swing:
    indicator: macd.macdhist
    auto: {down, up}
nn_inputs:
  - fuzzy_set: strength
  - {fuzzy_set: swing, timeframes: [1h]}
  - raw_indicator: macd
model:
  type: mlp
training:
  labels: {type: forward_return, horizon: 12}
decisions:
  format: classification
backtest:
  stops: {stop_loss: 0.01}
"""


def changed(*replacements: tuple[str, str]) -> str:
    """The base with texts replaced; each must be there exactly once."""
    text = BASE
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(StrategyError) as caught:
        parse_strategy(text)
    return caught.value.problems


def told(problems: Sequence[Problem]) -> list[tuple[str, int | None]]:
    return [(problem.path, problem.line) for problem in problems]
