"""What other slices and the roots may import.

`Worker`, `Run` and `Handler` are loaded when first asked for: the
library behind them takes a fifth of a second to import, and most commands never work.
"""

from typing import TYPE_CHECKING, Any

from aihub.jobs.errors import JobNotFound, JobUnderWay, Permanent, RunLost
from aihub.jobs.models import (
    JOB_STATUSES,
    OUTCOMES,
    Depth,
    Job,
    JobStatus,
    Outcome,
    RunRecord,
    Schedule,
    ScheduleState,
    Status,
    WorkerOptions,
    WorkerState,
)
from aihub.jobs.service import (
    cancel_job,
    enqueue,
    list_jobs,
    list_runs,
    retry_job,
    run_schedule,
    show_status,
)

if TYPE_CHECKING:
    from aihub.jobs.running import Handler, Run
    from aihub.jobs.worker import Worker

JOB_TABLES = (
    "hub.pgqueuer",
    "hub.pgqueuer_log",
    "hub.pgqueuer_statistics",
    "hub.job_runs",
    "hub.job_schedules",
    "hub.job_workers",
)
"""The tables that this slice alone writes."""

_LATER = {"Worker": "worker", "Run": "running", "Handler": "running"}

__all__ = [
    "JOB_STATUSES",
    "JOB_TABLES",
    "OUTCOMES",
    "Depth",
    "Handler",
    "Job",
    "JobNotFound",
    "JobStatus",
    "JobUnderWay",
    "Outcome",
    "Permanent",
    "Run",
    "RunLost",
    "RunRecord",
    "Schedule",
    "ScheduleState",
    "Status",
    "Worker",
    "WorkerOptions",
    "WorkerState",
    "cancel_job",
    "enqueue",
    "list_jobs",
    "list_runs",
    "retry_job",
    "run_schedule",
    "show_status",
]


def __getattr__(name: str) -> Any:
    """Load what works only when somebody wants to work."""
    if name not in _LATER:
        raise AttributeError(name)
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"aihub.jobs.{_LATER[name]}"), name)
