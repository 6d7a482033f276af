"""Operations and workers as a terminal of 80 columns shows them."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from ktrdr.cli.operation_view import (
    age,
    duration,
    next_steps,
    operations_table,
    print_operation,
    workers_table,
)
from ktrdr.schemas import (
    AttemptDocument,
    FailureDocument,
    OperationDetail,
    OperationState,
    ProgressDocument,
    WorkerDocument,
)
from tests.unit.client.documents import operation


def ago(**length: float) -> datetime:
    return datetime.now(UTC) - timedelta(**length)


def shown(what) -> list[str]:
    screen = io.StringIO()
    Console(file=screen, width=80, color_system=None).print(what)
    return screen.getvalue().splitlines()


def progress(**fields):
    return ProgressDocument(phase="train mlp", unit="epochs", at=ago(), **fields)


def test_operations_fit_into_80_columns_one_a_row():
    lines = shown(
        operations_table(
            [
                operation(
                    OperationState.DEAD_LETTER,
                    kind="training_trials",
                    title="a long title [bold] " * 9,
                    created_at=ago(minutes=50, seconds=5),
                ),
                operation(progress=progress(done=1, total=3)),
                operation(n_children=12, n_open_children=5),
            ]
        )
    )
    assert len(lines) == 4
    assert "dead letter" in lines[1]
    assert "50 min ago" in lines[1]
    assert "a long title [bold]" in lines[1]
    assert "33%" in lines[2]
    assert "7/12" in lines[3]


def test_workers_fit_into_80_columns():
    worker = WorkerDocument(
        name="backtest-worker-1",
        kind="backtest",
        device="cpu",
        queues=("backtest",),
        concurrency=2,
        host="here",
        pid=1,
        build={},
        state="ready",
        started_at=ago(),
        heartbeat_at=ago(minutes=3, seconds=5),
        running=("k7x2m9qd4t",),
    )
    refused = worker.model_copy(update={"reason": "another release", "running": ()})
    lines = shown(workers_table([worker, refused]))
    assert len(lines) == 3
    assert "1/2 k7x2m9qd4t" in lines[1]
    assert "3 min ago" in lines[1]
    assert "another release" in lines[2]


def test_one_operation_is_shown_with_its_attempts_and_what_to_do():
    failure = FailureDocument(
        code="job_died", message="killed\nby a signal", retry=True
    )
    attempts = [
        AttemptDocument(
            number=1,
            worker="a",
            started_at=ago(hours=2),
            ended_at=ago(hours=1),
            outcome="lost",
            error=failure,
        ),
        AttemptDocument(number=2, worker="b", started_at=ago()),
    ]
    detail = OperationDetail(
        **operation(
            worker="b",
            progress=progress(done=5, rate=2.5),
            failures=1,
            traceparent=f"00-{'4bf92f35' * 4}-00f067aa0ba902b7-01",
        ).model_dump(),
        attempts=tuple(attempts),
    )
    screen = io.StringIO()
    print_operation(Console(file=screen, width=80, color_system=None), detail)
    text = screen.getvalue()
    for expected in (
        "state      running on b",
        "train mlp, 5 epochs (2.5/s)",
        "1 of at most 5",
        f"trace      {'4bf92f35' * 4}\n",
        "lost     killed",
        "ktrdr ops follow k7x2m9qd4t",
        "ktrdr ops cancel k7x2m9qd4t",
    ):
        assert expected in text
    assert "by a signal" not in text


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        (OperationState.PENDING, ["follow", "cancel"]),
        (OperationState.RUNNING, ["follow", "cancel"]),
        (OperationState.CANCELLING, ["follow"]),
        (OperationState.COMPLETED, ["result"]),
        (OperationState.CANCELLED, ["resume"]),
        (OperationState.FAILED, ["retry"]),
        (OperationState.DEAD_LETTER, ["retry"]),
    ],
)
def test_next_steps_are_those_that_the_state_allows(state, commands):
    found = [command.split()[2] for command, _ in next_steps(operation(state))]
    assert found == commands


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86_400 * 400, "400 d"),
    ],
)
def test_durations_have_their_largest_unit(seconds, expected):
    assert duration(seconds) == expected


def test_ages_are_lengths_of_time():
    assert age(ago(minutes=3, seconds=5)) == "3 min ago"
