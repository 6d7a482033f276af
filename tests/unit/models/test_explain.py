import numpy as np
import pytest

from ktrdr.errors import InputError
from ktrdr.features import (
    FeatureMatrix,
    FitSample,
    compute_features,
    fit_features,
)
from ktrdr.models import (
    decide,
    draw_memberships,
    explain_bars,
    input_groups,
    load_bundle,
    membership_curves,
    predictor_of,
    rules_in_words,
    save_bundle,
)
from ktrdr.models.rules import extract_rules
from ktrdr.models.wording import position, reasons
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import DecisionsSpec
from tests.builders import random_bars
from tests.unit.features.strategies import two_timeframes
from tests.unit.models.bundles import REGRESSION, bars_by_timeframe, model

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu")


@pytest.fixture
def store(tmp_path):
    return ArtifactStore.in_folder(tmp_path)


def bundle_of(store, *changes, seed=0):
    return load_bundle(store, save_bundle(store, *model(*changes, seed=seed)).digest)


def features_of(bundle, seed=3):
    bars = bars_by_timeframe(random_bars(200, seed=seed))
    return compute_features(bundle.strategy, bars, bundle.fitted)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_contributions_of_features_and_inputs_are_complete(store, activation):
    bundle = bundle_of(store, ("activation: relu", f"activation: {activation}"))
    for one in explain_bars(bundle, features_of(bundle), range(60, 80)):
        difference = one.margin - one.reference_margin
        by_feature = sum(each.amount for each in one.features)
        by_input = sum(each.amount for each in one.inputs)
        assert by_feature == pytest.approx(difference, rel=0, abs=1e-9)
        assert by_input == pytest.approx(difference, rel=0, abs=1e-9)


def test_margin_is_that_of_the_two_most_probable_classes(store):
    bundle = bundle_of(store)
    matrix = features_of(bundle)
    probability = predictor_of(bundle).predict(matrix.values)
    for one in explain_bars(bundle, matrix, [50, 60, 70]):
        first, second = sorted(one.outputs, key=lambda name: -one.outputs[name])[:2]
        assert (one.says, one.runner_up) == (first, second)
        ratio = one.outputs[first] / one.outputs[second]
        assert one.margin == pytest.approx(np.log(ratio), abs=1e-9)
        assert list(one.outputs.values()) == pytest.approx(list(probability[one.row]))


def test_explanation_in_words(store):
    bundle = bundle_of(store, seed=1)
    matrix = features_of(bundle)
    one = explain_bars(bundle, matrix, [100])[0]
    says, runner_up = one.says, str(one.runner_up)
    start = (
        f"At the close of bar 2020-01-10 04:00 the model says {says} "
        f"(p = {one.outputs[says]:.2f}; {runner_up} {one.outputs[runner_up]:.2f})."
    )
    assert one.words.startswith(start)
    strongest = one.inputs[0]
    assert f"{strongest.words}, {strongest.amount:+.2f}" in one.words
    assert ("Against it:" in one.words) == any(
        each.amount < -0.02 * sum(abs(other.amount) for other in one.inputs)
        for each in one.inputs
    )
    assert f"The margin of {says} over {runner_up} is {one.margin:+.2f}" in one.words


def test_fuzzy_and_raw_inputs_are_told_differently(store):
    bundle = bundle_of(store)
    one = explain_bars(bundle, features_of(bundle), [100])[0]
    words = {each.name: each.words for each in one.inputs}
    assert words.keys() == {group.key for group in input_groups(bundle.strategy)}
    assert words["1h_momentum"].startswith("1h momentum is ")
    assert "standard deviations" in words["4h_range_raw"]
    assert one.features[0].words.startswith("1h momentum is low to 0.")


def test_predicted_return_is_explained(store):
    bundle = bundle_of(store, *REGRESSION)
    matrix = features_of(bundle)
    for one in explain_bars(bundle, matrix, [50, 60, 70, 80]):
        value = one.outputs["return"]
        assert one.says == ("long" if value > 0 else "short")
        assert one.margin == pytest.approx(abs(value), abs=1e-12)
        assert f"says {one.says}: it predicts a return of {value:+.4%}" in one.words


def test_position_that_differs_from_what_the_model_says_is_explained(store):
    threshold = (
        "{format: classification}",
        "{format: classification, shorts: false, thresholds: {long: 0.99}}",
    )
    bundle = bundle_of(store, threshold)
    words = {}
    for one in explain_bars(bundle, features_of(bundle), range(40, 200)):
        assert one.target == 0
        words[one.says] = one.words
    assert "flat: long does not reach its threshold of 0.99." in words["long"]
    assert "flat: the strategy takes no short positions." in words["short"]


def test_targets_are_those_of_decide(store):
    rule = ("{format: classification}", "{format: classification, exit_on: opposite}")
    bundle = bundle_of(store, rule)
    matrix = features_of(bundle)
    outputs = predictor_of(bundle).predict(matrix.values)
    targets = decide(bundle.strategy.decisions, outputs)
    found = explain_bars(bundle, matrix, range(40, 200))
    assert [one.target for one in found] == targets[40:].tolist()
    kept = [one for one in found if one.says == "flat" and one.target != 0]
    assert kept
    for one in kept:
        assert "a position is kept until the signal turns" in one.words


@pytest.mark.parametrize(
    ("says", "signal", "target", "changes", "why"),
    [
        ("long", 1, 1, {}, ""),
        ("flat", 0, 0, {}, ""),
        ("flat", 0, -1, {"exit_on": "opposite"}, "short: a position is kept until"),
        ("long", 0, -1, {"exit_on": "opposite"}, "short: a position is kept until"),
        ("short", -1, 0, {"shorts": False}, "flat: the strategy takes no short"),
        ("long", 1, 0, {"min_signal_separation": 5}, "fewer than 5 bars ago"),
    ],
)
def test_position_is_explained_by_the_rule_that_made_it(
    says, signal, target, changes, why
):
    spec = DecisionsSpec(**{"format": "classification", **changes})
    sentence = position(spec, says, signal, target)
    assert why in sentence
    assert bool(sentence) == bool(why)


def test_small_margins_are_not_called_caused_by_the_bar():
    amounts = [("a is high", 0.1), ("b is low", -0.02), ("c is low", 0.001)]
    assert reasons(amounts, np.array([0.5, 0.58])) == [
        "For it: a is high, +0.10.",
        "Against it: b is low, -0.02.",
    ]
    assert reasons(amounts, np.array([0.01, 0.09]))[0].startswith("Mostly because a")


def test_bar_with_unknown_features_is_refused(store):
    bundle = bundle_of(store)
    with pytest.raises(InputError, match="features are not known yet, such as"):
        explain_bars(bundle, features_of(bundle), [0])


def test_bar_that_does_not_exist_is_refused(store):
    bundle = bundle_of(store)
    with pytest.raises(InputError, match="no bar 200: there are 200"):
        explain_bars(bundle, features_of(bundle), [200])


def matrix_of(values):
    strategy = two_timeframes()
    names = tuple(
        name
        for group in input_groups(strategy)
        for name in [group.key] * (group.columns.stop - group.columns.start)
    )
    time = np.arange(len(values)) + np.datetime64("2020-01-06", "ms")
    return strategy, FeatureMatrix(names=names, time=time, values=np.array(values))


LOW, HIGH = [0.9, 0.1, 0.0], [0.0, 0.2, 0.8]
PROBABLY_LONG, PROBABLY_FLAT = [0.1, 0.2, 0.7], [0.1, 0.6, 0.3]


def row(first, second=LOW, place=LOW):
    return [*first, *second, *place, 0.5, -0.5]


def test_rules_by_hand():
    strategy, matrix = matrix_of([row(LOW), row(LOW), row(HIGH), row(HIGH), row(LOW)])
    outputs = np.array([PROBABLY_LONG] * 2 + [PROBABLY_FLAT] * 2 + [[np.nan] * 3])
    targets = np.array([1, 0, 0, 0, 0], np.int8)
    assert rules_in_words(strategy, matrix, outputs, targets) == (
        "2 of 2 rules, by the strongest term of 1h momentum, 4h momentum and "
        "4h place, cover 4 of 4 bars (100.0%). The model also weighs 2 other inputs.",
        "When 1h momentum is low, 4h momentum is low and 4h place is cheap: "
        "long in 50%, flat in 50% of 2 bars; mean probability short 0.10, "
        "flat 0.20, long 0.70.",
        "When 1h momentum is high, 4h momentum is low and 4h place is cheap: "
        "flat in 100% of 2 bars; mean probability short 0.10, flat 0.60, long 0.30.",
    )


def test_rules_part_the_bars(store):
    bundle = bundle_of(store)
    matrix = features_of(bundle)
    outputs = predictor_of(bundle).predict(matrix.values)
    targets = decide(bundle.strategy.decisions, outputs)
    found = extract_rules(bundle.strategy, matrix, outputs, targets)
    assert sum(rule.n_bars for rule in found.rules) == found.n_bars
    assert found.n_bars == matrix.is_known.sum()
    for rule in found.rules:
        assert sum(rule.shares.values()) == pytest.approx(1)
    n_long = sum(rule.n_bars * rule.shares["long"] for rule in found.rules)
    assert n_long == pytest.approx((targets == 1).sum())


def test_bars_on_which_no_term_applies_have_a_rule():
    strategy, matrix = matrix_of([row([0.0, 0.0, 0.0])])
    sentences = rules_in_words(
        strategy, matrix, np.array([PROBABLY_LONG]), np.array([1], np.int8)
    )
    assert "1h momentum is none of low, medium, high" in sentences[1]


def test_rules_choose_the_sets_that_tell_most_about_the_decision():
    strategy = two_timeframes(
        (
            "nn_inputs:",
            "  spare: {indicator: rsi, auto: [few, many]}\n"
            "nn_inputs:\n  - {fuzzy_set: spare, timeframes: all}",
        )
    )
    rng = np.random.default_rng(0)
    values = rng.uniform(size=(400, 15))
    # The decision follows the last fuzzy set alone.
    targets = np.where(values[:, 10:13].argmax(axis=1) == 2, 1, 0).astype(np.int8)
    time = np.arange(400) + np.datetime64("2020-01-06", "ms")
    matrix = FeatureMatrix(names=("x",) * 15, time=time, values=values)
    outputs = np.tile(PROBABLY_FLAT, (400, 1))
    found = extract_rules(strategy, matrix, outputs, targets)
    assert len(found.inputs) == 3
    assert "4h_place" in [group.key for group in found.inputs]
    for rule in found.rules:
        is_dear = "4h place is dear" in rule.conditions
        assert rule.shares["long"] == (1.0 if is_dear else 0.0)


def test_no_known_bar_gives_one_sentence():
    strategy, matrix = matrix_of([[np.nan] * 11])
    sentences = rules_in_words(
        strategy, matrix, np.full((1, 3), np.nan), np.zeros(1, np.int8)
    )
    assert sentences == (
        "On no bar were all features known, so the model decided nothing.",
    )


def test_curves_cover_where_the_functions_change(store):
    bundle = bundle_of(store)
    curves = membership_curves(bundle.strategy, bundle.fitted)
    assert [each.title for each in curves] == ["1h momentum", "4h momentum", "4h place"]
    momentum, place = curves[0], curves[2]
    assert (momentum.values[0], momentum.values[-1]) == (26, 74)
    assert momentum.degrees["low"][0] == 1
    assert momentum.degrees["high"][-1] == 1
    total = sum(place.degrees.values())
    np.testing.assert_allclose(total, 1, atol=1e-12)


def test_drawing_of_membership_functions(store):
    bundle = bundle_of(store)
    momentum = membership_curves(bundle.strategy, bundle.fitted)[0]
    drawn = draw_memberships(momentum, width=25, height=1, marked=50.0)
    assert drawn.splitlines() == [
        "1h momentum (rsi)",
        "  low    │███▇▆▆▅▄▃▂▂▁             │",
        "  medium │   ▁▂▂▃▄▅▆▆▇█▇▆▆▅▄▃▂▂▁   │",
        "  high   │             ▁▂▂▃▄▅▆▆▇███│",
        "                      ▲ 50",
        "          26                     74",
    ]


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        ("{type: gaussian, parameters: [50, 10]}", 14, 86),
        ("{type: sigmoid, parameters: [-0.5, 50]}", 38, 62),
        ("{type: generalized_bell, parameters: [10, 2, 50]}", 12.1, 87.9),
        ("{type: trapezoidal, parameters: [20, 30, 60, 70]}", 15, 75),
    ],
)
def test_every_shape_has_a_range(function, low, high):
    strategy = two_timeframes(
        ("{type: linear_z, parameters: [30, 50]}", function),
        ("    medium: {type: triangular, parameters: [30, 50, 70]}\n", ""),
        ("    high: {type: linear_s, parameters: [50, 70]}\n", ""),
    )
    bars = bars_by_timeframe(random_bars(300))
    fitted = fit_features(
        strategy, [FitSample(bars=bars, in_training=np.ones(300, bool))]
    )
    values = membership_curves(strategy, fitted)[0].values
    assert (values[0], values[-1]) == pytest.approx((low, high), abs=0.1)
