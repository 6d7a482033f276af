import json

import numpy as np
import pytest

from ktrdr.backtesting import (
    MEASURES,
    Seen,
    find_result,
    list_results,
    load_model,
    load_result,
    run_backtest,
    simulate_reference,
)
from ktrdr.data import Timeframe, resample
from ktrdr.errors import InputError, NotFoundError, StrategyError
from ktrdr.features import compute_features
from ktrdr.models import decide
from ktrdr.progress import NoProgress
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import parse_strategy
from tests.builders import random_bars
from tests.unit.backtesting.stored_models import filled_store, request_for, save_bars


def run(folder, **changes):
    return run_backtest(request_for(folder, **changes), NoProgress())


@pytest.fixture
def folder(tmp_path):
    filled_store(tmp_path)
    return tmp_path


class TestRun:
    def test_trades_the_test_part_as_the_parts_say_one_by_one(self, folder):
        result = run(folder)
        bars = random_bars(300, seed=0)
        model = load_model(ArtifactStore.in_folder(folder), "two_timeframes")
        matrix = compute_features(
            model.strategy,
            {Timeframe.H1: bars, Timeframe.H4: resample(bars, Timeframe.H4)},
            model.bundle.fitted,
        )
        outputs = model.predictor.predict(matrix.values)[240:]
        targets = decide(model.strategy.decisions, outputs)
        expected = simulate_reference(bars[240:], targets, model.strategy.backtest)
        assert len(expected.trades) > 3
        assert result.equity == pytest.approx(expected.equity)
        assert result.position == pytest.approx(expected.position)
        assert result.trades.profit == pytest.approx(expected.trades.profit)
        assert result.trades.entry_bar.tolist() == expected.trades.entry_bar.tolist()
        assert result.decisions.outputs == pytest.approx(outputs)
        assert result.decisions.target.tolist() == targets.tolist()
        assert result.close == pytest.approx(bars.close[240:])

    def test_features_are_warm_when_the_period_begins(self, folder):
        assert not np.isnan(run(folder).decisions.outputs).any()
        whole = run(folder, part="all")
        assert np.isnan(whole.decisions.outputs[0]).all()

    def test_later_bars_change_nothing(self, tmp_path):
        bars = random_bars(400, seed=0)
        filled_store(tmp_path / "short", bars=bars[:310])
        filled_store(tmp_path / "long", bars=bars)
        period = {"start": "2020-01-14", "end": "2020-01-17"}
        short, long = (
            run(tmp_path / name, **period).manifest for name in ("short", "long")
        )
        assert (short.trades, short.equity, short.decisions) == (
            long.trades,
            long.equity,
            long.decisions,
        )

    def test_same_request_same_tables_and_measures(self, folder):
        first, second = run(folder).manifest, run(folder).manifest
        changing = {"created_at"}
        assert first.model_dump(exclude=changing) == second.model_dump(exclude=changing)

    def test_another_seed_changes_limits_but_no_value(self, folder):
        first, second = run(folder).manifest, run(folder, seed=1).manifest
        assert first.trades == second.trades
        assert first.measures != second.measures
        values = [
            [one.value for one in manifest.measures.values()]
            for manifest in (first, second)
        ]
        assert values[0] == values[1]

    def test_the_manifest_says_what_was_measured(self, folder):
        manifest = run(folder).manifest
        assert manifest.measures.keys() == {known.name for known in MEASURES}
        assert manifest.period.n_bars == 60
        assert manifest.period.start == "2020-01-16T00:00:00Z"
        assert manifest.final_equity / manifest.initial_cash - 1 == pytest.approx(
            manifest.measures["total_return"].value
        )
        sharpe = manifest.measures["sharpe"]
        assert sharpe.low < sharpe.value < sharpe.high
        assert manifest.cost_sensitivity[1].total_return == pytest.approx(
            manifest.measures["total_return"].value
        )
        assert manifest.random_entries.n_runs == 100
        assert manifest.rules
        assert manifest.environment["ktrdr"]
        json.dumps(manifest.model_dump(mode="json"), allow_nan=False)

    def test_the_stored_request_repeats_the_run_without_its_store(self, folder):
        first = run(folder).manifest
        assert first.request.store == ""
        assert set(first.request.snapshots["TEST"]) == {"1h", "4h"}
        newer = random_bars(310, seed=9)
        save_bars(ArtifactStore.in_folder(folder), newer)
        pinned = first.request.model_copy(update={"store": str(folder)})
        again = run_backtest(pinned, NoProgress()).manifest
        assert again.trades == first.trades
        assert again.request == first.request
        assert run(folder).manifest.equity != first.equity


class TestSeen:
    def test_the_test_part_was_not_seen(self, folder):
        result = run(folder)
        assert result.manifest.seen.n_in_sample == 0
        assert result.manifest.seen.test == 60
        assert (result.decisions.seen == Seen.TEST).all()

    def test_all_bars_are_counted_by_part(self, tmp_path):
        filled_store(tmp_path, bars=random_bars(310))
        seen = run(tmp_path, part="all").manifest.seen
        assert (seen.train, seen.validation, seen.test, seen.other) == (180, 60, 60, 10)
        assert seen.n_in_sample == 240

    def test_another_symbol_is_told_apart(self, folder):
        save_bars(
            ArtifactStore.in_folder(folder), random_bars(300, seed=3, symbol="OTHER")
        )
        manifest = run(folder, symbol="OTHER").manifest
        assert manifest.symbol == "OTHER"
        assert not manifest.seen.symbol_was_trained
        assert run(folder).manifest.seen.symbol_was_trained


class TestPeriod:
    def test_start_and_end_replace_the_part_and_end_is_excluded(self, folder):
        manifest = run(
            folder, start="2020-01-15T20:00", end="2020-01-16T04:00+01:00"
        ).manifest
        assert manifest.period.start == "2020-01-15T20:00:00Z"
        assert manifest.period.end == "2020-01-16T02:00:00Z"
        assert manifest.seen.validation == 4
        assert manifest.seen.test == 3

    def test_one_side_may_be_left_open(self, folder):
        assert run(folder, start="2020-01-17").manifest.period.n_bars == 36
        assert run(folder, end="2020-01-07").manifest.period.n_bars == 24

    @pytest.mark.parametrize(
        ("period", "message"),
        [
            ({"start": "2021-01-01"}, r"no bar from 2021-01-01 to the last"),
            ({"start": "2020-01-09", "end": "2020-01-08"}, "no bar from"),
            ({"start": "soon"}, "not a time"),
        ],
    )
    def test_a_period_without_bars_is_refused(self, folder, period, message):
        with pytest.raises(InputError, match=message):
            run(folder, **period)

    def test_a_single_bar_can_be_backtested(self, folder):
        manifest = run(folder, start="2020-01-17", end="2020-01-17T01:00").manifest
        assert manifest.measures["n_trades"].value == 0
        assert manifest.random_entries is None


class TestResultStore:
    def test_what_is_loaded_is_what_was_stored(self, folder):
        result = run(folder)
        store = ArtifactStore.in_folder(folder)
        loaded = load_result(store, find_result(store, "latest"))
        assert loaded.digest == result.digest
        assert loaded.manifest == result.manifest
        assert (loaded.equity == result.equity).all()

    def test_results_are_found_by_prefix_and_listed_oldest_first(self, folder):
        results = [run(folder, seed=seed) for seed in range(3)]
        store = ArtifactStore.in_folder(folder)
        assert [one.digest for one in list_results(store)] == [
            one.digest for one in results
        ]
        assert find_result(store, results[1].digest[:12]) == results[1].digest
        assert find_result(store, "latest") == results[2].digest
        listed = list_results(store)[0]
        assert listed.model == "two_timeframes@1"
        measures = results[0].manifest.measures
        assert listed.total_return == measures["total_return"].value

    def test_an_unknown_result_is_answered_with_what_there_is(self, folder):
        store = ArtifactStore.in_folder(folder)
        with pytest.raises(NotFoundError, match="ktrdr backtest"):
            find_result(store, "latest")
        digest = run(folder).digest
        with pytest.raises(NotFoundError, match=digest[:12]):
            find_result(store, "0" * 12)
        with pytest.raises(NotFoundError, match="first 6 digits"):
            find_result(store, digest[:3])

    def test_an_unknown_model_or_symbol_is_refused_and_leaves_no_result(self, folder):
        with pytest.raises(NotFoundError):
            run(folder, model="nobody")
        with pytest.raises(NotFoundError):
            run(folder, symbol="NOBODY")
        assert list_results(ArtifactStore.in_folder(folder)) == []


class TestOverrides:
    STOP = "backtest.stops.stop_loss"

    def test_replaced_settings_trade_and_are_kept(self, folder):
        plain = run(folder)
        other = run(folder, overrides={self.STOP: 0.002, "decisions.shorts": False})
        assert not (other.trades.size < 0).any()
        assert (plain.trades.size < 0).any()
        assert other.manifest.request.overrides == {
            self.STOP: 0.002,
            "decisions.shorts": False,
        }
        settings = parse_strategy(other.manifest.strategy_yaml)
        assert settings.backtest.stops.stop_loss == 0.002
        # The model's own text is what it was.
        model = load_model(ArtifactStore.in_folder(folder), "two_timeframes")
        assert model.strategy.backtest.stops.stop_loss == 0.01

    def test_the_pinned_request_gives_the_same_again(self, folder):
        first = run(folder, overrides={self.STOP: 0.002}).manifest
        request = first.request.model_copy(update={"store": str(folder)})
        second = run_backtest(request, NoProgress()).manifest
        changing = {"created_at"}
        assert first.model_dump(exclude=changing) == second.model_dump(exclude=changing)

    def test_what_was_trained_and_what_is_invalid_are_refused(self, folder):
        with pytest.raises(InputError, match="indicators"):
            run(folder, overrides={"indicators.rsi.timeperiod": 3})
        with pytest.raises(StrategyError, match=self.STOP):
            run(folder, overrides={self.STOP: 3})

    def test_validation_is_a_part_that_the_model_has_seen(self, folder):
        manifest = run(folder, part="validation").manifest
        assert manifest.seen.validation == manifest.period.n_bars


def test_bars_are_counted_for_who_watches_how_fast_it_goes(folder):
    class Watcher(NoProgress):
        def work(self, unit, n):
            told.append((unit, n))

    told: list[tuple[str, int]] = []
    result = run_backtest(request_for(folder), Watcher())
    assert told == [("bars", result.manifest.period.n_bars)]
