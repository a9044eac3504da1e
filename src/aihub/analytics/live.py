"""The live numbers, and one poller a process that feeds every open view from memory.

Nothing in the write path tells anybody anything. The ticker notes the organizations that changed;
the poller asks for that note a few times a second, and reads the numbers anew only of the
organizations that somebody looks at.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aihub.analytics import rules, store
from aihub.analytics.errors import TooManyViewers
from aihub.analytics.models import LiveNumbers
from aihub.kit.db import Connection, Database
from aihub.kit.errors import AppError

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.15
# windows move on without a message, too
SLIDE_SECONDS = 2.0
EVERYBODY_SECONDS = 0.5
MOST_VIEWERS = 1_000


async def get_live(
    connection: Connection, organization_id: UUID | None, *, now: datetime | None = None
) -> LiveNumbers:
    """The numbers of now, from the rows themselves. None: of all organizations."""
    at = now or datetime.now(UTC)
    minutes = timedelta(minutes=1)
    row = await store.get_live(
        connection,
        organization_id,
        since_minute=at - minutes,
        since=at - rules.LATENCY_MINUTES * minutes,
        to=at + minutes,  # clocks of callers that are a little fast
    )
    sessions = await store.count_sessions(
        connection, organization_id, at - rules.ACTIVE_MINUTES * minutes
    )
    counts = rules.merge_counts([(row["buckets"], row["counts"])])
    (p95,) = rules.percentiles(counts, [0.95])
    return LiveNumbers(
        active_sessions_count=sessions,
        tokens_per_minute=row["tokens"],
        error_rate=rules.divide(row["errors"] * rules.ONE, row["calls"]),
        response_time_p95=p95,
        as_of=at,
    )


@dataclass(slots=True)
class _View:
    """What the viewers of one organization (None: all) share."""

    viewers: int = 0
    number: int = 0
    numbers: LiveNumbers | None = None
    version: int = 0
    is_due: bool = True
    read_at: float = 0.0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)


class Live:
    """The open views of this process. `start` before `watch`."""

    def __init__(self, db: Database, *, most_viewers: int = MOST_VIEWERS) -> None:
        self._db = db
        self._most = most_viewers
        self._views: dict[UUID | None, _View] = {}
        self._version = 0
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    @property
    def viewers(self) -> int:
        """How many views are open."""
        return sum(view.viewers for view in self._views.values())

    @property
    def is_full(self) -> bool:
        """Whether one more view would be refused."""
        return self.viewers >= self._most

    async def start(self) -> None:
        """Begin to poll."""
        self._task = asyncio.create_task(self._poll_for_ever())

    async def stop(self) -> None:
        """End; open views are told by the end of their numbers."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @asynccontextmanager
    async def watch(self, organization_id: UUID | None) -> AsyncIterator["Watch"]:
        """A place among the viewers. Raises TooManyViewers."""
        if self.is_full:
            raise TooManyViewers
        view = self._views.setdefault(organization_id, _View())
        view.viewers += 1
        view.is_due = True
        self._woken.set()
        try:
            yield Watch(view)
        finally:
            view.viewers -= 1
            if not view.viewers:
                self._views.pop(organization_id, None)

    async def _poll_for_ever(self) -> None:
        while True:
            if not self._views:
                self._woken.clear()
                await self._woken.wait()
            try:
                await self._poll()
            except AppError as error:
                _log.warning("live numbers: %s", error)
                await asyncio.sleep(1)
            except Exception:  # noqa: BLE001 - one failure must not end it for ever
                _log.exception("live numbers failed")
                await asyncio.sleep(1)
            await asyncio.sleep(POLL_SECONDS)

    async def _poll(self) -> None:
        async with self._db.read() as connection:
            for organization_id, version in await store.list_heads(connection, self._version):
                self._version = max(self._version, version)
                for whose in (organization_id, None):
                    if whose in self._views:
                        self._views[whose].is_due = True
            now = time.monotonic()
            for whose, view in list(self._views.items()):
                age = now - view.read_at
                pause = EVERYBODY_SECONDS if whose is None else 0.0
                if (view.is_due and age >= pause) or age >= SLIDE_SECONDS:
                    view.is_due = False
                    await self._read(connection, whose, view)

    async def _read(self, connection: Connection, whose: UUID | None, view: _View) -> None:
        numbers = await get_live(connection, whose)
        view.read_at = time.monotonic()
        if view.numbers is not None and _same(view.numbers, numbers):
            return
        async with view.changed:
            view.numbers = numbers
            view.number += 1
            view.changed.notify_all()


def _same(one: LiveNumbers, other: LiveNumbers) -> bool:
    return (
        one.active_sessions_count,
        one.tokens_per_minute,
        one.error_rate,
        one.response_time_p95,
    ) == (
        other.active_sessions_count,
        other.tokens_per_minute,
        other.error_rate,
        other.response_time_p95,
    )


class Watch:
    """One viewer: each call of `next` gives the numbers after those given before."""

    def __init__(self, view: _View) -> None:
        self._view = view
        self._seen = -1

    async def next(self, seconds: float) -> LiveNumbers | None:
        """The newest numbers once they differ from the last given; None after `seconds`."""
        view = self._view
        if view.numbers is None or view.number == self._seen:
            try:
                async with asyncio.timeout(seconds), view.changed:
                    await view.changed.wait_for(
                        lambda: view.numbers is not None and view.number != self._seen
                    )
            except TimeoutError:
                return None
        self._seen = view.number
        return view.numbers
