"""Pin what a run reads, so that every attempt at it does the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ktrdr.errors import InputError, NotFoundError
from ktrdr.schemas import Snapshots

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore
    from ktrdr.strategy import Strategy


@dataclass(frozen=True, kw_only=True)
class StrategySource:
    """A strategy's text and where it came from."""

    text: str
    source: str


def strategy_source(text: str | None, name: str | None, source: str) -> StrategySource:
    """Return the text that was sent, or that of the strategy of that name."""
    if text is not None:
        return StrategySource(text=text, source=source)
    from ktrdr.strategy import find_named_strategy, read_strategy_text

    path = find_named_strategy(name or "")
    return StrategySource(text=read_strategy_text(path), source=path.name)


def pin_symbols(
    store: "ArtifactStore",
    strategy: "Strategy",
    symbols: Iterable[str],
    given: Snapshots,
) -> Snapshots:
    """Return the snapshots to use of each of ``symbols``.

    Raises
    ------
    NotFoundError
        If bars are not stored; tells every symbol that lacks them.
    InputError
        If snapshots are given that nothing uses, or that don't fit.
    """
    from ktrdr.data import BarStore
    from ktrdr.features import pin_snapshots

    wanted = list(symbols)
    idle = sorted(given.keys() - set(wanted))
    if idle:
        raise InputError(
            f"snapshots are given for {', '.join(idle)[:200]}, but the run uses "
            f"{', '.join(wanted)[:200]}"
        )
    bars, pinned, missing = BarStore(store), Snapshots(), list[str]()
    for symbol in wanted:
        try:
            pins = given.get(symbol, {})
            pinned[symbol] = pin_snapshots(bars, strategy, symbol, pins)
        except NotFoundError as error:
            missing.append(str(error))
    if missing:
        raise NotFoundError("\n".join(missing))
    return pinned
