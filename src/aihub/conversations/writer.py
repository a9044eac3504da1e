"""The one way in: what arrives together is stored in one transaction, answered after its commit.

Single requests, batches, imports and the demo all come through `Writer.write`.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

import asyncpg

from aihub.conversations import store
from aihub.conversations.applying import Outcome, apply, note_alias, redirect
from aihub.conversations.commands import AddMessage, Command, CreateConversation
from aihub.kit.db import Connection, Database, translated
from aihub.kit.errors import AppError, DatabaseAway, DiskFull, Invalid
from aihub.kit.grouping import GroupCommit

Submit: TypeAlias = Callable[[Sequence[Command]], Awaitable[Sequence[Outcome]]]

_log = logging.getLogger(__name__)

_ONE_STATEMENT = ({CreateConversation}, {AddMessage})
_TRIES = 5
_MOST = 500
_REFUSALS = (asyncpg.PostgresError, Invalid)  # of something in it, not for want of a database
_PASSING = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)


class Writer:
    """Stores commands. `has_room` is asked before anything is taken in."""

    def __init__(self, db: Database, *, has_room: Callable[[], bool] = lambda: True) -> None:
        self._db = db
        self._has_room = has_room
        self._group: GroupCommit[Command, Outcome] = GroupCommit(
            self._store, most=_MOST, is_shared_fate=_is_shared_fate
        )

    @property
    def group(self) -> GroupCommit[Command, Outcome]:
        """Its queue, for those who watch it."""
        return self._group

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
        submit: Submit = self._group.submit
        if connection is not None:
            submit = partial(self._store_within, connection)
        try:
            return await submit(commands)
        except _REFUSALS as error:
            if len(commands) == 1:
                return [Outcome.of_error(_explain(error))]
            return await _one_by_one(commands, submit)

    async def _store(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        async def attempt() -> Sequence[Outcome]:
            # one statement commits by itself: BEGIN and COMMIT would be two more round trips
            is_alone = {type(command) for command in commands} in _ONE_STATEMENT
            async with self._db.write(is_one_statement=is_alone) as connection:
                return await apply(connection, commands)

        return await _try(commands, attempt, self._db.write)

    async def _store_within(
        self, connection: Connection, commands: Sequence[Command]
    ) -> Sequence[Outcome]:
        async def attempt() -> Sequence[Outcome]:
            # a savepoint: a failed try leaves the transaction usable
            with translated():
                async with connection.transaction():
                    return await apply(connection, commands)

        # its own connection for partitions too: waiting for another one, requests that hold one
        # each would wait for one another
        return await _try(commands, attempt, lambda: nullcontext(connection))


async def _try(
    commands: Sequence[Command],
    attempt: Callable[[], Awaitable[Sequence[Outcome]]],
    connected: Callable[[], AbstractAsyncContextManager[Connection]],
) -> Sequence[Outcome]:
    has_made = False
    for turn in range(_TRIES):
        try:
            return await attempt()
        except asyncpg.CheckViolationError as error:
            if "no partition" not in str(error) or has_made:
                raise
            has_made = True
            async with connected() as connection:
                await _make_partitions(connection, commands)
        except _PASSING:
            if turn == _TRIES - 1:
                raise
    raise DatabaseAway


async def _make_partitions(connection: Connection, commands: Sequence[Command]) -> None:
    times = [at for command in commands for at in _times(command)]
    _log.info("making partitions for %s to %s", min(times), max(times))
    # month by month: two writes that are years apart do not need all the years between
    months: dict[tuple[int, int], datetime] = {}
    for at in times:
        utc = at.astimezone(UTC)
        months[utc.year, utc.month] = utc
    for at in months.values():
        await store.ensure_partitions(connection, [at])


async def _one_by_one(commands: Sequence[Command], submit: Submit) -> Sequence[Outcome]:
    """Store a submission that was refused as a whole: each command by itself."""
    outcomes: list[Outcome] = []
    known_as: dict[tuple[UUID, UUID], UUID] = {}
    for command in commands:
        try:
            outcomes += await submit([redirect(command, known_as)])
        except _REFUSALS as error:
            outcomes.append(Outcome.of_error(_explain(error)))
        note_alias(command, outcomes[-1], known_as)
    return outcomes


def _times(command: Command) -> list[datetime]:
    names = ("created_at", "occurred_at", "conversation_at")
    return [at for name in names if (at := getattr(command, name, None)) is not None]


def _is_shared_fate(error: BaseException) -> bool:
    """Whether trying each submission by itself would not help: the database itself is at fault."""
    return isinstance(error, DatabaseAway | DiskFull)


def _explain(error: Exception) -> AppError:
    """The refusal of one write, for its sender."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, asyncpg.DataError | asyncpg.ProgramLimitExceededError):
        return Invalid(f"PostgreSQL cannot store this: {error}")
    _log.error("write refused: %s: %s", type(error).__name__, error)
    return AppError("The database refused this write; the log says why.")
