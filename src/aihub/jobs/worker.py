"""A worker: takes jobs, enqueues what schedules name, and notices what others do to its jobs."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pgqueuer.core.qm import QueueManager

from aihub.jobs import rules, service, store
from aihub.jobs.models import Schedule, WorkerOptions
from aihub.jobs.queue import CHANNEL, WorkerQueries
from aihub.jobs.running import Handler, Runner
from aihub.kit.db import Database
from aihub.kit.errors import AppError
from aihub.kit.ids import uuid7

_log = logging.getLogger(__name__)

_TICK_SECONDS, _PURGE_SECONDS, _SEEN_SECONDS = 1.0, 3_600.0, 5.0
_AGAIN_SECONDS = 2.0
_FORGET_WORKERS = timedelta(days=1)


class Worker:
    """Works until it is stopped. Any number of them, in any number of processes, share the work.

    `handlers`: what to do, by the name of the job; jobs of other names are left to others.
    `schedules` without a handler here are kept, and enqueued where they are enabled.
    """

    def __init__(
        self,
        db: Database,
        handlers: Mapping[str, Handler],
        schedules: Sequence[Schedule] = (),
        options: WorkerOptions | None = None,
    ) -> None:
        for schedule in schedules:
            rules.check_schedule(schedule)
        self.id = uuid7()
        self._db = db
        self._handlers = dict(handlers)
        self._schedules = tuple(schedules)
        self._options = options or WorkerOptions()
        self._queries = WorkerQueries(db)
        self._runner = Runner(db, self._queries, self.id, self._options)
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the background."""
        self._running = asyncio.create_task(self.run())

    async def run(self) -> None:
        """Work until `stop`. A database that is away is waited for."""
        await asyncio.gather(self._work(), self._tick())

    async def stop(self) -> None:
        """Take no more jobs; let those that run finish, for as long as `grace` says, then put them
        back into the queue."""
        self._stopping.set()
        if self._manager is not None:
            self._manager.shutdown.set()
        if self._running is None:
            return
        grace = self._options.grace.total_seconds()
        done, _ = await asyncio.wait({self._running}, timeout=grace)
        if not done:
            self._runner.stop_all()
            done, _ = await asyncio.wait({self._running}, timeout=grace)
        if not done:
            self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    # ---------- jobs ----------

    async def _work(self) -> None:
        while not self._stopping.is_set():
            self._manager = self._make_manager()
            if self._stopping.is_set():
                return
            try:
                await self._manager.run(
                    dequeue_timeout=self._options.poll,
                    batch_size=1,
                    max_concurrent_tasks=max(2, self._options.concurrency),
                    heartbeat_timeout=self._options.heartbeat,
                    log_aggregation_interval=timedelta(),
                )
            except AppError as error:
                _log.warning("no jobs are taken: %s", error)
            except Exception:  # noqa: BLE001 - one failure must not end the work for ever
                _log.exception("taking jobs failed")
            await self._pause(_AGAIN_SECONDS)

    def _make_manager(self) -> QueueManager:
        manager = QueueManager(self._queries, CHANNEL)
        for name, handler in self._handlers.items():
            manager.register_executor(name, self._runner.executor(handler))
        return manager

    # ---------- what else there is to do ----------

    async def _tick(self) -> None:
        """Once a second: schedules, runs that may not finish, a sign of life."""
        loop = asyncio.get_running_loop()
        seen = purged = -_PURGE_SECONDS
        are_schedules_kept = False
        while not self._stopping.is_set():
            try:
                if not are_schedules_kept:
                    await self._keep_schedules()
                    are_schedules_kept = True
                await self._enqueue_due()
                await self._runner.stop_canceled()
                if loop.time() - seen >= _SEEN_SECONDS:
                    await self._sign()
                    seen = loop.time()
                if loop.time() - purged >= _PURGE_SECONDS:
                    await self._purge()
                    purged = loop.time()
            except AppError as error:
                _log.warning("schedules wait: %s", error)
            except Exception:  # noqa: BLE001
                _log.exception("keeping the schedules failed")
            await self._pause(_TICK_SECONDS)
        with contextlib.suppress(AppError):
            async with self._db.write(is_one_statement=True) as connection:
                await store.remove_worker(connection, self.id)

    async def _keep_schedules(self) -> None:
        async with self._db.write() as connection:
            await service.keep_schedules(connection, self._schedules, datetime.now(UTC))

    async def _enqueue_due(self) -> None:
        if not self._schedules:
            return
        async with self._db.write() as connection:
            for name in await service.enqueue_due(connection, self._schedules, datetime.now(UTC)):
                _log.debug("enqueued %s", name)

    async def _sign(self) -> None:
        async with self._db.write(is_one_statement=True) as connection:
            await store.see_worker(
                connection, self.id, host=socket.gethostname(), process=os.getpid(),
                names=list(self._handlers),
            )  # fmt: skip

    async def _purge(self) -> None:
        now = datetime.now(UTC)
        async with self._db.write() as connection:
            await store.purge(
                connection, history=now - self._options.keep, workers=now - _FORGET_WORKERS
            )

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
