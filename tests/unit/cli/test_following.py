"""How an operation that is followed is shown, and how its end is told."""

import io

import pytest
from rich.console import Console

from ktrdr.cli.border import Detached
from ktrdr.cli.following import follow_operation, result_of
from ktrdr.client import Client
from ktrdr.errors import JobCancelled, JobFailed, handling_of
from ktrdr.schemas import (
    EventDocument,
    FailureDocument,
    OperationState,
    ProgressDocument,
)
from tests.unit.client.documents import NOON, operation, stream
from tests.unit.client.scripted import Answer, in_turn, scripted

DONE = operation(OperationState.COMPLETED, result={"model": "abc"})


@pytest.fixture
def screen(monkeypatch):
    found = io.StringIO()
    console = Console(file=found, width=80, color_system=None)
    monkeypatch.setattr("ktrdr.cli.following.notes", lambda: console)
    monkeypatch.setattr("ktrdr.cli.output.notes", lambda: console)
    return found


def told(id, type, second=0, **data):
    return EventDocument(
        id=id,
        operation="k7x2m9qd4t",
        attempt=1,
        at=NOON.replace(second=second),
        type=type,
        data=data,
    )


def follow(*found, start=None, as_json=False):
    answer = Answer(200, stream(*found), {"Content-Type": "text/event-stream"})
    with scripted(in_turn(answer)) as server, Client(server.url) as client:
        return follow_operation(client, start or operation(), as_json=as_json)


def test_phases_take_the_time_that_they_took_wherever_they_did(screen):
    progress = ProgressDocument(phase="train mlp", done=4, total=9, at=NOON)
    ended = follow(
        told(1, "state", 0, state="pending"),
        told(2, "state", 2, state="running", worker="w"),
        told(3, "phase", 5, name="train mlp", total=9, unit="epochs"),
        operation(progress=progress),
        told(4, "note", 6, message="no label is [flat]"),
        told(5, "attempt", 7, number=2, reason="worker w was lost"),
        told(6, "state", 9, state="completed", worker="w"),
        DONE,
    )
    assert ended == DONE
    assert screen.getvalue().splitlines() == [
        "Operation k7x2m9qd4t: train momentum",
        "  wait for a worker: 2.0 s",
        "  start: 3.0 s",
        "  no label is [flat]",
        "  attempt 2: worker w was lost",
        "  train mlp: 4.0 s",
    ]


def test_a_study_is_followed_by_its_children(screen):
    def parent(n_open, state=OperationState.RUNNING, **fields):
        counts = {"n_children": 3, "n_open_children": n_open, "started_at": NOON}
        return operation(state, **counts, **fields)

    follow(
        told(1, "state", 0, state="pending"),
        told(2, "state", 0, state="running"),
        parent(3),
        parent(1),
        told(3, "state", 8, state="running", worker="w"),
        parent(0),
        told(4, "phase", 9, name="put trials together", total=None, unit=""),
        told(5, "state", 10, state="completed"),
        parent(0, OperationState.COMPLETED),
        start=parent(3),
    )
    assert screen.getvalue().splitlines()[1:] == [
        "  children: 8.0 s",
        "  start: 1.0 s",
        "  put trials together: 1.0 s",
    ]


def test_with_json_nothing_is_shown(screen):
    follow(told(1, "note", message="x"), DONE, as_json=True)
    assert screen.getvalue() == ""


def test_an_interrupt_says_how_to_return(screen):
    class Interrupted:
        class operations:
            @staticmethod
            def follow(_: str) -> None:
                raise KeyboardInterrupt

    with pytest.raises(Detached) as found:
        follow_operation(Interrupted, operation(), as_json=False)  # type: ignore[arg-type]
    assert "`ktrdr ops follow k7x2m9qd4t`" in str(found.value)
    assert "`ktrdr ops cancel k7x2m9qd4t`" in str(found.value)


def test_a_completed_one_gives_its_result():
    assert result_of(DONE) == {"model": "abc"}


def test_a_cancelled_one_says_how_to_go_on():
    with pytest.raises(JobCancelled, match="ktrdr ops resume k7x2m9qd4t") as found:
        result_of(operation(OperationState.CANCELLED))
    assert handling_of(found.value).exit_code == 130


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (OperationState.FAILED, "the loss exploded"),
        (
            OperationState.DEAD_LETTER,
            "given up after 3 attempts that failed: the loss exploded; `ktrdr ops "
            "retry k7x2m9qd4t` tries it again",
        ),
    ],
)
def test_a_failed_one_has_the_exit_code_of_its_failure(state, said):
    error = FailureDocument(
        code="training_failed", message="the loss exploded", exit_code=9
    )
    with pytest.raises(JobFailed) as found:
        result_of(operation(state, error=error, failures=3))
    assert str(found.value) == said
    assert handling_of(found.value).exit_code == 9
    assert handling_of(found.value).code == "training_failed"
