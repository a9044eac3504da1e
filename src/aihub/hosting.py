"""Which PostgreSQL serves this hub: one that we run ourselves, or the one of a URL."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from aihub.embedded import DiskGuard, EmbeddedError, EmbeddedPostgres, EmbeddedSettings
from aihub.kit import migrate, plain_postgres
from aihub.kit.db import Database, DatabaseOptions, is_transaction_pooler
from aihub.settings import Settings

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.5
_CONNECT_SECONDS = 10
_MIB = 1 << 20


class DatabaseRefused(Exception):
    """The database of AIHUB_DATABASE_URL answers, and does not let us in."""


class Hosting:
    """The server, prepared and migrated. `start` blocks until it answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = settings.database_url
        self._embedded: EmbeddedPostgres | None = None
        self._guard: DiskGuard | None = None
        self._watch: asyncio.Task[None] | None = None
        self.has_room = True

    @property
    def dsn(self) -> str:
        """The address now; that of an embedded server may change when it is started anew."""
        if self._embedded is not None:
            return self._embedded.dsn
        assert self.url is not None
        return self.url

    @property
    def is_pooler(self) -> bool:
        """Whether a transaction pooler lies between."""
        return self.url is not None and is_transaction_pooler(self.url, self.settings.pg_pooler)

    @property
    def bin_dir(self) -> Path | None:
        """The folder of PostgreSQL's programs, where one is set."""
        found = self.settings.pg_bin
        return None if found is None else Path(found).expanduser()

    def start(self) -> None:
        """Have the server run. Raises EmbeddedError."""
        if self.url is not None:
            return
        home = self.settings.home_dir
        self._embedded = EmbeddedPostgres(
            EmbeddedSettings(home, self.bin_dir, self.settings.pg_user)
        )
        self._embedded.ensure_running()
        least = self.settings.min_free_disk_mb
        self._guard = DiskGuard(home, None if least is None else least * _MIB)
        self.has_room = self._guard.check().ok

    async def open(self) -> None:
        """Have the server run, prepared and migrated; left again when that fails or is cancelled.

        Raises EmbeddedError, DatabaseRefused, MigrationError, PreparationError.
        """
        try:
            await asyncio.to_thread(self.start)
            await self.migrate()
        except BaseException:
            await self.stop()
            raise

    async def migrate(self, report: Callable[[migrate.Migration], None] | None = None) -> list[str]:
        """Prepare and migrate where anything is missing; the versions that were applied.

        Behind a transaction pooler nothing is changed. Raises MigrationError, PreparationError,
        DatabaseRefused.
        """
        async with self.connection() as connection:
            if await _has_history(connection):
                missing = await migrate.pending(connection)
                if not missing:
                    return []
            if not await plain_postgres.is_prepared(connection):
                await self._prepare(connection)
            return await migrate.migrate(connection, report=report)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """One connection beside the pool. Raises DatabaseRefused, and AWAY's errors."""
        try:
            connection: Any = await asyncpg.connect(
                self.dsn, statement_cache_size=0, timeout=_CONNECT_SECONDS
            )
        except (
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
            asyncpg.InsufficientPrivilegeError,
        ) as error:
            raise DatabaseRefused(f"The database does not let us in: {error}.") from error
        try:
            yield connection
        finally:
            await connection.close()

    async def _prepare(self, connection: Any) -> None:
        if self._embedded is None:
            await plain_postgres.prepare(connection)
            return
        admin: Any = await asyncpg.connect(self._embedded.admin_dsn)
        try:
            await plain_postgres.prepare(admin)
        finally:
            await admin.close()

    def database(self) -> Database:
        """A pool to it, not yet open."""
        options = DatabaseOptions(pooler=self.is_pooler, max_size=self.settings.pool_size)
        return Database(lambda: self.dsn, options)

    def start_watching(self) -> None:
        """Start an embedded server again when it dies, and watch the disk. Needs an event loop."""
        if self._embedded is not None:
            self._watch = asyncio.create_task(self._watch_for_ever(self._embedded))

    async def stop(self) -> None:
        """Stop what `start` started, unless others use it."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        if self._embedded is not None:
            await asyncio.to_thread(self._embedded.release)

    async def _watch_for_ever(self, server: EmbeddedPostgres) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                if self._guard is not None:
                    self._note_disk(self._guard.check().ok)
                if not await asyncio.to_thread(server.is_alive):
                    _log.warning("the embedded PostgreSQL is gone: starting it again")
                    await asyncio.to_thread(server.ensure_running)
                    _log.warning("the embedded PostgreSQL runs again")
            except (EmbeddedError, OSError) as error:
                _log.error("the embedded PostgreSQL does not start: %s", error)

    def _note_disk(self, has_room: bool) -> None:  # noqa: FBT001 - the only argument
        if has_room != self.has_room:
            _log.warning("there is room on the disk again" if has_room else "the disk is full")
        self.has_room = has_room


async def _has_history(connection: Any) -> bool:
    found = await connection.fetchval(
        "select to_regclass('supabase_migrations.schema_migrations') is not null"
    )
    return bool(found)
