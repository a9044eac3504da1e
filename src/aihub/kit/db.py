"""The database: one pool of asyncpg connections, and errors told in our words.

Connections are opened by asking for the address anew, since an embedded server may come back at
another port. Nothing is reset when a connection goes back to the pool: no code of ours changes
session state, and a reset would cost a round trip a request.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from aihub.kit.errors import AppError, DatabaseAway, DiskFull

# asyncpg ships no types; the name says what is meant
Connection: TypeAlias = Any

_log = logging.getLogger(__name__)

_TRANSACTION_POOLER_PORT = 6543
_ACQUIRE_SECONDS = 5.0
_STATEMENT_SECONDS = 30.0
# Lists take filters as "null or equal": only a plan made for the values uses the right index and
# the right months. Behind a pooler nothing is prepared, and every plan is of that kind.
# Sums of some ten thousand rows stay in memory with 16 MB; with the usual 4 they go to disk.
_SETTINGS = {
    "application_name": "aihub",
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "work_mem": "16MB",
}

# What asyncpg raises when the server is away, going away or coming up.
AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.OutOfMemoryError,
    TimeoutError,
)
FULL = (asyncpg.DiskFullError,)


def is_transaction_pooler(dsn: str, mode: str | None) -> bool:
    """Whether `dsn` leads to a pooler that gives another server to each transaction.

    Told by `mode` (`transaction` or `session`), or else by Supabase's port 6543.
    """
    if mode is not None:
        return mode == "transaction"
    return urlsplit(dsn).port == _TRANSACTION_POOLER_PORT


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """`pooler`: behind a transaction pooler. Sizes are numbers of connections."""

    pooler: bool = False
    min_size: int = 2
    max_size: int = 10


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Connections that are open, those of them nobody uses, and who waits for one."""

    size: int
    idle: int
    waiting: int


class Database:
    """A pool. `dsn` gives the address whenever a connection is opened."""

    def __init__(self, dsn: Callable[[], str], options: DatabaseOptions | None = None) -> None:
        self._dsn = dsn
        self.options = options or DatabaseOptions()
        self._pool: Any = None
        self._waiting = 0

    def figures(self) -> PoolFigures:
        """How the pool stands now; all 0 before it was opened."""
        if self._pool is None:
            return PoolFigures(0, 0, 0)
        return PoolFigures(self._pool.get_size(), self._pool.get_idle_size(), self._waiting)

    async def open(self) -> None:
        """Open the pool. Raises DatabaseAway."""
        with translated():
            self._pool = await asyncpg.create_pool(
                min_size=self.options.min_size,
                max_size=self.options.max_size,
                max_inactive_connection_lifetime=0,
                connect=self._connect,
                reset=_keep_as_it_is,
                init=None,
            )

    async def close(self) -> None:
        """Close every connection, in two seconds at most."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 2.0)
            except TimeoutError:
                self._pool.terminate()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection for reading: each statement by itself, one round trip."""
        with translated():
            async with self._acquired() as connection:
                if not self.options.pooler:
                    yield connection
                    return
                # a pooler may give the two halves of one statement to two servers
                async with connection.transaction(readonly=True):
                    yield connection

    @asynccontextmanager
    async def write(self, *, is_one_statement: bool = False) -> AsyncIterator[Connection]:
        """A connection in a transaction: committed at the end, rolled back on any error.

        `is_one_statement`: only one statement writes; it commits by itself, and what is read after
        it is read by itself.
        """
        with translated():
            if is_one_statement and not self.options.pooler:
                async with self._acquired() as connection:
                    yield connection
                return
            async with self._acquired() as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def write_within(self, connection: Connection | None) -> AsyncIterator[Connection]:
        """A caller's own transaction on `connection` where it has one, else a new one."""
        if connection is not None:
            yield connection
            return
        async with self.write() as own:
            yield own

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        self._waiting += 1
        try:
            connection = await self._pool.acquire(timeout=_ACQUIRE_SECONDS)
        finally:
            self._waiting -= 1
        try:
            yield connection
        except asyncpg.InternalClientError:
            # the server ended it in the middle of an exchange: nobody may use it again
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection)

    async def _connect(self, *_: Any, **options: Any) -> Any:
        options.pop("dsn", None)
        cache = 0 if self.options.pooler else 512
        settings = {} if self.options.pooler else _SETTINGS
        return await asyncpg.connect(
            self._dsn(),
            timeout=_ACQUIRE_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            statement_cache_size=cache,
            server_settings=settings,
            **{
                k: v
                for k, v in options.items()
                if k in {"loop", "connection_class", "record_class"}
            },
        )


class translated:  # noqa: N801 - used as a statement: `with translated():`
    """Turns the driver's errors of a missing or full server into DatabaseAway and DiskFull."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, AppError):
            return
        if isinstance(error, FULL):
            raise DiskFull from error
        if isinstance(error, AWAY) and not isinstance(error, asyncpg.DataError):
            _log.warning("database away: %s: %s", type(error).__name__, error)
            raise DatabaseAway from error


async def _keep_as_it_is(_: Any) -> None:
    """No reset: see the module's docstring."""
