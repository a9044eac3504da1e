"""A real server, the rules on it, and a small application of identity and markup.

Ada has a key of `acme`, which is on the plan `pro`; Cleo one of `other`, on `free`; Olga operates.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from aihub.identity import api as identities
from aihub.kit.db import Database, DatabaseOptions
from aihub.kit.http import build_routes
from aihub.kit.idempotency import Idempotency
from aihub.kit.ids import uuid7_at
from aihub.markup import api

from ..support.database import QUICK_COMMITS, migrated_server


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """A migrated database."""
    with migrated_server(
        "select hub.ensure_partitions('2026-09-01T00:00Z', '2026-12-01T00:00Z')",
        as_admin=QUICK_COMMITS,
    ) as server:
        yield server.dsn


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(lambda: dsn, DatabaseOptions(min_size=2, max_size=8))
    await database.open()
    async with database.write() as connection:
        await connection.execute(
            "truncate public.ai_organizations, public.ai_calls, hub.markup_rules, hub.api_keys "
            "cascade"
        )
    yield database
    await database.close()


@pytest.fixture
async def connection(db: Database, dsn: str) -> AsyncIterator[Any]:
    """Outside a transaction: what it does, everybody sees."""
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def acme(connection: Any) -> identities.Organization:
    return await identities.create_organization(connection, external_id="acme", plan="pro")


@pytest.fixture
async def other(connection: Any) -> identities.Organization:
    return await identities.create_organization(connection, external_id="other")


def draft(rule_key: str = "base", **fields: Any) -> api.RuleDraft:
    return api.RuleDraft(rule_key=rule_key, **fields)


Put = Callable[..., Awaitable[api.Written]]


@pytest.fixture
def put(db: Database) -> Put:
    """Writes rules, in a transaction."""

    async def write(*drafts: api.RuleDraft) -> api.Written:
        async with db.write() as connection:
            return await api.put_rules(connection, drafts, created_by="test")

    return write


@pytest.fixture
async def markup(db: Database) -> api.MarkupRules:
    made = api.MarkupRules()
    await made.refresh(db)
    return made


@pytest.fixture
async def client(db: Database, markup: api.MarkupRules) -> AsyncIterator[httpx.AsyncClient]:
    identity = identities.Identity(db, identities.IdentityOptions())
    await identity.start()
    operations = api.MarkupRoutes(db, markup).operations()
    routes = build_routes(operations, identity.authenticate, Idempotency(db))
    transport = httpx.ASGITransport(Starlette(routes=routes), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as made:
        yield made
    await identity.stop()


class Reply:
    """An answer, its numbers read exactly."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.text = response.text

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem document names."""
        return [error["field"] for error in self.json.get("errors", ())]

    @property
    def keys(self) -> list[str]:
        """The names of the rules listed."""
        return [item["rule_key"] for item in self.json["items"]]


@dataclass
class Person:
    """Somebody with a key; `at` is the organization that an operator names."""

    client: httpx.AsyncClient
    key: str
    at: str | None = None

    async def ask(self, method: str, path: str = "", body: Any = None, **params: Any) -> Reply:
        """Paths start below `/v1/markup-rules`; `body` goes as JSON, or as it is if bytes."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if self.at is not None:
            headers["X-Organization-Id"] = self.at
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = await self.client.request(
            method, f"/v1/markup-rules{path}", content=content, params=params, headers=headers
        )
        return Reply(response)

    def naming(self, organization: str) -> "Person":
        return Person(self.client, self.key, organization)


@dataclass
class Cast:
    ada: Person
    cleo: Person
    olga: Person


@pytest.fixture
async def cast(
    client: httpx.AsyncClient,
    connection: Any,
    acme: identities.Organization,
    other: identities.Organization,
) -> Cast:
    async def person(organization: UUID | None) -> Person:
        new = await identities.create_api_key(
            connection, organization_id=organization, name="test", scopes=identities.SCOPES,
            created_by="test",
        )  # fmt: skip
        return Person(client, new.key)

    return Cast(await person(acme.id), await person(other.id), await person(None))


INSERT = """
insert into public.ai_calls (id, occurred_at, organization_id, module, provider, model, cost, price,
  cost_status, cost_lines, quantities, total_tokens, price_book_version)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, 'v1')
"""


async def store_call(
    connection: Any,
    organization: UUID,
    at: datetime,
    *,
    cost: str | None = "0.003",
    tokens: int = 1000,
    module: str | None = "support",
    provider: str | None = "openai",
    model: str | None = "gpt-4o",
    status: str | None = None,
    lines: bool = True,
) -> None:
    """A call of input tokens alone, stored at cost."""
    made = []
    if cost is not None and lines and tokens:
        unit = Decimal(cost) / tokens
        made = [
            f'{{"component": "input_text", "quantity": {tokens}, "unit_price": {unit:f}, '
            f'"amount": {Decimal(cost):f}, "price_id": "p"}}'
        ]
    await connection.execute(
        INSERT, uuid7_at(at), at, organization, module, provider, model,
        None if cost is None else Decimal(cost),
        status or ("unpriced" if cost is None else "priced"),
        f"[{','.join(made)}]",
        json.dumps({"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}),
        tokens,
    )  # fmt: skip
