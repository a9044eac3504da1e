"""What is known of a hub's state."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Status = Literal["ok", "degraded", "unavailable"]
Writes = Literal["ok", "refused", "stuck", "stopped"]
Migrations = Literal["ok", "missing", "unknown"]
Lag = Literal["ok", "late", "unknown"]
Queue = Literal["ok", "stuck", "unknown"]


@dataclass(frozen=True, slots=True)
class RollupState:
    """How far the rollups are behind: the transactions to look at, and the seconds since the oldest
    call that may not be in them; 0 when there is none.

    `seconds_since_tick` is None before the first tick.
    """

    seconds_since_tick: float | None
    lag_transactions: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class JobState:
    """Jobs of one name: those that are due and wait, run, and have failed for good."""

    name: str
    waiting: int
    running: int
    failed: int
    oldest_waiting_seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What the database says of itself; parts that it could not say are None."""

    is_up: bool
    missing_migrations: tuple[str, ...] | None = None
    rollups: RollupState | None = None
    jobs: tuple[JobState, ...] | None = None
    unpriced_calls: int | None = None
    late_reports: int | None = None


@dataclass(frozen=True, slots=True)
class WriterState:
    """Whether writes are taken in, and whether those that were are stored."""

    has_room: bool
    is_running: bool
    oldest_flush_seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks found; `notes` are sentences for people."""

    status: Status
    writes: Writes
    migrations: Migrations
    rollups: Lag
    jobs: Queue
    reports: Lag
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MonitoringOptions:
    """`token`: who sends it may read the figures; without one only this machine may.

    `database_folder` is that of an embedded database, whose disk is watched.
    """

    version: str
    token: str | None = None
    database_folder: Path | None = None
    price_book_version: Callable[[], str] = field(default=lambda: "")
    has_room: Callable[[], bool] = field(default=lambda: True)
