import numpy as np
import pytest
import talib
from talib import abstract

from ktrdr.data import COLUMNS
from ktrdr.errors import NotFoundError
from ktrdr.indicators import catalogue, find_indicator, talib_facts
from ktrdr.indicators.talib_border import MOVING_AVERAGES, describe
from tests.builders import random_bars
from tests.unit.indicators.uses import NAMES

FROM_TALIB = [name for name in NAMES if catalogue()[name].origin == "ta-lib"]
OURS = [
    "anchored_vwap",
    "bollinger_position",
    "bollinger_width",
    "donchian_position",
    "fisher_transform",
    "ichimoku",
    "keltner",
    "ma_distance",
    "relative_vigor_index",
    "squeeze",
    "volume_ratio",
    "zigzag",
]


def test_every_function_of_talib_is_reachable_by_its_name():
    functions = vars(talib)["__TA_FUNCTION_NAMES__"]
    assert len(functions) >= 201
    assert [name.upper() for name in FROM_TALIB] == sorted(functions)


def test_ours_stand_beside_talibs_without_taking_a_name():
    assert [name for name in NAMES if catalogue()[name].origin == "ktrdr"] == OURS
    assert len(NAMES) == len(FROM_TALIB) + len(OURS)


@pytest.mark.parametrize("name", NAMES)
def test_indicator_states_itself_completely(name):
    indicator = catalogue()[name]
    assert indicator.name == name
    assert indicator.title
    assert indicator.outputs
    assert len(set(indicator.outputs)) == len(indicator.outputs)
    assert set(indicator.inputs) <= set(COLUMNS)
    keys = [parameter.name for parameter in indicator.parameters]
    assert len(set(keys)) == len(keys)
    assert not {"type", "parameters"} & set(keys)
    for parameter in indicator.parameters:
        assert parameter.accepts(parameter.default)


def test_parameters_refuse_what_lies_beyond_their_bounds():
    for parameter in (one for name in NAMES for one in catalogue()[name].parameters):
        if parameter.kind == "choice":
            assert not parameter.accepts("none of these")
            assert not parameter.accepts(0)
            continue
        step = 1 if parameter.kind == "int" else 1e-3
        assert parameter.accepts(parameter.minimum)
        assert parameter.accepts(parameter.maximum)
        assert not parameter.accepts(parameter.minimum - step)
        assert not parameter.accepts(parameter.maximum + step)
        assert not parameter.accepts(True)
        assert not parameter.accepts("7")


def _talib_takes(name: str, **parameters: float) -> bool:
    bars = random_bars(50)
    columns = {column: getattr(bars, column) for column in COLUMNS}
    function = vars(abstract)["Function"](name.upper())
    try:
        function({**columns, "periods": np.full(50, 3.0)}, **parameters)
    except Exception as error:
        if "Bad Parameter" not in str(error):
            raise
        return False
    return True


def test_bounds_of_every_real_parameter_are_written_down():
    for name in FROM_TALIB:
        for parameter in catalogue()[name].parameters:
            if parameter.kind == "float":
                assert parameter.name in talib_facts._REAL_BOUNDS, name


@pytest.mark.parametrize("name", FROM_TALIB)
def test_talib_takes_both_ends_of_our_bounds(name):
    for parameter in catalogue()[name].parameters:
        if parameter.kind == "choice":
            continue
        real = float if parameter.kind == "float" else int
        least, most = real(parameter.minimum), real(parameter.maximum)
        # Its longest period must not fall below its shortest.
        others = {"maxperiod": most} if parameter.name == "minperiod" else {}
        assert _talib_takes(name, **{parameter.name: least})
        assert _talib_takes(name, **{parameter.name: most}, **others)


@pytest.mark.parametrize("name", FROM_TALIB)
def test_talib_refuses_periods_shorter_than_our_shortest(name):
    for parameter in catalogue()[name].parameters:
        if parameter.kind == "int":
            assert not _talib_takes(
                name, **{parameter.name: int(parameter.minimum) - 1}
            )


def test_moving_averages_have_talibs_numbers():
    for kind, number in MOVING_AVERAGES.items():
        assert getattr(vars(talib)["MA_Type"], kind.upper()) == number


def test_defaults_are_those_of_talib():
    for name in FROM_TALIB:
        for key, expected in describe(name.upper()).parameters.items():
            default = catalogue()[name].defaults[key]
            assert MOVING_AVERAGES.get(str(default), default) == expected, name


def test_unknown_indicator_names_the_nearest():
    with pytest.raises(NotFoundError, match="'rsy'; did you mean rsi"):
        find_indicator("rsy")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bollinger", "bbands"),
        ("fisher", "fisher_transform"),
        ("heikin_ashi", "ha"),
        ("stochastic", "stoch"),
        ("donchian_channels", "donchian"),
        ("Parabolic_SAR", "sar"),
        ("RSI", "rsi"),
    ],
)
def test_unknown_indicator_is_also_sought_in_titles(name, meant):
    with pytest.raises(NotFoundError, match=rf"did you mean .*\b{meant}\b"):
        find_indicator(name)


def test_nothing_near_points_to_the_list():
    with pytest.raises(NotFoundError, match="ktrdr indicators list"):
        find_indicator("qqqqqqqq")


def test_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        catalogue()["rsi"] = catalogue()["macd"]  # type: ignore[index]
