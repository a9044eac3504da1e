"""Asking the database for its state, not more often than is needed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import asyncpg

from aihub.kit import migrate
from aihub.kit.db import Connection, Database
from aihub.kit.errors import AppError
from aihub.monitoring import store
from aihub.monitoring.models import Sample

_log = logging.getLogger(__name__)

T = TypeVar("T")

_FRESH_SECONDS = 5.0
_MIGRATIONS_SECONDS = 60.0
_COUNT_SECONDS = 60.0
_PATIENCE_SECONDS = 3.0


class Sampler:
    """Keeps the newest sample for five seconds, whoever asks: anybody may ask for the checks."""

    def __init__(self, db: Database, clock: Callable[[], float] = monotonic) -> None:
        self._db = db
        self._clock = clock
        self._lock = asyncio.Lock()
        self._taken: tuple[float, Sample] | None = None
        self._migrations: tuple[float, tuple[str, ...]] | None = None
        self._counts: dict[str, tuple[float, int | None]] = {}

    @property
    def latest(self) -> Sample:
        """The newest one, however old; before the first, one of a database that is away."""
        return Sample(is_up=False) if self._taken is None else self._taken[1]

    async def sample(self) -> Sample:
        """The state now, or some seconds ago. Raises nothing."""
        async with self._lock:
            now = self._clock()
            if self._taken is None or now - self._taken[0] > _FRESH_SECONDS:
                self._taken = now, await self._ask(now)
            return self._taken[1]

    async def _ask(self, now: float) -> Sample:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._db.read() as connection:
                missing = await self._find_missing(connection, now)
                if missing:
                    return Sample(is_up=True, missing_migrations=missing)
                return Sample(
                    is_up=True,
                    missing_migrations=missing,
                    rollups=await _try(store.get_rollups, connection),
                    jobs=await _try(store.list_jobs, connection),
                    unpriced_calls=await self._count(store.count_unpriced, connection, now),
                    late_reports=await self._count(store.count_late_reports, connection, now),
                )
        except (AppError, TimeoutError, asyncpg.PostgresError) as error:
            _log.warning("the database did not tell its state: %s", error)
            return Sample(is_up=False)

    async def _find_missing(self, connection: Connection, now: float) -> tuple[str, ...] | None:
        known = self._migrations
        if known is not None and not known[1] and now - known[0] < _MIGRATIONS_SECONDS:
            return known[1]
        try:
            found = tuple(await migrate.pending(connection))
        except migrate.DatabaseIsNewer:
            found = ()  # the next release has migrated, which is safe while this one still runs
        except migrate.MigrationError as error:
            _log.warning("migrations not checked: %s", error)
            return None
        self._migrations = now, found
        return found

    async def _count(
        self, ask: Callable[[Connection], Awaitable[int]], connection: Connection, now: float
    ) -> int | None:
        # of all organizations, and so not for each scrape
        known = self._counts.get(ask.__name__)
        if known is None or now - known[0] > _COUNT_SECONDS:
            known = self._counts[ask.__name__] = now, await _try(ask, connection)
        return known[1]


async def _try(ask: Callable[[Connection], Awaitable[T]], connection: Connection) -> T | None:
    """A figure that cannot be had does not cost the others."""
    try:
        async with connection.transaction():
            return await ask(connection)
    except asyncpg.QueryCanceledError:
        raise
    except asyncpg.PostgresError as error:
        _log.warning("%s failed: %s", getattr(ask, "__name__", ask), error)
        return None
