"""Studies as job processes do them, from plan to summary."""

import pytest

from ktrdr.data import BarStore, install_sample
from ktrdr.models import list_models, load_manifest
from ktrdr.schemas import (
    ChildOutcome,
    Parameter,
    StudySummary,
    StudySummaryRequest,
    SweepRequest,
    WalkForwardRequest,
)
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import examples_folder, parse_strategy, with_overrides
from ktrdr.studies import list_studies, plan_sweep, plan_walk_forward, rows_of_table
from ktrdr.workers import JobProcess, ResultEvent, kind_of

pytestmark = pytest.mark.slow
# Ten epochs are enough to see that everything works together.
MOMENTUM, _ = with_overrides(
    (examples_folder() / "momentum.yaml").read_text("utf-8"), {"training.epochs": 10}
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = ArtifactStore.in_folder(tmp_path_factory.mktemp("home") / "store")
    install_sample(BarStore(store))
    return store


def result_of(kind, request, store, number=0):
    known = {"store": store.location}
    if hasattr(request, "checkpoints"):
        known["checkpoints"] = f"{store.location}-checkpoints-{number}"
    module = kind_of(kind).module
    assert module is not None
    with JobProcess(module, request.model_copy(update=known)) as job:
        *_, last = job.events()
    assert isinstance(last, ResultEvent)
    return last.result


def run_study(plan, study, kind, store):
    children = tuple(
        ChildOutcome(
            title=run.title,
            state="completed",
            result=result_of(run.kind, run.request, store, number),
        )
        for number, run in enumerate(plan.runs)
    )
    request = StudySummaryRequest(study=study, children=children)
    result = result_of(kind, request, store)
    summary = StudySummary.model_validate(result["summary"], strict=False)
    assert result["digest"] in {line.digest for line in list_studies(store)}
    return summary


def test_a_sweep_of_the_sample_strategy_trains_and_ranks(store):
    study = SweepRequest(
        strategy=MOMENTUM,
        parameters=(
            Parameter(path="indicators.rsi.timeperiod", values=(7, 14)),
            Parameter(path="backtest.stops.stop_loss", values=(0.002, 0.004, 0.008)),
            Parameter(path="decisions.thresholds.long", values=(0.5, 0.6)),
        ),
    )
    summary = run_study(plan_sweep(study, store, n_workers=2), study, "sweep", store)
    sweep = summary.sweep
    assert (sweep.n_trials, sweep.n_failed) == (12, 0)
    assert sweep.best is not None
    assert sweep.test is not None
    assert {one.path for one in sweep.parameters} == {
        one.path for one in study.parameters
    }
    assert len(rows_of_table(store.get(sweep.table))) == 12
    texts = [
        load_manifest(store, one.digest).strategy_yaml for one in list_models(store)
    ]
    periods = {
        parse_strategy(text).indicators["rsi"].parameters["timeperiod"]
        for text in texts
    }
    assert periods == {7, 14}


@pytest.mark.parametrize("is_anchored", [False, True])
def test_a_walk_forward_of_the_sample_strategy(store, is_anchored):
    study = WalkForwardRequest(strategy=MOMENTUM, n_windows=2, is_anchored=is_anchored)
    plan = plan_walk_forward(study, store)
    walk = run_study(plan, study, "walk_forward", store).walk_forward
    assert walk.n_failed == 0
    assert [one.number for one in walk.windows] == [1, 2]
    assert walk.n_trades > 0
    assert walk.measures["sharpe"].value is not None
    first = {one.train_start for one in walk.windows}
    assert len(first) == (1 if is_anchored else 2)
