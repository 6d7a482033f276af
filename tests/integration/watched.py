"""A system whose traces, logs and figures are looked at: all its programs, for real."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.builders import random_bars
from tests.integration.backend_process import BackendProcess, running_backend
from tests.integration.worker_processes import System
from tests.otlp import Collector, running_collector
from tests.unit.training.strategies import stored, strategy_text

WORKERS = {"trains": "training", "backtests": "backtest"}


@dataclass(frozen=True, kw_only=True)
class WatchedSystem:
    """A backend, two workers, and a collector that all of them export to."""

    backend: BackendProcess
    workers: System
    collector: Collector

    def command(
        self, *arguments: str, exit_code: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the system."""
        done = subprocess.run(
            [sys.executable, "-m", "ktrdr", *arguments, "--url", self.backend.url],
            env={
                **os.environ,
                "KTRDR_HOME": str(self.workers.folder / "elsewhere"),
                "KTRDR_STRATEGIES": str(self.workers.folder),
                "KTRDR_OTLP_ENDPOINT": self.collector.url,
                **variables,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def figures(self) -> str:
        """Return what Prometheus would read of all, one after the other."""
        texts = [httpx.get(f"{self.backend.url}/metrics", trust_env=False).text]
        texts += [self.workers.ask(name, "/metrics").text for name in WORKERS]
        return "\n".join(texts)

    def log(self, worker: str) -> str:
        """Return what a worker logged."""
        return (self.workers.folder / f"{worker}.log").read_text()

    def stop(self) -> None:
        """End all programs in good order, which sends what they have not sent."""
        for worker in self.workers.workers:
            assert worker.end() == 0, worker.text()
        assert self.backend.stop() == 0, self.backend.log


@contextmanager
def watched_system(url: str, folder: Path) -> Iterator[WatchedSystem]:
    """Start it, with bars to train on and a strategy named ``small``."""
    stored(folder / "store", random_bars(600, seed=3))
    (folder / "small.yaml").write_text(strategy_text())
    workers = System(url, folder)
    store = str(folder / "store")
    with running_collector() as collector:
        to = collector.url
        with running_backend(
            folder, url, KTRDR_STORE_URL=store, KTRDR_OTLP_ENDPOINT=to
        ) as backend:
            backend.wait_ready()
            try:
                for name, kind in WORKERS.items():
                    workers.start(
                        name, kind, KTRDR_LOG_FORMAT="json", KTRDR_OTLP_ENDPOINT=to
                    )
                yield WatchedSystem(
                    backend=backend, workers=workers, collector=collector
                )
            finally:
                workers.close()
