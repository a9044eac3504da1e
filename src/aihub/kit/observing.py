"""What is known of each HTTP request: its id, a line in the log, its figures.

Requests are told apart by the pattern of their route and never by their path: a path can hold a
secret (a link to sign in), and there is no end of paths.
"""

import logging
import re
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aihub.kit import logs
from aihub.kit.ids import uuid7
from aihub.kit.metrics import HttpMetrics

_log = logging.getLogger("aihub.access")

UNMATCHED, OTHER = "unmatched", "other"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_FAILED, _LEFT = 500, 499  # 499: the client went before it had an answer
_REQUEST_ID = b"x-request-id"
_USABLE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_EVENTS = b"text/event-stream"


class Observing:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(scope, send, self._metrics)
        token = logs.begin(seen.request_id)
        try:
            await self._app(scope, receive, seen)
        except ClientDisconnect:
            raise
        except Exception:
            seen.status = seen.status or _FAILED  # the error handler around us answers
            raise
        finally:
            seen.conclude()
            logs.end(token)


class _Seen:
    """One request; it stands where `send` was and sees the answer go out."""

    __slots__ = ("_metrics", "_scope", "_send", "_started", "is_stream", "request_id", "status")

    def __init__(self, scope: Scope, send: Send, metrics: HttpMetrics) -> None:
        self._started = perf_counter()
        self._scope = scope
        self._send = send
        self._metrics = metrics
        self.request_id = _given_id(scope) or uuid7().hex
        self.status = 0
        self.is_stream = False
        metrics.in_flight += 1

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
        await self._send(message)

    def _begin(self, message: Message) -> None:
        self.status = message["status"]
        headers = message.get("headers", ())
        has_id = False
        for name, value in headers:
            if name == _REQUEST_ID:
                has_id = True
            elif name == b"content-type" and value.startswith(_EVENTS):
                self.is_stream = True
        if not has_id:
            message["headers"] = [*headers, (_REQUEST_ID, self.request_id.encode())]
        if self.is_stream:  # it lasts for hours: what counts is when it began
            self._tell()
            self._metrics.in_flight -= 1
            self._metrics.streams += 1

    def conclude(self) -> None:
        """The request is over."""
        if self.is_stream:
            self._metrics.streams -= 1
            return
        self._metrics.in_flight -= 1
        self._tell()

    def _tell(self) -> None:
        seconds = perf_counter() - self._started
        scope, status = self._scope, self.status or _LEFT
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        route: str = getattr(scope.get("route"), "path", UNMATCHED)
        self._metrics.observe(method, route, status, seconds)
        level = logging.INFO if status < _FAILED else logging.WARNING
        if _log.isEnabledFor(level):
            duration = round(seconds * 1e3, 3)
            facts = {"method": method, "route": route, "status": status, "duration_ms": duration}
            told = f"{method} {route} {status} {duration:.1f} ms"
            _log.log(level, told, extra={"facts": facts})


def _given_id(scope: Scope) -> str | None:
    """The caller's own id, where it is a plain word of at most 64 characters."""
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            return value.decode() if _USABLE_ID.fullmatch(value) else None
    return None
