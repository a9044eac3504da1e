"""The tables of jobs, typed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from aihub.jobs.models import (
    Depth,
    Job,
    JobStatus,
    Outcome,
    RunRecord,
    Schedule,
    ScheduleState,
    WorkerState,
)
from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries

_sql = load_queries(__file__)


def encode_payload(payload: Any) -> bytes:
    """A payload as it is stored: JSON."""
    return msgspec.json.encode(payload)


def decode_payload(raw: bytes | str | None) -> dict[str, Any]:
    """A payload as it was given."""
    return msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}


# ---------- runs ----------


async def lock_job(connection: Connection, job_id: int) -> tuple[int, UUID | None] | None:
    """How often the job was put back, and who holds it; None when it is gone. It stays locked."""
    row = await _sql.lock_job(connection, job_id=job_id)
    return None if row is None else (row["attempts"], row["queue_manager_id"])


async def mark_lost(connection: Connection, job_id: int) -> None:
    """End the run of a worker that is not heard of any more."""
    await _sql.mark_lost(connection, job_id=job_id)


async def list_outcomes(connection: Connection, job_id: int) -> list[Outcome]:
    """The outcomes of a job's runs, the newest first; at most 100."""
    rows = await fetch(_sql.list_outcomes(connection, job_id=job_id))
    return [row["outcome"] for row in rows]


async def insert_run(
    connection: Connection, *, run_id: UUID, job_id: int, name: str,
    payload: bytes, attempt: int, worker_id: UUID,
) -> None:  # fmt: skip
    """Begin a run."""
    await _sql.insert_run(
        connection, id=run_id, job_id=job_id, name=name,
        payload=payload.decode(), attempt=attempt, worker_id=worker_id,
    )  # fmt: skip


async def finish_run(
    connection: Connection, run_id: UUID, outcome: Outcome, error: str | None = None
) -> bool:
    """End a run; False when it was ended by somebody else."""
    return bool(await _sql.finish_run(connection, id=run_id, outcome=outcome, error=error))


async def list_canceled(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these runs may not finish any more."""
    return {row["id"] for row in await fetch(_sql.list_canceled(connection, ids=list(ids)))}


async def cancel_run(connection: Connection, job_id: int) -> None:
    """Forbid the job's run to finish."""
    await _sql.cancel_run(connection, job_id=job_id)


async def list_runs(
    connection: Connection,
    *,
    name: str | None,
    outcome: Outcome | None,
    job_id: int | None,
    limit: int,
) -> list[RunRecord]:
    """Runs, the newest first."""
    rows = await fetch(
        _sql.list_runs(connection, name=name, outcome=outcome, job_id=job_id, n=limit)
    )
    return [RunRecord(**{**row, "payload": decode_payload(row["payload"])}) for row in rows]


async def purge(connection: Connection, *, history: datetime, workers: datetime) -> None:
    """Forget what ended before `history`, and workers not seen since `workers`."""
    await _sql.purge_runs(connection, before=history)
    await _sql.purge_log(connection, before=history)
    await _sql.purge_workers(connection, before=workers)


# ---------- jobs ----------


async def list_jobs(
    connection: Connection,
    *,
    status: JobStatus | None = None,
    name: str | None = None,
    job_id: int | None = None,
    limit: int,
) -> list[Job]:
    """Jobs, the first due first."""
    rows = await fetch(_sql.list_jobs(connection, status=status, name=name, id=job_id, n=limit))
    return [Job(**{**row, "payload": decode_payload(row["payload"])}) for row in rows]


async def list_depths(connection: Connection) -> list[Depth]:
    """How many jobs of each name are in each status."""
    return [Depth(**row) for row in await fetch(_sql.list_depths(connection))]


# ---------- schedules ----------


async def upsert_schedule(
    connection: Connection, schedule: Schedule, next_run_at: datetime
) -> None:
    """Store a schedule. One that is known and unchanged keeps its next time."""
    await _sql.upsert_schedule(
        connection, name=schedule.name, cron=schedule.cron, timezone=schedule.timezone,
        enabled=schedule.is_enabled, next_run_at=next_run_at,
    )  # fmt: skip


async def lock_due_schedules(
    connection: Connection, names: Sequence[str], at: datetime
) -> dict[str, datetime]:
    """Schedules that are due, locked, with their time; without those that another one holds."""
    rows = await fetch(_sql.lock_due_schedules(connection, names=list(names), at=at))
    return {row["name"]: row["next_run_at"] for row in rows}


async def move_schedule(
    connection: Connection, name: str, last_run_at: datetime, next_run_at: datetime
) -> None:
    """Note a run, and when the next one is due."""
    await _sql.move_schedule(
        connection, name=name, last_run_at=last_run_at, next_run_at=next_run_at
    )


async def list_schedules(connection: Connection) -> list[ScheduleState]:
    """All schedules by name."""
    return [ScheduleState(**row) for row in await fetch(_sql.list_schedules(connection))]


# ---------- workers ----------


async def see_worker(
    connection: Connection, worker_id: UUID, *, host: str, process: int, names: Sequence[str]
) -> None:
    """Note that a worker is there."""
    await _sql.see_worker(connection, id=worker_id, host=host, process=process, names=sorted(names))


async def remove_worker(connection: Connection, worker_id: UUID) -> None:
    """A worker that goes in order."""
    await _sql.remove_worker(connection, id=worker_id)


async def list_workers(connection: Connection) -> list[WorkerState]:
    """Workers seen within half a minute."""
    rows = await fetch(_sql.list_workers(connection))
    return [WorkerState(**{**row, "names": tuple(row["names"])}) for row in rows]
