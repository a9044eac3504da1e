"""Every named query is understood by a migrated PostgreSQL, its tables, columns and types."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiosql
import asyncpg
import pytest
from aiosql.types import SQLOperationType

import aihub
from aihub.kit import idempotency

from ..support.database import migrated_server

SOURCE = Path(aihub.__file__).parent
FILES = sorted(SOURCE.glob("*/*queries.sql"))


def _queries(file: Path) -> dict[str, str]:
    found = aiosql.from_path(file, "asyncpg")
    named: dict[str, Any] = {
        name: getattr(found, name)
        for name in found.available_queries
        if not name.endswith("_cursor")
    }
    assert all(query.operation != SQLOperationType.SCRIPT for query in named.values())
    return {name: query.sql for name, query in named.items()}


CASES = [(f.parent.name, name, sql) for f in FILES for name, sql in _queries(f).items()]
CASES += [
    ("kit.idempotency", name, getattr(idempotency, name)) for name in ("_TAKE", "_GET", "_KEEP")
]


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    """A prepared and migrated database."""
    with migrated_server() as server:
        yield server.dsn


@pytest.fixture
async def connection(dsn: str) -> Any:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.mark.parametrize("sql", [c[2] for c in CASES], ids=[f"{c[0]}.{c[1]}" for c in CASES])
async def test_query_is_understood(connection: Any, sql: str) -> None:
    await connection.prepare(sql)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_every_query_is_used(file: Path) -> None:
    code = "\n".join(p.read_text("utf-8") for p in file.parent.glob("*.py"))
    assert [name for name in _queries(file) if f".{name}(" not in code] == []
