"""How soon viewers of the live numbers see what was stored, through HTTP.

Every organization has one writer that waits for each answer, so its tokens of the minute only grow
while less than a minute has passed: an event with at least so many of them has the message in it.
"""

import asyncio
import itertools
import json
import math
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvloop

from bench.costing import busy_seconds, cpu_of
from bench.figures import Figure
from bench.hosting import Home, Process, free_port
from bench.loading import request

if TYPE_CHECKING:
    from bench.__main__ import Bench

_VIEWERS, _MANY_VIEWERS = 200, 990
_ORGANIZATIONS, _MANY_ORGANIZATIONS = 40, 480
_A_SECOND = 500
_BATCH = 25
_TOKENS = 100
_SETTLE_SECONDS = 3.0
_KEPT_SECONDS = 2.0  # a server hangs up after five without a request
_MOST_SECONDS = 50.0  # the minute must not be over
_BOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def measure_live(bench: "Bench") -> list[Figure]:
    """200 viewers of 40 organizations while 500 messages a second are stored; then 1,000.

    By one process; by two and a worker; by those through PgBouncer; and what is seen by one who
    looks at all organizations together.
    """
    seconds = 10.0 if bench.quick else 30.0
    figures = []
    with _raised_limit():
        one = _Hubs([bench.hub], [bench.home.postgres_pid, bench.hub.pid])
        figures += _measure(bench, "one process", one, seconds)
        figures += _measure(bench, "990 viewers", one, seconds, viewers=_MANY_VIEWERS)
        figures += _measure(
            bench, "990 viewers of 480 organizations", one, seconds,
            viewers=_MANY_VIEWERS, organizations=_MANY_ORGANIZATIONS,
        )  # fmt: skip
        with _two_processes(bench.home) as two:
            figures += _measure(bench, "two and a worker", two, seconds)
        if _BOUNCER is None:
            bench.tell("pgbouncer is not installed: left out")
            return figures
        with _bouncer(bench.home) as dsn:
            more = {"AIHUB_DATABASE_URL": dsn, "AIHUB_PG_POOLER": "transaction"}
            with _two_processes(bench.home, more) as pooled:
                figures += _measure(bench, "through PgBouncer", pooled, seconds)
    return figures


@dataclass
class _Hubs:
    """The processes that serve, and those whose CPU is counted."""

    serving: list[Process]
    pids: list[int]

    def cpu(self) -> float:
        return sum(cpu_of(pid) for pid in self.pids)


@contextmanager
def _two_processes(home: Home, more: dict[str, str] | None = None) -> Iterator[_Hubs]:
    """Two that serve and one that works; the bench's own hub competes with it for the ticks."""
    env = {**home.environment(), **(more or {})}
    with ExitStack() as stack:
        serving = []
        for _ in "12":
            port = free_port()
            command = [sys.executable, "-m", "aihub.cli", "serve", "--only", "api"]
            command += ["--port", str(port)]
            serving.append(
                Process(command, port, "/health/ready", env=env, cwd=home.outer, log=home.log)
            )
            stack.callback(serving[-1].stop)
        worker = subprocess.Popen(
            [sys.executable, "-m", "aihub.cli", "worker"],
            env=env, cwd=home.outer, start_new_session=True,
        )  # fmt: skip
        stack.callback(_end, worker)
        yield _Hubs(serving, [home.postgres_pid, worker.pid, *(each.pid for each in serving)])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _bouncer(home: Home) -> Iterator[str]:
    """The address of a transaction pooler before the bench's database."""
    assert _BOUNCER is not None
    folder = Path(tempfile.mkdtemp(prefix="bouncer"))
    folder.chmod(0o755)
    to = urlsplit(home.admin_dsn)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    password = f" password={to.password}" if to.password else ""
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\nhub = host={to.hostname} port={to.port} dbname={to.path[1:]} "
        f"user={to.username}{password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 10\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    user: dict[str, Any] = {"user": pwd.getpwnam("nobody").pw_uid} if os.geteuid() == 0 else {}
    process = subprocess.Popen(
        [_BOUNCER, str(folder / "pgbouncer.ini")], stderr=subprocess.PIPE, text=True, **user
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "process up" in line:
                break
        yield f"postgresql://{to.username}@127.0.0.1:{port}/hub"
    finally:
        process.terminate()
        process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _raised_limit() -> Iterator[None]:
    """Room for a thousand sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---------- one run ----------


@dataclass
class _Seen:
    """One viewer: when it had how many tokens, ascending."""

    organization: int
    tokens: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def first(self, tokens: int) -> float | None:
        """When there were at least `tokens`."""
        n = bisect_left(self.tokens, tokens)
        return self.times[n] if n < len(self.times) else None


@dataclass
class _Stored:
    """One request: its organization, tokens after it, and when it was sent and answered."""

    organization: int
    tokens: int
    sent_at: float
    answered_at: float


@dataclass
class _Run:
    seen: list[_Seen] = field(default_factory=list)
    stored: list[_Stored] = field(default_factory=list)
    messages: int = 0
    seconds: float = 0.0
    cores: float = 0.0
    others: float = 0.0
    lost: int = 0

    def delays(self, since: str) -> list[float]:
        """Of each request to each viewer of its organization, in milliseconds, ascending."""
        viewers: dict[int, list[_Seen]] = {}
        for each in self.seen:
            viewers.setdefault(each.organization, []).append(each)
        found = []
        for one in self.stored:
            for viewer in viewers.get(one.organization, []):
                at = viewer.first(one.tokens)
                if at is None:
                    self.lost += 1
                else:
                    found.append(1e3 * (at - getattr(one, since)))
        return sorted(found)


_runs = itertools.count()

# what such a load has left behind after five minutes, without tokens
_FILL = """
insert into public.ai_organizations (external_id, name)
select n, n from unnest(string_to_array('{names}', ',')) n;;
insert into public.ai_calls (id, occurred_at, organization_id, provider, model, api, cost, price,
  cost_status, price_book_version, latency_ms)
select hub.uuid7(), now() - random() * interval '4 minutes 50 seconds', o.id, 'openai', 'gpt-4o',
  'chat.completions', 0, 0, 'free', '1', 300 + (random() * 6000)::integer
from public.ai_organizations o cross join generate_series(1, {each})
where o.external_id = any (string_to_array('{names}', ','));;
analyze public.ai_calls;;select 1
"""
_UNSEEN = """
select count(*) from public.ai_calls k
where k.ingest_xid >= (select s.next_xid from hub.rollup_state s)
"""


def _fill(home: Home, names: list[str]) -> None:
    home.sql(_FILL.format(names=",".join(names), each=_A_SECOND * 300 // len(names)))
    while home.sql(_UNSEEN):
        time.sleep(0.2)


def _measure(
    bench: "Bench",
    name: str,
    hubs: _Hubs,
    seconds: float,
    *,
    viewers: int = _VIEWERS,
    organizations: int = _ORGANIZATIONS,
) -> list[Figure]:
    bench.tell(f"live: {name}")
    names = [f"live-{os.getpid()}-{next(_runs)}-{n}" for n in range(organizations)]
    _fill(bench.home, names)
    seconds = min(seconds, _MOST_SECONDS)
    run = uvloop.run(_run(hubs, bench.operator_key, viewers, names, seconds))
    answered, sent = run.delays("answered_at"), run.delays("sent_at")
    if run.lost:
        raise RuntimeError(f"{run.lost // 2} messages never arrived at a viewer ({name})")
    load = (
        f"{run.messages / run.seconds:.0f} messages/s, {run.cores:.2f} cores, "
        f"others {run.others:.2f}"
    )
    return [
        Figure(f"live, {name}: from the answer, p50", [_at(answered, 0.5)], "ms", note=load),
        Figure(f"live, {name}: from the answer, p99", [_at(answered, 0.99)], "ms", 1_000),
        Figure(f"live, {name}: from the answer, max", [answered[-1]], "ms"),
        Figure(f"live, {name}: from sending, p99", [_at(sent, 0.99)], "ms", 1_000),
    ]


def _at(ordered: list[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def _run(hubs: _Hubs, key: str, viewers: int, names: list[str], seconds: float) -> _Run:
    """`names`: of organizations of its own, so that no token of before is in their minute."""
    run, ports, organizations = _Run(), [each.port for each in hubs.serving], len(names)
    heads = [{"Authorization": f"Bearer {key}", "X-Organization-Id": name} for name in names]
    writers = [_Writer(n, ports[n % len(ports)], head, run) for n, head in enumerate(heads)]
    for writer in writers:
        await writer.open()
    ready: list[asyncio.Event] = []
    watching = []
    for n in range(viewers):
        organization = n % organizations
        seen, opened = _Seen(organization), asyncio.Event()
        run.seen.append(seen)
        ready.append(opened)
        port = ports[(n // organizations) % len(ports)]
        watching.append(asyncio.create_task(_watch(port, heads[organization], seen, opened)))
        if n % 20 == 19:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        await asyncio.gather(*(each.wait() for each in ready))
    await asyncio.sleep(1.0)
    cpu, busy, own = hubs.cpu(), busy_seconds(), time.process_time()
    began = time.perf_counter()
    await asyncio.gather(*(writer.write(organizations, seconds) for writer in writers))
    run.seconds = time.perf_counter() - began
    run.cores = (hubs.cpu() - cpu) / run.seconds
    own = time.process_time() - own
    run.others = max(0.0, (busy_seconds() - busy - own) / run.seconds - run.cores)
    await asyncio.sleep(_SETTLE_SECONDS)
    for task in watching:
        task.cancel()
    ends = await asyncio.gather(*watching, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
    for writer in writers:
        writer.close()
    return run


async def _watch(port: int, head: dict[str, str], seen: _Seen, opened: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request("GET", "/v1/realtime/stream", head))
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"the stream answered {status!r}")
        async for line in reader:
            if line.startswith(b"data: "):
                tokens = json.loads(line[6:])["tokens_per_minute"]
                if not seen.tokens or tokens > seen.tokens[-1]:
                    seen.tokens.append(tokens)
                    seen.times.append(time.perf_counter())
                opened.set()
        raise RuntimeError("a stream ended")
    finally:
        writer.close()


class _Writer:
    """An organization's: a third of them sends batches, the others single messages."""

    def __init__(self, number: int, port: int, head: dict[str, str], run: _Run) -> None:
        self._number = number
        self._port = port
        self._head = head
        self._run = run
        self._size = _BATCH if number % 3 == 0 else 1
        self._tokens = 0

    async def open(self) -> None:
        """The first request makes the organization."""
        await self._connect()
        made = await self._post("/v1/conversations", {"source": "web", "user_id": "viewer"})
        self._conversation = made["id"]

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def write(self, organizations: int, seconds: float) -> None:
        """As many as its share is, evenly, for so long; a late answer is not made up for."""
        pause = self._size * organizations / _A_SECOND
        self.close()
        await self._connect()  # viewers were opened for some seconds
        ends = time.perf_counter() + seconds
        following = time.perf_counter() + pause * ((self._number * 0.618) % 1)
        while True:
            now = time.perf_counter()
            following = max(following, now - pause)
            if following >= ends:
                return
            await asyncio.sleep(max(0.0, following - now))
            following += pause
            if pause >= _KEPT_SECONDS:
                self.close()
                await self._connect()
            await self._store()

    async def _store(self) -> None:
        turn = {
            "role": "assistant", "content": "a" * 300, "provider": "openai", "model": "gpt-4o",
            "usage": {"input_tokens": 60, "output_tokens": _TOKENS - 60}, "latency_ms": 700,
        }  # fmt: skip
        sent = time.perf_counter()
        if self._size == 1:
            await self._post(f"/v1/conversations/{self._conversation}/messages", turn)
        else:
            body = {"conversation_id": self._conversation, **turn}
            events = [{"type": "message", "body": body}] * self._size
            answer = await self._post("/v1/batch", {"events": events})
            if any(result["status"] != 201 for result in answer["results"]):
                raise RuntimeError(f"a batch answered {answer['results'][0]}")
        self._tokens += _TOKENS * self._size
        self._run.messages += self._size
        self._run.stored.append(_Stored(self._number, self._tokens, sent, time.perf_counter()))

    async def _post(self, path: str, body: Any) -> Any:
        self._writer.write(request("POST", path, self._head, json.dumps(body).encode()))
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith("content-length:"))
        text = await self._reader.readexactly(length)
        if not lines[0].split()[1].startswith("2"):
            raise RuntimeError(f"{path} answered {lines[0]}: {text[:300]!r}")
        return json.loads(text)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
