"""Live numbers over a real socket: what is stored arrives at whoever looks."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from aihub.analytics import api as analytics
from aihub.analytics.stream import PATH
from aihub.identity import api as identities

from . import rows
from .conftest import fixture


class Server:
    """The stream of a process of its own: its own poller, no ticker."""

    def __init__(self, hub: Any, *, most_viewers: int = 100, check_seconds: float = 20.0) -> None:
        self.live = analytics.Live(hub.db, most_viewers=most_viewers)
        stream = analytics.LiveStream(self.live, hub.identity, check_seconds=check_seconds)
        config = uvicorn.Config(
            Starlette(routes=stream.routes()), log_level="warning", lifespan="off",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        await self.live.start()
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        await self.live.stop()
        self._server.should_exit = True
        await self._task


@fixture
async def serve(hub: Any) -> AsyncIterator[Any]:
    started: list[Server] = []

    async def start(**options: Any) -> Server:
        server = Server(hub, **options)
        await server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()


class Viewer:
    """A browser's EventSource, as far as it goes."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url + PATH
        self._headers = {"Authorization": f"Bearer {key}"}

    async def __aenter__(self) -> "Viewer":
        self._client = httpx.AsyncClient(timeout=20, trust_env=False)
        request = self._client.build_request("GET", self._url, headers=self._headers)
        self.response = await self._client.send(request, stream=True)
        self._lines = self.response.aiter_lines()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.response.aclose()
        await self._client.aclose()

    async def next(self) -> dict[str, str]:
        """The next event with data."""
        event: dict[str, str] = {}
        async for line in self._lines:
            if not line and "data" in event:
                return event
            name, _, value = line.partition(": ")
            event[name] = value
        return {"event": "over"}

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The first numbers that have these."""
        async with asyncio.timeout(15):
            while True:
                numbers = json.loads((await self.next())["data"])
                if wanted.items() <= numbers.items():
                    return numbers


async def test_a_message_arrives_in_two_processes(cast, serve) -> None:
    one, two = await serve(), await serve()
    async with Viewer(one.url, cast.ada.key) as first, Viewer(two.url, cast.ben.key) as second:
        assert first.response.headers["content-type"].startswith("text/event-stream")
        for viewer in (first, second):
            await viewer.until(active_sessions_count=0, tokens_per_minute=0, error_rate=None)
        conversation = await cast.ada.converse()
        await cast.ada.say(
            conversation, role="assistant", model="gpt-4o", tokens=150, latency_ms=900
        )
        for viewer in (first, second):
            numbers = await viewer.until(active_sessions_count=1, tokens_per_minute=150)
            assert numbers["error_rate"] == 0
            assert abs(numbers["response_time_p95"] - 900) <= 9
        await cast.ada.say(
            conversation, role="assistant", model="gpt-4o", tokens=50, error="timeout"
        )
        await first.until(tokens_per_minute=200, error_rate=0.5)
        await cast.ada.post(f"/conversations/{conversation}/complete")
        await second.until(active_sessions_count=0, tokens_per_minute=200)


async def test_others_see_nothing_of_it_and_the_operator_all(cast, serve) -> None:
    server = await serve()
    async with Viewer(server.url, cast.cleo.key) as cleo, Viewer(server.url, cast.olga.key) as olga:
        await cleo.until(tokens_per_minute=0)
        before = json.loads((await olga.next())["data"])["tokens_per_minute"]
        await cast.ada.say(await cast.ada.converse(), role="assistant", model="gpt-4o", tokens=7)
        assert json.loads((await olga.next())["data"])["tokens_per_minute"] != before
        await cast.cleo.say(await cast.cleo.converse(), role="assistant", model="gpt-4o", tokens=9)
        await cleo.until(tokens_per_minute=9, active_sessions_count=1)


async def test_who_comes_back_gets_the_numbers_of_now(cast, serve) -> None:
    server = await serve()
    for _ in range(2):
        async with Viewer(server.url, cast.ada.key) as viewer:
            event = await viewer.next()
            assert (event["event"], event["retry"]) == ("numbers", "2000")
            assert float(event["id"]) > 0
    async with asyncio.timeout(10):  # places are given back
        while server.live.viewers:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.02)


async def test_there_is_room_for_so_many(cast, serve) -> None:
    server = await serve(most_viewers=1)
    async with Viewer(server.url, cast.ada.key) as first:
        await first.next()
        async with Viewer(server.url, cast.ada.key) as second:
            assert second.response.status_code == 503
            assert second.response.headers["retry-after"] == "10"
            assert json.loads(await second.response.aread())["code"] == "too_many_viewers"


async def test_it_ends_with_the_key(cast, serve, connection, hub) -> None:
    server = await serve(check_seconds=0.1)
    new = await identities.create_api_key(
        connection, organization_id=cast.ada.organization, name="brief", scopes=("read",),
        created_by="test",
    )  # fmt: skip
    async with Viewer(server.url, new.key) as viewer:
        await viewer.next()
        await connection.execute("update hub.api_keys set revoked_at = now() where id = $1", new.id)
        hub.identity.forget()
        async with asyncio.timeout(15):
            event = await viewer.next()
            while event["event"] == "numbers":
                event = await viewer.next()
        assert (event["event"], json.loads(event["data"])["code"]) == ("end", "unauthorized")
        assert (await viewer.next())["event"] == "over"


@pytest.mark.parametrize("key", ["nobody", "ahk_nobody"])
async def test_strangers_are_refused(serve, key) -> None:
    server = await serve()
    async with Viewer(server.url, key) as viewer:
        assert viewer.response.status_code == 401
        assert viewer.response.headers["content-type"] == "application/problem+json"


async def test_the_same_by_asking(cast, answers) -> None:
    await cast.ada.say(
        await cast.ada.converse(), role="assistant", model="gpt-4o", tokens=33, latency_ms=10
    )
    found = await cast.ada.over(answers).get("/realtime")
    assert found.pop("as_of")
    assert found == {
        "active_sessions_count": 1,
        "tokens_per_minute": 33,
        "error_rate": 0,
        "response_time_p95": 10,
    }


async def test_the_poller_has_the_numbers_of_the_rows(cast, serve, connection) -> None:
    """Read whole at first, then second by second; also rows that are late, early or priced anew."""
    server, chosen = await serve(), random.Random(5)
    organization = cast.ada.organization

    async def add(count: int) -> None:
        for _ in range(count):
            at = datetime.now(UTC) + timedelta(seconds=chosen.randrange(-290, 50))
            await rows.add_call(connection, organization, at, chosen)

    await add(60)
    async with server.live.watch(organization) as own, server.live.watch(None) as everybody:
        for watch in (own, everybody):
            await watch.next(15)
        for _ in range(3):
            await add(20)
            await connection.execute(
                "update public.ai_calls set total_tokens = total_tokens + 1, "
                "ingest_xid = pg_current_xact_id() where id = (select id from public.ai_calls "
                "where organization_id = $1 order by id limit 1)",
                organization,
            )
            for whose, watch in ((organization, own), (None, everybody)):
                async with asyncio.timeout(20):
                    while True:
                        update = await watch.next(15)
                        assert update is not None
                        found = update.numbers
                        if found == await analytics.get_live(connection, whose, now=found.as_of):
                            break
