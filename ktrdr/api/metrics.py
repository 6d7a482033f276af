"""What Prometheus reads: requests counted here, operations and workers asked for."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ktrdr.api.services.starting import QUEUES
from ktrdr.build_info import build_info
from ktrdr.operations import Metrics as Counts
from ktrdr.operations import StateCount
from ktrdr.schemas import OperationState, WorkerDocument

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
        yield _counted(
            "ktrdr_operations",
            "Operations.",
            self._counts.operations,
            {one.kind for one in self._counts.operations},
            tuple(OperationState),
        )

    def _queues(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "ktrdr_queue_depth", "Jobs that wait for a worker.", labels=("queue",)
        )
        oldest = GaugeMetricFamily(
            "ktrdr_queue_oldest_seconds",
            "How long the job that waits longest has waited.",
            labels=("queue",),
        )
        found = {one.queue: (one.n, one.oldest_s) for one in self._counts.queues}
        for queue, (n, oldest_s) in {
            **dict.fromkeys(QUEUES, (0, 0.0)),
            **found,
        }.items():
            depth.add_metric([queue], n)
            oldest.add_metric([queue], oldest_s)
        yield depth
        yield oldest

    def _workers(self) -> Iterator[Metric]:
        yield _counted(
            "ktrdr_workers",
            "Workers that registered.",
            self._counts.workers,
            _fields_choices("kind"),
            _fields_choices("state"),
        )


def _fields_choices(field: str) -> tuple[str, ...]:
    return get_args(WorkerDocument.model_fields[field].annotation)


def _counted(
    name: str,
    meaning: str,
    counts: Iterable[StateCount],
    kinds: Iterable[str],
    states: Iterable[str],
) -> Metric:
    # None is told as well, so that a change from nothing to one can be seen.
    numbers = dict.fromkeys(product(sorted(kinds), states), 0)
    numbers |= {(one.kind, one.state): one.n for one in counts}
    family = GaugeMetricFamily(name, meaning, labels=("kind", "state"))
    for labels, n in numbers.items():
        family.add_metric(labels, n)
    return family


def _build() -> Metric:
    return InfoMetricFamily(
        "ktrdr_build", "Which program it runs.", value=build_info().labels
    )
