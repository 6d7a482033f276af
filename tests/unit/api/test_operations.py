"""Looking at operations, following them, stopping them."""

import asyncio
import json
from typing import Any

import pytest

from ktrdr.api.services import operation_service
from ktrdr.operations import AttemptToken, Created, NewOperation
from ktrdr.schemas import FailureDocument, OperationDocument, Role
from tests.unit.api.conftest import client_of, token_of

pytestmark = pytest.mark.anyio

API = "/api/v1/operations"


async def make(operations, **changes) -> OperationDocument:
    new = NewOperation(
        **{
            "kind": "probe",
            "title": "probe",
            "queue": "backtest",
            "request": {},
            **changes,
        }
    )
    created: Created = await operations.create(new)
    return created.operation


async def claimed(operations, **changes) -> AttemptToken:
    operation = await make(operations, **changes)
    token = AttemptToken(operation=operation.id, attempt=1)
    await operations.claim(token, "a worker")
    return token


async def code_of(response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def ids(client, **parameters) -> list[str]:
    response = await client.get(API, params=parameters)
    assert response.status_code == 200, response.text
    return [one["id"] for one in response.json()["items"]]


async def test_lists_are_filtered(client, operations):
    probe = await make(operations)
    mine = await make(operations, kind="backtest", created_by="mara")
    parent = (
        await operations.create(
            NewOperation(kind="sweep", title="s", queue="backtest", request={}),
            [NewOperation(kind="trials", title="t", queue="backtest", request={})],
        )
    ).operation
    await operations.cancel(probe.id)
    assert await ids(client) == [parent.id, mine.id, probe.id]
    assert await ids(client, kind="backtest") == [mine.id]
    assert await ids(client, kind=["backtest", "probe"]) == [mine.id, probe.id]
    assert await ids(client, state="cancelled") == [probe.id]
    assert await ids(client, state=["cancelled", "running"]) == [probe.id]
    assert await ids(client, created_by="mara") == [mine.id]
    (child,) = await ids(client, parent=parent.id)
    assert child in await ids(client, with_children=True)
    assert await ids(client, kind="trials") == []


async def test_pages_hang_together_though_new_ones_come(client, operations):
    made = [(await make(operations)).id for _ in range(5)]
    found, cursor = [], None
    for _ in range(3):
        parameters = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = (await client.get(API, params=parameters)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        await make(operations)
    assert found == made[::-1]
    assert cursor is None


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0},
        {"limit": 501},
        {"cursor": "-1"},
        {"cursor": "9" * 19},
        {"cursor": "x"},
        {"state": "lost"},
        {"kind": "a b"},
        {"parent": "short"},
        {"created_by": "\0"},
    ],
)
async def test_odd_filters_are_refused(client, parameters):
    response = await client.get(API, params=parameters)
    assert await code_of(response) == (422, "input_invalid")


async def test_the_beginning_of_an_id_is_enough(client, operations):
    operation = await make(operations)
    response = await client.get(f"{API}/{operation.id[:6]}")
    assert response.json()["id"] == operation.id
    assert response.json()["attempts"] == []
    assert await code_of(await client.get(f"{API}/zzz")) == (404, "not_found")
    assert (await client.get(f"{API}/{'z' * 11}")).status_code == 422
    while True:
        # Sooner or later, two begin with the same letter.
        other = await make(operations)
        if other.id[0] == operation.id[0]:
            break
    assert await code_of(await client.get(f"{API}/{other.id[0]}")) == (409, "conflict")


async def test_the_result_is_there_when_it_is_completed(client, operations):
    token = await claimed(operations)
    path = f"{API}/{token.operation}/result"
    assert await code_of(await client.get(path)) == (409, "conflict")
    await operations.complete(token, {"n": 1, "digest": "abc"})
    response = await client.get(path)
    assert (response.status_code, response.json()) == (200, {"n": 1, "digest": "abc"})


async def test_without_a_result_the_failure_is_told(client, operations):
    token = await claimed(operations)
    failure = FailureDocument(
        code="bundle_invalid", message="the weights are damaged", http_status=422
    )
    await operations.fail(token, failure)
    response = await client.get(f"{API}/{token.operation}/result")
    assert await code_of(response) == (409, "bundle_invalid")
    assert response.json()["detail"] == "the weights are damaged"
    cancelled = await make(operations)
    await operations.cancel(cancelled.id)
    response = await client.get(f"{API}/{cancelled.id}/result")
    assert await code_of(response) == (409, "cancelled")


async def test_cancel_resume_and_retry(client, operations):
    operation = await make(operations)

    async def ask(what):
        return await client.post(f"{API}/{operation.id[:8]}/{what}")

    assert await code_of(await ask("resume")) == (409, "conflict")
    assert await code_of(await ask("retry")) == (409, "conflict")
    for _ in range(2):
        assert (await ask("cancel")).json()["state"] == "cancelled"
    resumed = (await ask("resume")).json()
    assert (resumed["state"], resumed["attempt"]) == ("pending", 2)
    token = AttemptToken(operation=operation.id, attempt=2)
    await operations.claim(token, "a worker")
    await operations.fail(token, FailureDocument(code="input_invalid", message="no"))
    assert (await ask("retry")).json()["state"] == "pending"
    response = await client.post(f"{API}/zzz/cancel")
    assert await code_of(response) == (404, "not_found")


async def test_events_are_listed_from_where_one_was(client, operations):
    token = await claimed(operations)
    await operations.record(token, "note", {"message": "hello"})
    path = f"{API}/{token.operation}/events"
    events = (await client.get(path, params={"follow": False})).json()
    assert [one["type"] for one in events][-1] == "note"
    assert events[-1]["data"] == {"message": "hello"}
    after = {"follow": False, "after": events[0]["id"]}
    assert (await client.get(path, params=after)).json() == events[1:]
    for odd in ({"after": -1}, {"after": 2**63}):
        assert (await client.get(path, params=odd)).status_code == 422
    response = await client.get(path, headers={"Last-Event-ID": "x"})
    assert response.status_code == 422
    assert (await client.get(f"{API}/zzz/events")).status_code == 404


def events_in(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if line[:1] != ":"
        )
        if fields:
            data = json.loads(fields["data"])
            found.append((fields["event"], fields.get("id", ""), data))
    return found


async def test_a_stream_tells_all_to_the_end_and_goes_on(client, operations):
    token = await claimed(operations)
    path = f"{API}/{token.operation}/events"

    async def work():
        await asyncio.sleep(0.2)
        await operations.record(token, "note", {"message": "half"})
        await operations.complete(token, {})

    response, _ = await asyncio.gather(client.get(path), work())
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_in(response.text)
    numbers = [int(id) for kind, id, _ in events if kind == "event"]
    assert numbers == sorted(set(numbers))
    states = [data["state"] for kind, _, data in events if kind == "operation"]
    assert (states[0], states[-1]) == ("running", "completed")
    assert events[-1][0] == "operation"
    again = await client.get(path, headers={"Last-Event-ID": str(numbers[-2])})
    assert [id for kind, id, _ in events_in(again.text) if kind == "event"] == [
        str(numbers[-1])
    ]


async def test_a_silent_stream_says_that_it_is_there(client, operations, monkeypatch):
    monkeypatch.setattr(operation_service, "PING_S", 0.05)
    token = await claimed(operations)

    async def work():
        await asyncio.sleep(0.5)
        await operations.complete(token, {})

    path = f"{API}/{token.operation}/events"
    response, _ = await asyncio.gather(client.get(path), work())
    assert response.text.count(": ping\n\n") >= 3


async def test_a_stream_ends_when_the_backend_stops(running, client, operations):
    operation = await make(operations)

    async def stop():
        await asyncio.sleep(0.2)
        running.state.backend.stopping.set()

    path = f"{API}/{operation.id}/events"
    async with asyncio.timeout(5):
        response, _ = await asyncio.gather(client.get(path), stop())
    kind, _, data = events_in(response.text)[-1]
    assert (kind, data["state"]) == ("operation", "pending")


async def test_a_stream_ends_when_its_token_is_revoked(
    running, operations, tokens, monkeypatch
):
    monkeypatch.setattr(operation_service, "PING_S", 0.05)
    operation = await make(operations)
    token = await token_of(tokens, Role.VIEWER, name="eve")

    async def revoke():
        await asyncio.sleep(0.3)
        await tokens.revoke("eve")

    async with asyncio.timeout(5), client_of(running, token=token) as client:
        path = f"{API}/{operation.id}/events"
        response, _ = await asyncio.gather(client.get(path), revoke())
    # It outlived some checks that found the token valid.
    assert response.text.count(": ping\n\n") >= 2


async def test_following_is_timed_until_it_begins(client, operations):
    token = await claimed(operations)

    async def work():
        await asyncio.sleep(1)
        await operations.complete(token, {})

    path = f"{API}/{token.operation}/events"
    await asyncio.gather(client.get(path), work())
    metrics = (await client.get("/metrics")).text
    name = "ktrdr_http_request_duration_seconds_sum"
    (line,) = (
        one for one in metrics.splitlines() if one.startswith(name) and "/events" in one
    )
    assert 0 < float(line.split()[-1]) < 0.8
