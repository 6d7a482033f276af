"""The strategy that a command is given: a file here, or a name in a backend."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ktrdr.data import BarStore
    from ktrdr.strategy import Strategy

_LONGEST_SOURCE = 200


@dataclass(frozen=True, kw_only=True)
class StrategySource:
    """A strategy as it is sent to whoever works on it.

    Attributes
    ----------
    text : str or None
        The file, whole; None if only the backend has it.
    name : str or None
        Then its name there.
    source : str
        Where the text came from, for messages.
    """

    text: str | None
    name: str | None
    source: str

    @property
    def fields(self) -> dict[str, Any]:
        """As documents name them that start work."""
        return {
            "strategy": self.text,
            "strategy_name": self.name,
            "source": self.source[-_LONGEST_SOURCE:],
        }


def strategy_source(strategy: str, url: str | None) -> StrategySource:
    """Return the strategy of that name or path, checked, and that its bars are there.

    A name that no file here has is left to the backend that the user names.

    Raises
    ------
    StrategyError, NotFoundError
        If it has problems, is not there, or its bars are not stored.
    """
    from ktrdr.cli.stores import artifact_store
    from ktrdr.cli.system import named_url
    from ktrdr.data import BarStore
    from ktrdr.errors import NotFoundError
    from ktrdr.strategy import find_strategy, parse_strategy, read_strategy_text

    try:
        path = find_strategy(strategy)
    except NotFoundError:
        if named_url(url) is None:
            raise
        return StrategySource(text=None, name=strategy, source=strategy)
    text = read_strategy_text(path)
    parsed = parse_strategy(text, source=str(path))
    _require_bars(BarStore(artifact_store(url)), parsed)
    return StrategySource(text=text, name=None, source=str(path))


def _require_bars(bar_store: "BarStore", strategy: "Strategy") -> None:
    from ktrdr.data import Timeframe
    from ktrdr.errors import NotFoundError

    data = strategy.training_data
    base = Timeframe(data.base_timeframe)
    missing = [name for name in data.symbols if bar_store.find(name, base) is None]
    if not missing:
        return
    advice = [f"import them with `ktrdr data import FILE --timeframe {base}`"]
    if "EURUSD" in missing and base is Timeframe.H1:
        advice.append("install real EURUSD 1h bars of 2017 with `ktrdr data sample`")
    for stored in bar_store.list():
        is_shorter = stored.timeframe.milliseconds < base.milliseconds
        if stored.symbol in missing and is_shorter:
            command = f"ktrdr data resample {stored.symbol} --to {base}"
            advice.append(f"make them from {stored.timeframe} bars with `{command}`")
    raise NotFoundError(
        f"strategy {strategy.name} needs {base} bars of {', '.join(missing)}, "
        f"which are not stored: {', or '.join(advice)}"
    )
