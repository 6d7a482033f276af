"""How a job process is started."""

import os
import sys

from ktrdr.tracing import TRACEPARENT_VARIABLE, current_traceparent

# Threads that spin while they wait slow a busy neighbour many times; one is enough
# for matrices as small as ours.
_CALM_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
# A job works on files and the artifact store: it needs no other key.
_SECRETS = frozenset({"KTRDR_DATABASE_URL", "KTRDR_API_TOKEN"})


def job_command(module: str) -> list[str]:
    """Return the program and its arguments."""
    return [sys.executable, "-m", module]


def job_environment() -> dict[str, str]:
    """Return the environment of a job process, which goes on with our trace."""
    # The trace that this process was started in is not that of its jobs.
    left_out = _SECRETS | {TRACEPARENT_VARIABLE}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    here = current_traceparent()
    trace = {} if here is None else {TRACEPARENT_VARIABLE: here}
    return {**_CALM_THREADS, **kept, **trace}
