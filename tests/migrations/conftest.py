"""Real servers, and on them a database of its own for every test."""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from aihub.embedded import EmbeddedPostgres, EmbeddedSettings
from aihub.embedded.binaries import find_binaries_of_major
from aihub.kit import migrate, plain_postgres

from ..support.database import open_folder

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server; a database named there can be reached as the hub and as a superuser."""

    embedded: EmbeddedPostgres
    home: Path

    def hub(self, database: str) -> str:
        return f"{self.embedded.dsn.rpartition('/')[0]}/{database}"

    def admin(self, database: str) -> str:
        return f"{self.embedded.admin_dsn.rpartition('/')[0]}/{database}"

    async def create(self, template: str = "template1") -> str:
        name = f"test_{next(_numbers)}"
        admin = await asyncpg.connect(self.admin("postgres"))
        try:
            await admin.execute(f"create database {name} owner postgres template {template}")
        finally:
            await admin.close()
        return name

    async def drop(self, database: str) -> None:
        admin = await asyncpg.connect(self.admin("postgres"))
        try:
            await admin.execute(f"drop database {database} with (force)")
        finally:
            await admin.close()

    async def create_prepared(self) -> str:
        name = await self.create()
        admin = await asyncpg.connect(self.admin(name))
        try:
            await plain_postgres.prepare(admin)
        finally:
            await admin.close()
        return name

    async def create_migrated(self) -> str:
        name = await self.create_prepared()
        connection = await asyncpg.connect(self.hub(name))
        try:
            await migrate.migrate(connection)
        finally:
            await connection.close()
        return name


def _serve(bin_dir: Path | None) -> Iterator[Server]:
    with (
        open_folder() as home,
        EmbeddedPostgres(EmbeddedSettings(home / "data", bin_dir)) as embedded,
    ):
        yield Server(embedded, home)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    yield from _serve(None)


@pytest.fixture(scope="session")
def server_15() -> Iterator[Server]:
    found = find_binaries_of_major(15)
    if found is None:
        pytest.skip("PostgreSQL 15 is not installed")
    yield from _serve(found.bin_dir)


@pytest.fixture(scope="session")
def prepared(server: Server) -> str:
    """A prepared database to be copied."""
    return asyncio.run(server.create_prepared())


@pytest.fixture(scope="session")
def migrated(server: Server) -> str:
    """A migrated database to be copied."""
    return asyncio.run(server.create_migrated())


Connect = Callable[..., Coroutine[Any, Any, asyncpg.Connection]]


@pytest.fixture
async def connect(server: Server) -> AsyncIterator[Connect]:
    """Connects to a database as the hub's role, or as a superuser."""
    made: list[asyncpg.Connection] = []

    async def open_one(database: str, *, admin: bool = False, **options: Any) -> asyncpg.Connection:
        dsn = server.admin(database) if admin else server.hub(database)
        made.append(await asyncpg.connect(dsn, **options))
        return made[-1]

    yield open_one
    for connection in made:
        connection.terminate()


@pytest.fixture
async def plain(server: Server) -> AsyncIterator[str]:
    """An empty database."""
    name = await server.create()
    yield name
    await server.drop(name)


@pytest.fixture
async def empty(server: Server, prepared: str) -> AsyncIterator[str]:
    """A prepared database without a migration."""
    name = await server.create(prepared)
    yield name
    await server.drop(name)


@pytest.fixture
async def database(server: Server, migrated: str) -> AsyncIterator[str]:
    """A migrated database."""
    name = await server.create(migrated)
    yield name
    await server.drop(name)
