"""Requests: repeated where that is safe, errors as the backend tells them."""

import json

import pytest

from ktrdr.client import Client
from ktrdr.errors import (
    BackendError,
    ConflictError,
    DatabaseError,
    DataError,
    IncompatibleError,
    InputError,
    KtrdrError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    StrategyError,
    TooLargeError,
    handling_of,
)
from ktrdr.schemas import TrainingStart
from tests.unit.client.documents import operation
from tests.unit.client.scripted import Answer, in_turn, problem, scripted

LIVE = Answer(body=b'{"status": "ok"}')
GONE = Answer(body=b"", cut=True)
OPERATION = Answer(201, operation().model_dump_json().encode())
START = TrainingStart(strategy="name: x", source="x.yaml")


def test_a_token_is_shown():
    with (
        scripted(in_turn(LIVE)) as server,
        Client(server.url, "ktrdr_secret") as client,
    ):
        client.system.live()
    assert server.seen[0].headers["authorization"] == "Bearer ktrdr_secret"


def test_without_a_token_none_is_shown():
    with scripted(in_turn(LIVE)) as server, Client(f"{server.url}/") as client:
        client.system.live()
    assert "authorization" not in server.seen[0].headers
    assert server.seen[0].path == "/api/v1/health/live"


class TestRepeats:
    def test_a_read_whose_connection_breaks(self):
        with (
            scripted(in_turn(GONE, GONE, LIVE)) as server,
            Client(server.url) as client,
        ):
            assert client.system.live().status == "ok"
        assert len(server.seen) == 3

    def test_a_read_while_the_backend_starts_again(self):
        away = problem(503, "database_failed", "the database is away")
        with scripted(in_turn(away, LIVE)) as server, Client(server.url) as client:
            client.system.live()
        assert len(server.seen) == 2

    def test_a_start_whose_answer_is_lost_with_the_same_key(self):
        with (
            scripted(in_turn(GONE, OPERATION)) as server,
            Client(server.url) as client,
        ):
            assert client.operations.start(START).id == "k7x2m9qd4t"
        first, second = server.seen
        assert first.body == second.body
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]

    def test_no_key_twice_for_two_starts(self):
        with scripted(in_turn(OPERATION)) as server, Client(server.url) as client:
            client.operations.start(START)
            client.operations.start(START)
            client.operations.start(START, key="mine")
        keys = [one.headers["idempotency-key"] for one in server.seen]
        assert len(set(keys)) == 3
        assert keys[-1] == "mine"

    def test_a_cancel(self):
        with (
            scripted(in_turn(GONE, OPERATION)) as server,
            Client(server.url) as client,
        ):
            client.operations.cancel("k7x2m9qd4t")
        assert len(server.seen) == 2

    def test_not_what_would_be_done_twice(self):
        with scripted(in_turn(GONE, OPERATION)) as server, Client(server.url) as client:
            with pytest.raises(BackendError, match="can't be reached"):
                client.operations.resume("k7x2m9qd4t")
        assert len(server.seen) == 1

    def test_not_for_ever(self):
        with (
            scripted(in_turn(LIVE, GONE)) as server,
            Client(server.url, patience_s=0.4) as client,
        ):
            client.system.live()
            with pytest.raises(BackendError):
                client.system.live()
        assert 2 < len(server.seen) < 8

    def test_not_a_refusal(self):
        refused = problem(404, "not_found", "no model")
        with scripted(in_turn(refused)) as server, Client(server.url) as client:
            with pytest.raises(NotFoundError):
                client.models.show("x")
        assert len(server.seen) == 1


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (404, "not_found", NotFoundError),
            (409, "conflict", ConflictError),
            (413, "too_large", TooLargeError),
            (422, "input_invalid", InputError),
            (422, "data_invalid", DataError),
            (503, "database_failed", DatabaseError),
            (409, "incompatible", IncompatibleError),
            (500, "internal", BackendError),
            (418, "of_a_newer_backend", BackendError),
        ],
    )
    def test_have_the_class_and_message_of_the_code(self, status, code, kind):
        refused = problem(status, code, "that is wrong")
        with (
            scripted(in_turn(refused)) as server,
            Client(server.url, patience_s=0.1) as client,
            pytest.raises(kind, match="that is wrong") as found,
        ):
            client.system.workers()
        assert type(found.value) is kind

    def test_of_a_strategy_list_its_problems(self):
        items = [
            {
                "path": "training.epochs",
                "line": 7,
                "message": "too few",
                "hint": "more",
            },
            {"path": "", "line": None, "message": "no name", "hint": None},
        ]
        refused = problem(422, "strategy_invalid", "x: 2 problems", problems=items)
        with scripted(in_turn(refused)) as server, Client(server.url) as client:
            with pytest.raises(StrategyError) as found:
                client.operations.start(START)
        assert [one.path for one in found.value.problems] == ["training.epochs", ""]
        assert "line 7: training.epochs: too few (more)" in str(found.value)

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (401, "not_authenticated", NotAuthenticatedError),
            (403, "not_allowed", NotAllowedError),
        ],
    )
    def test_of_access_say_what_to_do(self, status, code, kind):
        refused = problem(status, code, "nobody is logged in")
        with scripted(in_turn(refused)) as server, Client(server.url) as client:
            with pytest.raises(kind) as found:
                client.system.workers()
        assert "KTRDR_API_TOKEN" in str(found.value)
        assert "ktrdr auth create" in str(found.value)
        assert server.url in str(found.value)

    def test_of_nobody_there_name_the_url_and_what_to_do(self):
        with scripted(in_turn(LIVE)) as server:
            pass
        with Client(server.url) as client, pytest.raises(BackendError) as found:
            client.system.live()
        assert server.url in str(found.value)
        assert "ktrdr up" in str(found.value)
        assert handling_of(found.value).exit_code == 18

    def test_of_somebody_else_say_so(self):
        page = Answer(404, b"<html>not here</html>")
        with scripted(in_turn(page)) as server, Client(server.url) as client:
            with pytest.raises(BackendError, match="the address of a ktrdr backend"):
                client.system.live()

    def test_of_an_answer_that_cannot_be_read_ask_for_the_release(self):
        odd = Answer(body=b'{"items": [1]}')
        with scripted(in_turn(odd)) as server, Client(server.url) as client:
            with pytest.raises(IncompatibleError, match="another release"):
                client.system.workers()

    @pytest.mark.parametrize(
        "url", ["", "host:8000", "ftp://host", "http://", "ht tp:"]
    )
    def test_of_what_is_no_url_come_at_once(self, url):
        with pytest.raises(InputError, match="not"):
            Client(url)


def test_what_only_a_newer_backend_tells_is_left_out():
    document = json.loads(operation().model_dump_json()) | {"colour": "blue"}
    answer = Answer(body=json.dumps(document | {"attempts": []}).encode())
    with scripted(in_turn(answer)) as server, Client(server.url) as client:
        assert client.operations.get("k7x2m9qd4t").title == "train momentum"


def test_not_ready_is_an_answer():
    parts = [{"name": "database", "is_ready": False, "reason": "away"}]
    answer = Answer(503, json.dumps({"status": "not_ready", "parts": parts}).encode())
    with scripted(in_turn(answer)) as server, Client(server.url) as client:
        assert client.system.ready().parts[0].reason == "away"
    assert len(server.seen) == 1


def test_a_file_is_sent_bit_by_bit_as_it_is(tmp_path):
    file = tmp_path / "bars.csv"
    file.write_bytes(b"time,open\n" * 100_000)
    refused = problem(422, "data_invalid", "no prices")
    with scripted(in_turn(refused)) as server, Client(server.url) as client:
        with pytest.raises(DataError):
            client.data.import_file(file)
    assert server.seen[0].body == file.read_bytes()
    assert "name=bars.csv" in server.seen[0].path
    assert server.seen[0].headers["transfer-encoding"] == "chunked"


def test_names_are_quoted():
    with scripted(in_turn(problem(404, "not_found", "no"))) as server:
        with Client(server.url) as client:
            for ask in (
                lambda: client.models.show("../operations"),
                lambda: client.operations.get("a/b"),
                lambda: client.data.bars("BTC/USDT"),
            ):
                with pytest.raises(KtrdrError):
                    ask()
    paths = [one.path.partition("?")[0] for one in server.seen]
    assert paths == [
        "/api/v1/models/..%2Foperations",
        "/api/v1/operations/a%2Fb",
        "/api/v1/data/BTC/USDT/bars",
    ]


def test_pages_are_walked_to_the_last():
    first = {"items": [json.loads(operation().model_dump_json())], "next_cursor": "7"}
    last = {**first, "next_cursor": None}
    answers = (Answer(body=json.dumps(page).encode()) for page in (first, last))
    with scripted(in_turn(*answers)) as server, Client(server.url) as client:
        assert len(list(client.operations.list(kinds=["training", "sweep"]))) == 2
    assert "kind=training&kind=sweep" in server.seen[0].path
    assert "cursor" not in server.seen[0].path
    assert "cursor=7" in server.seen[1].path
