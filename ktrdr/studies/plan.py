"""What a study is made of: the runs that its trials are packed into."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ktrdr.data import BarStore, parse_symbol
from ktrdr.features import pin_snapshots
from ktrdr.schemas import Snapshots, TrialsRequest
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import Strategy

RunKind = Literal["trials", "training_trials"]


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One job of a study.

    Attributes
    ----------
    kind : str
        ``trials`` of a trained model; ``training_trials`` train it first.
    title : str
        For people.
    request : TrialsRequest
        What its job process is given; ``store`` and what else only a worker knows
        is left open.
    """

    kind: RunKind
    title: str
    request: TrialsRequest


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """All jobs of a study."""

    title: str
    runs: tuple[PlannedRun, ...]
    n_trials: int

    @property
    def snapshots(self) -> Snapshots:
        """All that its jobs read: symbol -> timeframe -> digest."""
        found = Snapshots()
        for run in self.runs:
            for symbol, pins in run.request.snapshots.items():
                found.setdefault(symbol, {}).update(pins)
        return found


def model_name(strategy: Strategy, kind: str) -> str:
    """Return what the models of a study are called, such as ``momentum-sweep``."""
    # A name has 64 characters at most.
    return f"{strategy.name[: 63 - len(kind)]}-{kind}"


def pinned(
    store: ArtifactStore,
    strategy: Strategy,
    *,
    trained: Sequence[str],
    traded: str | None,
    given: Snapshots,
) -> Snapshots:
    """Return the snapshots of all symbols that a study trains on and trades.

    All its jobs see the same bars, whatever is imported meanwhile.
    """
    symbols = list(trained)
    symbols.append(parse_symbol(traded or strategy.training_data.symbols[0]))
    bar_store = BarStore(store)
    return {
        symbol: pin_snapshots(bar_store, strategy, symbol, given.get(symbol, {}))
        for symbol in dict.fromkeys(symbols)
    }
