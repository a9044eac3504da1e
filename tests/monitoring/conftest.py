"""A real server with a migrated database, and a watched hub on it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from aihub.kit.db import Database, DatabaseOptions
from aihub.kit.grouping import GroupCommit
from aihub.kit.http import build_routes
from aihub.kit.observing import Observing
from aihub.monitoring.api import Monitoring, MonitoringOptions, MonitoringRoutes

from ..support.database import migrated_server

LOCAL = ("127.0.0.1", 40_000)


@dataclass(frozen=True)
class Server:
    """A server with a database that is migrated, and one that is empty."""

    dsn: str
    admin_dsn: str
    empty_dsn: str


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with migrated_server(as_admin=("create database empty",)) as found:
        yield Server(found.dsn, found.admin_dsn, f"{found.dsn.rpartition('/')[0]}/empty")


class Gate:
    """Stores what it is given, once it is let."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def __call__(self, rows: Sequence[int]) -> Sequence[int]:
        await self.is_open.wait()
        return list(rows)


@dataclass
class Watched:
    """A hub that is watched: `ask` is a request from `host`."""

    db: Database
    gate: Gate
    group: GroupCommit[int, int]
    monitoring: Monitoring
    app: Starlette

    async def ask(self, path: str, *, host: str = LOCAL[0], **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(host, 1))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
            return await client.get(path, headers=named)

    async def figures(self) -> dict[str, float]:
        """Each line of /metrics, by its name and labels."""
        answer = await self.ask("/metrics")
        assert answer.status_code == 200, answer.text
        lines = (line for line in answer.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


Watch = Callable[..., AbstractAsyncContextManager[Watched]]


@pytest.fixture
def watch(server: Server) -> Watch:
    """Runs a watched hub on the database, with other options where given."""

    @asynccontextmanager
    async def start(
        dsn: str = server.dsn, *, max_size: int = 3, **options: Any
    ) -> AsyncIterator[Watched]:
        db = Database(lambda: dsn, DatabaseOptions(min_size=1, max_size=max_size))
        gate = Gate()
        group: GroupCommit[int, int] = GroupCommit(gate, most=10, is_shared_fate=lambda _: True)
        monitoring = Monitoring(db, group, MonitoringOptions(**{"version": "1.2.3", **options}))
        app = Starlette(
            routes=[*build_routes(MonitoringRoutes(monitoring).operations(), _nobody, _nobody)],
            middleware=[Middleware(Observing, metrics=monitoring.metrics.http)],
        )
        await db.open()
        group.start()
        try:
            yield Watched(db, gate, group, monitoring, app)
        finally:
            gate.is_open.set()
            await group.stop()
            await db.close()

    return start


async def _nobody(*_: Any, **__: Any) -> Any:
    raise NotImplementedError
