"""Trades for tests of what is computed from them."""

import numpy as np

from ktrdr.backtesting import ExitReason, Trades


def trades_of(*rows: tuple[int, int, float, float, ExitReason]) -> Trades:
    """Trades from (entry bar, exit bar, size, profit, reason), entered at 10."""
    entry_bar, exit_bar, size, profit, reason = (
        (np.array(column) for column in zip(*rows, strict=True))
        if rows
        else (np.empty(0) for _ in range(5))
    )
    n_trades = len(rows)
    return Trades(
        entry_bar=entry_bar.astype(np.int64),
        exit_bar=exit_bar.astype(np.int64),
        size=size.astype(np.float64),
        entry_price=np.full(n_trades, 10.0),
        exit_price=np.full(n_trades, 11.0),
        entry_commission=np.full(n_trades, 0.25),
        exit_commission=np.full(n_trades, 0.5),
        profit=profit.astype(np.float64),
        exit_reason=reason.astype(np.int64),
        is_ambiguous=np.zeros(n_trades, np.bool_),
    )


def random_trades(n_trades: int, n_bars: int, seed: int) -> Trades:
    """Trades without overlap, at random moments, of random sides and profits."""
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.choice(np.arange(1, n_bars), 2 * n_trades, replace=False))
    return trades_of(
        *(
            (
                int(edges[2 * i]),
                int(edges[2 * i + 1]),
                float(rng.choice([-1, 1]) * rng.uniform(1, 5)),
                float(rng.normal(0.2, 3.0)),
                ExitReason(int(rng.integers(0, 4))),
            )
            for i in range(n_trades)
        )
    )
