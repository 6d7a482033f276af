import numpy as np
import pytest

from ktrdr.errors import BundleError
from ktrdr.features import (
    FEATURE_CODE_VERSION,
    FitSample,
    FittedFeatures,
    Scaler,
    check_features,
    feature_definitions,
    feature_fingerprint,
    fit_features,
)
from tests.builders import random_bars
from tests.unit.features.strategies import two_timeframes
from tests.unit.features.test_compute import both

FITTED = fit_features(
    two_timeframes(),
    [FitSample(bars=both(random_bars(200)), in_training=np.ones(200, bool))],
)


def check(strategy, fitted=FITTED, **changes):
    stored = {
        "code_version": FEATURE_CODE_VERSION,
        "definitions": feature_definitions(two_timeframes(), FITTED),
        "fingerprint": feature_fingerprint(two_timeframes(), FITTED),
    }
    check_features(strategy, fitted, **{**stored, **changes})


def test_definitions_hold_defaults_and_everything_else_that_matters():
    first = feature_definitions(two_timeframes(), FITTED)[0].model_dump(mode="json")
    assert first == {
        "name": "1h_momentum_low",
        "timeframe": "1h",
        "base_timeframe": "1h",
        "indicator": "rsi",
        "output": "value",
        "parameters": {"timeperiod": 5, "source": "close"},
        "membership": {"type": "linear_z", "parameters": [30.0, 50.0]},
        "scaler": None,
    }


def test_fingerprint_survives_a_round_trip_through_json():
    again = FittedFeatures.model_validate_json(FITTED.model_dump_json())
    assert feature_fingerprint(two_timeframes(), again) == feature_fingerprint(
        two_timeframes(), FITTED
    )


def test_fingerprint_does_not_depend_on_how_a_default_is_written():
    named = two_timeframes(
        ("{type: rsi, timeperiod: 5}", "{type: rsi, source: close, timeperiod: 5}"),
        ("{type: bbands, timeperiod: 6}", "{type: bbands, timeperiod: 6, nbdevup: 2}"),
    )
    check(named)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{type: rsi, timeperiod: 5}", "{type: rsi, timeperiod: 6}"), "'timeperiod'"),
        (
            ("{type: rsi, timeperiod: 5}", "{type: rsi, timeperiod: 5, source: open}"),
            "1h_momentum_low had parameters .*'close'.*, now .*'open'",
        ),
        (("parameters: [30, 50]}", "parameters: [30, 51]}"), "had membership"),
        (("bands.upperband", "bands.lowerband"), "had output upperband, now lowerband"),
        (("    low: {", "    lower: {"), "1h_momentum_lower"),
        (
            (
                "  - {fuzzy_set: momentum, timeframes: all}\n"
                "  - {fuzzy_set: place, timeframes: [4h]}\n",
                "  - {fuzzy_set: place, timeframes: [4h]}\n"
                "  - {fuzzy_set: momentum, timeframes: all}\n",
            ),
            "stored are .*now .*4h_place_cheap",
        ),
    ],
)
def test_other_features_are_refused_with_the_difference(change, message):
    with pytest.raises(BundleError, match=message):
        check(two_timeframes(change))


def test_other_scaler_is_refused():
    scalers = {**FITTED.scalers, "1h_range_raw": Scaler(mean=1.0, std=2.0)}
    fitted = FITTED.model_copy(update={"scalers": scalers})
    with pytest.raises(BundleError, match="1h_range_raw had scaler"):
        check(two_timeframes(), fitted)


def test_other_code_version_is_refused():
    with pytest.raises(BundleError, match="version 0 of ktrdr's feature code"):
        check(two_timeframes(), code_version=0)


def test_definitions_that_do_not_hash_to_the_fingerprint_are_refused():
    with pytest.raises(BundleError, match="does not fit the definitions"):
        check(two_timeframes(), fingerprint="0" * 64)


def test_what_cannot_change_a_feature_does_not_change_the_fingerprint():
    check(two_timeframes(("hidden_layers: [6, 4]", "hidden_layers: [5]")))
