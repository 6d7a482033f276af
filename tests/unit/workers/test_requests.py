"""What jobs are asked fits what they read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from ktrdr.schemas import (
    BacktestRequest,
    ChildOutcome,
    OperationDocument,
    Part,
    StudySummaryRequest,
    SweepRequest,
    TrainingRequest,
    TrialsRequest,
    WalkForwardRequest,
)
from ktrdr.workers.kinds import KINDS, kind_of
from ktrdr.workers.requests import WorkerValues, fill_request

VALUES = WorkerValues(store="s3://bucket/store", device="cuda", threads=2)
TRIALS: dict[str, object] = {
    "strategy": "name: x",
    "trials": [{"number": 0, "overrides": {}}],
}
SWEEP: dict[str, object] = {
    "model": "abc",
    "parameters": [{"path": "backtest.x", "values": [1]}],
}
CASES: dict[str, tuple[type[Part], dict[str, object]]] = {
    "training": (TrainingRequest, {"strategy": "name: x"}),
    "backtest": (BacktestRequest, {"model": "abc"}),
    "trials": (TrialsRequest, {**TRIALS, "model": "abc"}),
    "training_trials": (TrialsRequest, TRIALS),
    "sweep": (StudySummaryRequest, SWEEP),
    "walk_forward": (StudySummaryRequest, {"strategy": "name: x"}),
}
CHILDREN = [
    ChildOutcome(title="1", state="completed", result={"table": "abc"}),
    ChildOutcome(title="2", state="failed", error="it broke"),
]


def operation(kind: str, request: dict[str, object]) -> OperationDocument:
    return OperationDocument(
        id="op1",
        kind=kind,
        title=kind,
        queue="q",
        priority=0,
        state="running",
        request=request,
        attempt=1,
        failures=0,
        max_failures=5,
        created_by="local",
        created_at=datetime.now(UTC),
    )


def filled(name: str) -> Part:
    form, asked = CASES[name]
    kind = kind_of(name)
    request = fill_request(
        kind,
        operation(name, asked),
        VALUES,
        checkpoints=Path("/scratch/checkpoints"),
        resume=True,
        children=CHILDREN if kind.is_parent else None,
    )
    return form.model_validate_json(TypeAdapter(dict).dump_json(request))


def test_every_kind_with_a_job_is_tried():
    assert CASES.keys() == {name for name, kind in KINDS.items() if kind.module}


@pytest.mark.parametrize("name", CASES)
def test_the_filled_request_is_what_the_job_reads(name):
    request = filled(name).model_dump()
    assert request["store"] == "s3://bucket/store"
    assert request["operation"] == "op1"
    if kind_of(name).can_checkpoint:
        assert request["checkpoints"] == "/scratch/checkpoints"
        assert (request["device"], request["threads"]) == ("cuda", 2)
        assert request["resume"] is True


def test_a_parent_is_given_its_study_and_how_its_children_ended():
    for name, form in (("sweep", SweepRequest), ("walk_forward", WalkForwardRequest)):
        summary = filled(name)
        assert isinstance(summary, StudySummaryRequest)
        assert isinstance(summary.study, form)
        assert summary.children == tuple(CHILDREN)
