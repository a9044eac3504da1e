"""HTTP as this application speaks it: operations, bodies, answers, problem documents.

An `Operation` declares one endpoint once: path, who may, what comes in, what goes out. From it come
the route, the checks and the description in the OpenAPI document.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import UnionType
from typing import Any, Protocol, TypeVar
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from aihub.kit import logs
from aihub.kit.decoding import convert, encode_json, make_decoder
from aihub.kit.errors import (
    AppError,
    Invalid,
    MethodNotAllowed,
    TooLarge,
    UnsupportedMediaType,
)
from aihub.kit.ids import uuid7

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 8 * 1024 * 1024
JSON = b"application/json"
PROBLEM = b"application/problem+json"

T = TypeVar("T")


class Authenticate(Protocol):
    """Finds out who asks and whether they may do what needs `scope`."""

    async def __call__(self, request: Request, scope: str, *, is_write: bool) -> Any: ...


@dataclass(slots=True)
class Call:
    """One request, checked: `body` and `query` are of the operation's types.

    `connection` is set when the request runs in a transaction of its own, and `idempotency` to its
    key and the time of the first try (Idempotency-Key).
    """

    request: Request
    caller: Any
    body: Any
    query: Any
    path: Mapping[str, Any]
    raw_body: bytes
    connection: Any = None
    idempotency: tuple[str, datetime] | None = None

    def id(self, name: str = "id") -> UUID:
        """An id in the path. Raises Invalid for what is no UUID."""
        return parse_id(self.path[name])


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: JSON of `content` unless it is bytes already."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: bytes = JSON


Handler = Callable[[Call], Awaitable[Answer]]
Around = Callable[[Call, Handler], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One endpoint. `scope` None: open to everybody. `answers`: type of the body by status.

    The handler's docstring is its description in the OpenAPI document.
    """

    method: str
    path: str
    handler: Handler
    scope: str | None
    tag: str
    body: type | None = None
    query: type | None = None
    answers: Mapping[int, type | UnionType | None] = field(default_factory=dict)
    errors: Sequence[int] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    is_body_optional: bool = False
    is_body_in_parts: bool = False  # the handler checks each part for itself
    media_type: str = "application/json"  # of what is answered, for the document

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.method not in ("GET", "HEAD")


class Endpoint:
    """The ASGI application of one operation: checks, calls the handler, renders."""

    def __init__(self, operation: Operation, authenticate: Authenticate, around: Around) -> None:
        self.operation = operation
        self._authenticate = authenticate
        self._around = around
        self._decode: Callable[[bytes], Any] | None = (
            make_decoder(operation.body, is_checked=not operation.is_body_in_parts)
            if operation.body is not None
            else None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = logs.request_id() or uuid7().hex
        try:
            answer = await self._answer(request)
        except AppError as error:
            answer = problem_answer(error, request_id)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - the last line of defence: told as a 500, logged whole
            _log.exception("%s %s failed", self.operation.method, self.operation.path)
            answer = problem_answer(AppError(), request_id)
        await send_answer(answer, request_id, send, is_head=scope["method"] == "HEAD")

    async def _answer(self, request: Request) -> Answer:
        operation = self.operation
        caller = None
        if operation.scope is not None:
            caller = await self._authenticate(request, operation.scope, is_write=operation.is_write)
        raw, body = b"", None
        if operation.is_write:
            raw = await read_body(request, operation.max_body_bytes)
        if self._decode is not None and (raw or not operation.is_body_optional):
            _require_json(request)
            body = self._decode(raw)
        query = parse_query(request, operation.query) if operation.query is not None else None
        call = Call(request, caller, body, query, request.path_params, raw)
        if operation.method == "POST" and b"idempotency-key" in (
            name for name, _ in request.scope["headers"]
        ):
            return await self._around(call, operation.handler)
        return await operation.handler(call)


class PathEndpoint:
    """The ASGI application of one path: an endpoint for each method."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = dict(endpoints)
        if "GET" in endpoints:
            self._endpoints.setdefault("HEAD", endpoints["GET"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is not None:
            await endpoint(scope, receive, send)
            return
        allowed = ", ".join(sorted(self._endpoints))
        error = MethodNotAllowed(f"Allowed here: {allowed}.", headers={"Allow": allowed})
        request_id = logs.request_id() or uuid7().hex
        await send_answer(problem_answer(error, request_id), request_id, send)


def build_routes(
    operations: Iterable[Operation], authenticate: Authenticate, around: Around
) -> list[Route]:
    """One route a path, in the order in which the paths come first."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for operation in operations:
        endpoints = paths.setdefault(operation.path, {})
        endpoints[operation.method] = Endpoint(operation, authenticate, around)
    return [Route(path, PathEndpoint(endpoints)) for path, endpoints in paths.items()]


async def read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises TooLarge before it has read more than that."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body exceeds {limit:,} bytes.", limit_bytes=limit)


def _require_json(request: Request) -> None:
    given = request.headers.get("content-type", "application/json")
    kind = given.split(";", 1)[0].strip().lower()
    if kind not in ("application/json", "") and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"The body is sent as {kind!r}; send application/json.")


# ---------- what stands in the address ----------


def parse_query(request: Request, kind: type[T]) -> T:
    """The query string as `kind`; unknown and repeated parameters are refused by name."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Invalid.field(name, "is given twice")
        if "\x00" in value:
            raise Invalid.field(name, "must not contain the character U+0000")
        if value != "":
            given[name] = value
    return convert(given, kind, from_text=True)


def parse_id(text: str, name: str = "id") -> UUID:
    """A UUID in its canonical form. Raises Invalid."""
    try:
        found = UUID(text)
    except ValueError as error:
        raise Invalid.field(name, "must be a UUID") from error
    if str(found) != text.lower():
        raise Invalid.field(name, "must be a UUID in its usual form")
    return found


# ---------- rendering ----------


def problem_answer(error: AppError, request_id: str | None) -> Answer:
    """An error as application/problem+json."""
    return Answer(error.problem(request_id), error.status, error.headers, PROBLEM)


_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


async def send_answer(
    answer: Answer, request_id: str, send: Send, *, is_head: bool = False
) -> None:
    """Write an answer, with the headers that every answer of the API has."""
    content = answer.content
    body = content if isinstance(content, bytes) else encode_json(content)
    own = [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in answer.headers.items()]
    start: Message = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [
            (b"content-type", answer.media_type),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            *_ALWAYS,
            *own,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b"" if is_head else body})
