"""A real server, the endpoints on it, an operator, and a provider to fetch from."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from aihub.identity import api as identity
from aihub.kit.db import Database, DatabaseOptions
from aihub.kit.http import build_routes
from aihub.kit.idempotency import Idempotency
from aihub.reconciliation import api

from ..support.database import migrated_server
from .double import Provider

SECRET = bytes(range(32))


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """A migrated database."""
    with migrated_server() as server:
        yield server.dsn


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(lambda: dsn, DatabaseOptions(min_size=2, max_size=6))
    await database.open()
    tables = ", ".join((*api.RECONCILIATION_TABLES, "public.ai_organizations", "public.ai_calls"))
    async with database.write() as connection:
        await connection.execute(f"truncate {tables} cascade")
    yield database
    await database.close()


@pytest.fixture
async def connection(db: Database, dsn: str) -> AsyncIterator[Any]:
    """Outside a transaction: what it does, everybody sees."""
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Provider()
    yield made
    made.close()


async def _rest(_: float) -> None:
    """The time between two attempts, without waiting."""


@pytest.fixture
def fetcher(db: Database) -> api.Fetcher:
    return api.Fetcher(db, api.Sealer(SECRET), sleep=_rest)


@pytest.fixture
def add_account(db: Database, provider: Provider) -> Any:
    """Adds an account at the double; its id."""

    async def add(which: str, key: str, **more: Any) -> UUID:
        async with db.write() as connection:
            made = await api.add_account(
                connection,
                api.Sealer(SECRET),
                provider=which,
                name=more.pop("name", which),
                key=key,
                base_url=provider.url,
                created_by="test",
            )
        return made.id

    return add


class Hub:
    """The endpoints by HTTP, as an operator unless told otherwise."""

    def __init__(self, client: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self._client = client
        self._keys = keys

    async def __call__(
        self, method: str, path: str = "", *, by: str = "operator", **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._keys[by]}"} | more.pop("headers", {})
        url = f"/v1/reconciliation{path}"
        return await self._client.request(method, url, headers=headers, **more)


@pytest.fixture
async def open_hub(db: Database, connection: Any) -> AsyncIterator[Any]:
    """Opens the endpoints with a key to encrypt with, or without."""
    owner = identity.Identity(db, identity.IdentityOptions())
    await owner.start()
    acme = await identity.create_organization(connection, external_id="acme")
    keys = {}
    for name, organization, scopes in (
        ("operator", None, identity.SCOPES),
        ("acme", acme.id, identity.SCOPES),
        ("operator_read", None, ("read",)),
    ):
        new = await identity.create_api_key(
            connection, organization_id=organization, name=name, scopes=scopes, created_by="test"
        )
        keys[name] = new.key
    clients: list[httpx.AsyncClient] = []

    def make(secret: bytes | None = SECRET) -> Hub:
        operations = api.ReconciliationRoutes(db, secret).operations()
        routes = build_routes(operations, owner.authenticate, Idempotency(db))
        transport = httpx.ASGITransport(Starlette(routes=routes), raise_app_exceptions=True)
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://hub.test"))
        return Hub(clients[-1], keys)

    yield make
    for client in clients:
        await client.aclose()
    await owner.stop()


@pytest.fixture
async def hub(open_hub: Any) -> Hub:
    return open_hub()


@pytest.fixture
def record_call(connection: Any) -> Any:
    """Stores a call as the hub does, with what the report sums."""

    async def record(at: Any, provider: str, model: str, cost: Any, **more: Any) -> None:
        await connection.fetchval("select hub.ensure_partitions($1, $1)", at)
        given = {
            "id": "gen_random_uuid()",
            "organization_id": "gen_random_uuid()",
            "occurred_at": at,
            "provider": provider,
            "model": model,
            "cost": cost,
            "price": cost,
            "cost_status": "unpriced" if cost is None else "priced",
            "price_book_version": "book-1",
        } | more
        values = {k: v for k, v in given.items() if v != "gen_random_uuid()"}
        made = [k for k in given if k not in values]
        words = [f"${n}" for n in range(1, len(values) + 1)] + ["gen_random_uuid()"] * len(made)
        await connection.execute(
            f"insert into public.ai_calls ({', '.join((*values, *made))}) "
            f"values ({', '.join(words)})",
            *values.values(),
        )

    return record
