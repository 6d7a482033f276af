from typing import Any

import pytest

from ktrdr.backtesting import run_backtest
from ktrdr.errors import InputError, JobStopped
from ktrdr.progress import NoProgress
from ktrdr.schemas import BacktestRequest, Trial, TrialsRequest
from ktrdr.storage import ArtifactStore
from ktrdr.studies import TrialBench, rows_of_table, run_trials, trial_table
from tests.unit.backtesting.stored_models import filled_store
from tests.unit.studies.studies import LONG, STOPS, TARGET, Stopper

SETTINGS: list[dict[str, Any]] = [
    {},
    {STOPS: 0.004},
    {STOPS: 0.004, TARGET: None},
    {STOPS: None, TARGET: None},
    {"backtest.stops.trailing_stop": 0.006},
    {LONG: 0.36, STOPS: 0.02},
    {LONG: 0.36, "decisions.shorts": False},
    {LONG: 0.36, "decisions.exit_on": "opposite"},
    {"backtest.costs.spread_rate": 0.0, "backtest.lot_step": 10},
    {"backtest.sizing.type": "fraction", "backtest.sizing.fraction": 0.5},
    {LONG: 0.99},
]


@pytest.fixture
def folder(tmp_path):
    filled_store(tmp_path / "store")
    return tmp_path


def bench_of(folder, **changes):
    request = BacktestRequest(model="two_timeframes", **changes)
    return TrialBench(ArtifactStore.in_folder(folder / "store"), request)


def trials(*settings):
    return tuple(Trial(number=n, overrides=one) for n, one in enumerate(settings))


@pytest.mark.parametrize("part", ["validation", "test", "all"])
def test_a_trial_is_a_backtest_with_the_same_overrides(folder, part):
    rows = bench_of(folder, part=part).run(trials(*SETTINGS), NoProgress())
    assert [row.number for row in rows] == list(range(len(SETTINGS)))
    for row, overrides in zip(rows, SETTINGS, strict=True):
        request = BacktestRequest(
            model="two_timeframes",
            store=str(folder / "store"),
            part=part,
            resamples=100,
            overrides=overrides,
        )
        expected = run_backtest(request, NoProgress()).manifest.measures
        assert row.parameters == overrides
        assert row.measures.keys() == expected.keys()
        for name, interval in expected.items():
            found = row.measures[name]
            if interval.value is None:
                assert found is None, name
            else:
                assert found == pytest.approx(interval.value, rel=1e-12, abs=1e-12)


def test_sizes_that_look_back_are_traded_as_in_a_backtest(tmp_path):
    sizing = (
        "backtest:\n",
        "backtest:\n  sizing: {type: volatility_target, target: 0.1}\n",
    )
    filled_store(tmp_path / "store", sizing)
    path = "backtest.sizing.lookback"
    settings: list[dict[str, Any]] = [
        {path: 5},
        {path: 20},
        {path: 20, STOPS: 0.005},
        {path: 150},
    ]
    for row in bench_of(tmp_path).run(trials(*settings), NoProgress()):
        request = BacktestRequest(
            model="two_timeframes",
            store=str(tmp_path / "store"),
            resamples=100,
            overrides=row.parameters,
        )
        measures = run_backtest(request, NoProgress()).manifest.measures
        for name in ("total_return", "sharpe", "n_trades"):
            assert row.measures[name] == pytest.approx(measures[name].value, abs=1e-12)


def test_a_trial_that_fails_is_a_row_that_says_why(folder):
    settings: list[dict[str, Any]] = [{}, {STOPS: 3}, {"indicators.rsi.timeperiod": 9}]
    settings.append({"backtest.costs.slippage_rate": 0.99999, STOPS: 0.01})
    rows = bench_of(folder).run(trials(*settings), NoProgress())
    assert rows[0].error is None
    assert "backtest.stops.stop_loss: found 3, expected" in rows[1].error
    assert "trained" in rows[2].error
    assert "slippage_rate" in rows[3].error
    assert not rows[1].measures


def test_the_same_trades_have_the_same_fingerprint(folder):
    settings = [{}, {"backtest.costs.spread_rate": 0.001}, {"decisions.shorts": False}]
    same, also, other = bench_of(folder).run(trials(*settings), NoProgress())
    assert same.trades == also.trades != other.trades


def test_a_table_gives_the_rows_that_it_was_made_from(folder):
    rows = bench_of(folder).run(trials(*SETTINGS, {STOPS: 3}), NoProgress())
    data = trial_table(rows)
    assert rows_of_table(data) == rows
    assert trial_table(rows) == data


def test_a_job_stores_its_table_and_counts_what_failed(folder):
    request = TrialsRequest(
        model="two_timeframes",
        store=str(folder / "store"),
        trials=trials({}, {STOPS: 7}),
        part="test",
    )
    outcome = run_trials(request, NoProgress())
    assert (outcome.n_trials, outcome.n_failed) == (2, 1)
    assert outcome.period.n_bars == 60


def test_a_job_that_is_asked_to_stop_stops(folder):
    request = TrialsRequest(
        model="two_timeframes", store=str(folder / "store"), trials=trials(*SETTINGS)
    )
    with pytest.raises(JobStopped):
        run_trials(request, Stopper(after=2))


def test_a_job_without_model_is_refused(folder):
    request = TrialsRequest(store=str(folder / "store"), trials=trials({}))
    with pytest.raises(InputError, match="names none"):
        run_trials(request, NoProgress())


def test_bars_are_counted_once_a_trial(folder):
    class Watcher(NoProgress):
        def work(self, unit, n):
            told.append((unit, n))

    told: list[tuple[str, int]] = []
    bench = bench_of(folder)
    bench.run(trials({STOPS: 0.004}, {LONG: 0.36}, {LONG: 0.99}), Watcher())
    assert told == [("bars", len(bench.bars))] * 3
