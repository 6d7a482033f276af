import json

import pytest
from typer.testing import CliRunner

from ktrdr.cli import strategies
from ktrdr.settings import settings
from ktrdr.strategy import examples_folder, feature_ids, parse_strategy
from tests.unit.api.pipeline.conftest import API, printed
from tests.unit.features.strategies import two_timeframes_text

NAME = "two_timeframes"
TEXT = two_timeframes_text()
OTHER = TEXT + "# changed\n"


def put(client, text=TEXT, name=NAME, headers=None, **query):
    return client.put(
        f"{API}/strategies/{name}",
        json={"text": text},
        headers=headers or {},
        params=query,
    )


def stored(name=NAME):
    return (settings().strategies / f"{name}.yaml").read_bytes().decode()


def test_list_is_what_the_command_lists(get, client):
    assert put(client).status_code == 200
    rows = printed(strategies.app, "list")
    listed = get("/strategies")
    assert [one["name"] for one in listed] == [one["name"] for one in rows]
    assert [" ".join(one["timeframes"]) for one in listed] == [
        one["timeframes"] for one in rows
    ]
    assert [one["n_features"] for one in listed] == [one["features"] for one in rows]
    assert [one["name"] for one in listed if not one["is_example"]] == [NAME]


def test_example_is_what_the_command_shows(get):
    shown = printed(strategies.app, "show", "momentum")
    found = get("/strategies/momentum")
    for key in ("digest", "features", "strategy"):
        assert found[key] == shown[key]
    assert found["is_example"]
    assert found["text"] == (examples_folder() / "momentum.yaml").read_text("utf-8")


def test_invalid_strategy_is_shown_with_its_problems(get, home):
    settings().strategies.mkdir()
    (settings().strategies / "bad.yaml").write_text("name: bad\n")
    found = get("/strategies/bad")
    assert not found["valid"]
    assert found["strategy"] is None
    assert found["problems"]


def test_valid_text_comes_with_summary_and_features(post):
    verdict = post("/strategies/validate", {"text": TEXT})
    strategy = parse_strategy(TEXT)
    assert (verdict["valid"], verdict["problems"]) == (True, [])
    assert verdict["features"] == feature_ids(strategy)
    assert verdict["summary"][0]["topic"] == "data"
    assert post("/strategies/features", {"text": TEXT}) == {
        "name": NAME,
        "digest": verdict["digest"],
        "features": verdict["features"],
    }


def test_problems_are_those_that_the_command_tells(post, tmp_path, home):
    text = TEXT.replace("rsi", "rsy").replace("version: 3", "version: 2")
    verdict = post("/strategies/validate", {"text": text})
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    done = CliRunner().invoke(strategies.app, ["validate", str(file), "--json"])
    (told,) = json.loads(done.stdout)
    assert verdict["problems"] == told["problems"]
    assert len(told["problems"]) > 1


def test_features_of_an_invalid_strategy_are_refused_with_all_problems(refused):
    problem = refused("POST", "/strategies/features", json={"text": "name: x"})
    assert problem["code"] == "strategy_invalid"
    assert len(problem["problems"]) > 3


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "{" * 1000, "a: &a [*a]", "- " * 20_000, "x" * 262_144]
)
def test_hostile_text_is_a_problem_like_others(client, text):
    answer = client.post(f"{API}/strategies/validate", json={"text": text})
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert not answer.json()["valid"]


def test_text_that_is_too_long_is_refused(client, refused):
    asked = {"text": "x" * 262_145}
    assert refused("POST", "/strategies/validate", json=asked)["status"] == 422


def test_saved_strategy_is_there_verbatim(client, get):
    answer = put(client)
    assert answer.status_code == 200, answer.text
    assert stored() == TEXT
    found = client.get(f"{API}/strategies/{NAME}")
    assert found.json() == answer.json()
    assert found.headers["etag"] == answer.headers["etag"]
    assert [path.name for path in settings().strategies.iterdir()] == [f"{NAME}.yaml"]


def test_what_is_there_stays_unless_told_otherwise(client):
    tag = put(client).headers["etag"]
    for headers in ({}, {"If-None-Match": "*"}, {"If-Match": f'"{"0" * 64}"'}):
        answer = put(client, OTHER, headers=headers)
        assert answer.json()["code"] == "conflict"
        assert stored() == TEXT
    replaced = put(client, OTHER, headers={"If-Match": tag})
    assert replaced.status_code == 200
    assert stored() == OTHER
    # The tag is that of the old text now.
    assert put(client, TEXT, headers={"If-Match": tag}).status_code == 409
    assert put(client, TEXT, overwrite=True).status_code == 200
    assert stored() == TEXT


def delete(client, tag, name=NAME):
    headers = {} if tag is None else {"If-Match": tag}
    return client.delete(f"{API}/strategies/{name}", headers=headers)


def test_example_may_be_shadowed_but_not_deleted(client, get):
    example = client.get(f"{API}/strategies/minimal")
    tag = example.headers["etag"]
    assert delete(client, tag, "minimal").status_code == 409
    assert put(client, example.json()["text"], name="minimal").status_code == 200
    assert not get("/strategies/minimal")["is_example"]
    assert delete(client, tag, "minimal").status_code == 204
    assert get("/strategies/minimal")["is_example"]


def test_only_what_was_read_is_deleted(client):
    tag = put(client).headers["etag"]
    changed = put(client, OTHER, overwrite=True).headers["etag"]
    assert delete(client, None).status_code == 422
    assert delete(client, "*").status_code == 422
    assert delete(client, tag).status_code == 409
    assert stored() == OTHER
    assert delete(client, changed).status_code == 204
    assert delete(client, changed).status_code == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("other_name", 422),
        ("..", 404),
        ("%2e%2e%2fx", 404),
        (".hidden", 422),
        ("x" * 65, 422),
        ("a%00b", 422),
        ("a b", 422),
    ],
)
def test_only_its_own_name_is_a_place(client, home, tmp_path, name, status):
    assert put(client, name=name).status_code == status
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == []


def test_invalid_strategy_is_not_saved(client, home):
    answer = put(client, "name: two_timeframes\n")
    assert answer.json()["code"] == "strategy_invalid"
    assert not settings().strategies.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": "*"},
        {"If-Match": "abc"},
        {"If-None-Match": '"abc"'},
        {"If-None-Match": "*", "If-Match": f'"{"0" * 64}"'},
    ],
)
def test_conditions_that_mean_nothing_here_are_told(client, headers):
    assert put(client, headers=headers).json()["code"] == "input_invalid"


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fetc%2fpasswd", "momentum.yaml"])
def test_other_files_are_not_shown(refused, name):
    assert refused("GET", f"/strategies/{name}")["status"] == 404
