"""Strategies, stores and listeners for the tests of this room."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import yaml

from ktrdr.data import Bars, BarStore, Provenance
from ktrdr.progress import NoProgress
from ktrdr.schemas import TrainingRequest
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import Strategy, parse_strategy

REGRESSION = {
    "decisions": {"format": "regression"},
    "loss": {"type": "huber"},
    "labels": {"type": "forward_return", "horizon": 4},
}


def strategy_text(
    *,
    symbols=("TEST",),
    hidden=(6,),
    dropout=0.0,
    decisions=None,
    data=None,
    **training,
) -> str:
    """A small strategy as YAML; further keys go into ``training``."""
    document = {
        "name": "small",
        "version": 3,
        "training_data": {
            "symbols": list(symbols),
            "timeframes": ["1h"],
            "base_timeframe": "1h",
            **(data or {}),
        },
        "indicators": {"rsi": {"type": "rsi", "timeperiod": 7}},
        "fuzzy_sets": {
            "strength": {
                "indicator": "rsi",
                "auto": {"weak": None, "neutral": None, "strong": None},
            }
        },
        "nn_inputs": [{"fuzzy_set": "strength"}, {"raw_indicator": "rsi"}],
        "model": {"type": "mlp", "hidden_layers": list(hidden), "dropout": dropout},
        "training": {
            "labels": {"type": "forward_return", "horizon": 4, "threshold": 0.002},
            "epochs": 5,
            "batch_size": 32,
            **training,
        },
        "decisions": decisions or {"format": "classification"},
    }
    return yaml.safe_dump(document, sort_keys=False)


def strategy(**keys) -> Strategy:
    return parse_strategy(strategy_text(**keys))


def stored(folder: Path, *all_bars: Bars) -> ArtifactStore:
    """A store in ``folder`` that holds these bars."""
    store = ArtifactStore.in_folder(folder)
    for bars in all_bars:
        made = Provenance(kind="made", source="test", imported_at=datetime.now(UTC))
        BarStore(store).save(bars, made)
    return store


def request(folder: Path, text: str, **keys) -> TrainingRequest:
    return TrainingRequest(
        strategy=text,
        store=str(folder / "store"),
        checkpoints=str(folder / "checkpoints"),
        **keys,
    )


class Listener(NoProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int | None, str]] = []
        self.notes: list[str] = []
        self.steps: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    def phase(self, name, total=None, unit=""):
        self.phases.append((name, total, unit))

    def advance(self, done, message=""):
        self.steps[self.phases[-1][0]] = done

    def work(self, unit, n):
        self.counts[unit] += n

    def note(self, message):
        self.notes.append(message)
