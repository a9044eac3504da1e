"""Jobs, their runs and their schedules, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

JobStatus = Literal["queued", "picked", "failed"]
Outcome = Literal["running", "done", "retrying", "failed", "stopped", "canceled", "lost"]

JOB_STATUSES: tuple[JobStatus, ...] = ("queued", "picked", "failed")
OUTCOMES: tuple[Outcome, ...] = (
    "running",
    "done",
    "retrying",
    "failed",
    "stopped",
    "canceled",
    "lost",
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that waits (`queued`), is under way (`picked`) or has failed for good (`failed`).

    `key`: no second job of this key can wait or run. `attempts`: how often it was put back after
    an error. `error`: what went wrong last.
    """

    id: int
    name: str
    status: JobStatus
    key: str | None
    payload: Mapping[str, Any]
    attempts: int
    created_at: datetime
    run_at: datetime
    seen_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a job. `outcome` done: its work is committed, and it never runs again."""

    id: UUID
    job_id: int
    name: str
    payload: Mapping[str, Any]
    attempt: int
    worker_id: UUID
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome
    error: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job to enqueue again and again: `name` is the job's, `cron` five fields in `timezone`.

    Not enabled: it has its place, and nothing is enqueued.
    """

    name: str
    cron: str
    timezone: str = "UTC"
    payload: Mapping[str, Any] = field(default_factory=dict)
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Where a schedule stands. `last_outcome` and `last_error` are of its job's latest run."""

    name: str
    cron: str
    timezone: str
    is_enabled: bool
    next_run_at: datetime
    last_run_at: datetime | None
    last_outcome: Outcome | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs of one name are in one status. `oldest_seconds`: how long the oldest of them
    could have been run by now; 0 where none is due."""

    name: str
    status: JobStatus
    jobs: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker that was there within the last half minute."""

    id: UUID
    host: str
    process: int
    names: tuple[str, ...]
    started_at: datetime
    seen_at: datetime
    running: int


@dataclass(frozen=True, slots=True)
class Status:
    """All of it at one moment."""

    depths: tuple[Depth, ...]
    schedules: tuple[ScheduleState, ...]
    workers: tuple[WorkerState, ...]


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works.

    `concurrency`: jobs at a time. `poll`: how long a new job may wait unseen. `heartbeat`: a job
    whose worker was silent for this long is taken again. `attempts`: runs until an error is final,
    with pauses of `first_delay`, twice that, … at most `longest_delay`. `deaths`: runs in a row
    that may take their worker along. `grace`: how long running jobs have when the worker stops.
    `keep`: how long the history is kept.
    """

    concurrency: int = 4
    poll: timedelta = timedelta(seconds=1)
    heartbeat: timedelta = timedelta(seconds=30)
    attempts: int = 8
    first_delay: timedelta = timedelta(seconds=5)
    longest_delay: timedelta = timedelta(minutes=15)
    deaths: int = 3
    grace: timedelta = timedelta(seconds=10)
    keep: timedelta = timedelta(days=30)
