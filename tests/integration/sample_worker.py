"""A backtest worker that also does jobs of the kind ``sample``."""

import sys

from ktrdr.workers import WorkerOptions, kinds
from ktrdr.workers.launch import worker_main

_HEAVY = {"numpy", "torch", "talib", "sklearn", "ktrdr.backtesting", "ktrdr.training"}


def main() -> int:
    fields = kinds.KINDS["training"].fields
    sample = kinds.Kind(module="tests.unit.workers.sample_jobs", fields=fields)
    kinds.KINDS = {**kinds.KINDS, "sample": sample}
    code = worker_main(WorkerOptions(kind="backtest"))
    print(f"loaded: {sorted(_HEAVY & sys.modules.keys())}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
