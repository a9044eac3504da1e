"""Writes as events: built once, spooled, sent, and answered. Sync and async clients share this."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict, TypeVar
from uuid import UUID

import msgspec

from aihub.client.errors import Invalid
from aihub.client.models import Call, Conversation, Feedback, Message
from aihub.kit.ids import uuid7

Action = Literal["pause", "resume", "complete", "archive", "reopen"]

# The status that each move leads to. A completed conversation is reopened as active, an archived
# one as completed.
TARGETS: dict[str, tuple[str, ...]] = {
    "pause": ("paused",),
    "resume": ("active",),
    "complete": ("completed",),
    "archive": ("archived",),
    "reopen": ("active", "completed"),
}


class WriteOptions(TypedDict, total=False):
    """What every write takes. `organization_id`: needed with an operator's key for a conversation
    that this client has not seen. `wait` False: do not wait for the hub's answer. `timeout`:
    seconds to wait for it, instead of the client's own."""

    organization_id: str | None
    wait: bool
    timeout: float | None


class ConversationFields(WriteOptions, total=False):
    """What a new conversation may carry. `key`: your own session key; known already, it gives the
    existing conversation. `started_at` is aware."""

    source: Literal["web", "mobile", "api"]
    module: str | None
    intent_chain: list[str]
    key: str | None
    id: str | UUID
    started_at: datetime
    metadata: dict[str, Any]


class MessageFields(WriteOptions, total=False):
    """What a message may carry. `tokens` is a total with no split; `usage` is the provider's own
    usage object as it came, or a normalised one. `latency_ms` in milliseconds. `reopen`: take the
    message although the conversation is completed or archived."""

    role: Literal["system", "user", "assistant", "tool"]
    model: str | None
    provider: str | None
    tokens: int | None
    usage: Any
    latency_ms: int | None
    error: str | None
    intent: str | None
    id: str | UUID
    created_at: datetime
    metadata: dict[str, Any]
    reopen: bool


class CallFields(WriteOptions, total=False):
    """What a model call may carry. `response` is the provider's raw body (or
    `{"stream_events": […]}`), `occurred_at` the time of completion, `context` what the body does
    not say. Give `response`, `usage` or `tokens`."""

    conversation_id: str | UUID | None
    occurred_at: datetime
    latency_ms: int | None
    error: str | None
    user_id: str | None
    module: str | None
    context: dict[str, Any]
    response: Any
    usage: Any
    tokens: int | None
    id: str | UUID


class FeedbackFields(WriteOptions, total=False):
    """What a score may carry."""

    comment: str | None
    message_id: str | UUID | None
    id: str | UUID


class MoveOptions(WriteOptions, total=False):
    """What a move in the life cycle may carry."""

    reason: str | None


class UpdateFields(WriteOptions, total=False):
    """What can be changed later; `metadata` is merged."""

    module: str | None
    intent_chain: list[str]
    metadata: dict[str, Any]
    summary: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One write. `organization_id` is "" where the key alone decides. `body` is JSON without
    `conversation_id`, which is put in when it is sent: by then the hub may have answered that the
    conversation is known under another id."""

    id: str
    type: str
    organization_id: str
    conversation_id: str | None
    body: bytes


T = TypeVar("T", Conversation, Message, Call, Feedback)


def conversation_created(organization_id: str, user_id: str, fields: ConversationFields) -> Event:
    """The event of a new conversation; its id and time are made here unless given."""
    body = _body(fields, {"id": uuid7(), "started_at": datetime.now(UTC)}, user_id=user_id)
    return _event("conversation", organization_id, as_id(body["id"]), body)


def message_added(
    organization_id: str, conversation_id: str | UUID, content: str, fields: MessageFields
) -> Event:
    """The event of a message; its time is now, however long it waits in the spool."""
    body = _body(fields, {"id": uuid7(), "created_at": datetime.now(UTC)}, content=content)
    return _event("message", organization_id, as_id(conversation_id), body)


def call_recorded(
    organization_id: str, fields: CallFields, *, provider: str, model: str, api: str
) -> Event:
    """The event of a model call with no message; its time is now unless given."""
    made = {"id": uuid7(), "occurred_at": datetime.now(UTC)}
    body = _body(fields, made, provider=provider, model=model, api=api)
    conversation_id = body.pop("conversation_id", None)
    about = as_id(conversation_id) if conversation_id else None
    return _event("call", organization_id, about, body)


def feedback_given(
    organization_id: str, conversation_id: str | UUID, score: float, fields: FeedbackFields
) -> Event:
    """The event of a score."""
    body = _body(fields, {"id": uuid7()}, score=score)
    return _event("feedback", organization_id, as_id(conversation_id), body)


def move_asked(
    organization_id: str, conversation_id: str | UUID, action: Action, fields: MoveOptions
) -> Event:
    """The event of a move in the life cycle."""
    body = _body(fields, {}, action=action)
    return _event("transition", organization_id, as_id(conversation_id), body)


def update_asked(organization_id: str, conversation_id: str | UUID, fields: UpdateFields) -> Event:
    """The event of a change. None clears a field, so it is sent."""
    body = {name: value for name, value in fields.items() if name not in _OPTIONS}
    return _event("update", organization_id, as_id(conversation_id), body)


def as_id(value: str | UUID) -> str:
    """An id in its canonical form; what is no UUID is left for the hub to refuse."""
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except ValueError:
        return value if isinstance(value, str) else str(value)


def encode_batch(events: Iterable[Event], aliases: Mapping[str, str]) -> bytes:
    """The body of `POST /v1/batch`. `aliases` maps ids made here to those the hub answered."""
    parts = [
        b'{"id":%b,"type":%b,"body":%b}'
        % (_encode(event.id), _encode(event.type), _wire_body(event, aliases))
        for event in events
    ]
    return b'{"events":[%b]}' % b",".join(parts)


def pending_object(event: Event, kind: type[T]) -> T:
    """What is known of a write that the hub has not confirmed. Raises Invalid on a wrong type."""
    body = msgspec.json.decode(event.body)
    body |= {"pending": True, "organization_id": event.organization_id or None}
    body.pop("usage", None)  # as it came; the hub answers the normalised one
    if event.type == "conversation":
        body["status"] = "active"
    elif kind is Conversation:  # a move or a change: the caller's fields are all there is
        body["id"] = event.conversation_id
        body["status"] = TARGETS.get(body.pop("action", ""), ("",))[0]
    else:
        body["conversation_id"] = event.conversation_id
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), code="invalid_type") from error


def is_settled_move(event: Event, status: object) -> bool:
    """Whether a refused move had happened already: a retry whose first answer was lost."""
    action = msgspec.json.decode(event.body).get("action") if event.type == "transition" else ""
    return status in TARGETS.get(action, ())


def _body(fields: Mapping[str, Any], made: dict[str, Any], **given: Any) -> dict[str, Any]:
    """What was given, then what is made here; None is the same as nothing."""
    chosen = {name: value for name, value in fields.items() if name not in _OPTIONS}
    return made | {name: v for name, v in (chosen | given).items() if v is not None}


def _event(
    type_: str, organization_id: str, conversation_id: str | None, body: dict[str, Any]
) -> Event:
    try:
        encoded = _encode(body)
        f"{organization_id}{conversation_id}".encode()
    except (TypeError, ValueError, RecursionError) as error:  # a set of keys, half a character, …
        raise Invalid(f"this cannot be sent as JSON: {error}", code="not_json") from error
    return Event(str(uuid7()), type_, organization_id, conversation_id, encoded)


def _wire_body(event: Event, aliases: Mapping[str, str]) -> bytes:
    if event.type == "conversation" or event.conversation_id is None:
        return event.body
    conversation_id = aliases.get(event.conversation_id, event.conversation_id)
    # spliced, not decoded and encoded again: numbers stay as they were written
    rest = event.body[1:]
    return b'{"conversation_id":%b%b%b' % (
        _encode(conversation_id),
        b"" if rest == b"}" else b",",
        rest,
    )


def _plain(value: Any) -> Any:
    """What msgspec does not know: the response and usage objects of the providers' SDKs."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise Invalid(f"a {type(value).__name__} cannot be sent as JSON", code="not_json")
    return dump(mode="json", by_alias=True, exclude_unset=True)


_OPTIONS = frozenset(WriteOptions.__annotations__)
_encode = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode
