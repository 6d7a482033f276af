import json

import pytest
from typer.testing import CliRunner

from ktrdr.cli.indicators import app
from ktrdr.errors import NotFoundError
from ktrdr.indicators import catalogue


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_list_names_every_indicator():
    listed = json.loads(_run("list", "--json"))
    assert [one["name"] for one in listed] == list(catalogue())


def test_list_can_be_narrowed_by_text_and_group():
    listed = json.loads(_run("list", "vwap", "--group", "volume", "--json"))
    assert [one["name"] for one in listed] == ["anchored_vwap", "vwap"]


def test_nothing_found_tells_the_groups():
    with pytest.raises(NotFoundError, match="groups: cycle, math, momentum"):
        _run("list", "rsi", "--group", "none")


def test_show_tells_parameters_outputs_and_warm_up():
    shown = json.loads(_run("show", "macd", "--json"))
    assert shown["outputs"] == ["macd", "macdsignal", "macdhist"]
    assert shown["warm_up"] == 33
    assert shown["settling"] > 33
    assert shown["parameters"][0] == {
        "name": "fastperiod",
        "kind": "int",
        "default": 12,
        "minimum": 2,
        "maximum": 10_000,
    }


@pytest.mark.parametrize("name", ["obv", "zigzag", "cdldoji", "anchored_vwap"])
def test_show_prints_for_people(name):
    text = _run("show", name)
    assert text.startswith(name)
    assert ", ".join(catalogue()[name].outputs) in text


def test_show_of_an_unknown_one_names_the_nearest():
    with pytest.raises(NotFoundError, match="did you mean macd"):
        _run("show", "mcad")
