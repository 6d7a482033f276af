"""Parts of a strategy that contradict each other, or have no effect."""

import pytest

from ktrdr.strategy import NnInput, parse_strategy
from ktrdr.strategy.draft import Draft
from ktrdr.strategy.references import contradictions
from tests.unit.strategy.texts import BASE, changed, problems_of

DATA = "  base_timeframe: 1h\n"
LABELS = "labels: {type: forward_return, horizon: 12}"
BARRIERS = "labels: {type: triple_barrier, horizon: 12, take_profit: 1, stop_loss: "


def labels(text: str, *more: str) -> tuple[str, str]:
    return LABELS, "\n  ".join([text, *more])


def decisions(*lines: str) -> tuple[str, str]:
    return "format: classification", "\n  ".join(lines)


def backtest(*lines: str) -> tuple[str, str]:
    return "stops: {stop_loss: 0.01}", "\n  ".join(lines)


HUBER = "loss: {type: huber}"
REGRESSION = decisions("format: regression")
UNUSED_INPUT = ("  - raw_indicator: macd\n", "")

INVALID = {
    "unknown indicator": (
        [("indicator: rsi", "indicator: rsy")],
        "fuzzy_sets.strength.indicator",
        "unknown indicator 'rsy', expected one of rsi, macd (did you mean rsi?)",
    ),
    "unknown output": (
        [("macd.macdhist", "macd.macdhits")],
        "fuzzy_sets.swing.indicator",
        "macd has no output 'macdhits', expected one of macd, macdsignal, macdhist "
        "(did you mean macdhist?)",
    ),
    "empty output": (
        [("macd.macdhist", "macd.")],
        "fuzzy_sets.swing.indicator",
        "macd has no output ''",
    ),
    "unknown raw indicator": (
        [("raw_indicator: macd", "raw_indicator: mcd")],
        "nn_inputs[2].raw_indicator",
        "unknown indicator 'mcd', expected one of rsi, macd (did you mean macd?)",
    ),
    "unknown output of a raw indicator": (
        [("raw_indicator: macd", "raw_indicator: rsi.line")],
        "nn_inputs[2].raw_indicator",
        "rsi has no output 'line', expected one of value",
    ),
    "unknown fuzzy set": (
        [("- fuzzy_set: strength", "- fuzzy_set: Strength_")],
        "nn_inputs[0].fuzzy_set",
        "unknown fuzzy set 'Strength_', expected one of strength, swing (did you mean "
        "strength?)",
    ),
    "timeframe that the data lack": (
        [("timeframes: [1h]}", "timeframes: [1h, 1d]}")],
        "nn_inputs[1].timeframes[1]",
        "found 1d, expected one of training_data.timeframes: 1h, 4h",
    ),
    "timeframe below the base": (
        [("timeframes: [1h]}", "timeframes: [30m]}")],
        "nn_inputs[1].timeframes[0]",
        "found 30m, expected one of training_data.timeframes: 1h, 4h",
    ),
    "timeframe twice in an input": (
        [("timeframes: [1h]}", "timeframes: [1h, 1h]}")],
        "nn_inputs[1].timeframes[1]",
        "found 1h twice",
    ),
    "base timeframe that the data lack": (
        [("base_timeframe: 1h", "base_timeframe: 30m")],
        "training_data.base_timeframe",
        "found 30m, expected one of the timeframes 1h, 4h",
    ),
    "base timeframe that is not the lowest": (
        [("base_timeframe: 1h", "base_timeframe: 4h")],
        "training_data.base_timeframe",
        "found 4h, expected the lowest of the timeframes, 1h",
    ),
    "symbol twice": (
        [("[EURUSD]", "[EURUSD, GBPUSD, eurusd]")],
        "training_data.symbols[2]",
        "found EURUSD twice",
    ),
    "timeframe twice": (
        [("[1h, 4h]", "[1h, 4h, 4h]")],
        "training_data.timeframes[2]",
        "found 4h twice",
    ),
    "not a symbol": (
        [("[EURUSD]", "['EUR USD']")],
        "training_data.symbols[0]",
        "not a symbol: 'EUR USD'",
    ),
    "not a moment": (
        [(DATA, DATA + "  start: 2017-02-30\n")],
        "training_data.start",
        "found '2017-02-30', expected a date or time such as",
    ),
    "end before start": (
        [(DATA, DATA + "  start: 2017-02-01\n  end: 2017-01-01\n")],
        "training_data",
        "start 2017-02-01 is not before end 2017-01-01",
    ),
    "same moment in two offsets": (
        [(DATA, DATA + "  start: 2017-02-01T01:00+01:00\n  end: 2017-02-01\n")],
        "training_data",
        "expected start < end",
    ),
    "same feature twice": (
        [("- raw_indicator: macd", "- {fuzzy_set: swing, timeframes: [4h, 1h]}")],
        "nn_inputs[2]",
        "makes the feature 1h_swing_down, which an input before it makes already",
    ),
    "same feature id from different names": (
        [
            (
                "    indicator: rsi\n",
                "    indicator: rsi\n    of_day_down: "
                "{type: linear_z, parameters: [0, 1]}\n",
            ),
            ("  swing:\n", "  strength_of_day:\n"),
            ("{fuzzy_set: swing, timeframes: [1h]}", "fuzzy_set: strength_of_day"),
        ],
        "nn_inputs[1]",
        "makes the feature 1h_strength_of_day_down",
    ),
    "classes learnt with a regression's loss": (
        [labels(LABELS, HUBER)],
        "training.loss",
        "the loss is huber, and decisions.format classification needs cross_entropy "
        "or focal",
    ),
    "regression with the default loss": (
        [REGRESSION],
        "training",
        "the loss is cross_entropy, and decisions.format regression needs huber or "
        "mse (write loss: {type: huber})",
    ),
    "regression of classes": (
        [REGRESSION, labels("labels: {type: zigzag, threshold: 0.01}", HUBER)],
        "training.labels.type",
        "zigzag labels are classes, and decisions.format regression needs "
        "forward_return",
    ),
    "regression of barriers": (
        [REGRESSION, labels(BARRIERS + "0.5}", HUBER)],
        "training.labels.type",
        "triple_barrier labels are classes",
    ),
    "regression with a threshold": (
        [REGRESSION, (LABELS, LABELS[:-1] + ", threshold: 0.1}\n  " + HUBER)],
        "training.labels.threshold",
        "found 0.1, and regression learns the return itself",
    ),
    "regression with class weights": (
        [REGRESSION, labels(LABELS, HUBER, "class_weights: balanced")],
        "training.class_weights",
        "regression has no classes to weigh",
    ),
    "barrier below any price": (
        [labels(BARRIERS + "1.5}")],
        "training.labels.stop_loss",
        "found 1.5, expected a fraction of the price below 1",
    ),
    "risk without a stop": (
        [backtest("sizing: {type: risk, risk: 0.01}")],
        "backtest.sizing.type",
        "size by risk needs backtest.stops.stop_loss, found none",
    ),
    "fewer units than a lot": (
        [backtest("sizing: {type: units, units: 5}", "lot_step: 10")],
        "backtest.sizing.units",
        "found 5, less than lot_step 10: every size would be rounded down to 0",
    ),
    "momentum without sgd": (
        [labels(LABELS, "optimizer: {type: adam, momentum: 0.9}")],
        "training.optimizer.momentum",
        "has no effect with adam, only with sgd (remove it)",
    ),
    "learning rate that rises": (
        [labels(LABELS, "scheduler: {type: cosine, minimum: 0.01}")],
        "training.scheduler.minimum",
        "found 0.01, expected less than the learning rate, 0.001",
    ),
    "step beyond the last epoch": (
        [labels(LABELS, "epochs: 20", "scheduler: {type: step, every_epochs: 20}")],
        "training.scheduler.every_epochs",
        "has no effect: training ends after 20 epochs",
    ),
    "period of an average that is not used": (
        [labels(BARRIERS + "0.5, atr_period: 14}")],
        "training.labels.atr_period",
        "has no effect with unit fraction, only with atr",
    ),
    "threshold of shorts that are not made": (
        [
            decisions(
                "format: classification", "shorts: false", "thresholds: {short: 0.4}"
            )
        ],
        "decisions.thresholds.short",
        "has no effect: decisions.shorts is false",
    ),
    "unused fuzzy set": (
        [("  - {fuzzy_set: swing, timeframes: [1h]}\n", "")],
        "fuzzy_sets.swing",
        "is unused: no entry of nn_inputs names it",
    ),
    "unused indicator": (
        [("{type: macd}", "{type: macd}\n  adx: {type: adx}")],
        "indicators.adx",
        "is unused: no fuzzy set and no raw_indicator names it",
    ),
    "unused timeframe": (
        [
            ("- fuzzy_set: strength", "- {fuzzy_set: strength, timeframes: [1h]}"),
            ("- raw_indicator: macd", "- {raw_indicator: macd, timeframes: [1h]}"),
        ],
        "training_data.timeframes[1]",
        "4h is unused: no entry of nn_inputs has it",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_contradiction_is_told_alone_with_its_line(case):
    replacements, path, message = INVALID[case]
    text = changed(*replacements)
    (problem,) = problems_of(text)
    assert problem.path == path
    assert message in f"{problem.message} ({problem.hint})"
    key = path.rpartition(".")[2].partition("[")[0]
    assert problem.line is not None
    assert key in text.splitlines()[problem.line - 1] or "[" in path


VALID = {
    "regression": [
        REGRESSION,
        (LABELS, LABELS[:-1] + ", threshold: 0}\n  " + HUBER),
    ],
    "mse": [REGRESSION, labels(LABELS, "loss: {type: mse}")],
    "focal": [labels(LABELS, "loss: {type: focal}")],
    "zigzag": [labels("labels: {type: zigzag, threshold: 0.01}")],
    "barriers": [labels(BARRIERS + "0.5}")],
    "barriers in average true ranges": [
        labels(BARRIERS + "1.5, unit: atr, atr_period: 20}")
    ],
    "sgd": [labels(LABELS, "optimizer: {type: sgd, momentum: 0.9}")],
    "class weights": [labels(LABELS, "class_weights: {short: 1, flat: 0.5, long: 1}")],
    "no early stopping": [labels(LABELS, "early_stopping: null")],
    "split that adds up with rounding": [
        labels(LABELS, "split: {train: 0.7, validation: 0.2, test: 0.1}")
    ],
    "split that leaves bars for later": [
        labels(LABELS, "split: {train: 0.5, validation: 0.2, test: 0.1}")
    ],
    "risk": [
        backtest("sizing: {type: risk, risk: 0.01}", "stops: {stop_loss: 0.01}"),
    ],
    "long only": [
        decisions("format: classification", "shorts: false", "thresholds: {long: 0.4}")
    ],
    "a short signal that ends a long position": [
        decisions(
            "format: classification",
            "shorts: false",
            "exit_on: opposite",
            "thresholds: {long: 0.4, short: 0.6}",
        )
    ],
    "raw output": [("raw_indicator: macd", "raw_indicator: macd.macdsignal")],
    "several symbols": [("[EURUSD]", "[EURUSD, BTC/USDT, ^GSPC, '7203']")],
    "moments": [
        (DATA, DATA + "  start: 2017-01-01T12:00:00Z\n  end: 2017-01-01 14:30\n")
    ],
}


@pytest.mark.parametrize("case", VALID)
def test_what_agrees_is_taken(case):
    parse_strategy(changed(*VALID[case]))


def test_a_broken_part_does_not_hide_what_is_wrong_between_others():
    text = changed(
        (LABELS, "labels: 5"),
        ("indicator: rsi", "indicator: rsy"),
        ("fuzzy_set: swing, timeframes: [1h]", "fuzzy_set: swin"),
        ("{type: macd}", "{type: macdd}"),
    )
    assert [problem.path for problem in problems_of(text)] == [
        "indicators.macd.type",
        "fuzzy_sets.strength.indicator",
        "nn_inputs[1].fuzzy_set",
        "training.labels",
    ]


def test_what_refers_to_a_broken_entry_is_not_blamed():
    text = changed(("type: linear_z", "type: linear_q"), ("{type: macd}", "5"))
    assert [problem.path for problem in problems_of(text)] == [
        "indicators.macd",
        "fuzzy_sets.strength.low.type",
    ]


def test_number_of_features_is_bounded():
    base = parse_strategy(BASE)
    many = {f"s{i}": base.fuzzy_sets["strength"] for i in range(2_600)}
    inputs = tuple(NnInput(fuzzy_set=name) for name in many)
    draft = Draft.of(base.model_copy(update={"fuzzy_sets": many, "nn_inputs": inputs}))
    (finding,) = contradictions(draft)
    assert finding.message == "makes 10,400 features, expected at most 10,000"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-01-31", "2017-01-31T00:00:00.000"),
        ("2017-01-31T15:30", "2017-01-31T15:30:00.000"),
        ("2017-01-31 15:30:10", "2017-01-31T15:30:10.000"),
        ("2017-01-31T15:30:10Z", "2017-01-31T15:30:10.000"),
        ("2017-01-31T15:30:10+01:00", "2017-01-31T14:30:10.000"),
        ("0001-01-01T00:00+14:00", "0000-12-31T10:00:00.000"),
    ],
)
def test_moments_are_utc(text, expected):
    strategy = parse_strategy(changed((DATA, f"{DATA}  start: {text}\n")))
    assert str(strategy.training_data.start_time) == expected
    assert strategy.training_data.end_time is None


@pytest.mark.parametrize(
    "text",
    ["20170131", "2017-1-31", "2017-W05-2", "2017-01-31T25:00", "0000-01-01", "now"],
)
def test_other_forms_of_moments_are_refused(text):
    (problem,) = problems_of(changed((DATA, f"{DATA}  end: '{text}'\n")))
    assert problem.path == "training_data.end"
