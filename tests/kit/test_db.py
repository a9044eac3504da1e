"""What the driver says, in our words."""

import asyncpg
import pytest

from aihub.kit.db import Database, is_transaction_pooler, translated
from aihub.kit.errors import AppError, DatabaseAway, DiskFull, NotFound


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(), DatabaseAway),
        (TimeoutError(), DatabaseAway),
        (asyncpg.ConnectionDoesNotExistError("x"), DatabaseAway),
        (asyncpg.AdminShutdownError("x"), DatabaseAway),
        (asyncpg.CannotConnectNowError("x"), DatabaseAway),
        (asyncpg.TooManyConnectionsError("x"), DatabaseAway),
        (asyncpg.QueryCanceledError("x"), DatabaseAway),
        (asyncpg.InterfaceError("the pool is closing"), DatabaseAway),
        (asyncpg.DiskFullError("x"), DiskFull),
        (asyncpg.UniqueViolationError("x"), asyncpg.UniqueViolationError),
        (asyncpg.NumericValueOutOfRangeError("x"), asyncpg.NumericValueOutOfRangeError),
        (asyncpg.DataError("an argument"), asyncpg.DataError),
        (NotFound(), NotFound),
        (KeyError(), KeyError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_errors_of_the_driver(error: Exception, told: type[Exception]) -> None:
    with pytest.raises(told) as raised, translated():
        raise error
    assert isinstance(raised.value, AppError) == issubclass(told, AppError)


@pytest.mark.parametrize(
    ("dsn", "mode", "is_pooler"),
    [
        ("postgresql://h/d", None, False),
        ("postgresql://h:5432/d", None, False),
        ("postgresql://h:6543/d", None, True),
        ("postgresql://h:6543/d", "session", False),
        ("postgresql://h/d", "transaction", True),
    ],
)
def test_which_address_is_a_transaction_pooler(dsn: str, mode: str | None, is_pooler: bool) -> None:
    assert is_transaction_pooler(dsn, mode) == is_pooler


async def test_a_database_that_is_not_there_is_away() -> None:
    database = Database(lambda: "postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseAway) as told:
        await database.open()
    assert told.value.headers == {"Retry-After": "1"}
    await database.close()
