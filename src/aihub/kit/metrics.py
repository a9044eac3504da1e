"""Figures of this process, in the text format that Prometheus reads.

Each hub has a registry of its own. Figures of the process, of the pool and of the queue are read
when they are asked for; only what would be lost between two scrapes is counted on the way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from aihub.kit.db import Database
from aihub.kit.grouping import GroupCommit

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

# seconds; the targets of the API lie between 10 and 100 ms
_REQUEST_BUCKETS = (
    0.0025, 0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
)  # fmt: skip
_FLUSH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROW_BUCKETS = (1, 2, 5, 10, 25, 50, 100, 250, 500)

# they would be a series more for each, which the text format has no use for
disable_created_metrics()  # type: ignore[no-untyped-call] # theirs has no types


class HttpMetrics:
    """Requests by method, route and status. `in_flight` and `streams` are kept by the caller."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_flight = 0
        self.streams = 0
        self._durations = Histogram(
            "aihub_http_request_duration_seconds",
            "Time to the whole answer; of event streams, to their beginning.",
            ("method", "route", "status"),
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._observers: dict[tuple[str, str, int], Callable[[float], None]] = {}
        _read_gauge(
            registry,
            "aihub_http_requests_in_flight",
            "Requests that are being answered.",
            lambda: self.in_flight,
        )
        _read_gauge(
            registry,
            "aihub_http_event_streams",
            "Event streams that are open.",
            lambda: self.streams,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request. `method` and `route` must come from a small set."""
        key = (method, route, status)
        observer = self._observers.get(key)
        if observer is None:
            observer = self._durations.labels(method, route, str(status)).observe
            self._observers[key] = observer
        observer(seconds)


class Metrics:
    """The figures of one hub in one process. `version` is the release."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Info("aihub_build", "What runs here.", registry=self.registry).info({"version": version})
        self.http = HttpMetrics(self.registry)

    def watch_pool(self, db: Database) -> None:
        """Figures of the pool of connections."""
        figures: Mapping[str, tuple[str, Callable[[], float]]] = {
            "size": ("Connections that are open.", lambda: db.figures().size),
            "idle": ("Open connections that nobody uses.", lambda: db.figures().idle),
            "max": ("Connections at most.", lambda: db.options.max_size),
            "waiting": ("Requests that wait for a connection.", lambda: db.figures().waiting),
        }
        for name, (text, read) in figures.items():
            _read_gauge(self.registry, f"aihub_db_pool_{name}", text, read)

    def watch_writer(self, group: GroupCommit[Any, Any]) -> None:
        """Figures of a group commit: what waits, how long a flush takes, how much it stores."""
        _read_gauge(
            self.registry,
            "aihub_writer_waiting",
            "Writes that wait for their flush to begin.",
            lambda: group.figures().waiting,
        )
        _read_gauge(
            self.registry,
            "aihub_writer_oldest_flush_seconds",
            "For how long the oldest flush under way has been running.",
            lambda: group.figures().oldest_seconds,
        )
        seconds = Histogram(
            "aihub_writer_flush_duration_seconds",
            "Time to store a group of writes and commit.",
            buckets=_FLUSH_BUCKETS,
            registry=self.registry,
        )
        rows = Histogram(
            "aihub_writer_flush_size",
            "Writes that were stored together.",
            buckets=_ROW_BUCKETS,
            registry=self.registry,
        )

        def observe(count: int, duration: float) -> None:
            rows.observe(count)
            seconds.observe(duration)

        group.on_flush = observe

    def render(self) -> bytes:
        """All of it as text, for `MEDIA_TYPE`."""
        return generate_latest(self.registry)


def _read_gauge(
    registry: CollectorRegistry, name: str, text: str, read: Callable[[], float]
) -> None:
    Gauge(name, text, registry=registry).set_function(read)
