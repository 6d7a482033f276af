import subprocess
import sys

import numpy as np
import pytest

from benchmarks.agreement import described, is_same
from benchmarks.ktrdr_contestant import bars_of, prepare
from benchmarks.many_workers import measured
from benchmarks.measure import measure, measure_process
from benchmarks.stages import STAGES, stage_seconds
from benchmarks.work import WORKS, Outcome, given_targets, make_prices
from ktrdr.backtesting import simulate
from ktrdr.strategy import BacktestSpec


def outcome(n_trades=10, equity=100.0, sharpe=1.0, max_drawdown=-0.1) -> Outcome:
    return Outcome(
        n_trades=n_trades, equity=equity, sharpe=sharpe, max_drawdown=max_drawdown
    )


def test_generated_prices_are_valid_bars():
    assert len(bars_of(make_prices(5_000))) == 5_000


def test_given_targets_make_as_many_trades_as_promised():
    bars = bars_of(make_prices(100_000))
    trades = simulate(bars, given_targets(100_000), BacktestSpec()).trades
    assert len(trades) == 2_046
    assert set(np.sign(trades.size)) == {-1.0, 1.0}


@pytest.mark.parametrize("work", ["W1", "W2", "W4"])
def test_every_work_trades(work):
    assert prepare(work, make_prices(5_000))().n_trades > 20


def test_stops_change_the_outcome():
    prices = make_prices(5_000)
    assert prepare("W1", prices)() != prepare("W2", prices)()


@pytest.mark.parametrize("work", [work for work in WORKS if work.name != "W3"])
def test_the_stages_of_a_run_are_timed(work):
    assert set(stage_seconds(work, 5_000, rounds=1)) == set(STAGES)


def test_contestants_are_measured_in_their_own_processes():
    (measured,) = measure("W1", {"ktrdr": 5_000}, rounds=2, warm_ups=1)
    assert measured.name == "ktrdr"
    assert measured.outcome == prepare("W1", make_prices(5_000))()
    assert 0 < measured.seconds < 10
    assert 10e6 < measured.peak_bytes < 1e9


def test_a_whole_process_is_measured():
    assert 0 < measure_process("ktrdr", "W1", 5_000, rounds=1) < 30


def test_a_contestant_that_fails_is_told():
    with pytest.raises(RuntimeError, match="before it answered"):
        measure("W9", {"ktrdr": 5_000}, rounds=1, warm_ups=0)


class TestAgreement:
    def test_rounding_is_no_difference(self):
        assert is_same(outcome(), outcome(equity=100.0 + 1e-6, sharpe=1.0004))

    @pytest.mark.parametrize(
        "other",
        [
            outcome(n_trades=11),
            outcome(equity=101.0),
            outcome(sharpe=1.1),
            outcome(max_drawdown=-0.2),
        ],
    )
    def test_other_results_are_a_difference(self, other):
        assert not is_same(outcome(), other)

    def test_differences_are_put_in_words(self):
        text = described(outcome(), outcome(n_trades=11, equity=90.0))
        assert text == "11 trades, not 10; equity -10.00%"


@pytest.mark.slow
def test_vectorbt_finds_the_same():
    pytest.importorskip("vectorbt")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "W1", "W4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_herd_does_what_as_many_workers_do():
    one = measured(1, n_jobs=20, rest_s=1.0)
    three = measured(3, n_jobs=20, rest_s=1.0)
    assert 3 <= one.connections < three.connections
    assert three.busy_connections >= three.connections
    assert three.rate > 0
    assert 0 < three.median_ms <= three.p99_ms
