"""A real server, organizations with a made-up life, the endpoints and a worker."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from aihub.identity import api as identity
from aihub.jobs import api as jobs
from aihub.kit.db import Database, DatabaseOptions
from aihub.kit.http import build_routes
from aihub.kit.idempotency import Idempotency
from aihub.reports import api

from ..support.database import migrated_server

_TABLES = (
    *api.REPORT_TABLES, *jobs.JOB_TABLES, "public.ai_organizations", "public.ai_users",
    "public.ai_calls", "public.ai_conversations", "public.ai_messages", "public.ai_feedback",
    "public.ai_transitions", "hub.kept_calls", "hub.kept_conversations", "hub.kept_moments",
    "public.ai_usage_slots", "public.ai_usage_days", "public.ai_conversation_slots",
    "public.ai_conversation_days", "public.ai_user_days", "public.ai_user_intents",
    "hub.usage_sum_days", "hub.user_months", "hub.rollup_days", "hub.rollup_zones",
)  # fmt: skip


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """A migrated database with partitions for long ago."""
    with migrated_server(
        "select hub.ensure_partitions('2026-01-01', '2026-06-30')",
        "select hub.ensure_partitions(now() - interval '4 months')",
    ) as server:
        yield server.dsn


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(lambda: dsn, DatabaseOptions(min_size=2, max_size=8))
    await database.open()
    async with database.write() as connection:
        await connection.execute(f"truncate {', '.join(_TABLES)} cascade")
        await connection.execute("insert into hub.report_progress default values")
        await connection.execute("update hub.rollup_state set next_xid = '0'")
    yield database
    await database.close()


@pytest.fixture
async def connection(db: Database, dsn: str) -> AsyncIterator[Any]:
    """Outside a transaction: what it does, everybody sees."""
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


async def create_organization(
    connection: Any, name: str, *, timezone: str = "UTC", created_at: datetime | None = None
) -> UUID:
    """An organization that has been there since `created_at`."""
    made = await identity.create_organization(connection, external_id=name, timezone=timezone)
    await connection.execute(
        "update public.ai_organizations set created_at = $2 where id = $1",
        made.id, created_at or datetime.now(UTC),
    )  # fmt: skip
    return made.id


async def tick(connection: Any) -> None:
    """Let the rollups catch up."""
    await connection.fetch("select * from hub.tick_rollups_v1()")
    await connection.fetch("select hub.settle_days_v1()")


class Web:
    """The endpoints by HTTP."""

    def __init__(self, client: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self._client = client
        self._keys = keys

    async def __call__(self, path: str, *, by: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._keys[by]}"} | more.pop("headers", {})
        return await self._client.get(f"/v1/reports{path}", headers=headers, **more)


@pytest.fixture
async def open_web(db: Database, connection: Any) -> AsyncIterator[Any]:
    """Opens the endpoints for organizations by name; `operator` is there too."""
    owner = identity.Identity(db, identity.IdentityOptions())
    await owner.start()
    clients = []

    async def make(**organizations: UUID) -> Web:
        keys = {}
        for name, organization_id in [*organizations.items(), ("operator", None)]:
            new = await identity.create_api_key(
                connection, organization_id=organization_id, name=name, scopes=("read",),
                created_by="test",
            )  # fmt: skip
            keys[name] = new.key
        operations = api.ReportRoutes(db).operations()
        app = Starlette(routes=build_routes(operations, owner.authenticate, Idempotency(db)))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://hub.test"
        )
        clients.append(client)
        return Web(client, keys)

    yield make
    for client in clients:
        await client.aclose()
    await owner.stop()
