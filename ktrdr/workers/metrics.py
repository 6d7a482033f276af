"""A worker's figures, as Prometheus reads them."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ktrdr.progress import Unit
from ktrdr.schemas import OperationDocument

# From no-op jobs to trainings of a day.
_SECONDS = (0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_UNITS: Mapping[Unit, str] = {
    "bars": "Bars that backtests traded on; one that is traded on twice counts twice.",
    "samples": "Samples that trainings learned from; each counts once an epoch.",
}

__all__ = ["CONTENT_TYPE_LATEST", "WorkerMetrics"]

# When a counter was made is of use to nobody here, and doubles what is told.
disable_created_metrics()  # type: ignore[no-untyped-call]


class WorkerMetrics:
    """Counts what a worker does; every worker has its own."""

    def __init__(self, worker: Mapping[str, str], build: Mapping[str, str]) -> None:
        self._registry = CollectorRegistry()
        self._jobs = Counter(
            "ktrdr_worker_jobs",
            "Attempts that ended, by kind of operation and outcome.",
            ["kind", "outcome"],
            registry=self._registry,
        )
        self._running = Gauge(
            "ktrdr_worker_jobs_running",
            "Attempts that run now.",
            registry=self._registry,
        )
        self._seconds = Histogram(
            "ktrdr_worker_job_seconds",
            "Time from claim to end.",
            ["kind"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._waits = Histogram(
            "ktrdr_worker_wait_seconds",
            "Time from an operation's creation to the claim of its first attempt.",
            ["kind"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._work = {
            unit: Counter(
                f"ktrdr_worker_{unit}", meaning, ["kind"], registry=self._registry
            )
            for unit, meaning in _UNITS.items()
        }
        self._heartbeat_s = time.monotonic()
        Gauge(
            "ktrdr_worker_heartbeat_age_seconds",
            "Time since the database last took this worker's heartbeat.",
            registry=self._registry,
        ).set_function(self.heartbeat_age_s)
        Info("ktrdr_worker", "Which worker this is.", registry=self._registry).info(
            dict(worker)
        )
        Info("ktrdr_build", "Which program it runs.", registry=self._registry).info(
            dict(build)
        )

    def job_began(self) -> None:
        """Count one attempt more that runs."""
        self._running.inc()

    def job_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """Count an attempt that ended."""
        self._running.dec()
        self._jobs.labels(kind, outcome).inc()
        self._seconds.labels(kind).observe(seconds)

    def attempt_claimed(self, operation: OperationDocument) -> None:
        """Note how long an operation waited that is taken for the first time."""
        # A parent waited for its children.
        if operation.attempt == 1 and not operation.n_children:
            waited = datetime.now(UTC) - operation.created_at
            # Never less than nothing, whatever the clocks of two machines say.
            seconds = max(waited.total_seconds(), 0.0)
            self._waits.labels(operation.kind).observe(seconds)

    def work_done(self, kind: str, unit: Unit, n: int) -> None:
        """Count bars or samples that went through a job."""
        self._work[unit].labels(kind).inc(n)

    def heartbeat_told(self) -> None:
        """Note that the database took the worker's heartbeat."""
        self._heartbeat_s = time.monotonic()

    def heartbeat_age_s(self) -> float:
        """Return the time since the database took a heartbeat, in seconds."""
        return time.monotonic() - self._heartbeat_s

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self._registry)
