"""Several reads for one answer."""

import asyncio
import contextlib
from typing import Any

import pytest

from aihub.kit.db import Database, DatabaseOptions
from aihub.kit.together import one_by_one, together

from ..prices.conftest import dsn, fixture  # noqa: F401 - fixtures

_SIZE = 5


@fixture
async def db(dsn: Any) -> Any:  # noqa: F811
    """Of five connections."""
    address = dsn if isinstance(dsn, str) else dsn.dsn
    made = Database(lambda: address, DatabaseOptions(max_size=_SIZE))
    await made.open()
    yield made
    await made.close()


def read(value: int, seconds: float = 0.01) -> Any:
    async def ask(connection: Any) -> tuple[int, int]:
        sql = "select pg_backend_pid() from pg_sleep($1)"
        return value, await connection.fetchval(sql, seconds)

    return ask


async def all_idle(db: Database) -> None:
    """Every connection comes back."""
    for _ in range(500):
        if db.figures().size == db.figures().idle:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(db.figures())


async def fail(connection: Any) -> None:
    await connection.execute("select 1 / 0")


@pytest.mark.asyncio(loop_scope="session")
async def test_answers_are_in_order(db: Database) -> None:
    async with db.read() as connection:
        for gather in (one_by_one(connection), together(db, connection)):
            found = await gather(*(read(n, 0.05 / (n + 1)) for n in range(8)))
            assert [value for value, _ in found] == list(range(8))
            assert await gather() == []
    assert len({pid for _, pid in found}) > 1
    await all_idle(db)


@pytest.mark.asyncio(loop_scope="session")
async def test_without_a_connection_to_spare(db: Database) -> None:
    async with contextlib.AsyncExitStack() as stack:
        held = [await stack.enter_async_context(db.read()) for _ in range(_SIZE)]
        connection = held[-1]
        found = await together(db, connection)(*(read(n) for n in range(4)))
    assert len({pid for _, pid in found}) == 1


@pytest.mark.asyncio(loop_scope="session")
async def test_many_at_once_end(db: Database) -> None:
    """More answers than connections: nobody waits for somebody who waits."""

    async def answer(n: int) -> list[int]:
        async with db.read() as connection:
            found = await together(db, connection)(*(read(n * 10 + k) for k in range(6)))
        return [value for value, _ in found]

    found = await asyncio.wait_for(asyncio.gather(*(answer(n) for n in range(20))), 30)
    assert found == [[n * 10 + k for k in range(6)] for n in range(20)]


@pytest.mark.parametrize("place", [0, 1, 5])
@pytest.mark.asyncio(loop_scope="session")
async def test_an_error_is_raised(db: Database, place: int) -> None:
    reads = [read(n) for n in range(6)]
    reads[place] = fail
    async with db.read() as connection:
        with pytest.raises(Exception, match="division by zero"):
            await together(db, connection)(*reads)
        assert await connection.fetchval("select 1") == 1
    await all_idle(db)
