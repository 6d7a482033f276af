"""The worker that trains: ``python -m ktrdr.workers.training_worker``.

Before it takes any work, ``validate_ml_dependencies`` makes sure, in a child
process, that torch is there and built for what the image declares. The worker
itself never loads torch; its job processes do.
"""

import sys

from ktrdr.workers.launch import worker_main
from ktrdr.workers.options import WorkerOptions
from ktrdr.workers.startup import validate_ml_dependencies

__all__ = ["main", "validate_ml_dependencies"]


def main() -> int:
    """Run a training worker as the settings say; return its exit code."""
    return worker_main(WorkerOptions(kind="training"))


if __name__ == "__main__":
    sys.exit(main())
