"""A store with bars and an untrained model, ready for a backtest."""

from datetime import UTC, datetime

from ktrdr.data import BarStore, Provenance
from ktrdr.models import save_bundle
from ktrdr.schemas import BacktestRequest
from ktrdr.storage import ArtifactStore
from tests.builders import random_bars
from tests.unit.models.bundles import model

TRADING = (
    "decisions: {format: classification}\n",
    "decisions: {format: classification}\n"
    "backtest:\n"
    "  costs: {spread_rate: 0.0002, commission_rate: 0.0001}\n"
    "  stops: {stop_loss: 0.01, take_profit: 0.015}\n",
)


def save_bars(store, bars, source="a test"):
    provenance = Provenance(kind="made", source=source, imported_at=datetime.now(UTC))
    return BarStore(store).save(bars, provenance)


def filled_store(folder, *changes, bars=None):
    """A store with bars of TEST and a model whose test part is bars 240 to 299."""
    store = ArtifactStore.in_folder(folder)
    save_bars(store, random_bars(300, seed=0) if bars is None else bars)
    save_bundle(store, *model(TRADING, *changes))
    return store


def request_for(folder, **changes):
    return BacktestRequest(
        **{
            "model": "two_timeframes",
            "store": str(folder),
            "resamples": 100,
            **changes,
        }
    )
