"""`GET /v1/realtime/stream`: the live numbers by server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from aihub.analytics import tables
from aihub.analytics.errors import TooManyViewers
from aihub.analytics.live import Live, Watch
from aihub.identity.api import READ, Identity, Principal
from aihub.kit.decoding import encode_json
from aihub.kit.errors import AppError
from aihub.kit.http import PROBLEM
from aihub.kit.ids import uuid7

PATH = "/v1/realtime/stream"
HEARTBEAT_SECONDS = 10.0
CHECK_SECONDS = 20.0
RETRY_MS = 2_000
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy must not gather events
    "X-Content-Type-Options": "nosniff",
}


class LiveStream:
    """The endpoint. A stream ends with the session or key that opened it, and with the process."""

    def __init__(
        self, live: Live, identity: Identity, *, check_seconds: float = CHECK_SECONDS
    ) -> None:
        self._live = live
        self._identity = identity
        self._check_seconds = check_seconds

    def routes(self) -> list[Route]:
        """To stand before a page that takes every path."""
        return [Route(PATH, self.open, methods=["GET"])]

    async def open(self, request: Request) -> Response:
        """An event `numbers` whenever they change, else a comment every ten seconds.

        Each event is whole and its id is its time: who comes back with `Last-Event-ID` gets the
        numbers of now at once. Errors come as problem documents, as everywhere.
        """
        try:
            caller = await self._ask(request)
        except AppError as error:
            return _refuse(error)
        if self._live.is_full:
            return _refuse(TooManyViewers())
        whose = caller.organization.id if caller.organization is not None else None

        async def feed() -> AsyncIterator[bytes]:
            # entered here: a feed that nobody begins to read takes no place
            async with self._live.watch(whose) as watch:
                async for event in self._events(request, watch):
                    yield event

        return StreamingResponse(feed(), media_type="text/event-stream", headers=_HEADERS)

    async def _ask(self, request: Request) -> Principal:
        return await self._identity.authenticate(request, READ, is_write=False)

    async def _events(self, request: Request, watch: Watch) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        checked = sent = time.monotonic()
        while True:
            numbers = await watch.next(min(HEARTBEAT_SECONDS, self._check_seconds))
            now = time.monotonic()
            if now - checked >= self._check_seconds:
                checked = now
                try:
                    await self._ask(request)
                except AppError as error:
                    yield _event("end", encode_json({"code": error.code, "detail": error.detail}))
                    return
            if numbers is not None:
                body = encode_json(tables.live(numbers))
                yield _event("numbers", body, id_=f"{numbers.as_of.timestamp():.3f}")
                sent = now
            elif now - sent >= HEARTBEAT_SECONDS:
                yield b": still here\n\n"
                sent = now
            await asyncio.sleep(0)


def _event(name: str, body: bytes, *, id_: str | None = None) -> bytes:
    head = f"id: {id_}\n" if id_ is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + body + b"\n\n"


def _refuse(error: AppError) -> Response:
    return Response(
        encode_json(error.problem(uuid7().hex)),
        status_code=error.status,
        headers={**error.headers, "Cache-Control": "no-store"},
        media_type=PROBLEM.decode(),
    )
