"""A contestant's process: does one piece of work whenever it is told to.

``python -m benchmarks.contestant MODULE WORK N_BARS`` prints what it found as a line
of JSON once it is warm. For each line that it reads it works once and prints the
processor seconds; at the end of its input it prints its peak memory in bytes. With
``--once`` it works a single time and ends.
"""

import argparse
import gc
import importlib
import json
import resource
import sys
import time
from dataclasses import asdict

from benchmarks.work import make_prices


def main() -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contestant")
    parser.add_argument("module")
    parser.add_argument("work")
    parser.add_argument("n_bars", type=int)
    parser.add_argument("--warm-ups", type=int, default=2)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    module = importlib.import_module(f"benchmarks.{options.module}_contestant")
    run = module.prepare(options.work, make_prices(options.n_bars))
    if options.once:
        run()
        return
    for _ in range(options.warm_ups):
        outcome = run()
    answer({"name": module.NAME, "note": module.NOTE, "outcome": asdict(outcome)})
    for _ in sys.stdin:
        gc.collect()
        start = time.process_time()
        run()
        answer(time.process_time() - start)
    answer(peak_memory())


def answer(value: object) -> None:
    """Print one line of JSON at once."""
    print(json.dumps(value), flush=True)


def peak_memory() -> int:
    """Return the most memory this process ever held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
