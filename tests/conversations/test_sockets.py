"""Over real sockets: a served application, and a transaction pooler before the database."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import uvicorn

from aihub.hosting import Hosting
from aihub.main import Hub, create_app
from aihub.settings import Settings

from .conftest import Cast, Person, Run, fixture

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class _Quiet(uvicorn.Server):
    """Leaves the signals of the test run alone, and tells when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@fixture
async def served(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that listens."""
    settings = Settings(database_url=dsn)
    app = create_app(Hub(settings, Hosting(settings)), does_upkeep=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = _Quiet(uvicorn.Config(app, log_level="warning", lifespan="on"))
        running = asyncio.create_task(server._serve([listening]))
        await server.is_up.wait()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            yield client
        server.should_exit = True
        await running


async def test_writers_over_a_socket(ada: Person, served: httpx.AsyncClient) -> None:
    person = ada.over(served)
    conversation = await person.converse()
    await asyncio.gather(*(person.say(conversation, model="gpt-4", tokens=150) for _ in range(32)))
    reply = await person.ask("GET", f"/conversations/{conversation}")
    assert '"total_cost":0.144,' in reply.text
    assert reply.json["message_count"] == 32


async def test_what_is_written_before_the_end_of_a_client_is_whole(
    ada: Person, served: httpx.AsyncClient
) -> None:
    """A client that hangs up amid its body has said nothing."""
    conversation = await ada.over(served).converse()
    url = served.base_url
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST /v1/conversations/{conversation}/messages HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {ada.key}\r\nContent-Length: 100\r\n\r\n"
        '{"content": "half'.encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await ada.read(conversation))["message_count"] == 0


@pytest.mark.parametrize("declared", ["10485760", "99999999999999999999"])
async def test_a_body_that_is_too_large_is_refused_unread(
    ada: Person, served: httpx.AsyncClient, declared: str
) -> None:
    url = served.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST /v1/conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ada.key}\r\n"
        f"Content-Length: {declared}\r\n\r\n".encode()
    )
    status = await reader.readline()
    assert b"413" in status or b"400" in status
    writer.close()


# ---------- behind PgBouncer ----------


@pytest.fixture(scope="module")
def pooled_dsn(dsn: str) -> Iterator[str]:
    """The database through PgBouncer: another server connection for each transaction."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    home = Path(tempfile.mkdtemp(prefix="bouncer"))
    home.chmod(0o755)
    to = urlsplit(dsn)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    password = f" password={to.password}" if to.password else ""
    (home / "users").write_text(f'"{to.username}" "{to.password or ""}"\n')
    (home / "pgbouncer.ini").write_text(
        f"[databases]\nhub = host={to.hostname} port={to.port} dbname={to.path[1:]} "
        f"user={to.username}{password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\nauth_file = {home}/users\npool_mode = transaction\n"
        "default_pool_size = 3\nserver_round_robin = 1\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    user = {"user": pwd.getpwnam("nobody").pw_uid} if os.geteuid() == 0 else {}
    process = subprocess.Popen(
        [PGBOUNCER, str(home / "pgbouncer.ini")],
        stderr=subprocess.PIPE,
        text=True,
        **user,  # type: ignore[call-overload] # it refuses to be root
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "process up" in line:
            break
    assert "process up" in "".join(lines[-1:]), "".join(lines)
    yield f"postgresql://{to.username}@127.0.0.1:{port}/hub"
    process.terminate()
    process.communicate()
    shutil.rmtree(home, ignore_errors=True)


async def test_clients_behind_a_transaction_pooler(
    cast: Cast, run: Run, pooled_dsn: str, connection: Any
) -> None:
    async with run(database_url=pooled_dsn, pg_pooler="transaction") as client:
        ada = cast.ada.over(client)
        shared = await ada.converse()

        async def work(number: int) -> None:
            own = await ada.converse(key=f"s{number}", module="m")
            for turn in range(5):
                await ada.say(own, f"{turn}", model="gpt-4", tokens=150)
                await ada.say(shared, f"{number}.{turn}")
                assert own in await ada.ids("/conversations", module="m", model="gpt-4")
            events = [
                {"type": "message", "body": {"conversation_id": own, "content": "x"}},
                {"type": "feedback", "body": {"conversation_id": own, "score": 5}},
                {
                    "type": "transition",
                    "body": {"conversation_id": own, "action": "complete"},
                },
            ]
            keyed = ada.with_headers(Idempotency_Key=f"k{number}")
            first, again = [await keyed.ask("POST", "/batch", {"events": events}) for _ in "12"]
            assert [result["status"] for result in first.json["results"]] == [201, 201, 200]
            assert again.text == first.text
            found = await ada.read(own, include="messages,calls")
            assert (len(found["messages"]), len(found["calls"])) == (6, 5)
            assert (found["total_tokens"], found["status"]) == (750, "completed")

        await asyncio.gather(*(work(number) for number in range(8)))
        messages = (await ada.read(shared, include="messages"))["messages"]
        assert [m["seq"] for m in messages] == list(range(1, 41))
    servers = await asyncpg.connect(pooled_dsn, statement_cache_size=0)
    assert await servers.fetchval("select 1") == 1
    await servers.close()
