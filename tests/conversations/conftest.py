"""A real server, the whole application over it, and two organizations for every test.

Ada has a key of `ours`, Cleo one of `theirs`; Vera may only read `ours`; Olga operates the hub.
The organizations are new in every test, so the tests share one database, one application and one
event loop: starting them anew took most of the time.
"""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from aihub.hosting import Hosting
from aihub.identity import api as identities
from aihub.main import Hub, create_app
from aihub.settings import Settings

from ..support.database import QUICK_COMMITS, migrated_server

_numbers = itertools.count(1)
_HERE = Path(__file__).parent

lasting = pytest_asyncio.fixture(scope="session", loop_scope="session")
fixture = pytest_asyncio.fixture(loop_scope="session")
"""Asynchronous fixtures of these tests: made once, and made for each test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """A migrated database."""
    with migrated_server(as_admin=QUICK_COMMITS) as server:
        yield server.dsn


@asynccontextmanager
async def _run(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A running application, reached without a socket. Its hub is in the transport's app."""
    app = create_app(Hub(settings, Hosting(settings)), does_upkeep=False)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
            yield client


Run = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def run(dsn: str) -> Run:
    """Runs one more application on the database, with other settings where given."""

    def start(**settings: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return _run(Settings(**{"database_url": dsn} | settings))

    return start


@lasting
async def client(run: Run) -> AsyncIterator[httpx.AsyncClient]:
    async with run() as made:
        yield made


@lasting
async def connection(dsn: str) -> AsyncIterator[Any]:
    """Sees only what is committed."""
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


class Reply:
    """An answer, its numbers read exactly."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.text

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem document names."""
        return [error["field"] for error in self.json.get("errors", ())]


@dataclass
class Person:
    """Somebody with a key; `organization` is its stored id."""

    client: httpx.AsyncClient
    key: str
    organization: UUID | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def over(self, client: httpx.AsyncClient) -> "Person":
        """The same person at another application."""
        return Person(client, self.key, self.organization, self.headers)

    def with_headers(self, **headers: str) -> "Person":
        """The same person, sending these as well (`_` is read as `-`)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Person(self.client, self.key, self.organization, self.headers | named)

    async def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Reply:
        """`body` goes as JSON, or as it is where it is bytes. Paths start below `/v1`."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}"} | self.headers
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        given = {name.rstrip("_"): str(value) for name, value in params.items()}
        url = path if path.startswith("/v1") else f"/v1{path}"
        return Reply(
            await self.client.request(
                method, url, content=content, params=given or None, headers=headers
            )
        )

    async def get(self, path: str, **params: Any) -> Any:
        """What is there."""
        reply = await self.ask("GET", path, **params)
        assert reply.status == 200, reply.text
        return reply.json

    async def post(self, path: str, body: Any = None, **params: Any) -> Any:
        """What was stored, or was known already."""
        reply = await self.ask("POST", path, {} if body is None else body, **params)
        assert reply.status in (200, 201, 207), reply.text
        return reply.json

    async def converse(self, **fields: Any) -> str:
        """The id of a new conversation."""
        made = await self.post("/conversations", {"user_id": "user_456"} | fields)
        return str(made["id"])

    async def say(self, conversation: str, content: str | None = "hello", **fields: Any) -> Any:
        """A message that was stored."""
        return await self.post(
            f"/conversations/{conversation}/messages", {"content": content} | fields
        )

    async def read(self, conversation: str, **params: Any) -> Any:
        """A conversation as it is now."""
        return await self.get(f"/conversations/{conversation}", **params)

    async def ids(self, path: str, **params: Any) -> list[str]:
        """The ids of a list's first page."""
        return [item["id"] for item in (await self.get(path, **params))["items"]]

    async def pages(self, path: str, **params: Any) -> AsyncIterator[list[Any]]:
        """The pages of a list, one after the other."""
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = await self.get(path, **params, **more)
            yield page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return


@dataclass
class Cast:
    ada: Person
    ben: Person
    vera: Person
    cleo: Person
    olga: Person


@fixture
async def cast(client: httpx.AsyncClient, connection: Any) -> Cast:
    async with connection.transaction():
        return await _make_cast(client, connection)


async def _make_cast(client: httpx.AsyncClient, connection: Any) -> Cast:
    number = f"{next(_numbers)}_{uuid4().hex[:6]}"
    ours = await identities.create_organization(connection, external_id=f"ours_{number}")
    theirs = await identities.create_organization(connection, external_id=f"theirs_{number}")

    async def person(organization: UUID | None, *scopes: str) -> Person:
        new = await identities.create_api_key(
            connection, organization_id=organization, name="test", scopes=scopes, created_by="test"
        )
        return Person(client, new.key, organization)

    every = identities.SCOPES
    return Cast(
        ada=await person(ours.id, *every),
        ben=await person(ours.id, *every),
        vera=await person(ours.id, "read"),
        cleo=await person(theirs.id, *every),
        olga=await person(None, *every),
    )


@pytest.fixture
def ada(cast: Cast) -> Person:
    return cast.ada


@pytest.fixture
def cleo(cast: Cast) -> Person:
    return cast.cleo


@fixture
async def conversation(ada: Person) -> str:
    """Of Ada's organization, active and empty."""
    return await ada.converse()
