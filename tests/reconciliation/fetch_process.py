"""A fetch in a process of its own, to be killed: `python fetch_process.py DSN ACCOUNT DAYS`."""

import asyncio
import sys
from uuid import UUID

from aihub.kit.db import Database, DatabaseOptions
from aihub.reconciliation.api import Fetcher, Sealer


async def main(dsn: str, account: str, days: str) -> None:
    database = Database(lambda: dsn, DatabaseOptions(min_size=2, max_size=2))
    await database.open()
    await Fetcher(database, Sealer(bytes(range(32)))).fetch(UUID(account), days=int(days))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
