"""Whether two contestants found the same."""

from benchmarks.work import Outcome

_EQUITY_TOLERANCE = 1e-6
# Peers annualize with years of 365 days, and leave the last position open.
_SHARPE_TOLERANCE = 0.01


def is_same(ours: Outcome, theirs: Outcome) -> bool:
    """Tell whether trades, equity, drawdown and Sharpe ratio agree."""
    return (
        ours.n_trades == theirs.n_trades
        and _difference(ours.equity, theirs.equity) < _EQUITY_TOLERANCE
        and abs(ours.max_drawdown - theirs.max_drawdown) < _EQUITY_TOLERANCE
        and _difference(ours.sharpe, theirs.sharpe) < _SHARPE_TOLERANCE
    )


def described(ours: Outcome, theirs: Outcome) -> str:
    """Say in a few words how two outcomes compare."""
    if is_same(ours, theirs):
        return "same trades and equity"
    trades = (
        "same trades"
        if ours.n_trades == theirs.n_trades
        else f"{theirs.n_trades:,} trades, not {ours.n_trades:,}"
    )
    return f"{trades}; equity {theirs.equity / ours.equity - 1:+.2%}"


def _difference(ours: float, theirs: float) -> float:
    return abs(theirs / ours - 1)
