"""Keeping the rollups: steps, days that are over, computing again."""

import asyncio
import time
from datetime import UTC, datetime

import asyncpg

from aihub.analytics import store
from aihub.analytics.models import RollupStatus, Tick
from aihub.kit.db import Connection, Database
from aihub.kit.errors import DatabaseAway

MOST_ROWS = 20_000
_FEWEST_ROWS = 100
_MOST_DAYS = 300
_FEW = 40  # days or slots at once, where ticks wait for it
REBUILD_DAYS = 3
_PAUSE_SECONDS = 0.25  # that between steps
_REST = 9  # times as long as the last tick took, so that ticking takes a tenth of one core
_MOST_REST_SECONDS = 4.0
# asyncpg's own forms of infinity
_FIRST, _LAST = datetime.min, datetime.max  # noqa: DTZ901


async def tick(connection: Connection, *, most: int = MOST_ROWS, days: int = REBUILD_DAYS) -> Tick:
    """What was committed since the last step is in the slots after this one.

    Needs a transaction of its own. Any number of processes may call it at any time: one works, the
    others get `ran` False. `more`: call it again at once. `most`: rows of a table to look at;
    `days`: of those that are computed anew.
    """
    return await store.tick_rollups(connection, most=most, days=days)


async def settle(connection: Connection, *, most: int = _MOST_DAYS) -> int:
    """Store days that are over, `most` at once; how many. 0 also while another is at work."""
    return await store.settle_days(connection, most)


async def hold(connection: Connection, *, most: int = _FEW) -> int:
    """Store days that are not over, but for their last hours; how many.

    0 also while another process is at work. Answers are the same without it, they take longer.
    """
    return await store.hold_open_days(connection, most)


async def sum_slots(connection: Connection, *, most: int = _FEW) -> int:
    """Add slots of the last days up over all organizations; how many.

    0 also while another process is at work. Answers are the same without it, they take longer.
    """
    return await store.sum_slots(connection, most)


async def rebuild(
    connection: Connection, from_: datetime | None = None, to: datetime | None = None
) -> None:
    """Have the slots from `from_` until before `to` computed again by the next ticks; None: all."""
    await store.rebuild_rollups(connection, from_ or _FIRST, to or _LAST)


async def status(connection: Connection) -> RollupStatus:
    """How far the rollups are."""
    return await store.get_status(connection)


async def catch_up(db: Database) -> RollupStatus:
    """Tick and settle until nothing is left; how far they are then.

    Days that another process works at are waited for.
    """
    while True:
        async with db.write() as connection:
            found = await tick(connection)
        if found.ran and not found.more:
            break
    while True:
        async with db.write() as connection:
            settled = await settle(connection)
        async with db.read() as connection:
            state = await status(connection)
        if not state.due_days:
            return state
        if not settled:  # another process is at it
            await asyncio.sleep(_PAUSE_SECONDS / 10)


class Ticker:
    """Ticks for ever, called by the upkeep of any process every quarter of a second."""

    def __init__(self, db: Database, *, settle_seconds: float = 2.0) -> None:
        self._db = db
        self._settle_seconds = settle_seconds
        self._settled_at = datetime.fromtimestamp(0, UTC)
        self.most_rows, self._days = MOST_ROWS, REBUILD_DAYS
        self.last: Tick | None = None

    async def step(self) -> None:
        """One tick, more where there is more, and now and then the days that are over."""
        while True:
            began = time.perf_counter()
            self.last = await self._tick()
            if not self.last.more:
                break
        if self.last.ran:
            # a busy slot takes long, since it is computed whole: then less often, for who stores
            await _rest(began)
        now = datetime.now(UTC)
        if (now - self._settled_at).total_seconds() >= self._settle_seconds:
            self._settled_at = now
            await self._store_days()

    async def _store_days(self) -> None:
        """Some of the days that are over, of those that are not, and sums of slots.

        While somebody stores rows, no more than takes a tenth of one core, and few at once.
        """
        is_busy = self.last is not None and self.last.slots > 0
        most = _FEW if is_busy else _MOST_DAYS
        for store_some in (settle, hold, sum_slots):
            began = time.perf_counter()
            async with self._db.write(is_one_statement=True) as connection:
                found = await store_some(connection, most=most)
            if found and is_busy:
                await _rest(began)
            elif found == most:
                self._settled_at = datetime.fromtimestamp(0, UTC)  # go on with the next step

    async def _tick(self) -> Tick:
        """One tick; one that takes longer than a statement may is smaller the next time."""
        try:
            async with self._db.write(is_one_statement=True) as connection:
                found = await tick(connection, most=self.most_rows, days=self._days)
        except DatabaseAway as error:
            if not isinstance(error.__cause__, TimeoutError | asyncpg.QueryCanceledError):
                raise
            self.most_rows = max(_FEWEST_ROWS, self.most_rows // 4)
            self._days = 1
            raise
        if not found.more:
            self.most_rows, self._days = MOST_ROWS, REBUILD_DAYS
        return found


async def _rest(began: float) -> None:
    """Some times as long as the work took that `began` (of perf_counter)."""
    took = time.perf_counter() - began
    await asyncio.sleep(min(_MOST_REST_SECONDS, max(0.0, _REST * took - _PAUSE_SECONDS)))
