"""The live numbers, and one poller a process that feeds every open view from memory.

Nothing in the write path tells anybody anything. The poller asks a few times a second which
transactions were committed since it last asked. Of the organizations that somebody looks at it
keeps the last minutes by second, and reads those seconds again that were touched. It needs no
ticker.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aihub.analytics import live_store, rules, store
from aihub.analytics.errors import TooManyViewers
from aihub.analytics.live_store import Seen
from aihub.analytics.models import LiveNumbers
from aihub.analytics.window import Window
from aihub.kit.db import Connection, Database
from aihub.kit.errors import AppError

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.15
# windows move on without a message, too
SLIDE_SECONDS = 2.0
EVERYBODY_SECONDS = 0.5
# all is read anew now and then: rows may come to be in a window from further ahead than is kept
UNREAD_SECONDS = 600.0
FAILED_SECONDS = 1.0
MOST_VIEWERS = 1_000
_AHEAD_SECONDS = 60  # clocks of callers that are a little fast
_INSTANT = timedelta(microseconds=1)


async def get_live(
    connection: Connection, organization_id: UUID | None, *, now: datetime | None = None
) -> LiveNumbers:
    """The numbers of now, from the rows themselves. None: of all organizations.

    Windows are of whole seconds, the present one included.
    """
    at = now or datetime.now(UTC)
    this = at.replace(microsecond=0)
    row = await store.get_live(
        connection,
        organization_id,
        since_minute=this - timedelta(seconds=59) - _INSTANT,
        since=this - timedelta(seconds=60 * rules.LATENCY_MINUTES - 1) - _INSTANT,
        to=this + timedelta(seconds=_AHEAD_SECONDS + 1) - _INSTANT,
    )
    sessions = await store.count_sessions(connection, organization_id, _active_since(at))
    counts = rules.merge_counts([(row["buckets"], row["counts"])])
    (p95,) = rules.percentiles(counts, [0.95])
    return LiveNumbers(
        active_sessions_count=sessions,
        tokens_per_minute=row["tokens"],
        error_rate=rules.divide(row["errors"] * rules.ONE, row["calls"]),
        response_time_p95=p95,
        as_of=at,
    )


def _active_since(at: datetime) -> datetime:
    return at - timedelta(minutes=rules.ACTIVE_MINUTES)


@dataclass(slots=True)
class Update:
    """Numbers for all viewers of an organization. `shared`: what the first of them made of it."""

    numbers: LiveNumbers
    shared: bytes | None = None


@dataclass(slots=True)
class _View:
    """What the viewers of one organization (None: all) share."""

    viewers: int = 0
    update: Update | None = None
    window: Window = field(default_factory=Window)
    sessions: int = 0
    is_due: bool = True
    is_unread: bool = True
    loaded_at: float = 0.0
    read_at: float = 0.0
    counted_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, at: datetime) -> None:
        """Tell the viewers, where the numbers are others than before."""
        this = int(at.timestamp())
        first = this - 60 * rules.LATENCY_MINUTES + 1
        self.window.move(first, this + _AHEAD_SECONDS)
        (p95,) = rules.percentiles(self.window.counts, [0.95])
        numbers = LiveNumbers(
            active_sessions_count=self.sessions,
            tokens_per_minute=self.window.tokens(this - 59),
            error_rate=rules.divide(self.window.errors * rules.ONE, self.window.calls),
            response_time_p95=p95,
            as_of=at,
        )
        if self.update is None or not _same(self.update.numbers, numbers):
            self.update = Update(numbers)
            self.wake()

    def wake(self) -> None:
        """Have all who wait look again."""
        self.changed.set()
        self.changed = asyncio.Event()


class Live:
    """The open views of this process. `start` before `watch`."""

    def __init__(self, db: Database, *, most_viewers: int = MOST_VIEWERS) -> None:
        self._db = db
        self._most = most_viewers
        self._views: dict[UUID | None, _View] = {}
        self._seen = Seen()
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self.is_closed = False

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

    def close(self) -> None:
        """Have every open view end by itself, and new ones at once: the process is to stop."""
        self.is_closed = True
        for view in self._views.values():
            view.wake()

    async def stop(self) -> None:
        """Close, and poll no more."""
        self.close()
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
            yield Watch(self, view)
        finally:
            view.viewers -= 1
            if not view.viewers and self._views.get(organization_id) is view:
                del self._views[organization_id]

    async def _poll_for_ever(self) -> None:
        while True:
            if not self._views:
                self._woken.clear()
                await self._woken.wait()
            began = time.monotonic()
            try:
                await self._poll()
            except Exception as error:  # noqa: BLE001 - one failure must not end it for ever
                if isinstance(error, AppError):
                    _log.warning("live numbers: %s", error)
                else:
                    _log.exception("live numbers failed")
                for view in self._views.values():  # maybe another server answers from now on
                    view.is_unread = True
                await asyncio.sleep(FAILED_SECONDS)
            # half of the time at most, however long it takes
            await asyncio.sleep(max(POLL_SECONDS, time.monotonic() - began))

    async def _poll(self) -> None:
        views, now, at = dict(self._views), time.monotonic(), datetime.now(UTC)
        for view in views.values():
            view.is_unread |= now - view.loaded_at >= UNREAD_SECONDS
        async with self._db.read() as connection:
            seen = await live_store.get_seen(connection)
            touched: set[UUID | None] = set()
            if seen != self._seen or any(view.is_unread for view in views.values()):
                touched = await self._read_calls(connection, views, at)
                stirred = await live_store.list_stirred(connection, self._seen)
                for whose, view in views.items():
                    view.is_due |= bool(stirred) if whose is None else whose in stirred
                self._seen = seen
            late = {whose for whose, view in views.items() if _is_late(view, now)}
            if late:
                await self._count_sessions(connection, {whose: views[whose] for whose in late}, at)
        for whose in late | touched:
            views[whose].publish(at)
            views[whose].read_at = now

    async def _read_calls(
        self, connection: Connection, views: dict[UUID | None, _View], at: datetime
    ) -> set[UUID | None]:
        """Bring the windows up to date; whose were touched."""
        now = time.monotonic()
        since = at.replace(microsecond=0) - timedelta(seconds=60 * rules.LATENCY_MINUTES - 1)
        unread = {whose for whose, view in views.items() if view.is_unread}
        ids = [whose for whose in views if whose is not None and whose not in unread]
        new = [whose for whose in unread if whose is not None]
        to = at + timedelta(seconds=UNREAD_SECONDS + 2 * _AHEAD_SECONDS)
        seconds: live_store.Seconds = {}
        if ids or new:
            seconds |= await live_store.list_seconds(
                connection, self._seen, since, to, ids=ids, unread=new
            )
        if None in views:
            seconds |= await live_store.list_seconds_of_all(
                connection, self._seen, since, to, is_unread=None in unread
            )
        for whose in unread:
            window = views[whose].window
            window.move(int(since.timestamp()), int(at.timestamp()) + _AHEAD_SECONDS)
            window.replace(seconds.get(whose, {}))
            views[whose].is_unread, views[whose].loaded_at = False, now
        for whose in seconds.keys() - unread:
            for second, calls in seconds[whose].items():
                views[whose].window.put(second, calls)
        return set(seconds)

    async def _count_sessions(
        self, connection: Connection, views: dict[UUID | None, _View], at: datetime
    ) -> None:
        ids = [whose for whose in views if whose is not None]
        found = await live_store.list_sessions(connection, ids, _active_since(at)) if ids else {}
        now = time.monotonic()
        for whose, view in views.items():
            if whose is not None:
                view.sessions = found.get(whose, 0)
            elif now - view.counted_at >= EVERYBODY_SECONDS:
                view.sessions = await store.count_sessions(connection, None, _active_since(at))
            else:
                continue  # stays due
            view.counted_at = now
            view.is_due = False


def _is_late(view: _View, now: float) -> bool:
    return view.is_due or now - view.read_at >= SLIDE_SECONDS


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

    def __init__(self, live: Live, view: _View) -> None:
        self._live = live
        self._view = view
        self._seen: Update | None = None

    @property
    def is_over(self) -> bool:
        """Whether there will be no more."""
        return self._live.is_closed

    async def next(self, seconds: float) -> Update | None:
        """The newest numbers once they differ from the last given; None after `seconds`, or at the
        end. What came between is left out, so that nothing gathers for who is slow."""
        view = self._view
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_over and (view.update is None or view.update is self._seen):
                    await view.changed.wait()
        if self.is_over or view.update is self._seen:
            return None
        self._seen = view.update
        return view.update
