"""What to start when a training is asked for."""

from typing import TYPE_CHECKING

from ktrdr.api.services.pinning import pin_symbols, strategy_source
from ktrdr.api.services.starting import Plan, Planned
from ktrdr.schemas import TrainingStart

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore


def plan_training(start: TrainingStart, store: "ArtifactStore") -> Plan:
    """Return the training as an operation, its bars pinned.

    Raises
    ------
    StrategyError
        If the strategy is not valid; every problem of it.
    NotFoundError, InputError
        If its bars are not stored, or the snapshots given don't fit.
    """
    from ktrdr.strategy import parse_strategy

    given = strategy_source(start.strategy, start.strategy_name, start.source)
    strategy = parse_strategy(given.text, given.source)
    symbols = strategy.training_data.symbols
    pinned = pin_symbols(store, strategy, symbols, start.snapshots)
    request = start.request(strategy=given.text, source=given.source)
    return Plan(
        whole=Planned(
            kind="training",
            title=f"train {strategy.name}",
            request=request.model_copy(update={"snapshots": pinned}).model_dump(
                mode="json"
            ),
            device=start.device,
        )
    )
