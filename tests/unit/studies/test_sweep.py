import dataclasses
from typing import Any

import pytest

from ktrdr.backtesting import list_results, load_result_manifest, run_backtest
from ktrdr.errors import BacktestError, InputError, NotFoundError, StrategyError
from ktrdr.models import list_models, load_manifest
from ktrdr.progress import NoProgress
from ktrdr.schemas import BacktestRequest, ChildOutcome, Parameter, SweepRequest, Trial
from ktrdr.storage import ArtifactStore
from ktrdr.studies import (
    find_study,
    list_studies,
    load_study,
    plan_sweep,
    rows_of_table,
)
from ktrdr.studies.plan import StudyPlan
from ktrdr.studies.points import make_points
from ktrdr.studies.sweep import packed
from tests.builders import random_bars
from tests.unit.backtesting.stored_models import filled_store
from tests.unit.studies.studies import LONG, STOPS, TARGET, run_plan, summarize
from tests.unit.training.strategies import stored, strategy_text


def values(path, *chosen):
    return Parameter(path=path, values=chosen)


def interval(path, low, high, **how):
    return Parameter(path=path, low=low, high=high, **how)


def sweep(*parameters, model="two_timeframes", **changes):
    return SweepRequest(model=model, parameters=parameters, **changes)


@pytest.fixture
def folder(tmp_path):
    filled_store(tmp_path / "store")
    return tmp_path


@pytest.fixture
def store(folder):
    return ArtifactStore.in_folder(folder / "store")


class TestPoints:
    def test_a_grid_is_all_combinations_the_last_one_fastest(self):
        request = sweep(values(STOPS, 0.1, 0.2), values(LONG, 0.4, 0.5, 0.6))
        points = make_points(request)
        assert len(points) == 6
        assert points[:2] == [{STOPS: 0.1, LONG: 0.4}, {STOPS: 0.1, LONG: 0.5}]

    def test_a_grid_that_is_too_large_says_how_large(self):
        many = tuple(range(1, 102))
        request = sweep(*(values(f"a.{name}", *many) for name in "bcd"))
        with pytest.raises(InputError, match=r"101 x 101 x 101 = 1,030,301 points"):
            make_points(request)

    def test_a_grid_needs_values(self):
        with pytest.raises(InputError, match="a grid needs values"):
            make_points(sweep(interval(STOPS, 0.1, 0.2)))

    def test_a_path_twice_is_refused(self):
        with pytest.raises(InputError, match="more than once"):
            make_points(sweep(values(STOPS, 0.1), values(STOPS, 0.2)))

    def test_random_points_are_distinct_in_bounds_and_seeded(self):
        request = sweep(
            interval(STOPS, 0.001, 0.1, is_log=True),
            interval("decisions.min_signal_separation", 0, 9, is_integer=True),
            method="random",
            n_points=300,
            seed=4,
        )
        points: list[Any] = list(make_points(request))
        assert len({repr(point) for point in points}) == 300
        assert all(0.001 <= point[STOPS] <= 0.1 for point in points)
        whole = {point["decisions.min_signal_separation"] for point in points}
        assert whole == set(range(10))
        # Even in the logarithm: half lies below 0.01.
        below = sum(point[STOPS] < 0.01 for point in points)
        assert 120 < below < 180
        assert make_points(request) == points
        other = request.model_copy(update={"seed": 5})
        assert make_points(other) != points

    @pytest.mark.parametrize(
        ("low", "high", "told"),
        [(14.2, 14.8, "no whole number"), (-1e308, 1e308, "too wide")],
    )
    def test_an_interval_that_nothing_can_be_drawn_from_is_refused(
        self, low, high, told
    ):
        wrong = interval(STOPS, low, high, is_integer=True)
        with pytest.raises(InputError, match=told):
            make_points(sweep(wrong, method="random", n_points=3))

    def test_fewer_than_asked_are_all_that_there_are(self):
        request = sweep(values(LONG, 0.1, 0.2, 0.3), method="random", n_points=50)
        assert len(make_points(request)) == 3


class TestPlan:
    def test_thousands_of_trials_are_a_few_jobs(self, store):
        stops = tuple(0.001 + 0.0001 * n for n in range(100))
        request = sweep(
            values(STOPS, *stops), values(LONG, *(0.3 + 0.01 * n for n in range(30)))
        )
        plan = plan_sweep(request, store, n_workers=2)
        assert plan.n_trials == 3_000
        assert [run.kind for run in plan.runs] == ["trials"] * 6
        numbers = [one.number for run in plan.runs for one in run.request.trials]
        assert sorted(numbers) == list(range(3_000))
        # Those that decide alike lie together.
        for run in plan.runs:
            assert len({one.overrides[LONG] for one in run.request.trials}) <= 6

    def test_packs_are_neither_tiny_nor_more_than_needed(self):
        trials = [Trial(number=n, overrides={}) for n in range(1_000)]
        sizes = {n: [len(p) for p in packed(trials[:n], 2)] for n in (1, 99, 100, 1000)}
        assert sizes == {
            1: [1],
            99: [99],
            100: [50, 50],
            1000: [167, 166, 167, 167, 166, 167],
        }

    def test_the_model_and_all_snapshots_are_pinned(self, store):
        plan = plan_sweep(sweep(values(STOPS, 0.1)), store, n_workers=2)
        (run,) = plan.runs
        assert len(run.request.model or "") == 64
        assert set(run.request.snapshots["TEST"]) == {"1h", "4h"}
        assert plan.snapshots == run.request.snapshots
        assert run.request.store == ""

    def test_problems_of_points_are_told_once_with_their_number(self, store):
        request = sweep(values(STOPS, 0.1, 2.0, 3.0), values(LONG, 0.1, 0.2))
        with pytest.raises(StrategyError) as caught:
            plan_sweep(request, store, n_workers=1)
        messages = list(map(str, caught.value.problems))
        assert len(messages) == 2
        assert messages[0].startswith("backtest.stops.stop_loss: found the number 2,")
        assert "[2 points]" in messages[0]

    def test_a_misspelt_path_names_the_nearest(self, store):
        request = sweep(values("backtest.stops.stop_los", 0.1))
        with pytest.raises(StrategyError, match="did you mean stop_loss"):
            plan_sweep(request, store, n_workers=1)

    def test_what_a_model_was_trained_with_can_not_vary(self, store):
        for path in ("indicators.rsi.timeperiod", "decisions.format"):
            with pytest.raises(InputError, match="trained"):
                plan_sweep(sweep(values(path, 3)), store, n_workers=1)

    def test_hundreds_of_wrong_points_are_given_up_soon(self, store):
        wrong = tuple(1.0 + n for n in range(5_000))
        with pytest.raises(StrategyError, match="more problems"):
            plan_sweep(sweep(values(STOPS, *wrong)), store, n_workers=1)

    @pytest.mark.parametrize("metric", ["volatility", "sharp"])
    def test_a_metric_of_which_more_is_not_better_is_refused(self, store, metric):
        request = sweep(values(STOPS, 0.1), metric=metric)
        with pytest.raises(InputError, match=f"{metric}.*expected sharpe"):
            plan_sweep(request, store, n_workers=1)

    def test_an_unknown_model_is_told(self, store):
        with pytest.raises(NotFoundError):
            plan_sweep(sweep(values(STOPS, 0.1), model="none"), store, n_workers=1)


class TestSummary:
    @pytest.fixture
    def request_(self):
        return sweep(
            values(STOPS, 0.003, 0.006, 0.01, None),
            values(TARGET, 0.005, 0.02, None),
            values("backtest.costs.spread_rate", 0.0, 0.0002),
        )

    def test_the_best_on_validation_is_tested_once_on_the_test_part(
        self, folder, store, request_
    ):
        children = run_plan(plan_sweep(request_, store, n_workers=2), folder)
        digest, summary = summarize(request_, children, folder, operation="abc")
        found = summary.sweep
        rows = rows_of_table(store.get(found.table))
        assert [row.number for row in rows] == list(range(24))
        best = max(rows, key=lambda row: row.measures["sharpe"] or 0)
        assert found.best.number == best.number
        assert found.n_trials == 24
        assert 1 < found.luck.n_distinct <= 12
        # The test is a result as any other, by the chosen settings.
        (line,) = list_results(store)
        assert line.digest == found.test
        manifest = load_result_manifest(store, found.test)
        assert manifest.request.overrides == best.parameters
        assert found.test_measures == manifest.measures
        assert "no say in the choice" in " ".join(summary.sentences)
        # Listed, found again, and the same when another attempt comes by.
        assert [one.digest for one in list_studies(store)] == [digest]
        assert find_study(store, "latest") == find_study(store, digest[:8]) == digest
        assert load_study(store, digest) == summary
        again, _ = summarize(request_, children, folder, operation="abc")
        assert again == digest
        assert len(list_results(store)) == len(list_studies(store)) == 1

    def test_chosen_on_the_test_part_it_is_no_test_any_more(self, folder, store):
        request = sweep(values(STOPS, 0.003, 0.01), part="test", metric="total_return")
        children = run_plan(plan_sweep(request, store, n_workers=1), folder)
        _, summary = summarize(request, children, folder)
        assert summary.sweep.test is None
        assert not list_results(store)
        assert "no test of it any more" in " ".join(summary.sentences)

    def test_the_ranked_measures_are_those_of_a_backtest_on_validation(
        self, folder, store, request_
    ):
        children = run_plan(plan_sweep(request_, store, n_workers=1), folder)
        _, summary = summarize(request_, children, folder)
        best = summary.sweep.best
        request = BacktestRequest(
            model=best.model,
            store=str(folder / "store"),
            part="validation",
            resamples=100,
            overrides=best.parameters,
        )
        measures = run_backtest(request, NoProgress()).manifest.measures
        assert best.value == pytest.approx(measures["sharpe"].value, abs=1e-12)

    def test_all_trials_of_failed_jobs_are_counted_and_the_others_ranked(
        self, folder, store
    ):
        request = sweep(
            values(STOPS, *(0.003 + 0.0002 * n for n in range(51))),
            values(LONG, 0.3, 0.4),
        )
        children = run_plan(plan_sweep(request, store, n_workers=1), folder)
        assert len(children) == 2
        lost = ChildOutcome(title="part 2", state="dead_letter", error="no memory")
        _, summary = summarize(request, [children[0], lost], folder)
        assert summary.sweep.n_trials == 102
        assert summary.sweep.n_failed == 51
        assert "51 failed, 51 of them so: no memory" in summary.sentences[-1]
        rows = rows_of_table(store.get(summary.sweep.table))
        assert [row.number for row in rows] == list(range(102))
        failed = [row for row in rows if row.error == "no memory"]
        assert {row.parameters[LONG] for row in failed} == {0.4}
        with pytest.raises(BacktestError, match="no memory"):
            summarize(request, [lost, lost], folder)

    def test_if_all_trials_failed_that_is_said(self, folder, store):
        request = sweep(values(STOPS, 2.0))
        (run,) = plan_sweep(sweep(values(STOPS, 0.1)), store, n_workers=1).runs
        broken = Trial(number=0, overrides={STOPS: 2.0})
        pack = run.request.model_copy(update={"trials": (broken,)})
        plan = StudyPlan(
            title="", runs=(dataclasses.replace(run, request=pack),), n_trials=1
        )
        _, summary = summarize(request, run_plan(plan, folder), folder)
        assert summary.sentences[0] == "All of 1 trials failed."
        assert "1 failed, 1 of them so" in summary.sentences[1]

    @pytest.mark.parametrize("metric", ["sharpe", "max_drawdown", "total_return"])
    def test_trials_that_never_trade_have_no_best(self, folder, store, metric):
        request = sweep(
            values(LONG, 0.98, 0.99), values("decisions.shorts", False), metric=metric
        )
        children = run_plan(plan_sweep(request, store, n_workers=1), folder)
        _, summary = summarize(request, children, folder)
        assert summary.sweep.best is None
        assert "none of them traded" in summary.sentences[0]


class TestTraining:
    PERIOD = "indicators.rsi.timeperiod"

    def test_points_that_train_alike_share_a_model(self, tmp_path):
        store = stored(tmp_path / "store", random_bars(600, seed=3))
        text = strategy_text()
        request = sweep(
            values(self.PERIOD, 5, 9),
            values(STOPS, 0.01, 0.02, None),
            model=None,
            strategy=text,
        )
        plan = plan_sweep(request, store, n_workers=1)
        assert [run.kind for run in plan.runs] == ["training_trials"] * 2
        assert [len(run.request.trials) for run in plan.runs] == [3, 3]
        assert [run.request.training for run in plan.runs] == [
            {self.PERIOD: 5},
            {self.PERIOD: 9},
        ]
        children = run_plan(plan, tmp_path)
        _, summary = summarize(request, children, tmp_path)
        models = list_models(store)
        assert [one.name for one in models] == ["small-sweep"] * 2
        texts = [load_manifest(store, one.digest).strategy_yaml for one in models]
        assert ["timeperiod: 5" in one for one in texts] == [True, False]
        rows = rows_of_table(store.get(summary.sweep.table))
        assert [row.parameters[self.PERIOD] for row in rows] == [5, 5, 5, 9, 9, 9]
        assert summary.sweep.best.model in {one.digest for one in models}

    def test_all_points_of_a_training_that_failed_are_rows(self, tmp_path):
        store = stored(tmp_path / "store", random_bars(600, seed=3))
        request = sweep(
            values(STOPS, 0.01, 0.02, None),
            values(self.PERIOD, 5, 9),
            model=None,
            strategy=strategy_text(),
        )
        first, _ = run_plan(plan_sweep(request, store, n_workers=1), tmp_path)
        lost = ChildOutcome(title="model 2", state="failed", error="too few samples")
        _, summary = summarize(request, [first, lost], tmp_path)
        assert (summary.sweep.n_trials, summary.sweep.n_failed) == (6, 3)
        rows = rows_of_table(store.get(summary.sweep.table))
        failed = [row.parameters for row in rows if row.error is not None]
        assert failed == [{STOPS: stop, self.PERIOD: 9} for stop in (0.01, 0.02, None)]

    @pytest.mark.parametrize(
        ("path", "chosen"),
        [
            ("training_data.start", (None, "2020-01-10")),
            ("training.split.validation", (0.1, 0.2)),
            ("training_data.symbols", (("TEST",), ("TEST", "OTHER"))),
        ],
    )
    def test_points_are_ranked_on_the_same_bars_or_refused(
        self, tmp_path, path, chosen
    ):
        bars = [random_bars(600, seed=3, symbol=name) for name in ("TEST", "OTHER")]
        store = stored(tmp_path / "store", *bars)
        request = sweep(values(path, *chosen), model=None, strategy=strategy_text())
        with pytest.raises(InputError, match="could not be compared"):
            plan_sweep(request, store, n_workers=1)
        # All bars are the same, whatever of them was trained on.
        if path != "training_data.symbols":
            every = request.model_copy(update={"part": "all"})
            assert len(plan_sweep(every, store, n_workers=1).runs) == 2

    def test_a_variant_that_can_not_be_is_told_at_planning(self, tmp_path):
        store = stored(tmp_path / "store", random_bars(600, seed=3))
        request = sweep(
            values("training.epochs", 5, 0),
            values(STOPS, 0.1, 0.2),
            model=None,
            strategy=strategy_text(),
        )
        with pytest.raises(StrategyError, match=r"training.epochs: .*\[2 points\]"):
            plan_sweep(request, store, n_workers=1)
