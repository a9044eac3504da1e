"""PgQueuer, spoken to in our way: on our connections, without LISTEN, in schema `hub`.

Loaded by those alone who enqueue or work: importing it takes a fifth of a second.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from pgqueuer.adapters.persistence import qb
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain import models
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import JOB_STATUS, Channel, JobId, QueueEntrypoint
from pgqueuer.queries import Queries

from aihub.kit.db import Connection, Database
from aihub.kit.errors import AppError

_log = logging.getLogger(__name__)

CHANNEL = Channel("ch_pgqueuer")
# All of it said here: what is left out, the library would read from the environment.
SETTINGS = DBSettings(
    prefix="",
    db_schema="hub",
    channel=CHANNEL,
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=False,
)

Heard = Callable[[str | bytes | bytearray], None]
_Open = Callable[[], Any]


class Driver:
    """What the library asks of a database, over connections that `opened` gives.

    Nothing is listened to: behind a transaction pooler nothing would be heard. What this process
    itself has to tell goes to its own listeners, so that the library's probe of them passes.
    """

    def __init__(self, opened: _Open) -> None:
        self._opened = opened
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()
        self._listeners: list[Heard] = []

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        async with self._opened() as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def execute(self, query: str, *args: object) -> str:
        async with self._opened() as connection:
            return str(await connection.execute(query, *args))

    async def add_listener(self, channel: str, callback: Heard) -> None:  # noqa: ARG002
        self._listeners.append(callback)

    async def notify(self, channel: str, payload: str) -> None:  # noqa: ARG002
        for heard in self._listeners:
            heard(payload)

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return self._tasks

    async def __aenter__(self) -> "Driver":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listeners.clear()


class WorkerQueries(Queries):
    """The library's queries for a worker that knows which of its jobs are no longer its own."""

    def __init__(self, db: Database) -> None:
        super().__init__(Driver(lambda: db.write(is_one_statement=True)), **_builders())
        self.lost: set[int] = set()

    async def log_jobs(
        self,
        job_status: list[tuple[models.Job, JOB_STATUS, models.TracebackRecord | None]],
    ) -> None:
        """End jobs, but not those that another worker has taken over.

        Tracebacks stay in the log of the process: errors are kept with the run, and one with a
        character U+0000 could not be stored as the library would do it, so the job never ended.
        """
        own: list[tuple[models.Job, JOB_STATUS, models.TracebackRecord | None]] = [
            (job, how, None) for job, how, _ in job_status if job.id not in self.lost
        ]
        if own:
            await super().log_jobs(own)
        self.lost -= {job.id for job, _, _ in job_status}

    async def retry_job(
        self,
        job: models.Job,
        delay: timedelta,
        traceback_record: models.TracebackRecord | None,  # noqa: ARG002 - see log_jobs
    ) -> None:
        """Put a job back. Without a database it stays picked, and is taken again as one whose
        worker is silent: an outage makes no job fail."""
        try:
            await super().retry_job(job, delay, None)
        except AppError as error:
            _log.warning("job %d (%s) could not be put back: %s", job.id, job.entrypoint, error)

    async def dequeue(self, *args: Any, **kwargs: Any) -> list[models.Job]:
        """Jobs to run now; none while the database is away: those that run go on."""
        try:
            return await super().dequeue(*args, **kwargs)
        except AppError as error:
            _log.warning("no jobs are taken: %s", error)
            return []

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """Whether jobs wait that could run, so that the next look comes soon."""
        try:
            return await super().eligible_queued_work(entrypoints)
        except AppError:
            return 0

    # What is due later is found by looking once a second: no need to ask when that will be.

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> None:  # noqa: ARG002
        return None

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:  # noqa: ARG002
        return 0


async def insert_job(
    connection: Connection,
    name: str,
    payload: bytes,
    *,
    delay: timedelta,
    key: str | None,
    priority: int,
) -> int | None:
    """Enqueue in the transaction of `connection`; None when a job of this key is there."""
    (made,) = await _on(connection).enqueue(
        name, payload, priority, delay, key, None, on_conflict="skip"
    )
    return made


async def requeue_job(connection: Connection, job_id: int) -> None:
    """Put a failed job back, as new."""
    await _on(connection).requeue_jobs([JobId(job_id)])


async def delete_job(connection: Connection, job_id: int) -> None:
    """Take a job out of the queue as cancelled."""
    await _on(connection).mark_job_as_cancelled([JobId(job_id)])


def _on(connection: Connection) -> Queries:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Connection]:
        yield connection

    return Queries(Driver(opened), **_builders())


def _builders() -> dict[str, Any]:
    return {
        "qbe": qb.QueryBuilderEnvironment(SETTINGS),
        "qbq": qb.QueryQueueBuilder(SETTINGS),
        "qbs": qb.QuerySchedulerBuilder(SETTINGS),
    }


def delay_until(run_at: datetime | None, now: datetime) -> timedelta:
    """How long until `run_at`; nothing when it has passed or is None."""
    return max(run_at - now, timedelta()) if run_at is not None else timedelta()
