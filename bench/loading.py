"""A small bounded HTTP/1.1 load: prepared requests over kept connections, one in flight each.

It shares the machine with what it measures, so per request it does a write, a parse in C and two
readings of the clock, and nothing else.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httptools
import uvloop

_LONGEST = 120.0


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request."""
    head = {"Host": "127.0.0.1", **headers}
    if method != "GET":
        head |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@dataclass
class Load:
    """What came of it. `seconds` from the first request to the last answer."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    problem: str = ""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def ms(self, share: float) -> float:
        """The latency that `share` of the requests did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1e3 * ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class LoadFailed(Exception):
    """An answer was not of the wanted kind, or a connection was lost: the figures mean nothing."""


class _Client(asyncio.Protocol):
    def __init__(self, source: "_Source", finished: asyncio.Future[None]) -> None:
        self._source = source
        self._finished = finished
        self._transport: Any = None
        self._sent_at = 0.0
        self._answers: Any = None
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answers.feed_data(data)

    def on_body(self, part: bytes) -> None:
        if self._answers.get_status_code() >= 300 or self._source.wants_body:
            self._body += part

    def on_message_complete(self) -> None:
        taken = time.perf_counter() - self._sent_at
        self._source.note(self._answers.get_status_code(), taken, bytes(self._body))
        self._body.clear()
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._finished.done():
            self._finished.set_exception(LoadFailed(f"the server hung up: {error}"))

    def _send(self) -> None:
        following = self._source.following()
        if following is None:
            self._transport.close()
            if not self._finished.done():
                self._finished.set_result(None)
            return
        self._answers = httptools.HttpResponseParser(self)
        self._sent_at = time.perf_counter()
        self._transport.write(following)


class _Source:
    def __init__(self, requests: Iterator[bytes], until: float, *, wants_body: bool) -> None:
        self._requests = requests
        self._until = until
        self.wants_body = wants_body
        self.load = Load()
        self.bodies: list[bytes] = []

    def following(self) -> bytes | None:
        if time.perf_counter() >= self._until:
            return None
        return next(self._requests, None)

    def note(self, status: int, seconds: float, body: bytes) -> None:
        load = self.load
        load.statuses[status] += 1
        load.latencies.append(seconds)
        if status >= 300 and not load.problem:
            load.problem = f"{status} {body[:300]!r}"
        if self.wants_body:
            self.bodies.append(body)


def run_load(
    port: int, requests: Iterable[bytes], *, clients: int, seconds: float = _LONGEST
) -> Load:
    """Send `requests` until they end or the time is over. Raises LoadFailed."""
    return _run(port, requests, clients, seconds, wants_body=False).load


def send_all(port: int, requests: Iterable[bytes], *, clients: int = 8) -> list[bytes]:
    """Send them all; the bodies of the answers as they came. Raises LoadFailed."""
    return _run(port, requests, clients, _LONGEST, wants_body=True).bodies


def _run(
    port: int, requests: Iterable[bytes], clients: int, seconds: float, *, wants_body: bool
) -> _Source:
    async def run() -> _Source:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        until = began + min(seconds, _LONGEST)
        source = _Source(iter(requests), until, wants_body=wants_body)
        ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(clients)]
        for end in ends:
            await loop.create_connection(partial(_Client, source, end), "127.0.0.1", port)
        async with asyncio.timeout(seconds + 30):
            await asyncio.gather(*ends)
        source.load.seconds = time.perf_counter() - began
        return source

    source = uvloop.run(run())
    if source.load.problem:
        raise LoadFailed(f"{source.load.problem} (all: {dict(source.load.statuses)})")
    return source
