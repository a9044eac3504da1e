"""A worker in a process of its own, to be killed: `python worker_process.py DSN NAME`.

It prints the payload's `what` when a job begins.
"""

import asyncio
import signal
import sys
import time
from datetime import timedelta

from aihub.jobs.api import Run, Worker, WorkerOptions
from aihub.kit.db import Database, DatabaseOptions

NAME = sys.argv[2] if len(sys.argv) > 2 else ""
INSERT = "insert into hub.effects (what, worker) values ($1, $2)"


async def count(run: Run) -> None:
    """Writes once, in the transaction that ends the run."""
    async with run.finish() as connection:
        await connection.execute(INSERT, run.payload["what"], NAME)


async def slow(run: Run) -> None:
    """Writes within its transaction, and is in the middle of it for a while."""
    async with run.finish() as connection:
        await connection.execute(INSERT, run.payload["what"], NAME)
        print(run.payload["what"], flush=True)
        await asyncio.sleep(run.payload.get("seconds", 0) if run.attempt == 1 else 0)


async def after(run: Run) -> None:
    """Has committed, and does not come to an end."""
    async with run.finish() as connection:
        await connection.execute(INSERT, run.payload["what"], NAME)
    print(run.payload["what"], flush=True)
    await asyncio.sleep(3_600)


async def hang(run: Run) -> None:
    """Lets the whole process stand still: no heartbeat any more."""
    print(run.payload["what"], flush=True)
    time.sleep(run.payload["seconds"])  # noqa: ASYNC251 - that is the point
    print(run.payload["what"], flush=True)
    await count(run)


async def deadly(run: Run) -> None:
    """Takes its worker along."""
    print(run.payload["what"], flush=True)
    signal.raise_signal(signal.SIGKILL)


async def main(dsn: str) -> None:
    db = Database(lambda: dsn, DatabaseOptions(min_size=2, max_size=8))
    await db.open()
    handlers = {"count": count, "slow": slow, "after": after, "hang": hang, "deadly": deadly}
    options = WorkerOptions(poll=timedelta(seconds=0.05), heartbeat=timedelta(seconds=2))
    await Worker(db, handlers, options=options).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
