"""Small strategies for tests of features and models."""

from ktrdr.strategy import Strategy, parse_strategy

TWO_TIMEFRAMES = """
name: two_timeframes
version: 3
training_data:
  symbols: [TEST]
  timeframes: [1h, 4h]
  base_timeframe: 1h
indicators:
  rsi: {type: rsi, timeperiod: 5}
  bands: {type: bbands, timeperiod: 6}
  range: {type: atr, timeperiod: 4}
fuzzy_sets:
  momentum:
    indicator: rsi
    low: {type: linear_z, parameters: [30, 50]}
    medium: {type: triangular, parameters: [30, 50, 70]}
    high: {type: linear_s, parameters: [50, 70]}
  place:
    indicator: bands.upperband
    auto: [cheap, fair, dear]
nn_inputs:
  - {fuzzy_set: momentum, timeframes: all}
  - {fuzzy_set: place, timeframes: [4h]}
  - {raw_indicator: range, timeframes: all}
model: {type: mlp, hidden_layers: [6, 4], activation: relu}
training:
  labels: {type: forward_return, horizon: 3}
decisions: {format: classification}
"""


def two_timeframes(*changes: tuple[str, str]) -> Strategy:
    """The strategy above, with each text replaced by another."""
    return parse_strategy(two_timeframes_text(*changes))


def two_timeframes_text(*changes: tuple[str, str]) -> str:
    text = TWO_TIMEFRAMES
    for old, new in changes:
        if old not in text:
            raise ValueError(f"not in the strategy: {old}")
        text = text.replace(old, new)
    return text
