"""What came out of operations, shown as the commands that start them show it."""

from collections.abc import Mapping
from typing import Any

from ktrdr.cli.backtest import print_backtest
from ktrdr.cli.output import print_json
from ktrdr.cli.study_view import print_study
from ktrdr.cli.train import print_training


def print_outcome(kind: str, outcome: Mapping[str, Any], url: str | None) -> None:
    """Print what came out of an operation of that kind."""
    if kind == "training":
        print_training(outcome, url=url, as_json=False)
    elif kind == "backtest":
        print_backtest(outcome, as_json=False)
    elif kind in ("sweep", "walk_forward"):
        print_study(outcome, as_json=False)
    else:
        print_json(outcome)
