"""Keeping the rollups: steps, days that are over, computing again."""

from datetime import UTC, datetime

from aihub.analytics import store
from aihub.analytics.models import RollupStatus, Tick
from aihub.kit.db import Connection, Database

_MOST_ROWS = 20_000
_MOST_DAYS = 300
REBUILD_DAYS = 3
# asyncpg's own forms of infinity
_FIRST, _LAST = datetime.min, datetime.max  # noqa: DTZ901


async def tick(connection: Connection) -> Tick:
    """What was committed since the last step is in the slots after this one.

    Needs a transaction of its own. Any number of processes may call it at any time: one works, the
    others get `ran` False. `more`: call it again at once.
    """
    return await store.tick_rollups(connection, most=_MOST_ROWS, days=REBUILD_DAYS)


async def settle(connection: Connection) -> int:
    """Store days that are over; how many. 0 also while another process is at work."""
    return await store.settle_days(connection, _MOST_DAYS)


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
        if not settled:
            break
    async with db.read() as connection:
        return await status(connection)


class Ticker:
    """Ticks for ever, called by the upkeep of any process every quarter of a second."""

    def __init__(self, db: Database, *, settle_seconds: float = 2.0) -> None:
        self._db = db
        self._settle_seconds = settle_seconds
        self._settled_at = datetime.fromtimestamp(0, UTC)
        self.last: Tick | None = None

    async def step(self) -> None:
        """One tick, more where there is more, and now and then the days that are over."""
        while True:
            async with self._db.write() as connection:
                self.last = await tick(connection)
            if not self.last.more:
                break
        now = datetime.now(UTC)
        if (now - self._settled_at).total_seconds() >= self._settle_seconds:
            self._settled_at = now
            async with self._db.write() as connection:
                await settle(connection)
