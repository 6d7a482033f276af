"""What would have come out without any skill: holding, and entering at random."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ktrdr.backtesting.market import Market
from ktrdr.backtesting.orders import find_runs
from ktrdr.backtesting.simulation import Simulation, Trades
from ktrdr.progress import Progress
from ktrdr.schemas import NullComparison
from ktrdr.strategy import BacktestSpec, FractionSizing, StopsSpec
from ktrdr.typing import IntArray, TargetArray

_LIMITS = (0.025, 0.5, 0.975)
# 20 ways, less what rounding may take off.
_LEAST_LOG_PLACEMENTS = math.log(20) - 1e-9


def buy_and_hold(market: Market, spec: BacktestSpec) -> Simulation:
    """Trade one long position, held to the end.

    Bought with all equity at the second bar's open, the first that a decision can
    reach, sold at the last close, with the strategy's costs and lot step and without
    stops.
    """
    held = spec.model_copy(
        update={"sizing": FractionSizing(type="fraction"), "stops": StopsSpec()}
    )
    return market.simulate(np.ones(len(market.bars), np.int8), held)


def random_entries(
    simulation: Simulation,
    market: Market,
    targets: TargetArray,
    spec: BacktestSpec,
    *,
    n_runs: int,
    rng: np.random.Generator,
    progress: Progress,
) -> NullComparison | None:
    """Compare the total return with that of entries at random moments.

    Each run places the strategy's own trades elsewhere in the period and trades
    them through the same simulator. The same: the number of trades; how many are
    long and short, and how they follow each other; the holding times that the
    signals asked for, of longs and shorts apart; one position at a time; stops, costs
    and sizing. Random: which holding time comes when, how much time lies between
    trades, and with which trade the order of sides begins, those before it following
    at the end. A strategy that sells rises and buys falls would otherwise be compared
    with shorts in the long rises and longs in the long falls of the period, which
    lose: even on random prices its p-values would be far too low, and those of a
    strategy that follows moves too high.

    Stops are active in the random runs as they were in the backtest, at the same
    distances, so a random trade may end before its signal does, at another bar than
    the trade it stands for. Holding times *after* stops are therefore alike on
    average only. Placing what the stops had left of each trade instead would
    compare them with trades chosen by their losses. ``min_signal_separation`` is
    not kept, nor does a size of 0 for want of a lot come about at the same trades.

    The comparison asks whether the *moments* of entry and exit were better than
    chance, given sides, holding times and stops. A little of the above remains, as
    the numbers of longs and shorts come of the same prices: where the period is
    shorter than a few dozen times what the decisions look back on, take the p-value
    of a strategy that fades moves for too low by some hundredths. The comparison does
    not correct for strategies that were tried and discarded.

    Parameters
    ----------
    simulation : Simulation
        The backtest: ``targets`` on ``market`` under ``spec``.
    market, targets, spec
        Its bars, positions wanted and rules.
    n_runs : int
        Random runs, at least 1.
    rng : numpy.random.Generator
        Source of the draws.
    progress : Progress
        Told after every run.

    Returns
    -------
    NullComparison or None
        None without trades, or where they fill the period so that there are fewer
        than 20 ways to place them: no p-value could then fall below 0.05.
        ``p_value`` is ``(1 + k) / (1 + n_runs)`` with ``k``
        the runs whose total return is at least the strategy's.

    References
    ----------
    Phipson and Smyth (2010), Permutation P-values Should Never Be Zero, Statistical
    Applications in Genetics and Molecular Biology 9(1), for the p-value.
    """
    schedule = Schedule.of(simulation.trades, targets)
    if schedule.log_placements < _LEAST_LOG_PLACEMENTS:
        return None
    returns = np.empty(n_runs)
    progress.phase("random entries", n_runs, "runs")
    for run in range(n_runs):
        equity = market.simulate(schedule.draw(rng), spec).equity
        returns[run] = equity[-1] / spec.initial_cash - 1
        progress.advance(run + 1)
    reached = simulation.equity[-1] / spec.initial_cash - 1
    low, median, high = np.quantile(returns, _LIMITS)
    return NullComparison(
        n_runs=n_runs,
        median_return=float(median),
        low_return=float(low),
        high_return=float(high),
        p_value=(1 + int((returns >= reached).sum())) / (1 + n_runs),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """What is kept of a strategy's trades when they are placed at random.

    Two neighbours of one side need a free bar between them, or they would be one
    trade. The targets that really were had it, so that their order of sides leaves
    enough free bars for every order of holding times. Begun with another trade, the
    order may need one bar more; where there is none, it is not begun so.

    Attributes
    ----------
    n_bars : int
        Bars of the period.
    sides : ndarray of int8, shape (n_trades,)
        1 long, -1 short, in the order of the trades.
    lengths : ndarray of int64, shape (n_trades,)
        Bars for which the signals asked to hold each.
    """

    n_bars: int
    sides: TargetArray
    lengths: IntArray

    @classmethod
    def of(cls, trades: Trades, targets: TargetArray) -> "Schedule":
        """Return the schedule of the ``trades`` that came of ``targets``."""
        runs = find_runs(targets)
        was_traded = np.isin(runs.entry_bar, trades.entry_bar)
        return cls(
            n_bars=len(targets),
            sides=runs.direction[was_traded].astype(np.int8),
            lengths=(runs.due_bar - runs.entry_bar)[was_traded],
        )

    @property
    def log_placements(self) -> float:
        """Natural logarithm of the number of ways in which they can be placed."""
        n_trades = len(self.lengths)
        ways_of_orders = [
            _log_choices(n_free + n_trades, n_trades)
            for n_free in self._n_free[: _period(self.sides)].tolist()
            if n_free >= 0
        ]
        ways = float(np.logaddexp.reduce(ways_of_orders))
        for side in (-1, 1):
            _, counts = np.unique(self.lengths[self.sides == side], return_counts=True)
            ways += _log_factorial(int(counts.sum()))
            ways -= sum(_log_factorial(count) for count in counts.tolist())
        return ways

    def draw(self, rng: np.random.Generator) -> TargetArray:
        """Return targets that ask for the same trades at random moments.

        Each trade with which the order of sides can begin is equally likely to begin
        it, and then every placement. Shape (n_bars,).
        """
        first = int(rng.choice(np.flatnonzero(self._n_free >= 0)))
        sides = np.roll(self.sides, -first)
        lengths = np.empty_like(self.lengths)
        for side in (-1, 1):
            lengths[sides == side] = rng.permutation(self.lengths[self.sides == side])
        gap_after = np.append(sides[1:] == sides[:-1], False)
        taken = np.cumsum(lengths + gap_after) - lengths - gap_after
        gaps = _random_gaps(len(lengths), int(self._n_free[first]), rng)
        return _targets(self.n_bars, taken + np.cumsum(gaps), lengths, sides)

    @cached_property
    def _n_free(self) -> IntArray:
        # Free bars to place when the order of sides begins with each of the trades;
        # below 0 if it can't. A neighbour of the same side needs one, but for the
        # pair that the beginning parts. A target at bar i is a position from bar
        # i + 1 on, so bar 0 can hold none.
        is_repeated = self.sides == np.roll(self.sides, 1)
        needed = int(is_repeated.sum()) - is_repeated.astype(np.int64)
        free: IntArray = self.n_bars - 1 - int(self.lengths.sum()) - needed
        return free


def _period(sides: TargetArray) -> int:
    # After how many trades the order of sides repeats itself.
    n_trades = len(sides)
    divisors = (n for n in range(1, n_trades) if n_trades % n == 0)
    repeats = (n for n in divisors if (sides == np.roll(sides, n)).all())
    return next(repeats, n_trades)


def _log_choices(n: int, chosen: int) -> float:
    return _log_factorial(n) - _log_factorial(chosen) - _log_factorial(n - chosen)


def _log_factorial(n: int) -> float:
    return math.lgamma(n + 1)


def _random_gaps(n_trades: int, n_free: int, rng: np.random.Generator) -> IntArray:
    # Free bars before each trade: dividers among them, every choice equally likely.
    chosen = rng.choice(n_free + n_trades, n_trades, replace=False, shuffle=False)
    dividers = np.sort(chosen) - np.arange(n_trades)
    gaps: IntArray = np.diff(dividers, prepend=0)
    return gaps


def _targets(
    n_bars: int, starts: IntArray, lengths: IntArray, sides: TargetArray
) -> TargetArray:
    # Steps at each start and end, summed up: trades never overlap.
    steps = np.zeros(n_bars + 1, np.int8)
    np.add.at(steps, starts, sides)
    np.add.at(steps, starts + lengths, -sides)
    targets: TargetArray = np.cumsum(steps[:-1], dtype=np.int8)
    return targets
