"""The sample as figures for Prometheus."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from aihub.monitoring.models import JobState, MonitoringOptions, RollupState, Sample, Verdict

_GOOD = "ok"


class HubCollector(Collector):
    """Renders the newest sample and the verdict on it; asks nobody."""

    def __init__(
        self,
        options: MonitoringOptions,
        sample: Callable[[], Sample],
        verdict: Callable[[], Verdict],
    ) -> None:
        self._options = options
        self._sample = sample
        self._verdict = verdict

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        sample = self._sample()
        yield _gauge("aihub_database_up", "Whether the database answers.", sample.is_up)
        yield self._checks(sample)
        yield InfoMetricFamily(
            "aihub_price_book",
            "The prices that calls are priced with.",
            {"version": self._options.price_book_version()},
        )
        if self._options.database_folder is not None:
            yield _disk(self._options.database_folder)
        if sample.unpriced_calls is not None:
            yield _gauge(
                "aihub_unpriced_calls",
                "Calls of the last 24 hours that have no price.",
                sample.unpriced_calls,
            )
        if sample.late_reports is not None:
            yield _gauge(
                "aihub_reports_late",
                "Daily reports that are due and not there.",
                sample.late_reports,
            )
        if sample.missing_migrations is not None:
            yield _gauge(
                "aihub_migrations_missing",
                "Migrations that the database still needs.",
                len(sample.missing_migrations),
            )
        if sample.rollups is not None:
            yield from _rollups(sample.rollups)
        if sample.jobs is not None:
            yield from _jobs(sample.jobs)

    def _checks(self, sample: Sample) -> Metric:
        verdict = self._verdict()
        found = GaugeMetricFamily(
            "aihub_check_ok", "1 where the check of /health/ready is well.", labels=["check"]
        )
        found.add_metric(["database"], sample.is_up)
        for name in ("writes", "migrations", "rollups", "jobs", "reports"):
            found.add_metric([name], getattr(verdict, name) == _GOOD)
        return found


def _rollups(state: RollupState) -> Iterator[Metric]:
    figures = (
        ("seconds_since_tick", "Since the rollups were last computed.", state.seconds_since_tick),
        ("lag_transactions", "Transactions that may not be in them.", state.lag_transactions),
        ("lag_seconds", "How far they are behind what is stored.", state.lag_seconds),
    )
    for name, text, value in figures:
        if value is not None:
            yield _gauge(f"aihub_rollup_{name}", text, value)


def _jobs(jobs: tuple[JobState, ...]) -> Iterator[Metric]:
    states = GaugeMetricFamily("aihub_jobs", "Jobs by state.", labels=["name", "state"])
    oldest = GaugeMetricFamily(
        "aihub_jobs_oldest_waiting_seconds",
        "For how long the oldest job that waits has been due.",
        labels=["name"],
    )
    for job in jobs:
        for state in ("waiting", "running", "failed"):
            states.add_metric([job.name, state], getattr(job, state))
        oldest.add_metric([job.name], job.oldest_waiting_seconds)
    yield states
    yield oldest


def _disk(folder: Path) -> Metric:
    free = shutil.disk_usage(folder).free
    return _gauge("aihub_disk_free_bytes", "Room where the embedded database lies.", free)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)
