"""The worker that backtests: ``python -m ktrdr.workers.backtest_worker``.

It calls no ``validate_ml_dependencies``: models are data that numpy evaluates, so
backtests need no torch, and run in images without it.
"""

import sys

from ktrdr.workers.launch import worker_main
from ktrdr.workers.options import WorkerOptions


def main() -> int:
    """Run a backtest worker as the settings say; return its exit code."""
    return worker_main(WorkerOptions(kind="backtest"))


if __name__ == "__main__":
    sys.exit(main())
