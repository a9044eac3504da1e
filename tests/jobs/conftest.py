"""A real server with the queue's tables, and workers in this process and in others."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aihub.jobs import api
from aihub.kit.db import Database, DatabaseOptions

from ..support.database import migrated_server

QUICK = api.WorkerOptions(
    poll=timedelta(seconds=0.05),
    heartbeat=timedelta(seconds=2),
    attempts=3,
    first_delay=timedelta(seconds=0.05),
    longest_delay=timedelta(seconds=0.1),
    grace=timedelta(seconds=1),
)
PROCESS = Path(__file__).with_name("worker_process.py")


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """A migrated database, with a table for what handlers do."""
    with migrated_server(
        "create table hub.effects (what text not null, worker text not null default '')"
    ) as server:
        yield server.dsn


async def _opened(dsn: str, *, pooler: bool) -> Database:
    database = Database(lambda: dsn, DatabaseOptions(pooler=pooler, min_size=2, max_size=8))
    await database.open()
    tables = ", ".join((*api.JOB_TABLES, "hub.effects"))
    async with database.write() as connection:
        await connection.execute(f"truncate {tables}")
    return database


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = await _opened(dsn, pooler=False)
    yield database
    await database.close()


@pytest.fixture
async def pooled_db(dsn: str) -> AsyncIterator[Database]:
    """As behind a transaction pooler: nothing is prepared, every statement in a transaction."""
    database = await _opened(dsn, pooler=True)
    yield database
    await database.close()


Working = Callable[..., Any]


@pytest.fixture
async def working() -> AsyncIterator[Working]:
    """Starts workers; stops those that are left."""
    async with AsyncExitStack() as stack:

        async def start(
            db: Database,
            handlers: dict[str, api.Handler],
            schedules: tuple[api.Schedule, ...] = (),
            options: api.WorkerOptions = QUICK,
        ) -> api.Worker:
            worker = api.Worker(db, handlers, schedules, options)
            worker.start()
            stack.push_async_callback(worker.stop)
            return worker

        yield start


@pytest.fixture
def worker_process(dsn: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts workers in processes of their own."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(PROCESS), dsn, name], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def enqueue(db: Database, name: str, *args: Any, **options: Any) -> int | None:
    """Enqueue in a transaction of its own."""
    async with db.write() as connection:
        return await api.enqueue(connection, name, *args, **options)


async def effects(db: Database) -> list[str]:
    """What handlers did."""
    async with db.read() as connection:
        return [r[0] for r in await connection.fetch("select what from hub.effects order by 1")]


async def outcomes(db: Database, job_id: int | None) -> list[str]:
    """How the runs of a job came out, in their order."""
    async with db.read() as connection:
        runs = await api.list_runs(connection, job_id=job_id)
    return [run.outcome for run in reversed(runs)]


async def depth(db: Database) -> dict[str, int]:
    """How many jobs there are in each status."""
    found: dict[str, int] = {}
    async with db.read() as connection:
        for each in (await api.show_status(connection)).depths:
            found[each.status] = found.get(each.status, 0) + each.jobs
    return found


async def until(
    look: Callable[[], Awaitable[Any]], is_so: Callable[[Any], bool], seconds: float = 60
) -> Any:
    """What `look` gives once it `is_so`; fails when that does not come."""
    found = None
    for _ in range(int(seconds / 0.05)):
        found = await look()
        if is_so(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"it did not come: {found!r}")


@asynccontextmanager
async def undone(db: Database) -> AsyncIterator[Any]:
    """A transaction that is given up."""
    async with db._acquired() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
