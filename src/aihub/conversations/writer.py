"""The one way in: what arrives together is stored in one transaction, answered after its commit.

Single requests, batches, imports and the demo all come through `Writer.write`.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import asyncpg

from aihub.conversations import store
from aihub.conversations.applying import Outcome, apply
from aihub.conversations.commands import Command
from aihub.kit.db import Connection, Database
from aihub.kit.errors import AppError, DatabaseAway, DiskFull, Invalid
from aihub.kit.grouping import GroupCommit

_log = logging.getLogger(__name__)

_TRIES = 5
_MOST = 500
_PASSING = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)


class Writer:
    """Stores commands. `has_room` is asked before anything is taken in."""

    def __init__(self, db: Database, *, has_room: Callable[[], bool] = lambda: True) -> None:
        self._db = db
        self._has_room = has_room
        self._group: GroupCommit[Command, Outcome] = GroupCommit(
            self._store, most=_MOST, is_shared_fate=_is_shared_fate
        )

    def start(self) -> None:
        """Begin to store. Needs a running event loop."""
        self._group.start()

    async def stop(self) -> None:
        """Store what waits, then stop."""
        await self._group.stop()

    async def write(
        self, commands: Sequence[Command], connection: Connection | None = None
    ) -> Sequence[Outcome]:
        """What became of each command, in order, committed; or, within a caller's transaction on
        `connection`, as good as that transaction.

        Raises:
            DiskFull, DatabaseAway: nothing of it may be taken as stored.
        """
        if not self._has_room():
            raise DiskFull
        if connection is not None:
            return await self._store_within(connection, commands)
        try:
            return await self._group.submit(commands)
        except asyncpg.PostgresError as error:
            return await self._one_by_one(commands, error)

    async def _one_by_one(
        self, commands: Sequence[Command], error: asyncpg.PostgresError
    ) -> Sequence[Outcome]:
        """Store a submission that PostgreSQL refused as a whole: each command by itself."""
        if len(commands) == 1:
            return [Outcome.of_error(_explain(error))]
        outcomes: list[Outcome] = []
        for command in commands:
            try:
                outcomes += await self._group.submit([command])
            except asyncpg.PostgresError as own:
                outcomes.append(Outcome.of_error(_explain(own)))
        return outcomes

    async def _store(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        async def attempt() -> Sequence[Outcome]:
            async with self._db.write() as connection:
                return await apply(connection, commands)

        return await self._try(commands, attempt)

    async def _store_within(
        self, connection: Connection, commands: Sequence[Command]
    ) -> Sequence[Outcome]:
        async def attempt() -> Sequence[Outcome]:
            async with connection.transaction():  # a savepoint: a failed try leaves it usable
                return await apply(connection, commands)

        try:
            return await self._try(commands, attempt)
        except asyncpg.PostgresError as error:
            raise _explain(error) from error

    async def _try(
        self, commands: Sequence[Command], attempt: Callable[[], Awaitable[Sequence[Outcome]]]
    ) -> Sequence[Outcome]:
        for turn in range(_TRIES):
            try:
                return await attempt()
            except asyncpg.CheckViolationError as error:
                if "no partition" not in str(error) or turn:
                    raise
                await self._make_partitions(commands)
            except _PASSING:
                if turn == _TRIES - 1:
                    raise
        raise DatabaseAway

    async def _make_partitions(self, commands: Sequence[Command]) -> None:
        times = [at for command in commands for at in _times(command)]
        _log.info("making partitions for %s to %s", min(times), max(times))
        # month by month: two writes that are years apart do not need all the years between
        months: dict[tuple[int, int], datetime] = {}
        for at in times:
            utc = at.astimezone(UTC)
            months[utc.year, utc.month] = utc
        async with self._db.write() as connection:
            for at in months.values():
                await store.ensure_partitions(connection, [at])


def _times(command: Command) -> list[datetime]:
    names = ("created_at", "occurred_at", "conversation_at")
    return [at for name in names if (at := getattr(command, name, None)) is not None]


def _is_shared_fate(error: BaseException) -> bool:
    """Whether trying each submission by itself would not help: the database itself is at fault."""
    return isinstance(error, AppError)


def _explain(error: asyncpg.PostgresError) -> AppError:
    """PostgreSQL's refusal of one write, for its sender."""
    if isinstance(error, asyncpg.DataError | asyncpg.ProgramLimitExceededError):
        return Invalid(f"PostgreSQL cannot store this: {error}")
    _log.error("write refused: %s: %s", type(error).__name__, error)
    return AppError("The database refused this write; the log says why.")
