"""A real server with a sample month on it, the pages over it, and a cast of people.

Ada is a member of the three demo organizations; Cleo of `stranger` alone, which has one
conversation; Nils of `newcomer`, which has none. Olga operates the hub.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from aihub.analytics import api as analytics
from aihub.dashboards.api import Pages
from aihub.demo.filling import fill_month
from aihub.demo.organizations import ORGANIZATIONS
from aihub.identity import api as identities
from aihub.kit.db import Database, DatabaseOptions
from aihub.reports import api as reports
from aihub.reports import service as report_service

from ..support.database import migrated_server
from . import sample


def _last_fifteenth() -> datetime:
    """Amid a month and a day: "this month" and "today" hold something whenever tests run."""
    now = datetime.now(UTC).replace(hour=13, minute=30, second=0, microsecond=0)
    last = now if now.day > 15 else now.replace(day=1) - timedelta(days=1)
    return last.replace(day=15)


NOW = _last_fifteenth()
PASSWORD = "correct horse battery"
SECRET = "a-secret-of-more-than-thirty-two-bytes"
HOSTILE = '<script>alert(\'x\')</script> "quoted" & <b onclick="x()">bold</b> \u202eevil\u2066'
PEOPLE = ("ada", "cleo", "nils", "olga")


@dataclass(frozen=True)
class World:
    """What is stored: a database, organizations by name, conversations that tests look at."""

    dsn: str
    organizations: dict[str, UUID]
    conversations: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with migrated_server() as server:
        yield asyncio.run(_fill(server.dsn))


async def _fill(dsn: str) -> World:
    connection = await asyncpg.connect(dsn)
    await connection.execute("select hub.ensure_partitions($1)", NOW - timedelta(days=70))
    ids = await _add_people(connection)
    store = sample.SampleStore(connection, ids)
    for organization in ORGANIZATIONS:
        await fill_month(store, now=NOW, days=14, organizations=[organization])
    conversations = await _add_special(store)
    await connection.execute("analyze")
    await _add_report(connection, ids["northwind-travel"])
    await connection.close()
    await _roll_up(dsn)
    return World(dsn, ids, conversations)


async def _add_report(connection: Any, organization_id: UUID) -> None:
    """The report of the day before NOW, in time."""
    day = NOW.date() - timedelta(days=1)
    span = reports.span_of(day, "Europe/Berlin")
    content = await reports.gather(connection, organization_id, span)
    await report_service.keep_first(connection, organization_id, span, content)


async def _roll_up(dsn: str) -> None:
    db = Database(lambda: dsn, DatabaseOptions(min_size=1, max_size=2))
    await db.open()
    await analytics.catch_up(db)
    await db.close()


async def _add_people(connection: Any) -> dict[str, UUID]:
    ids = {}
    for demo in ORGANIZATIONS:
        made = await identities.create_organization(
            connection, external_id=demo.id, name=demo.name, timezone=demo.time_zone
        )
        ids[demo.id] = made.id
    for name in ("stranger", "newcomer"):
        made = await identities.create_organization(connection, external_id=name, name=name.title())
        ids[name] = made.id
    for name in PEOPLE:
        account = await identities.create_account(
            connection,
            email=f"{name}@hub.test",
            name=name.title(),
            password=PASSWORD,
            is_operator=name == "olga",
        )
        own = {"cleo": ["stranger"], "nils": ["newcomer"], "olga": []}.get(
            name, [demo.id for demo in ORGANIZATIONS]
        )
        for organization in own:
            await identities.add_member(connection, ids[organization], account.id, "owner")
    return ids


async def _add_special(store: sample.SampleStore) -> dict[str, str]:
    at = NOW - timedelta(minutes=50)
    foreign = sample.conversation(at, user_id="somebody")
    await store("stranger", [foreign, sample.message(foreign, "a secret of the stranger")])
    hostile = sample.conversation(
        at, user_id=HOSTILE, module=HOSTILE, key="k-hostile", metadata={"note": HOSTILE}
    )
    long = sample.conversation(at + timedelta(seconds=1), user_id="long-winded", module="support")
    ids = {"foreign": foreign["id"], "hostile": hostile["id"], "long": long["id"]}
    call = {"id": "call_1", "function": {"name": HOSTILE, "arguments": f'{{"a": "{"<i>"}"}}'}}
    await store(
        "northwind-travel",
        [
            hostile,
            sample.message(hostile, HOSTILE, intent="<i>"),
            sample.message(
                hostile,
                "",
                role="assistant",
                after_s=2,
                model="nimbus<i>",
                provider="p",
                tokens=5,
                error=HOSTILE,
                tool_calls=[call],
            ),
            sample.message(hostile, f'{{"html": {HOSTILE!r}}}', role="tool", after_s=3),
            sample.feedback(hostile, 1),
            long,
            sample.message(long, "\n".join(f"line {n}" for n in range(1, 101))),
            *(
                sample.message(long, f"message number {n}", after_s=n, role="assistant")
                for n in range(2, 451)
            ),
        ],
    )
    return ids


@pytest.fixture
async def db(world: World) -> AsyncIterator[Database]:
    database = Database(lambda: world.dsn, DatabaseOptions(min_size=1, max_size=4))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def identity(db: Database) -> identities.Identity:
    return identities.Identity(db, identities.IdentityOptions(jwt_secret=SECRET))


@pytest.fixture
def app(db: Database, identity: identities.Identity) -> Starlette:
    return Starlette(routes=Pages(db, identity, clock=lambda: NOW).routes())


class Browser(httpx.AsyncClient):
    """A client that sends forms as a browser does, from the hub's own pages."""

    async def send_form(self, path: str, **fields: str) -> httpx.Response:
        return await self.post(
            path, data=fields, headers={"Origin": str(self.base_url).rstrip("/")}
        )

    async def sign_in(self, name: str) -> None:
        answer = await self.send_form("/sign-in", email=f"{name}@hub.test", password=PASSWORD)
        assert answer.status_code == 303, answer.text

    async def view(self, organization: str) -> None:
        answer = await self.send_form("/organization", organization=organization)
        assert answer.status_code == 303, answer.text


@pytest.fixture
async def nobody(app: Starlette) -> AsyncIterator[Browser]:
    """Not signed in."""
    transport = httpx.ASGITransport(app)
    async with Browser(transport=transport, base_url="http://hub.test") as made:
        yield made


@pytest.fixture
async def ada(nobody: Browser) -> Browser:
    """Signed in, looking at Northwind Travel."""
    await nobody.sign_in("ada")
    await nobody.view("northwind-travel")
    return nobody


class _Checker(HTMLParser):
    """Finds what the policy would block, and what is not well-formed."""

    VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "path", "circle", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.refs: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if len(names) != len(attrs):
            self.problems.append(f"{tag}: an attribute twice")
        self.problems += [f"{tag} {n}" for n in names if n == "style" or n.startswith("on")]
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.problems.append(f"inline {tag}")
        for name in ("src", "href", "action"):
            value = names.get(name) or ""
            if re.match(r"[a-z]+:|//", value, re.IGNORECASE):
                self.problems.append(f"{tag} {name}={value}")
        if names.get("id"):
            self.ids.append(names["id"] or "")
        for name in ("for", "aria-labelledby", "aria-describedby", "list"):
            self.refs += (names.get(name) or "").split()
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def finish(self) -> list[str]:
        twice = {i for i in self.ids if self.ids.count(i) > 1}
        missing = set(self.refs) - set(self.ids)
        return [
            *self.problems,
            *(f"never closed: {tag}" for tag in self._open),
            *(f"id twice: {i}" for i in twice),
            *(f"no such id: {i}" for i in missing),
        ]


def problems_of(html: str) -> list[str]:
    """What is wrong with a page."""
    checker = _Checker()
    checker.feed(html)
    checker.close()
    return checker.finish()


@pytest.fixture
def check() -> Any:
    return problems_of
