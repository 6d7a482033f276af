"""How a job process is started."""

import os
import sys

# Threads that spin while they wait slow a busy neighbour many times; one is enough
# for matrices as small as ours.
_CALM_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
# A job works on files and the artifact store: it needs no other key.
_SECRETS = frozenset({"KTRDR_DATABASE_URL", "KTRDR_API_TOKEN"})


def job_command(module: str) -> list[str]:
    """Return the program and its arguments."""
    return [sys.executable, "-m", module]


def job_environment() -> dict[str, str]:
    """Return the environment of a job process."""
    kept = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    return {**_CALM_THREADS, **kept}
