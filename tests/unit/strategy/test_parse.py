"""From text to a strategy, or to every problem with path, line and hint."""

import pytest

from ktrdr.errors import InputError, NotFoundError, StrategyError
from ktrdr.strategy import Strategy, load_strategy, parse_strategy, strategy_digest
from tests.unit.strategy.texts import BASE, changed, problems_of, told


def test_values_come_as_written():
    strategy = parse_strategy(BASE)
    assert strategy.name == "base"
    assert strategy.training_data.timeframes == ("1h", "4h")
    assert strategy.indicators["rsi"].parameters == {"timeperiod": 14}
    assert strategy.fuzzy_sets["strength"].names == ("low", "high")
    assert strategy.nn_inputs[0].timeframes == "all"
    assert strategy.backtest.stops.stop_loss == 0.01


@pytest.mark.parametrize(
    ("replacement", "path", "line", "message", "hint"),
    [
        (
            ("name: base", "name: my strategy"),
            "name",
            1,
            "found 'my strategy', expected a name of at most 64 letters, digits, _ "
            "and - that begins with a letter",
            None,
        ),
        (("version: 3", "version: 2"), "version", 2, "found 2, expected 3", None),
        (
            ("version: 3", "version: '3'"),
            "version",
            2,
            "found '3', expected 3",
            "write it without quotes",
        ),
        (("version: 3\n", ""), "", 1, "the key version is missing", None),
        (
            ("model:", "modle:"),
            "modle",
            22,
            "unknown key, expected one of name, version, description, training_data, "
            "indicators, fuzzy_sets, nn_inputs, model, training, decisions, backtest",
            "did you mean model?",
        ),
        (
            ("type: mlp", "type: mlp\n  activaton: relu"),
            "model.activaton",
            24,
            "unknown key, expected one of type, hidden_layers, activation, dropout",
            "did you mean activation?",
        ),
        (
            ("type: mlp", "type: mlp\n  activation: rellu"),
            "model.activation",
            24,
            "found 'rellu', expected one of relu, tanh, sigmoid, gelu, silu, "
            "leaky_relu",
            "did you mean relu?",
        ),
        (
            ("type: mlp", "type: mlp\n  hidden_layers: [8, 0]"),
            "model.hidden_layers[1]",
            24,
            "found 0, expected a number of at least 1",
            None,
        ),
        (
            ("type: mlp", "type: mlp\n  hidden_layers: 8"),
            "model.hidden_layers",
            24,
            "found 8, expected a list",
            None,
        ),
        (
            ("type: mlp", "type: mlp\n  dropout: 1"),
            "model.dropout",
            24,
            "found 1, expected a number below 1",
            None,
        ),
        (
            ("[EURUSD]", "[7203]"),
            "training_data.symbols[0]",
            4,
            "found 7203, expected text",
            "put it in quotes if text is meant",
        ),
        (
            ("[EURUSD]", "[]"),
            "training_data.symbols",
            4,
            "found a list of 0, expected at least 1 entries",
            None,
        ),
        (
            ("base_timeframe: 1h", "base_timeframe: 1H"),
            "training_data.base_timeframe",
            6,
            "found '1H', expected one of 1m, 5m, 15m, 30m, 1h, 4h, 1d, 1w",
            "did you mean 1h?",
        ),
        (
            ("  macd: {type: macd}", "  macd: {type: macd}\n  9: {}"),
            "indicators",
            10,
            "found a key that is not text: 9",
            "put it in quotes",
        ),
        (
            ("{type: macd}", "macd"),
            "indicators.macd",
            9,
            "found 'macd', expected keys with values",
            None,
        ),
        (
            ("timeperiod: 14", "timeperiod: 14.5"),
            "indicators.rsi.timeperiod",
            8,
            "found 14.5, expected a whole number from 2 to 10000",
            None,
        ),
        (
            ("timeperiod: 14", "timeperiode: 14"),
            "indicators.rsi.timeperiode",
            8,
            "rsi has no parameter 'timeperiode'; it takes timeperiod, source",
            "did you mean timeperiod?",
        ),
        (
            ("{type: rsi, timeperiod: 14}", "{type: rsi, parameters: {}}"),
            "indicators.rsi.parameters",
            8,
            "unknown key: parameters stand directly below rsi",
            "move what it holds one level up",
        ),
        (
            ("type: linear_z", "type: linearz"),
            "fuzzy_sets.strength.low.type",
            13,
            "found 'linearz', expected one of triangular, trapezoidal, gaussian, "
            "generalized_bell, sigmoid, linear_z, linear_s",
            "did you mean linear_z?",
        ),
        (
            ("[30, 50]", "[50, 30]"),
            "fuzzy_sets.strength.low",
            13,
            "linear_z needs a < b; found 50, 30",
            None,
        ),
        (
            ("[30, 50]", "[30, x]"),
            "fuzzy_sets.strength.low.parameters[1]",
            13,
            "found 'x', expected a number",
            "write digits, without quotes, _ or units",
        ),
        (
            (
                "indicator: macd.macdhist\n    auto: {down, up}",
                "{indicator: macd, memberships: {x: {type: linear_z, "
                "parameters: [0, 1]}}}",
            ),
            "fuzzy_sets.swing.memberships",
            16,
            "unknown key: memberships stand directly below swing",
            "move what it holds one level up",
        ),
        (
            ("horizon: 12", "horizon: 12, treshold: 0.1"),
            "training.labels.treshold",
            25,
            "unknown key, expected one of type, horizon, threshold",
            "did you mean threshold?",
        ),
        (
            ("{type: forward_return, horizon: 12}", "{type: forward_return}"),
            "training.labels",
            25,
            "the key horizon is missing",
            None,
        ),
        (
            ("type: forward_return, ", ""),
            "training.labels",
            25,
            "the key type is missing, expected one of forward_return, "
            "triple_barrier, zigzag",
            None,
        ),
        (
            ("forward_return", "forward"),
            "training.labels.type",
            25,
            "found 'forward', expected one of forward_return, triple_barrier, zigzag",
            "did you mean forward_return?",
        ),
        (
            ("horizon: 12}", "horizon: 12}\n  scheduler: {type: cosin}"),
            "training.scheduler.type",
            26,
            "found 'cosin', expected one of cosine, step, plateau",
            "did you mean cosine?",
        ),
        (
            ("horizon: 12}", "horizon: 12}\n  class_weights: equal"),
            "training.class_weights",
            26,
            "found 'equal', expected balanced",
            None,
        ),
        (
            (
                "horizon: 12}",
                "horizon: 12}\n  class_weights: {shrt: 1, flat: 1, long: 9}",
            ),
            "training.class_weights.shrt",
            26,
            "found 'shrt', expected one of short, flat, long",
            "did you mean short?",
        ),
        (
            ("horizon: 12}", "horizon: 12}\n  class_weights: {flat: 1, long: 1}"),
            "training.class_weights",
            26,
            "found 2 keys, expected at least 3 entries",
            None,
        ),
        (
            ("horizon: 12}", "horizon: 12}\n  split: {train: 0.8}"),
            "training.split",
            26,
            "train, validation and test sum to 1.2, expected at most 1",
            None,
        ),
        (
            ("horizon: 12}", "horizon: 12}\n  epochs: '10'"),
            "training.epochs",
            26,
            "found '10', expected a whole number",
            "write digits, without quotes, _ or units",
        ),
        (
            ("horizon: 12}", "horizon: 12}\n  epochs: 10.0"),
            "training.epochs",
            26,
            "found the number 10, expected a whole number",
            "write it without a point",
        ),
        (
            ("format: classification", "format: classification\n  shorts: no"),
            "decisions.shorts",
            28,
            "found 'no', expected true or false",
            "write false",
        ),
        (
            ("{stop_loss: 0.01}", "{stop_loss: 1}"),
            "backtest.stops.stop_loss",
            29,
            "found 1, expected a number below 1",
            None,
        ),
        (
            ("  stops:", "  sizing: {type: risk, fraction: 1, risk: 0.1}\n  stops:"),
            "backtest.sizing.fraction",
            29,
            "unknown key, expected one of type, risk, max_fraction",
            "did you mean max_fraction?",
        ),
        (
            ("  stops:", "  sizing: {type: fraction, fraction: 0}\n  stops:"),
            "backtest.sizing.fraction",
            29,
            "found 0, expected a number above 0",
            None,
        ),
        (
            ("timeframes: [1h]}", "timeframes: 1h}"),
            "nn_inputs[1].timeframes",
            20,
            "found '1h', expected all",
            None,
        ),
        (
            ("timeframes: [1h]}", "timeframes: [2h]}"),
            "nn_inputs[1].timeframes[0]",
            20,
            "found '2h', expected one of 1m, 5m, 15m, 30m, 1h, 4h, 1d, 1w",
            None,
        ),
        (
            ("- raw_indicator: macd", "- {raw_indicator: macd, fuzzy_set: swing}"),
            "nn_inputs[2]",
            21,
            "expected either fuzzy_set or raw_indicator, found both",
            None,
        ),
        (
            ("- raw_indicator: macd", "- {timeframes: all}"),
            "nn_inputs[2]",
            21,
            "expected either fuzzy_set or raw_indicator, found neither",
            None,
        ),
    ],
)
def test_one_problem_is_told_alone(replacement, path, line, message, hint):
    all_found = problems_of(changed(replacement))
    # A misspelt section is missing too.
    found = [one for one in all_found if one.message != "the key model is missing"]
    assert [(one.path, one.line, one.message, one.hint) for one in found] == [
        (path, line, message, hint)
    ]


def test_all_problems_come_at_once_in_the_order_of_the_file():
    text = changed(
        ("version: 3", "version: 4"),
        ("type: rsi", "type: rsj"),
        ("indicator: macd.macdhist", "indicator: macd.hist"),
        ("{fuzzy_set: swing, timeframes: [1h]}", "{fuzzy_set: swing, timeframe: [1h]}"),
        ("- fuzzy_set: strength", "- fuzzy_set: strenght"),
        ("horizon: 12", "horizon: none"),
        ("stop_loss", "stoploss"),
    )
    assert told(problems_of(text)) == [
        ("version", 2),
        ("indicators.rsi.type", 8),
        ("fuzzy_sets.swing.indicator", 16),
        ("nn_inputs[0].fuzzy_set", 19),
        ("nn_inputs[1].timeframe", 20),
        ("training.labels.horizon", 25),
        ("backtest.stops.stoploss", 29),
    ]


def test_a_misspelt_key_of_a_fuzzy_set_is_recognized():
    found = problems_of(changed(("indicator: rsi", "indicater: rsi")))
    assert [(one.path, one.hint) for one in found] == [
        ("fuzzy_sets.strength", None),
        ("fuzzy_sets.strength.indicater", "did you mean indicator?"),
    ]


def test_messages_do_not_speak_of_the_validator():
    text = changed(("horizon: 12", "horizon: x"), ("[30, 50]", "{a: 1}"))
    for word in ("pydantic", "Input should", "http", "Value error", "tuple"):
        assert all(word not in str(one) for one in problems_of(text))


def test_the_error_lists_source_count_and_problems():
    text = changed(("version: 3", "version: 4"))
    with pytest.raises(StrategyError) as caught:
        parse_strategy(text, "mine.yaml")
    assert str(caught.value) == (
        "mine.yaml: 1 problem\n  line 2: version: found 4, expected 3"
    )


def test_round_trips_through_json():
    strategy = parse_strategy(BASE)
    again = Strategy.model_validate_json(strategy.model_dump_json())
    assert again == strategy
    assert strategy_digest(again) == strategy_digest(strategy)


def test_a_strategy_that_contradicts_itself_can_not_be_made_otherwise_either():
    document = parse_strategy(BASE).model_dump_json()
    assert document.count('"macd.macdhist"') == 1
    with pytest.raises(ValueError, match="macd has no output 'x'"):
        Strategy.model_validate_json(document.replace("macd.macdhist", "macd.x"))


class TestDigest:
    digest = strategy_digest(parse_strategy(BASE))

    @pytest.mark.parametrize(
        "text",
        [
            "# a comment\n" + BASE,
            changed(("name: base", "name: 'base'")),
            changed(("type: mlp", "type: mlp\n  dropout: 0")),
            changed(("{down, up}", "[down, up]")),
            BASE.replace("\n", "\r\n"),
        ],
    )
    def test_does_not_depend_on_how_it_is_written(self, text):
        assert strategy_digest(parse_strategy(text)) == self.digest

    @pytest.mark.parametrize(
        "text",
        [
            changed(("name: base", "name: other")),
            changed(("timeperiod: 14", "timeperiod: 15")),
            changed(("{down, up}", "{up, down}")),
            changed(("[1h, 4h]", "[4h, 1h]")),
        ],
    )
    def test_depends_on_what_is_said_and_on_the_order_of_features(self, text):
        assert strategy_digest(parse_strategy(text)) != self.digest


class TestLoad:
    def test_reads_a_file(self, tmp_path):
        path = tmp_path / "base.yaml"
        path.write_text(BASE)
        assert load_strategy(path) == parse_strategy(BASE)

    def test_names_the_file_in_problems(self, tmp_path):
        path = tmp_path / "bad.yaml"
        path.write_text("5")
        with pytest.raises(StrategyError, match=r"bad\.yaml: 1 problem"):
            load_strategy(path)

    def test_tells_the_line_of_what_is_not_utf_8(self, tmp_path):
        path = tmp_path / "latin.yaml"
        path.write_bytes("name: a\ndescription: \u00e9".encode("latin-1"))
        with pytest.raises(StrategyError, match="line 2: found the byte 0xe9"):
            load_strategy(path)

    def test_reads_no_more_than_the_limit(self, tmp_path):
        path = tmp_path / "large.yaml"
        path.write_bytes(b"#" * 300_000)
        with pytest.raises(StrategyError, match="more than 262,144 bytes"):
            load_strategy(path)

    def test_missing_file_and_folder_are_told_apart(self, tmp_path):
        with pytest.raises(NotFoundError, match="does not exist"):
            load_strategy(tmp_path / "none.yaml")
        with pytest.raises(NotFoundError, match="is not a file"):
            load_strategy(tmp_path)

    def test_a_name_that_no_file_can_have_is_refused(self, tmp_path):
        with pytest.raises(InputError):
            load_strategy(tmp_path / ("x" * 5000))
