"""Live views whose viewers, rights or hub go away."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from aihub.analytics.stream import PATH
from aihub.identity import api as identities

from .test_live import Viewer, serve

__all__ = ["serve"]

VIEWERS = 200


async def _connect(server: Any, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A viewer that has seen its first numbers."""
    url = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(head.encode())
    await reader.readuntil(b"event: numbers")
    return reader, writer


async def test_a_hub_that_stops_ends_every_stream(cast, serve) -> None:
    """Whole, as far as HTTP knows, so that browsers come back; nobody waits for them."""
    server = await serve(most_viewers=VIEWERS)
    people = [cast.ada, cast.cleo, cast.olga, cast.vera]
    viewers = [await _connect(server, people[n % 4].key) for n in range(VIEWERS)]
    assert server.live.viewers == VIEWERS
    await server.stop()
    for reader, writer in viewers:
        assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
        writer.close()
    assert server.live.viewers == 0


async def test_viewers_that_hang_up_leave_nothing_behind(cast, serve) -> None:
    server = await serve()
    viewers = [await _connect(server, cast.ada.key) for _ in range(40)]
    assert server.live.viewers == 40
    for _, writer in viewers:
        writer.transport.abort()
    async with asyncio.timeout(15):
        while server.live.viewers:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.02)


async def test_who_is_slow_gets_the_newest_numbers_alone(cast, serve) -> None:
    server = await serve()
    ada = cast.ada
    async with server.live.watch(ada.organization) as slow, Viewer(server.url, ada.key) as quick:
        await slow.next(15)
        conversation = await ada.converse()
        for n in range(1, 4):
            await ada.say(conversation, role="assistant", model="gpt-4o", tokens=10)
            await quick.until(tokens_per_minute=10 * n)
        found = await slow.next(15)
        assert found is not None
        assert found.numbers.tokens_per_minute == 30
        assert await slow.next(0.01) is None


async def test_a_session_that_views_another_organization_ends_it(cast, serve, hub) -> None:
    """Or the numbers of an organization that somebody left would go on."""
    server = await serve(check_seconds=0.1)
    async with hub.db.write() as connection:
        account = await identities.create_account(
            connection, email=f"{cast.ada.organization}@hub.test", name="Eve", password="x" * 20
        )
        for organization in (cast.ada.organization, cast.cleo.organization):
            await identities.add_member(connection, organization, account.id, "member")
    signed = await hub.identity.sign_in(account.email, "x" * 20, client="127.0.0.1")
    ours, theirs = [
        await _name(hub, each) for each in (cast.ada.organization, cast.cleo.organization)
    ]
    await hub.identity.switch_organization(signed.token, ours)
    async with _SessionViewer(server.url, signed.token) as viewer:
        await viewer.next()
        await hub.identity.switch_organization(signed.token, theirs)
        hub.identity.forget()
        async with asyncio.timeout(15):
            event = await viewer.next()
            while event["event"] == "numbers":
                event = await viewer.next()
        assert (event["event"], json.loads(event["data"])["code"]) == ("end", "other_organization")
        assert (await viewer.next())["event"] == "over"


class _SessionViewer(Viewer):
    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, "")
        self._headers = {"Cookie": f"{identities.SESSION_COOKIE}={token}"}


async def _name(hub: Any, organization: Any) -> str:
    async with hub.db.read() as connection:
        found: str = await connection.fetchval(
            "select external_id from public.ai_organizations where id = $1", organization
        )
    return found


@pytest.mark.fault
async def test_connections_that_are_cut_are_made_again(cast, serve, connection, hub) -> None:
    server = await serve(check_seconds=0.1)
    async with Viewer(server.url, cast.ada.key) as viewer:
        await viewer.next()
        conversation = await cast.ada.converse()
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = current_database() "
            "and application_name = 'aihub'"
        )
        hub.identity.forget()
        async with asyncio.timeout(30):
            while True:
                reply = await cast.ada.ask(
                    "POST",
                    f"/conversations/{conversation}/messages",
                    {"role": "assistant", "content": "a", "model": "gpt-4o", "tokens": 77},
                )
                if reply.status == 201:
                    break
        await viewer.until(tokens_per_minute=77)
