"""The whole application with the endpoints of analytics, on a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aihub.analytics import api as analytics
from aihub.kit.http import build_routes
from aihub.kit.idempotency import Idempotency
from aihub.main import Hub

from ..prices.conftest import (  # noqa: F401 - fixtures
    Cast,
    Person,
    ada,
    cast,
    cleo,
    client,
    connection,
    dsn,
    fixture,
    hub,
    lasting,
    olga,
    run,
)

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@lasting
async def answers(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:  # noqa: F811
    """The endpoints of analytics, on the hub's database."""
    routes = build_routes(
        analytics.AnalyticsRoutes(hub.db).operations(),
        hub.identity.authenticate,
        Idempotency(hub.db),
    )
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as made:
        yield made


@pytest.fixture
def catch_up(hub: Hub) -> Any:  # noqa: F811
    """Has the rollups hold all that is stored."""

    async def catch() -> None:
        while True:
            async with hub.db.write() as ours:
                found = await analytics.tick(ours)
            if found.ran and not found.more:
                break
            await asyncio.sleep(0.01)
        async with hub.db.write() as ours:
            while await analytics.settle(ours):
                pass

    return catch
