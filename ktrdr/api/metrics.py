"""What Prometheus reads: requests counted here, operations and workers asked for."""

from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ktrdr.build_info import build_info
from ktrdr.operations import Metrics as Counts

# Few take long to begin: starting is creating a row, following begins at once.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


# When a counter was made is of use to nobody here, and doubles what is told.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ktrdr_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._durations = Histogram(
            "ktrdr_http_request_duration_seconds",
            "Time until the answer began.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def count(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Note that a request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(seconds)

    def text(self, counts: Counts) -> bytes:
        """Return all of them in Prometheus's text form."""
        asked = CollectorRegistry()
        asked.register(_Asked(counts))
        return generate_latest(self._registry) + generate_latest(asked)


class _Asked(Collector):
    """What the database told just now."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        yield _build()
        yield from self._operations()
        yield from self._queues()
        yield from self._workers()

    def _operations(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "ktrdr_operations", "Operations.", labels=("kind", "state")
        )
        for one in self._counts.operations:
            family.add_metric([one.kind, one.state], one.n)
        yield family

    def _queues(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "ktrdr_queue_depth", "Jobs that wait for a worker.", labels=("queue",)
        )
        oldest = GaugeMetricFamily(
            "ktrdr_queue_oldest_seconds",
            "How long the job that waits longest has waited.",
            labels=("queue",),
        )
        for one in self._counts.queues:
            depth.add_metric([one.queue], one.n)
            oldest.add_metric([one.queue], one.oldest_s)
        yield depth
        yield oldest

    def _workers(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "ktrdr_workers", "Workers that registered.", labels=("kind", "state")
        )
        for one in self._counts.workers:
            family.add_metric([one.kind, one.state], one.n)
        yield family


def _build() -> Metric:
    return InfoMetricFamily(
        "ktrdr_build", "Which program it runs.", value=build_info().labels
    )
