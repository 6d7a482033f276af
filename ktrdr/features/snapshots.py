"""One symbol's bars on every timeframe, and which data snapshots they came from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ktrdr.data import Bars, BarStore, Snapshot, Timeframe, resample, to_iso
from ktrdr.errors import DataError, InputError
from ktrdr.schemas import SnapshotUse
from ktrdr.strategy import Strategy

# The longest time that markets close over holidays and a weekend.
_LONG_WEEKEND = np.timedelta64(5, "D")


@dataclass(frozen=True, kw_only=True, eq=False)
class SymbolBars:
    """One symbol's bars.

    Attributes
    ----------
    symbol : str
        Such as ``EURUSD``.
    base_timeframe : Timeframe
        On whose closes decisions are made.
    bars : dict of Timeframe to Bars
        On every timeframe of the strategy.
    uses : tuple of SnapshotUse
        Where they came from, one a timeframe; empty if they are not stored.
    """

    symbol: str
    base_timeframe: Timeframe
    bars: dict[Timeframe, Bars]
    uses: tuple[SnapshotUse, ...]

    @property
    def base(self) -> Bars:
        """Bars of the base timeframe."""
        return self.bars[self.base_timeframe]

    @property
    def pins(self) -> dict[str, str]:
        """What ``load_symbol_bars`` needs to give the same bars again."""
        return {use.timeframe: use.digest for use in self.uses}


def load_symbol_bars(
    bar_store: BarStore, strategy: Strategy, symbol: str, pins: Mapping[str, str]
) -> SymbolBars:
    """Return ``symbol``'s bars on every timeframe of ``strategy``.

    A timeframe's bars are those of its newest stored snapshot; where there is none,
    they are resampled from the base timeframe.

    Parameters
    ----------
    bar_store : BarStore
        Where the snapshots are.
    strategy : Strategy
        Says which timeframes.
    symbol : str
        One that is stored.
    pins : mapping of str to str
        Timeframe to the digest of the snapshot to use instead. If that snapshot has
        a shorter timeframe, its bars are resampled.

    Raises
    ------
    NotFoundError
        If the base timeframe's bars, or a pinned snapshot, are not stored.
    InputError
        If a pinned snapshot is of another symbol or of a longer timeframe, or a
        pinned timeframe is not one of the strategy's.
    DataError
        If stored bars of a longer timeframe end long before the base bars, so that
        the strategy would go on with stale values.
    """
    data = strategy.training_data
    chosen = _chosen(bar_store, strategy, symbol, pins)
    base_timeframe = Timeframe(data.base_timeframe)
    bars: dict[Timeframe, Bars] = {}
    uses = []
    for timeframe, snapshot in chosen.items():
        bars[timeframe] = resample(bar_store.load(snapshot), timeframe)
        _refuse_empty(bars[timeframe])
        uses.append(_use(snapshot, bars[timeframe]))
    for longer in bars.values():
        _refuse_stale(longer, bars[base_timeframe])
    return SymbolBars(
        symbol=symbol, base_timeframe=base_timeframe, bars=bars, uses=tuple(uses)
    )


def pin_snapshots(
    bar_store: BarStore, strategy: Strategy, symbol: str, pins: Mapping[str, str]
) -> dict[str, str]:
    """Return the pins with which ``load_symbol_bars`` gives the same bars for ever.

    Parameters and errors are those of ``load_symbol_bars``, but no bars are read.

    Returns
    -------
    dict of str to str
        Each timeframe of the strategy to the digest of its snapshot: the pinned
        one, or what is the newest now.
    """
    chosen = _chosen(bar_store, strategy, symbol, pins)
    return {str(timeframe): snapshot.digest for timeframe, snapshot in chosen.items()}


def _chosen(
    bar_store: BarStore, strategy: Strategy, symbol: str, pins: Mapping[str, str]
) -> dict[Timeframe, Snapshot]:
    data = strategy.training_data
    unknown = pins.keys() - set(data.timeframes)
    if unknown:
        raise InputError(
            f"{symbol}: snapshots are given for {', '.join(sorted(unknown))}, but "
            f"strategy {strategy.name} uses {', '.join(data.timeframes)}"
        )
    base_timeframe = Timeframe(data.base_timeframe)
    base = _snapshot(bar_store, symbol, base_timeframe, pins)
    base = base or bar_store.latest(symbol, base_timeframe)
    return {
        timeframe: _snapshot(bar_store, symbol, timeframe, pins) or base
        for timeframe in map(Timeframe, data.timeframes)
    }


def resample_symbol_bars(strategy: Strategy, base: Bars) -> SymbolBars:
    """Return bars on every timeframe of ``strategy``, made of ``base``.

    Raises
    ------
    DataError
        If they are too few for one bar of some timeframe, or cross its bars.
    """
    bars = {
        timeframe: resample(base, timeframe)
        for timeframe in map(Timeframe, strategy.training_data.timeframes)
    }
    for one in bars.values():
        _refuse_empty(one)
    return SymbolBars(
        symbol=base.symbol, base_timeframe=base.timeframe, bars=bars, uses=()
    )


def _snapshot(
    bar_store: BarStore, symbol: str, timeframe: Timeframe, pins: Mapping[str, str]
) -> Snapshot | None:
    if timeframe not in pins:
        return bar_store.find(symbol, timeframe)
    snapshot = bar_store.get(pins[timeframe])
    is_longer = snapshot.timeframe.milliseconds > timeframe.milliseconds
    if snapshot.symbol != symbol or is_longer:
        raise InputError(
            f"snapshot {snapshot.digest[:12]} holds {snapshot.symbol} "
            f"{snapshot.timeframe} bars, expected {symbol} {timeframe} or shorter ones"
        )
    return snapshot


def _use(snapshot: Snapshot, bars: Bars) -> SnapshotUse:
    return SnapshotUse(
        symbol=bars.symbol,
        timeframe=bars.timeframe.value,
        digest=snapshot.digest,
        source=snapshot.source,
        is_resampled=snapshot.timeframe is not bars.timeframe,
        n_bars=len(bars),
        start=to_iso(bars.time[0]),
        end=to_iso(bars.time[-1]),
    )


def _refuse_empty(bars: Bars) -> None:
    if not len(bars):
        raise DataError(
            f"{bars.symbol}: the stored bars are too few for one {bars.timeframe} bar"
        )


def _refuse_stale(bars: Bars, base: Bars) -> None:
    # The newest bar may still be open, and the one before it missing for a holiday.
    allowed = 2 * bars.timeframe.duration + _LONG_WEEKEND
    behind = base.close_time[-1] - bars.close_time[-1]
    if behind > allowed:
        raise DataError(
            f"{bars.symbol}: the {bars.timeframe} bars end at {to_iso(bars.time[-1])}, "
            f"the {base.timeframe} bars at {to_iso(base.time[-1])}; import newer "
            f"{bars.timeframe} bars, or make them with `ktrdr data resample`"
        )
