"""PostgreSQL servers of the tests' own."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from aihub.embedded import EmbeddedPostgres, EmbeddedSettings
from aihub.kit import migrate, plain_postgres

QUICK_COMMITS = ("alter system set synchronous_commit = off", "select pg_reload_conf()")
"""No test pulls the plug: commits need not wait for the disk."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A short folder that every user can pass through (pytest's own is closed to the others)."""
    folder = Path(tempfile.mkdtemp(prefix="hub"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_server() -> Iterator[EmbeddedPostgres]:
    """A server with a database that is empty."""
    with open_folder() as home, EmbeddedPostgres(EmbeddedSettings(home / "data")) as server:
        yield server


@contextmanager
def migrated_server(*then: str, as_admin: Sequence[str] = ()) -> Iterator[EmbeddedPostgres]:
    """A server with a database that is migrated.

    A superuser runs the statements of `as_admin` before the migrations, the hub's role those of
    `then` after them.
    """
    with running_server() as server:
        asyncio.run(_migrate(server, then, as_admin))
        yield server


async def _migrate(server: EmbeddedPostgres, then: Sequence[str], as_admin: Sequence[str]) -> None:
    admin = await asyncpg.connect(server.admin_dsn)
    await plain_postgres.prepare(admin)
    for statement in as_admin:
        await admin.execute(statement)
    await admin.close()
    connection = await asyncpg.connect(server.dsn)
    await migrate.migrate(connection)
    for statement in then:
        await connection.execute(statement)
    await connection.close()
