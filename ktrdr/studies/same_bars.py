"""Points of a sweep are ranked on the same bars, or their ranks mean nothing."""

from collections.abc import Sequence

from ktrdr.errors import InputError
from ktrdr.strategy import Strategy

# Of training_data: what is traded, and what of it is split in parts.
_TRADED = ("symbols", "base_timeframe")
_USED = ("start", "end", "history_required")


def check_same_bars(variants: Sequence[Strategy], part: str) -> None:
    """Raise InputError unless ``part`` is the same bars for all strategies.

    Otherwise one point's validation, by which it is ranked, would be another's test,
    and the test of the best one would have had a say in the choice.
    """
    deciding = [_deciding(variant, part) for variant in variants]
    first = deciding[0]
    different = [path for path in first if len({one[path] for one in deciding}) > 1]
    if different:
        raise InputError(
            f"{', '.join(different)} decides which bars the points are ranked and "
            "tested on, so that they could not be compared: expected one value in a "
            "sweep; make a sweep of each, or see how a strategy does over time with "
            "`ktrdr walk-forward`"
        )


def _deciding(strategy: Strategy, part: str) -> dict[str, str]:
    data = strategy.training_data
    names = _TRADED if part == "all" else (*_TRADED, *_USED)
    found = {f"training_data.{name}": repr(getattr(data, name)) for name in names}
    if part != "all":
        found["training.split"] = repr(strategy.training.split)
    return found
