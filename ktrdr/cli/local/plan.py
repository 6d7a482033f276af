"""Which processes make the system on this machine."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process to keep running.

    Attributes
    ----------
    name : str
        Shown to people and used for its log file, such as ``training-worker-1``.
    arguments : tuple of str
        Of ``ktrdr``.
    environment : dict of str to str
        Added to the supervisor's own.
    """

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> tuple[str, ...]:
        """The whole command line."""
        return (sys.executable, "-m", "ktrdr", *self.arguments)


@dataclass(frozen=True, kw_only=True)
class SystemOptions:
    """How large the system is and where it listens.

    Attributes
    ----------
    host, port : str, int
        Of the backend.
    backtest_workers, training_workers : int
        Processes of each kind.
    """

    host: str
    port: int
    backtest_workers: int = 1
    training_workers: int = 1


def default_workers() -> int:
    """Return how many backtest workers suit this machine: a core each, at most 4."""
    return max(1, min(4, os.cpu_count() or 1))


def programs(
    options: SystemOptions, database_url: str, health_file: Path
) -> tuple[Program, ...]:
    """Return what is to run; all of it reaches the database at ``database_url``.

    The backend writes ``health_file`` once it listens.
    """
    # The URL holds the password already, wherever that came from.
    shared = {
        "KTRDR_DATABASE_URL": database_url,
        "KTRDR_DATABASE_PASSWORD_FILE": "",
    }
    address = ("--host", options.host, "--port", str(options.port))
    backend = Program(
        name="backend",
        arguments=("serve", *address),
        environment={**shared, "KTRDR_HEALTH_FILE": str(health_file)},
    )
    workers = [
        Program(
            name=f"{kind}-worker-{number}",
            arguments=("worker", kind),
            environment={**shared, "KTRDR_WORKER_NAME": f"{kind}-worker-{number}"},
        )
        for kind, count in (
            ("backtest", options.backtest_workers),
            ("training", options.training_workers),
        )
        for number in range(1, count + 1)
    ]
    return (backend, *workers)
