"""Putting jobs into the queue, and what people do with it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from aihub.jobs import rules, store
from aihub.jobs.errors import JobNotFound, JobUnderWay
from aihub.jobs.models import Job, JobStatus, Outcome, RunRecord, Schedule, Status
from aihub.kit.db import Connection
from aihub.kit.errors import Invalid

SCHEDULED_FOR = "scheduled_for"
_MAX_LIMIT = 1_000
_MAX_PAYLOAD_BYTES = 1_000_000


async def enqueue(
    connection: Connection,
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    run_at: datetime | None = None,
    dedup_key: str | None = None,
    priority: int = 0,
) -> int | None:
    """Put a job into the queue, in the transaction of `connection`: committed or gone with it.

    `payload`: JSON, at most 1 MB. `run_at`: not before that (aware; default: at once).
    `dedup_key`: while a job of this key waits or runs, nothing is enqueued and the answer is None.
    Higher `priority` first. Returns the job's id. Raises Invalid.
    """
    from aihub.jobs import queue  # noqa: PLC0415 - see there

    raw = store.encode_payload(payload or {})
    if not name or len(raw) > _MAX_PAYLOAD_BYTES:
        raise Invalid.field("payload" if name else "name", "is empty or too long")
    delay = queue.delay_until(run_at, datetime.now(UTC))
    return await queue.insert_job(
        connection, name, raw, delay=delay, key=dedup_key, priority=priority
    )


async def list_jobs(
    connection: Connection,
    *,
    status: JobStatus | None = None,
    name: str | None = None,
    limit: int = 100,
) -> list[Job]:
    """Jobs that wait, run or have failed for good, the first due first; at most 1,000."""
    return await store.list_jobs(connection, status=status, name=name, limit=min(limit, _MAX_LIMIT))


async def list_runs(
    connection: Connection,
    *,
    name: str | None = None,
    outcome: Outcome | None = None,
    job_id: int | None = None,
    limit: int = 100,
) -> list[RunRecord]:
    """Runs of jobs, the newest first; at most 1,000. Kept for 30 days."""
    return await store.list_runs(
        connection, name=name, outcome=outcome, job_id=job_id, limit=min(limit, _MAX_LIMIT)
    )


async def retry_job(connection: Connection, job_id: int) -> Job:
    """Let a job that failed for good begin anew. Raises JobNotFound, JobUnderWay."""
    from aihub.jobs import queue  # noqa: PLC0415

    job = await _get_locked(connection, job_id)
    if job.status != "failed":
        raise JobUnderWay(f"Job {job_id} has not failed: it is {job.status}.")
    try:
        async with connection.transaction():
            await queue.requeue_job(connection, job_id)
    except asyncpg.UniqueViolationError as error:
        raise JobUnderWay(f"Another job of the key {job.key!r} waits or runs.") from error
    return await _get_locked(connection, job_id)


async def cancel_job(connection: Connection, job_id: int) -> Job:
    """Take a job out of the queue; a run of it is stopped within seconds and commits nothing.

    Returns the job as it was. Raises JobNotFound.
    """
    from aihub.jobs import queue  # noqa: PLC0415

    job = await _get_locked(connection, job_id)
    await store.cancel_run(connection, job_id)
    await queue.delete_job(connection, job_id)
    return job


async def show_status(connection: Connection) -> Status:
    """Depths, schedules and workers at this moment."""
    return Status(
        tuple(await store.list_depths(connection)),
        tuple(await store.list_schedules(connection)),
        tuple(await store.list_workers(connection)),
    )


async def keep_schedules(
    connection: Connection, schedules: Sequence[Schedule], now: datetime
) -> None:
    """Store schedules; those that are known and unchanged keep their next time. Raises Invalid."""
    for schedule in sorted(schedules, key=lambda s: s.name):
        rules.check_schedule(schedule)
        await store.upsert_schedule(connection, schedule, rules.next_time(schedule, now))


async def enqueue_due(
    connection: Connection, schedules: Sequence[Schedule], now: datetime
) -> list[str]:
    """Enqueue the jobs that are due, in one transaction with the schedules' next times.

    Times that were missed come as one job, whose payload has the last of them as `scheduled_for`.
    Nothing is enqueued while the schedule's job before it waits or runs. Returns what was.
    """
    known = {schedule.name: schedule for schedule in schedules if schedule.is_enabled}
    found = []
    for name, due in (await store.lock_due_schedules(connection, list(known), now)).items():
        schedule = known[name]
        latest, following = rules.latest_time(schedule, due, now)
        if await run_schedule(connection, schedule, latest) is not None:
            found.append(name)
        await store.move_schedule(connection, name, latest, following)
    return found


async def run_schedule(connection: Connection, schedule: Schedule, at: datetime) -> int | None:
    """Enqueue a schedule's job for the time `at`; None while one waits or runs."""
    payload = {**schedule.payload, SCHEDULED_FOR: at.astimezone(UTC).isoformat()}
    return await enqueue(connection, schedule.name, payload, dedup_key=f"schedule:{schedule.name}")


async def _get_locked(connection: Connection, job_id: int) -> Job:
    await store.lock_job(connection, job_id)
    found = await store.list_jobs(connection, job_id=job_id, limit=1)
    if not found:
        raise JobNotFound(f"There is no job {job_id} in the queue.")
    return found[0]
