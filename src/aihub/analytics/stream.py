"""`GET /v1/realtime/stream`: the live numbers by server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from aihub.analytics import tables
from aihub.analytics.errors import TooManyViewers
from aihub.analytics.live import Live, Update, Watch
from aihub.analytics.schemas import RealtimeOut
from aihub.identity.api import READ, Identity
from aihub.kit.decoding import encode_json
from aihub.kit.errors import AppError
from aihub.kit.http import PROBLEM, Operation
from aihub.kit.ids import uuid7

PATH = "/v1/realtime/stream"
HEARTBEAT_SECONDS = 10.0
CHECK_SECONDS = 20.0
STALLED_SECONDS = 30.0
RETRY_MS = 2_000
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy must not gather events
    "X-Content-Type-Options": "nosniff",
}
_OUR_FAULT = 500


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
        return [Route(PATH, self.stream_realtime, methods=["GET"])]

    def operation(self) -> Operation:
        """For the OpenAPI document alone: kit.http answers what has an end."""
        return Operation(
            method="GET",
            path=PATH,
            handler=cast(Any, self.stream_realtime),
            scope=READ,
            tag="Analytics",
            answers={200: RealtimeOut},
            errors=(503,),
            media_type="text/event-stream",
        )

    async def stream_realtime(self, request: Request) -> Response:
        """An event `numbers` whenever they change, else a comment every ten seconds.

        Each event is whole and its id is its time: who comes back with `Last-Event-ID` gets the
        numbers of now at once. Who may no longer see this organization gets an event `end`, and the
        stream ends; it ends without one with the process. Errors come as problem documents, as
        everywhere.
        """
        try:
            whose = await self._ask(request)
        except AppError as error:
            return _refuse(error)
        if self._live.is_full:
            return _refuse(TooManyViewers())

        async def feed() -> AsyncIterator[bytes]:
            # entered here: a feed that nobody begins to read takes no place
            with suppress(TooManyViewers):  # many at the same moment: this one comes again
                async with self._live.watch(whose) as watch:
                    async for event in self._events(request, whose, watch):
                        yield event

        return _Stream(feed(), media_type="text/event-stream", headers=_HEADERS)

    async def _ask(self, request: Request) -> UUID | None:
        """Whose numbers the caller sees; None: everybody's, for operators who name nobody or ask
        with `scope=all` (a session may have an organization on view)."""
        caller = await self._identity.authenticate(request, READ, is_write=False)
        if caller.is_operator and request.query_params.get("scope") == "all":
            return None
        return caller.organization.id if caller.organization is not None else None

    async def _events(
        self, request: Request, whose: UUID | None, watch: Watch
    ) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        checked = sent = time.monotonic()
        while not watch.is_over:
            update = await watch.next(min(HEARTBEAT_SECONDS, self._check_seconds))
            now = time.monotonic()
            if now - checked >= self._check_seconds:
                checked = now
                if (end := await self._find_end(request, whose)) is not None:
                    yield end
                    return
            if update is not None:
                yield _numbers(update)
                sent = now
            elif now - sent >= HEARTBEAT_SECONDS:
                yield b": still here\n\n"
                sent = now
            await asyncio.sleep(0)

    async def _find_end(self, request: Request, whose: UUID | None) -> bytes | None:
        """The last event for who may no longer see `whose` numbers."""
        try:
            if await self._ask(request) == whose:
                return None
            told = {"code": "other_organization", "detail": "Another organization is on view now."}
        except AppError as error:
            if error.status >= _OUR_FAULT:  # nobody can be asked: there are no new numbers, either
                return None
            told = {"code": error.code, "detail": error.detail}
        return _event("end", encode_json(told))


class _Stream(StreamingResponse):
    """Lets go of a reader that takes nothing."""

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: object) -> None:
            async with asyncio.timeout(STALLED_SECONDS):
                await send(message)  # type: ignore[arg-type] # passed on as it came

        with suppress(TimeoutError):
            await super().stream_response(send_in_time)


def _numbers(update: Update) -> bytes:
    """Made once for all viewers of an organization."""
    if update.shared is None:
        body = encode_json(tables.live(update.numbers))
        update.shared = _event("numbers", body, id_=f"{update.numbers.as_of.timestamp():.3f}")
    return update.shared


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
