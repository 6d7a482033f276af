"""Inputs expanded to features, in the order of the file."""

from ktrdr.data import Timeframe
from ktrdr.strategy import expand_inputs, parse_strategy
from tests.unit.strategy.texts import BASE, changed


def test_features_stand_in_the_order_of_the_file():
    ids = [
        feature
        for one in expand_inputs(parse_strategy(BASE))
        for feature in one.feature_ids
    ]
    assert ids == [
        "1h_strength_low",
        "1h_strength_high",
        "4h_strength_low",
        "4h_strength_high",
        "1h_swing_down",
        "1h_swing_up",
        "1h_macd_raw",
        "4h_macd_raw",
    ]


def test_timeframes_stand_in_the_order_in_which_they_are_written():
    text = changed(
        ("timeframes: [1h]}", "timeframes: [4h, 1h]}"), ("[1h, 4h]", "[4h, 1h]")
    )
    timeframes = [one.timeframe for one in expand_inputs(parse_strategy(text))]
    h4, h1 = Timeframe.H4, Timeframe.H1
    assert timeframes == [h4, h1, h4, h1, h4, h1]


def test_an_input_says_where_its_values_come_from():
    text = changed(("raw_indicator: macd", "raw_indicator: macd.macdsignal"))
    strength, _, swing, raw, _ = expand_inputs(parse_strategy(text))
    assert (strength.indicator, strength.output) == ("rsi", None)
    assert (strength.fuzzy_set, strength.memberships) == ("strength", ("low", "high"))
    assert (swing.indicator, swing.output) == ("macd", "macdhist")
    assert (raw.indicator, raw.output) == ("macd", "macdsignal")
    assert (raw.fuzzy_set, raw.memberships) == (None, ())
    assert raw.feature_ids == ("1h_macd_macdsignal_raw",)
