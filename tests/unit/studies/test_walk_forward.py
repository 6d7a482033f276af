from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ktrdr.backtesting import load_model, return_measures, wealth_of
from ktrdr.data import from_iso
from ktrdr.errors import BacktestError, InputError
from ktrdr.models import load_manifest
from ktrdr.progress import NoProgress
from ktrdr.schemas import ChildOutcome, WalkForwardRequest, WindowSummary
from ktrdr.storage import ArtifactStore, parse_digest
from ktrdr.strategy import SplitSpec
from ktrdr.studies import make_windows, plan_walk_forward, rows_of_table
from ktrdr.studies.curve_table import curve_of_table
from ktrdr.studies.walk_forward_summary import efficiency
from ktrdr.workers.training_trials_job import run_training_trials_job
from tests.builders import random_bars
from tests.unit.studies.studies import run_plan, summarize
from tests.unit.training.strategies import stored, strategy_text

HOUR = np.timedelta64(1, "h")
BARS = random_bars(1_000, seed=3)
SPLIT: dict[str, Any] = {"train": 0.6, "validation": 0.2, "test": 0.2, "embargo": 3}


def windows(n_bars=1_000, **changes):
    options = {"n_windows": 4, "train_fraction": 0.6, "is_anchored": False, "bar": HOUR}
    split = SplitSpec(**SPLIT)
    return make_windows([random_bars(n_bars).time], split, **{**options, **changes})


def text_of(**changes):
    return strategy_text(split=SPLIT, **changes)


def request_for(**changes):
    return WalkForwardRequest(
        **{"strategy": text_of(), "n_windows": 3, "train_fraction": 0.6, **changes}
    )


class TestWindows:
    @pytest.mark.parametrize("is_anchored", [False, True])
    def test_tests_follow_each_other_up_to_the_last_bar(self, is_anchored):
        found = windows(is_anchored=is_anchored)
        lengths = {one.test_end - one.test_start for one in found}
        assert len(lengths) == 1
        for before, after in pairwise(found):
            assert before.test_end == after.test_start
        assert found[-1].test_end == random_bars(1_000).time[-1] + HOUR

    def test_a_rolling_window_keeps_its_length(self):
        found = windows()
        assert len({one.test_end - one.start for one in found}) == 1
        trained = (found[0].test_start - found[0].start) / HOUR
        tested = (found[0].test_end - found[0].test_start) / HOUR
        assert trained / (trained + tested) == pytest.approx(0.6, abs=0.01)

    def test_an_anchored_window_grows_from_the_first_bar(self):
        found = windows(is_anchored=True)
        assert {one.start for one in found} == {random_bars(1_000).time[0]}

    def test_the_embargo_lies_before_the_test(self):
        for one in windows():
            assert one.test_start - one.cut == 3 * HOUR

    def test_validation_has_its_share_of_what_is_learned(self):
        for one in windows(is_anchored=True):
            train = (one.validation_start - one.start) / HOUR
            validation = (one.cut - one.validation_start) / HOUR - 3
            assert validation / (train + validation) == pytest.approx(0.25, abs=0.01)

    def test_too_few_bars_are_refused_with_numbers(self):
        with pytest.raises(InputError, match=r"200 base bars .* 12 windows.*test on"):
            windows(200, n_windows=12)


@pytest.fixture
def folder(tmp_path):
    stored(tmp_path / "store", BARS)
    return tmp_path


def store_of(folder):
    return ArtifactStore.in_folder(folder / "store")


class TestRuns:
    @pytest.fixture
    def plan(self, folder):
        return plan_walk_forward(request_for(), store_of(folder))

    def test_each_training_splits_where_the_window_says(self, folder, plan):
        children = run_plan(plan, folder)
        for run, child in zip(plan.runs, children, strict=True):
            request: Any = run.request
            split = load_manifest(store_of(folder), child.result["model"]).split
            assert from_iso(split.test.start) == from_iso(request.test_start)
            assert from_iso(split.test.end) + HOUR == from_iso(request.test_end)
            # The last bars of validation are embargoed; labels are purged besides.
            assert from_iso(split.validation.end) + 4 * HOUR == from_iso(
                request.test_start
            )
            assert split.validation.n_purged >= 4
            assert child.result["period"]["start"] == split.test.start

    def test_two_symbols_are_cut_at_the_same_moments(self, tmp_path):
        other = random_bars(700, seed=9, symbol="OTHER", start="2020-01-10T00:00")
        store = stored(tmp_path / "store", BARS, other)
        text = text_of(symbols=("TEST", "OTHER"))
        plan = plan_walk_forward(request_for(strategy=text), store)
        children = run_plan(plan, tmp_path)
        for run, child in zip(plan.runs, children, strict=True):
            split = load_manifest(store, child.result["model"]).split
            assert split.test.start == run.request.test_start

    @pytest.mark.parametrize("labels", [None, {"type": "zigzag", "threshold": 0.006}])
    def test_nothing_after_a_window_changes_its_model_or_trades(
        self, tmp_path, folder, labels
    ):
        changes = {"labels": labels} if labels else {}
        asked = request_for(strategy=text_of(**changes))
        plan = plan_walk_forward(asked, store_of(folder))
        for number, run in enumerate(plan.runs[:2]):
            end = from_iso(run.request.test_end or "")
            cut = int(np.searchsorted(BARS.time, end))
            short = tmp_path / f"short{number}"
            stored(short / "store", BARS[:cut])
            found: list[Any] = []
            for where, snapshots in ((folder, run.request.snapshots), (short, {})):
                request = run.request.model_copy(
                    update={
                        "store": str(where / "store"),
                        "checkpoints": str(where / f"checkpoints{number}"),
                        "snapshots": snapshots,
                    }
                )
                result = run_training_trials_job(request, NoProgress())
                store = store_of(where)
                model = load_model(store, str(result["model"]))
                table = store.get(parse_digest(str(result["table"])))
                row: Any = rows_of_table(table)[0]
                found.append(
                    (
                        model.bundle.manifest.weights.digest,
                        model.bundle.manifest.features.fingerprint,
                        row.trades,
                        row.measures,
                        result["equity"],
                    )
                )
            assert found[0] == found[1]
            assert found[0][3]["n_trades"] > 0

    def test_a_model_that_saw_the_test_is_refused(self, folder, plan):
        (child, *_) = run_plan(plan, folder)
        late = plan.runs[0].request.model_copy(
            update={
                "training": plan.runs[1].request.training,
                "store": str(folder / "store"),
                "checkpoints": str(folder / "checkpoints"),
            }
        )
        with pytest.raises(BacktestError, match="would mean nothing"):
            run_training_trials_job(late, NoProgress())
        assert child.state == "completed"

    def test_the_model_keeps_the_text_that_trains_it_again(self, folder, plan):
        (child, *_) = run_plan(plan, folder)
        manifest = load_manifest(store_of(folder), child.result["model"])
        assert 'start: "2020-01-06T00:00:00Z"' in manifest.strategy_yaml


class TestSummary:
    @pytest.fixture
    def studied(self, folder):
        asked = request_for()
        children = run_plan(plan_walk_forward(asked, store_of(folder)), folder)
        return asked, children, summarize(asked, children, folder)[1]

    def test_the_stitched_curve_compounds_the_windows(self, folder, studied):
        _, children, summary = studied
        walk = summary.walk_forward
        gains = [one.measures["total_return"] for one in walk.windows]
        expected = np.prod([1 + gain for gain in gains]) - 1
        assert walk.measures["total_return"].value == pytest.approx(expected)
        time, curve = curve_of_table(store_of(folder).get(walk.equity))
        assert len(time) == walk.period.n_bars == len(set(time.tolist()))
        assert curve["equity"][-1] - 1 == pytest.approx(expected)
        assert walk.n_trades == sum(one.measures["n_trades"] for one in walk.windows)
        assert walk.measures["sharpe"].low < walk.measures["sharpe"].high
        assert walk.n_profitable == sum(gain > 0 for gain in gains)
        assert gains[walk.worst - 1] == min(gains)
        assert len(children) == len(walk.windows) == 3

    def test_buy_and_hold_covers_the_same_bars(self, folder, studied):
        walk = studied[2].walk_forward
        time, curve = curve_of_table(store_of(folder).get(walk.equity))
        rows = np.searchsorted(BARS.time, time)
        # Bought at the second bar's open, without costs.
        expected = BARS.close[rows[-1]] / BARS.open[rows[0] + 1] - 1
        assert walk.buy_and_hold["total_return"] == pytest.approx(expected)
        assert curve["hold"][-1] - 1 == pytest.approx(expected)

    def test_a_failed_window_is_left_out_and_told(self, folder, studied):
        asked, children, _ = studied
        lost = ChildOutcome(title="window 2", state="failed", error="too few samples")
        changed = [children[0], lost, children[2]]
        summary = summarize(asked, changed, folder)[1]
        walk = summary.walk_forward
        assert walk.n_failed == 1
        assert walk.windows[1].error == "too few samples"
        assert "number 2, so: too few samples" in summary.sentences[-1]
        # Holding makes no gain in the time that is left out.
        whole = studied[2].walk_forward
        time, held = curve_of_table(store_of(folder).get(whole.equity))
        _, cut = curve_of_table(store_of(folder).get(walk.equity))
        n_bars = len(time) // 3
        first, second = held["hold"][[n_bars - 1, 2 * n_bars - 1]]
        expected = first * held["hold"][-1] / second
        assert cut["hold"][-1] == pytest.approx(expected)
        assert walk.buy_and_hold["total_return"] == pytest.approx(expected - 1)
        with pytest.raises(BacktestError, match="too few samples"):
            summarize(asked, [lost, lost], folder)


class TestEfficiency:
    def window(self, outside, inside):
        return WindowSummary(
            number=1,
            measures={"annual_return": outside},
            in_sample={"annual_return": inside},
        )

    def test_it_is_the_ratio_of_means(self):
        found = efficiency([self.window(0.1, 0.4), self.window(0.2, 0.2)])
        assert found == pytest.approx(0.5)

    def test_without_gain_in_sample_there_is_none(self):
        assert efficiency([self.window(0.1, -0.4)]) is None
        assert efficiency([self.window(None, 0.1)]) is None


def test_wealth_of_stitched_returns_is_that_of_one_curve():
    returns = np.array([0.1, -0.5, 0.2, 0.0])
    found = return_measures(returns, wealth_of(returns), 1.0)
    assert found["total_return"] == pytest.approx(1.1 * 0.5 * 1.2 - 1)
