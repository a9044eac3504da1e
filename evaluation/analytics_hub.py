"""A hub with a home of its own, filled with the demo's two months and real conversations."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from bench.hosting import Home, Process

from aihub.demo import running
from aihub.jobs import api as jobs
from aihub.main import Hub
from aihub.opening import opened
from aihub.reports import api as reports
from aihub.settings import Settings
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_pages import Board
from evaluation.analytics_rows import Rows, export

_IMPORTED = "airline"
_QUIET_SECONDS = 1.0
_JOBS_SECONDS = 300


@dataclass
class Running:
    """The hub that is looked at. `keys` by organization; None: the operator's."""

    home: Home
    process: Process
    keys: dict[str | None, str]
    link_token: str
    organizations: dict[str, tuple[UUID, str]]
    clients: dict[str | None, httpx.AsyncClient]
    browser: httpx.AsyncClient

    def ask(self, whose: str | None) -> Callable[..., Awaitable[Any]]:
        """JSON answers, to the last digit."""

        async def answer(path: str, **params: Any) -> Any:
            text = await self.read(whose)(path, **params)
            return json.loads(text, parse_float=Decimal)

        return answer

    def read(self, whose: str | None) -> Callable[..., Awaitable[str]]:
        """Answers as text."""

        async def answer(path: str, **params: Any) -> str:
            reply = await self.clients[whose].get(path, params=params)
            if reply.status_code != 200:  # noqa: PLR2004
                raise RuntimeError(f"{path} {params}: {reply.status_code} {reply.text[:300]}")
            return reply.text

        return answer

    async def rows(self) -> Rows:
        """What is stored now."""
        connection: Any = await asyncpg.connect(self.home.admin_dsn)
        try:
            return await export(connection)
        finally:
            await connection.close()

    async def sql(self, text: str, *values: Any) -> Any:
        """One value."""
        connection: Any = await asyncpg.connect(self.home.admin_dsn)
        try:
            return await connection.fetchval(text, *values)
        finally:
            await connection.close()

    async def scores(self) -> list[dict[str, Any]]:
        """The engagement scores that are kept."""
        connection: Any = await asyncpg.connect(self.home.admin_dsn)
        try:
            return [dict(r) for r in await connection.fetch("select * from ai_engagement_scores")]
        finally:
            await connection.close()

    async def list_all(self, whose: str, path: str) -> list[Any]:
        """A list, page after page."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.ask(whose)(path, limit=200, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def send(self, whose: str, path: str, body: dict[str, Any]) -> None:
        """Store something."""
        reply = await self.clients[whose].post(path, json=body)
        if reply.status_code != 201:  # noqa: PLR2004
            raise RuntimeError(f"{path} {body}: {reply.status_code} {reply.text[:300]}")

    async def call_now(self, whose: str) -> None:
        """Calls of the last minutes, some of which failed."""
        now = datetime.now(UTC)
        for n in range(40):
            await self.send(whose, "/v1/calls", {
                "provider": "openai", "model": "gpt-4o-mini", "api": "chat.completions",
                "occurred_at": (now - timedelta(seconds=9 * n)).isoformat(),
                "response": {"usage": {"prompt_tokens": 100 + n, "completion_tokens": n,
                                       "total_tokens": 100 + 2 * n}},
                "latency_ms": 150 + 37 * n, "module": "support",
                **({"error": "timeout"} if n % 7 == 0 else {}),
            })  # fmt: skip

    async def come_late(self, whose: str, rows: Rows, at: datetime) -> None:
        """A call of some past day, and feedback for a conversation of some past day."""
        await self.send(whose, "/v1/calls", {
            "provider": "openai", "model": "gpt-4o", "api": "chat.completions",
            "occurred_at": at.isoformat(), "user_id": "came-late", "latency_ms": 1234,
            "response": {"usage": {"prompt_tokens": 1000, "completion_tokens": 10,
                                   "total_tokens": 1010}},
        })  # fmt: skip
        organization, _ = self.organizations[whose]
        started = [row for row in rows.conversations if row["organization_id"] == organization]
        chosen = min(started, key=lambda row: abs(row["created_at"] - at))
        await self.send(whose, f"/v1/conversations/{chosen['id']}/feedback", {"score": 3.5})

    # ---------- pages ----------

    async def sign_in(self) -> None:
        """Follow the demo's link as its account, which may see all."""
        await self._form(f"/sign-in/link/{self.link_token}")

    async def _form(self, path: str, **fields: str) -> None:
        origin = {"Origin": str(self.browser.base_url).rstrip("/")}
        reply = await self.browser.post(path, data=fields, headers=origin)
        if reply.status_code != 303:  # noqa: PLR2004
            raise RuntimeError(f"{path}: {reply.status_code} {reply.text[:300]}")

    async def board(self, whose: str | None, rows: Rows, ledger: Ledger, now: datetime) -> Board:
        """The pages of an organization; None: of all, seen from Kumo Shop's."""
        on_view = whose or "kumo-shop"
        await self._form("/organization", organization=on_view)

        async def get(path: str) -> str:
            reply = await self.browser.get(path)
            if reply.status_code != 200:  # noqa: PLR2004
                raise RuntimeError(f"{path}: {reply.status_code} {reply.text[:300]}")
            return reply.content.decode()

        organization, zone = self.organizations[on_view]
        return Board(get, rows, ledger, organization if whose else None, zone, now, whose or "all")

    async def wait(self) -> None:
        """Until the rollups have all that is stored."""
        now = await self.sql("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        reached = 0
        while reached < now:
            await asyncio.sleep(0.1)
            reached = await self.sql("select next_xid::text::bigint from hub.rollup_state")
        await asyncio.sleep(_QUIET_SECONDS)  # live numbers and days that have ended

    async def run_jobs(self, *names: str) -> None:
        """Have the hub's worker do what is scheduled, now, and all that comes of it."""
        ends = time.monotonic() + _JOBS_SECONDS
        async with self._hub() as hub:
            for schedule in reports.SCHEDULES:
                if schedule.name in names:
                    async with hub.db.write() as connection:
                        await jobs.run_schedule(connection, schedule, datetime.now(UTC))
            while True:
                async with hub.db.read() as connection:
                    waiting = [
                        job
                        for status in ("queued", "picked")
                        for job in await jobs.list_jobs(connection, status=status, limit=1)
                    ]
                if not waiting:
                    return
                if time.monotonic() > ends:
                    raise RuntimeError(f"jobs do not end: {waiting}")
                await asyncio.sleep(0.2)

    def _hub(self) -> Any:
        return opened(_settings(self.home))


@asynccontextmanager
async def running_hub(conversations: Path, *, scale: float) -> AsyncIterator[Running]:
    """Fill a hub, serve it, and remove it at the end."""
    home = Home()
    process: Process | None = None
    clients: list[httpx.AsyncClient] = []
    try:
        home.open()
        async with opened(_settings(home)) as hub:
            keys, token = await _fill(hub, scale)
        home.run("org", "create", _IMPORTED, "--timezone", "Asia/Kathmandu")
        keys[_IMPORTED] = home.run("keys", "create", "--organization", _IMPORTED)
        home.run("import", "chat", str(conversations), "--organization", _IMPORTED)
        process = home.serve()
        by_name: dict[str | None, httpx.AsyncClient] = {
            name: _client(process.port, key) for name, key in keys.items()
        }
        browser = _client(process.port, None)
        clients = [*by_name.values(), browser]
        found = Running(home, process, keys, token, {}, by_name, browser)
        rows = await found.rows()
        found.organizations = {
            row["external_id"]: (row["id"], row["timezone"])
            for row in rows.organizations
            if row["external_id"] in keys
        }
        await found.wait()
        yield found
    except Exception:
        print(home.log.read_text()[-3000:] if home.log.exists() else "", file=sys.stderr)
        raise
    finally:
        for client in clients:
            await client.aclose()
        if process is not None:
            process.stop()
        home.close()


async def _fill(hub: Hub, scale: float) -> tuple[dict[str | None, str], str]:
    owners = await running.prepare_organizations(hub.db)
    await running.set_markup(hub.db)
    await hub.markup_rules.refresh(hub.db)
    filled = await running.fill(hub.conversations, owners, scale=scale, report=lambda _: None)
    if filled.refused:
        raise RuntimeError(f"not stored: {filled.problems}")
    access = await running.grant_access(hub.db, owners)
    return {**access.keys, None: access.operator_key}, access.sign_in_token


def _settings(home: Home) -> Settings:
    return msgspec.structs.replace(Settings(), home=str(home.folder), log_level="error")


def _client(port: int, key: str | None) -> httpx.AsyncClient:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60)
