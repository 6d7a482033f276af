"""Starting work: validated, pinned, once however often it is asked for."""

import asyncio
from datetime import UTC, datetime

import pytest

from ktrdr.data import BarStore, Timeframe
from ktrdr.models import find_model
from ktrdr.operations import NewWorker, WorkerRegistry
from ktrdr.schemas import Role
from tests.builders import random_bars
from tests.unit.api.conftest import client_of, token_of
from tests.unit.backtesting.stored_models import save_bars
from tests.unit.features.strategies import two_timeframes_text

pytestmark = pytest.mark.anyio

TRAINING = {"strategy": two_timeframes_text()}
BACKTEST = {"model": "two_timeframes"}
SWEEP = {
    "model": "two_timeframes@1",
    "part": "test",
    "parameters": [{"path": "backtest.stops.stop_loss", "values": [0.01, 0.02, 0.03]}],
}


async def post(client, path, body, key=None):
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(f"/api/v1/{path}", json=body, headers=headers)


async def started(client, path, body):
    response = await post(client, path, body)
    assert response.status_code == 201, response.text
    operation = response.json()
    assert response.headers["location"] == f"/api/v1/operations/{operation['id']}"
    return operation


async def test_a_training_is_pinned_to_the_bars_of_now(client, store):
    digest = BarStore(store).latest("TEST", Timeframe.H1).digest
    operation = await started(client, "trainings", {**TRAINING, "source": "mine.yaml"})
    assert (operation["kind"], operation["queue"]) == ("training", "training-cpu")
    assert operation["title"] == "train two_timeframes"
    request = operation["request"]
    assert request["snapshots"] == {"TEST": {"1h": digest, "4h": digest}}
    assert request["source"] == "mine.yaml"
    # What only a worker knows is left to it.
    assert (request["store"], request["checkpoints"], request["operation"]) == (
        "",
        "",
        None,
    )


@pytest.mark.parametrize(
    ("device", "queue"),
    [
        ("auto", "training-cpu"),
        ("cpu", "training-cpu"),
        ("cuda", "training-gpu"),
        ("mps", "training-mps"),
    ],
)
async def test_a_training_waits_for_workers_with_its_device(
    client, store, device, queue
):
    operation = await started(client, "trainings", {**TRAINING, "device": device})
    assert operation["queue"] == queue


async def test_snapshots_that_are_given_are_used(client, store):
    old = BarStore(store).latest("TEST", Timeframe.H1).digest
    new = save_bars(store, random_bars(320, seed=4)).digest
    given = {"TEST": {"1h": old[:12]}}
    operation = await started(client, "trainings", {**TRAINING, "snapshots": given})
    assert operation["request"]["snapshots"]["TEST"]["1h"] == old
    operation = await started(client, "trainings", TRAINING)
    assert operation["request"]["snapshots"]["TEST"]["1h"] == new


async def test_a_strategy_may_be_named(client, store):
    start = {"strategy_name": "nothing-like-it"}
    response = await post(client, "trainings", start)
    assert response.status_code == 422
    assert response.json()["code"] == "not_found"


async def test_a_backtest_is_pinned_to_its_model(client, store):
    operation = await started(client, "backtests", {**BACKTEST, "seed": 7})
    assert (operation["kind"], operation["queue"]) == ("backtest", "backtest")
    assert operation["title"] == "backtest two_timeframes@1 on TEST"
    request = operation["request"]
    assert request["model"] == find_model(store, "two_timeframes").digest
    assert (request["symbol"], request["seed"]) == ("TEST", 7)
    assert set(request["snapshots"]["TEST"]) == {"1h", "4h"}


WRONG = [
    ("trainings", {"strategy": "name: a"}, "strategy_invalid", "version"),
    ("trainings", {}, "input_invalid", "1 problem"),
    ("trainings", {**TRAINING, "strategy_name": "a"}, "input_invalid", "1 problem"),
    ("trainings", {**TRAINING, "priority": 101}, "input_invalid", "1 problem"),
    ("trainings", {**TRAINING, "threads": 2}, "input_invalid", "1 problem"),
    ("trainings", {**TRAINING, "source": "a\0"}, "input_invalid", "1 problem"),
    (
        "trainings",
        {**TRAINING, "snapshots": {"OTHER": {}}},
        "input_invalid",
        "OTHER",
    ),
    (
        "trainings",
        {**TRAINING, "snapshots": {"TEST": {"1h": "abcdef"}}},
        "not_found",
        "abcdef",
    ),
    (
        "trainings",
        {"strategy": two_timeframes_text(("[TEST]", "[TEST, AAA, BBB]"))},
        "not_found",
        "BBB",
    ),
    ("backtests", {"model": "none"}, "not_found", "two_timeframes@1"),
    ("backtests", {**BACKTEST, "symbol": "AAA"}, "not_found", "AAA"),
    ("backtests", {**BACKTEST, "symbol": "a b"}, "input_invalid", "a b"),
    ("backtests", {**BACKTEST, "start": "soon"}, "input_invalid", "soon"),
    ("backtests", {**BACKTEST, "start": "2031-01-01"}, "input_invalid", "no bar"),
    ("backtests", {**BACKTEST, "end": "2001-01-01"}, "input_invalid", "no bar"),
    (
        "backtests",
        {**BACKTEST, "start": "2020-01-09", "end": "2020-01-08"},
        "input_invalid",
        "before",
    ),
    (
        "backtests",
        {**BACKTEST, "overrides": {"backtest.nope": 1}},
        "strategy_invalid",
        "nope",
    ),
    (
        "backtests",
        {**BACKTEST, "overrides": {"training.seed": 1}},
        "input_invalid",
        "training.seed",
    ),
    ("sweeps", {**SWEEP, "metric": "luck"}, "input_invalid", "luck"),
    ("sweeps", {**SWEEP, "method": "random"}, "input_invalid", "1 problem"),
    ("sweeps", {**SWEEP, "model": "none"}, "not_found", "none"),
    (
        "walk-forwards",
        {"strategy": two_timeframes_text(), "n_windows": 400},
        "input_invalid",
        "",
    ),
]


async def test_what_is_wrong_is_told_before_anything_starts(client, store):
    for path, body, code, words in WRONG:
        response = await post(client, path, body)
        found = (response.status_code, response.json()["code"])
        assert found == (422, code), body
        assert words in response.text, body
    assert not (await client.get("/api/v1/operations")).json()["items"]


async def test_every_symbol_without_bars_is_told(client, store):
    text = two_timeframes_text(("[TEST]", "[AAA, TEST, BBB]"))
    detail = (await post(client, "trainings", {"strategy": text})).json()["detail"]
    assert "AAA" in detail
    assert "BBB" in detail


async def test_all_problems_of_a_strategy_are_told_with_their_lines(client):
    text = two_timeframes_text(("timeperiod: 5", "timeperiod: no"), ("relu", "rely"))
    problems = (await post(client, "trainings", {"strategy": text})).json()["problems"]
    assert len(problems) >= 2
    assert all(problem["line"] for problem in problems)


async def test_a_sweep_has_children_packed_for_the_workers(client, store, database):
    await WorkerRegistry(database).register(
        NewWorker(
            name="w",
            kind="backtest",
            device="cpu",
            queues=("backtest",),
            concurrency=2,
            host="here",
            pid=1,
            port=None,
            build={},
            state="ready",
        )
    )
    operation = await started(client, "sweeps", SWEEP)
    assert operation["kind"] == "sweep"
    assert operation["n_children"] == operation["n_open_children"] >= 1
    study = operation["request"]
    assert study["model"] == find_model(store, "two_timeframes").digest
    path = f"/api/v1/operations/{operation['id']}/children"
    children = (await client.get(path)).json()["items"]
    assert len(children) == operation["n_children"]
    assert {child["kind"] for child in children} == {"trials"}
    assert {child["parent"] for child in children} == {operation["id"]}
    assert {child["queue"] for child in children} == {"backtest"}
    numbers = sorted(
        trial["number"] for child in children for trial in child["request"]["trials"]
    )
    assert numbers == [0, 1, 2]
    listed = (await client.get("/api/v1/operations")).json()["items"]
    assert [one["id"] for one in listed] == [operation["id"]]


async def test_children_that_train_wait_for_the_device(client, store):
    save_bars(store, random_bars(3000, seed=1))
    start = {
        "strategy": two_timeframes_text(),
        "device": "cuda",
        "n_windows": 2,
        "priority": 3,
    }
    operation = await started(client, "walk-forwards", start)
    assert (operation["kind"], operation["queue"]) == ("walk_forward", "backtest")
    path = f"/api/v1/operations/{operation['id']}/children"
    children = (await client.get(path)).json()["items"]
    assert [child["queue"] for child in children] == ["training-gpu"] * 2
    assert [child["priority"] for child in children] == [3, 3]


async def test_a_repeat_gives_the_same_operation(client, store):
    first = await post(client, "backtests", BACKTEST, key="k1")
    again = await post(client, "backtests", BACKTEST, key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = await post(client, "backtests", {**BACKTEST, "seed": 1}, key="k1")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    elsewhere = await post(client, "trainings", TRAINING, key="k1")
    assert elsewhere.status_code == 409
    anew = await post(client, "backtests", BACKTEST, key="k2")
    assert anew.json()["id"] != first.json()["id"]


async def test_a_repeat_is_known_though_it_would_not_be_valid_now(
    client, store, operations
):
    first = await post(client, "backtests", BACKTEST, key="k1")
    save_bars(store, random_bars(300, seed=9))
    again = await post(client, "backtests", BACKTEST, key="k1")
    assert again.json()["request"] == first.json()["request"]


async def test_each_user_has_keys_of_their_own(running, client, store, tokens):
    first = await post(client, "backtests", BACKTEST, key="k1")
    token = await token_of(tokens, Role.OPERATOR, "mara")
    async with client_of(running, token=token) as other:
        second = await post(other, "backtests", BACKTEST, key="k1")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert second.json()["created_by"] == "mara"


async def test_of_many_repeats_at_once_one_starts(client, store):
    answers = await asyncio.gather(
        *(post(client, "backtests", BACKTEST, key="race") for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await client.get("/api/v1/operations")).json()["items"]) == 1


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 201])
async def test_odd_keys_are_refused(client, store, key):
    headers = {"Idempotency-Key": key.encode()}
    response = await client.post("/api/v1/backtests", json=BACKTEST, headers=headers)
    assert response.status_code == 422


async def test_probes_are_made_for_a_queue(client):
    start = {"n": 3, "queue": "training-cpu"}
    items = (await post(client, "probes", start)).json()["items"]
    assert [one["queue"] for one in items] == ["training-cpu"] * 3
    assert len({one["id"] for one in items}) == 3
    assert datetime.fromisoformat(items[0]["created_at"]) <= datetime.now(UTC)


async def test_probes_that_are_asked_for_again_are_the_same(client):
    async def ids(n):
        answer = await client.post(
            "/api/v1/probes", json={"n": n}, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code in (201, 409), answer.text
        return [one["id"] for one in answer.json().get("items", ())]

    first = await ids(3)
    assert len(set(first)) == 3
    assert await ids(3) == first
    assert await ids(2) == []
