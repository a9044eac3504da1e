"""Several reads for one answer, at the same time as far as there are connections to spare."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aihub.kit.db import Connection, Database

Read: TypeAlias = Callable[[Connection], Awaitable[Any]]
# Takes reads, gives what each answered, in their order.
Together: TypeAlias = Callable[..., Awaitable[list[Any]]]

_MOST_BESIDE = 3
# A task that gets its connection too late has nothing to do and ends by itself: to cancel it while
# it connects would leave the connection half made.
_beside: set[asyncio.Task[None]] = set()


def one_by_one(connection: Connection) -> Together:
    """One after another on `connection`."""

    async def read_all(*reads: Read) -> list[Any]:
        return [await read(connection) for read in reads]

    return read_all


def together(db: Database, connection: Connection) -> Together:
    """On `connection` and a few others where those are free: two cores then work for one answer.

    Nobody waits for a connection: what no other takes is read on `connection`.
    """

    async def read_all(*reads: Read) -> list[Any]:
        return await _Reading(db, reads).run(connection)

    return read_all


class _Reading:
    def __init__(self, db: Database, reads: tuple[Read, ...]) -> None:
        self._db = db
        self._left = deque(enumerate(reads))
        self._answers: list[Any] = [None] * len(reads)
        self._at_work: set[asyncio.Task[None] | None] = set()

    async def run(self, connection: Connection) -> list[Any]:
        helpers = [asyncio.create_task(self._help()) for _ in range(self._find_spare())]
        for task in helpers:
            _beside.add(task)
            task.add_done_callback(_forget)
        try:
            await self._work(connection)
            for task in helpers:
                if task in self._at_work:
                    await task
        except BaseException:
            self._left.clear()
            raise
        return self._answers

    def _find_spare(self) -> int:
        """Connections that are open and nobody uses."""
        pool = self._db.figures()
        return 0 if pool.waiting else max(0, min(len(self._left) - 1, pool.idle, _MOST_BESIDE))

    async def _help(self) -> None:
        async with self._db.read() as connection:
            self._at_work.add(asyncio.current_task())
            await self._work(connection)

    async def _work(self, connection: Connection) -> None:
        while self._left:
            place, read = self._left.popleft()
            self._answers[place] = await read(connection)


def _forget(task: asyncio.Task[None]) -> None:
    _beside.discard(task)
    if not task.cancelled():
        task.exception()  # told to who asked, if it was reading for somebody
