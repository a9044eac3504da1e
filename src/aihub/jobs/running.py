"""One run of a job: begun, carried out, and finished exactly once.

The queue delivers a job at least once. What makes its work happen once is the row of the run: the
handler's own transaction turns it from `running` to `done`, and only the latest run may do so.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain import models
from pgqueuer.domain.errors import RetryRequested

from aihub.jobs import rules, store
from aihub.jobs.errors import Permanent, RunLost
from aihub.jobs.models import Outcome, WorkerOptions
from aihub.jobs.queue import WorkerQueries
from aihub.jobs.service import SCHEDULED_FOR
from aihub.kit.db import Connection, Database
from aihub.kit.errors import AppError
from aihub.kit.ids import uuid7

_log = logging.getLogger(__name__)

_ERROR_CHARACTERS = 2_000
_NO_DATABASE_DELAY = timedelta(seconds=5)


class Run:
    """What a handler is given. `attempt` counts from 1, over all workers."""

    def __init__(
        self, db: Database, *, run_id: UUID, job_id: int, name: str,
        payload: Mapping[str, Any], attempt: int,
    ) -> None:  # fmt: skip
        self.id = run_id
        self.job_id = job_id
        self.name = name
        self.payload = payload
        self.attempt = attempt
        self.db = db
        self.is_done = False

    @property
    def scheduled_for(self) -> datetime | None:
        """The time a schedule named; None for a job that was enqueued otherwise."""
        text = self.payload.get(SCHEDULED_FOR)
        return datetime.fromisoformat(text).astimezone(UTC) if text else None

    @asynccontextmanager
    async def finish(self) -> AsyncIterator[Connection]:
        """The transaction that ends the run, once: what it writes is there exactly once, whatever
        becomes of workers. Without it the run ends when the handler returns, and what the handler
        wrote may be written again after a crash, so it has to bear that.

        Raises RunLost where the run may not finish any more; a handler lets that through.
        """
        async with self.db.write() as connection:
            if not await store.finish_run(connection, self.id, "done"):
                raise RunLost(self.name)
            yield connection
        self.is_done = True


Handler = Callable[[Run], Awaitable[None]]


class Runner:
    """Carries out the jobs that the library hands over."""

    def __init__(
        self, db: Database, queries: WorkerQueries, worker_id: UUID, options: WorkerOptions
    ) -> None:
        self._db = db
        self._queries = queries
        self._worker_id = worker_id
        self._options = options
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._is_stopping = False

    def executor(self, handler: Handler) -> AbstractEntrypointExecutor:
        """What the library calls for each job of a name."""
        return _Executor(
            EntrypointExecutorParameters(
                concurrency_limit=0, func=_never_called, on_failure="hold"
            ),
            self,
            handler,
        )

    async def stop_canceled(self) -> None:
        """Stop the runs that somebody has cancelled or taken over."""
        if not self._running:
            return
        async with self._db.read() as connection:
            ended = await store.list_canceled(connection, list(self._running))
        for run_id in ended:
            if task := self._running.get(run_id):
                task.cancel()

    def stop_all(self) -> None:
        """Stop every run; the jobs go back into the queue."""
        self._is_stopping = True
        for task in self._running.values():
            task.cancel()

    async def execute(self, job: models.Job, handler: Handler) -> None:
        """One run. Raises RetryRequested, or what makes the job fail for good."""
        try:
            run = await self._begin(job)
        except AppError as error:
            raise RetryRequested(_NO_DATABASE_DELAY, str(error)) from error
        if run is None:
            return
        task = asyncio.ensure_future(handler(run))
        self._running[run.id] = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            self._queries.lost.add(job.id)  # else the library would take the job for cancelled
            task.cancel()
            raise
        finally:
            del self._running[run.id]
        await self._end(job, run, task)

    async def _begin(self, job: models.Job) -> Run | None:
        """Note the run; None when there is nothing to do any more."""
        raw = job.payload or b"{}"
        async with self._db.write() as connection:
            held = await store.lock_job(connection, job.id)
            if held is None or held[1] != job.queue_manager_id:
                self._queries.lost.add(job.id)
                return None
            self._queries.lost.discard(job.id)
            await store.mark_lost(connection, job.id)
            outcomes = await store.list_outcomes(connection, job.id)
            if outcomes[:1] == ["done"]:
                return None  # its worker died between the commit and telling the queue
            run_id, attempt = uuid7(), len(outcomes) + 1
            await store.insert_run(
                connection, run_id=run_id, job_id=job.id, name=job.entrypoint,
                payload=raw, attempt=attempt, worker_id=self._worker_id,
            )  # fmt: skip
            deaths = next((n for n, o in enumerate(outcomes) if o != "lost"), len(outcomes))
            is_deadly = deaths >= self._options.deaths
            if is_deadly:
                error = f"Given up: {deaths} runs in a row were killed or hung."
                await store.finish_run(connection, run_id, "failed", error)
        if is_deadly:
            raise Permanent(error)
        return Run(
            self._db, run_id=run_id, job_id=job.id, name=job.entrypoint,
            payload=store.decode_payload(raw), attempt=attempt,
        )  # fmt: skip

    async def _end(self, job: models.Job, run: Run, task: asyncio.Task[None]) -> None:
        if run.is_done:
            if not task.cancelled() and task.exception():
                _log.error("job %d (%s) was done, then failed", job.id, run.name,
                           exc_info=task.exception())  # fmt: skip
            return
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            await self._finish(job, run, "stopped", "the worker was stopped")
            if self._is_stopping and job.id not in self._queries.lost:
                raise RetryRequested(timedelta(), "the worker was stopped")
        elif error is None:
            await self._finish(job, run, "done", None)
        elif isinstance(error, RunLost):
            self._queries.lost.add(job.id)
        else:
            await self._fail(job, run, error)

    async def _fail(self, job: models.Job, run: Run, error: BaseException) -> None:
        """After an error: put back, or given up."""
        is_final = isinstance(error, Permanent) or job.attempts + 1 >= self._options.attempts
        text = f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS].replace("\x00", "\ufffd")
        await self._finish(job, run, "failed" if is_final else "retrying", text)
        if job.id in self._queries.lost:
            return
        if is_final:
            _log.error("job %d (%s) has failed for good", job.id, run.name, exc_info=error)
            raise error
        delay = rules.retry_delay(job.attempts, self._options)
        _log.warning("job %d (%s) failed, again in %s: %s", job.id, run.name, delay, text)
        raise RetryRequested(delay, text) from error

    async def _finish(self, job: models.Job, run: Run, outcome: Outcome, error: str | None) -> None:
        try:
            async with self._db.write(is_one_statement=True) as connection:
                is_ours = await store.finish_run(connection, run.id, outcome, error)
        except AppError:
            is_ours = False  # nobody can be told: the job is taken again when its worker is silent
        if not is_ours:
            self._queries.lost.add(job.id)


class _Executor(AbstractEntrypointExecutor):
    def __init__(
        self, parameters: EntrypointExecutorParameters, runner: Runner, handler: Handler
    ) -> None:
        super().__init__(parameters)
        self._runner = runner
        self._handler = handler

    async def execute(self, job: models.Job, context: models.Context) -> None:  # noqa: ARG002
        await self._runner.execute(job, self._handler)


async def _never_called(job: models.Job) -> None:
    raise AssertionError(job)
