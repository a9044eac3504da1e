"""Idempotency-Key: the same key and body get the first answer again, other bodies a conflict.

A request with a key runs in a transaction of its own, in which the key is taken first and the
answer kept last. So there is either all of it or nothing, whatever dies in between; a twin that
runs at the same time waits for the first one's end. Answers hold what people wrote, hence they are
encrypted with a key made from the caller's, of which only a hash is stored.
"""

import hashlib
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aihub.kit.db import Connection, Database
from aihub.kit.decoding import encode_json
from aihub.kit.errors import Conflict, Invalid
from aihub.kit.http import Answer, Call, Handler

MAX_KEY_LENGTH = 255
_NOBODY = UUID(int=0)
# Each key and organization makes one encryption key for one answer: a fixed nonce is used once.
_NONCE = bytes(12)

_TAKE = """
insert into hub.idempotency_keys (organization_id, key_hash, request_hash) values ($1, $2, $3)
on conflict do nothing returning created_at
"""
_GET = """
select request_hash, status, answer from hub.idempotency_keys
where organization_id = $1 and key_hash = $2
"""
_KEEP = """
update hub.idempotency_keys set status = $3, answer = $4, conversation_ids = $5
where organization_id = $1 and key_hash = $2
"""


class IdempotencyKeyReused(Conflict):
    """The key came before with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Use a new one.")


class Idempotency:
    """Wraps the handlers of POST requests that carry a key (see kit.http.Endpoint)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def __call__(self, call: Call, handler: Handler) -> Answer:
        """The handler's answer, or the one that was kept, with `Idempotent-Replayed: true`.

        Raises:
            IdempotencyKeyReused: the key came with another method, path or body.
        """
        key = _read_key(call)
        owner = _owner(call)
        name = hashlib.sha256(f"{owner}:{key}".encode()).digest()
        request = _hash_request(call)
        async with self._db.write() as connection:
            first_at = await connection.fetchval(_TAKE, owner, name, request)
            if first_at is None:
                return await self._replay(connection, owner, name, request, key)
            call.connection, call.idempotency = connection, (key, cast(datetime, first_at))
            answer = await handler(call)
            content = answer.content
            body = content if isinstance(content, bytes) else encode_json(content)
            kept = _seal(body, owner, key)
            await connection.execute(_KEEP, owner, name, answer.status, kept, _about(call, body))
        return Answer(body, answer.status, answer.headers, answer.media_type)

    async def _replay(
        self, connection: Connection, owner: UUID, name: bytes, request: bytes, key: str
    ) -> Answer:
        row: Any = await connection.fetchrow(_GET, owner, name)
        if row is None or row["request_hash"] != request:
            raise IdempotencyKeyReused
        body = _open(row["answer"], owner, key)
        return Answer(body, row["status"], {"Idempotent-Replayed": "true"})


def _read_key(call: Call) -> str:
    key: str = call.request.headers["idempotency-key"]
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise Invalid.field("Idempotency-Key", f"must have 1 to {MAX_KEY_LENGTH} characters")
    return key


def _owner(call: Call) -> UUID:
    """Whose key it is; an operator who names no organization has keys of their own."""
    organization = getattr(call.caller, "organization", None)
    return _NOBODY if organization is None else cast(UUID, organization.id)


def _hash_request(call: Call) -> bytes:
    request = call.request
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(head.encode() + call.raw_body).digest()


def _encryption(owner: UUID, key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"aihub answer:" + owner.bytes + key.encode()).digest())


def _seal(body: bytes, owner: UUID, key: str) -> bytes:
    return _encryption(owner, key).encrypt(_NONCE, body, None)


def _open(kept: bytes, owner: UUID, key: str) -> bytes:
    try:
        return _encryption(owner, key).decrypt(_NONCE, kept, None)
    except InvalidTag as error:
        raise IdempotencyKeyReused from error


class _About(msgspec.Struct):
    """What tells which conversations an answer is about."""

    id: Any = None
    conversation_id: Any = None
    data: "_About | None" = None
    results: "list[_About]" = []


def _about(call: Call, body: bytes) -> list[UUID]:
    """The conversations whose erasure has to take this answer along."""
    found: list[Any] = [call.path.get("id")]
    if body.startswith(b"{"):
        answer = msgspec.json.decode(body, type=_About)
        parts = [answer, *(result.data for result in answer.results if result.data is not None)]
        found += [part.conversation_id or part.id for part in parts]
    return [known for known in map(_as_uuid, found) if known is not None]


def _as_uuid(found: Any) -> UUID | None:
    try:
        return UUID(found)
    except (ValueError, TypeError, AttributeError):
        return None
