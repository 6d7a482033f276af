"""Following an operation, whatever happens to the connection."""

import pytest

from ktrdr.client import Client
from ktrdr.client.event_stream import server_events
from ktrdr.errors import BackendError, NotFoundError
from ktrdr.schemas import EventDocument, OperationState
from tests.unit.client.documents import event, operation, stream
from tests.unit.client.scripted import Answer, in_turn, problem, scripted

ID = "k7x2m9qd4t"
DONE = operation(OperationState.COMPLETED, result={"model": "abc"})
HEADERS = {"Content-Type": "text/event-stream"}


def events(*found, cut=False):
    return Answer(200, stream(*found), HEADERS, cut=cut)


def test_events_come_in_their_order_up_to_the_end():
    script = in_turn(events(event(1), operation(), event(2), DONE, event(3)))
    with scripted(script) as server, Client(server.url) as client:
        found = list(client.operations.follow(ID))
    assert found == [event(1), operation(), event(2), DONE]
    assert server.seen[0].headers["last-event-id"] == "0"


def test_after_a_break_they_go_on_where_they_stopped():
    script = in_turn(
        events(event(1), event(2), cut=True),
        Answer(body=b"", cut=True),
        events(operation()),
        problem(503, "database_failed", "away"),
        Answer(502, b"<html>nobody behind me</html>"),
        events(event(3), DONE),
    )
    with scripted(script) as server, Client(server.url) as client:
        found = list(client.operations.follow(ID))
    assert [one.id for one in found if isinstance(one, EventDocument)] == [1, 2, 3]
    assert found[-1] == DONE
    asked = [one.headers["last-event-id"] for one in server.seen]
    assert asked == ["0", "2", "2", "2", "2", "2"]


def test_they_may_begin_later():
    with scripted(in_turn(events(DONE))) as server, Client(server.url) as client:
        list(client.operations.follow(ID, after=41))
    assert server.seen[0].headers["last-event-id"] == "41"


def test_who_is_away_for_too_long_is_given_up_and_the_message_says_how_to_return():
    with scripted(in_turn(Answer(body=b"", cut=True))) as server:
        with Client(server.url) as client, pytest.raises(BackendError) as found:
            list(client.operations.follow(ID, patience_s=0.5))
    assert f"ktrdr ops follow {ID}" in str(found.value)
    assert len(server.seen) > 1


def test_an_operation_that_is_not_there_is_told_at_once():
    with scripted(in_turn(problem(404, "not_found", "no operation"))) as server:
        with Client(server.url) as client, pytest.raises(NotFoundError):
            list(client.operations.follow(ID))
    assert len(server.seen) == 1


def test_what_a_newer_backend_tells_is_left_out():
    odd = b"event: colour\ndata: blue\n\n" + stream(DONE)
    with scripted(in_turn(Answer(200, odd, HEADERS))) as server:
        with Client(server.url) as client:
            assert list(client.operations.follow(ID)) == [DONE]


class TestServerEvents:
    def test_comments_and_blank_lines_are_no_events(self):
        assert list(server_events([": ping", "", "", "id: 3", ""])) == []

    def test_lines_of_data_are_joined_and_the_id_stays(self):
        lines = ["id: 7", "event: x", "data: a", "data:b", "", "data: c", ""]
        first, second = server_events(lines)
        assert (first.type, first.data, first.id) == ("x", "a\nb", "7")
        assert (second.type, second.data, second.id) == ("message", "c", "7")

    def test_what_is_cut_off_is_left_out(self):
        assert list(server_events(["data: a"])) == []
