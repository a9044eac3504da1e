"""Work that a page starts and that outlives its request: bounded, told as it goes on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aihub.kit.errors import AppError, Conflict
from aihub.kit.ids import uuid7

_log = logging.getLogger(__name__)

Work = Callable[["Job"], Awaitable[Any]]


class Busy(Conflict):
    """As much of this work is under way as may be at a time."""

    code, title = "job_under_way", "This is under way already"


@dataclass(eq=False, slots=True)
class Job:
    """One piece of work. `done` of `total` as far as it is known; then `result` or `error`.

    `about` is what it was started with, for the page that tells of it.
    """

    key: str
    started_by: str
    about: Any = None
    id: UUID = field(default_factory=uuid7)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    done: int = 0
    total: int | None = None
    words: str = ""
    result: Any = None
    error: AppError | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is more to come."""
        return self.finished_at is None

    def tell(self, done: int, total: int) -> None:
        """How far it is."""
        self.done, self.total = done, total


class Jobs:
    """What is under way, `at_once` at most, and the last `kept` that are done."""

    def __init__(self, *, at_once: int, kept: int) -> None:
        self._at_once = at_once
        self._kept = kept
        self._jobs: dict[UUID, Job] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def start(self, key: str, work: Work, *, started_by: str, about: Any = None) -> Job:
        """Begin `work`. Raises Busy when another of the same `key` is under way, or too many."""
        running = [job for job in self._jobs.values() if job.is_running]
        if len(running) >= self._at_once or any(job.key == key for job in running):
            raise Busy("Another one is under way. Wait until it is done, and start yours again.")
        job = Job(key, started_by, about)
        self._jobs[job.id] = job
        task = asyncio.create_task(self._run(job, work))
        task.add_done_callback(lambda _: self._conclude(job))
        self._tasks[job.id] = task
        self._forget()
        return job

    def find(self, job_id: UUID) -> Job | None:
        """A job that is under way or was done lately."""
        return self._jobs.get(job_id)

    def latest(self, key: str) -> Job | None:
        """The newest job of that key."""
        return next((job for job in reversed(self._jobs.values()) if job.key == key), None)

    def running(self) -> Job | None:
        """Any that is under way."""
        return next((job for job in self._jobs.values() if job.is_running), None)

    async def stop(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job, work: Work) -> None:
        try:
            job.result = await work(job)
        except AppError as error:
            job.error = error
        except Exception:  # noqa: BLE001 - told as a failure, logged whole
            _log.exception("%s failed", job.key)
            job.error = AppError()

    def _conclude(self, job: Job) -> None:
        # of every task, also one that was cancelled before it began
        job.finished_at = datetime.now(UTC)
        self._tasks.pop(job.id, None)

    def _forget(self) -> None:
        finished = [job for job in self._jobs.values() if not job.is_running]
        for job in finished[: max(0, len(finished) - self._kept)]:
            del self._jobs[job.id]
