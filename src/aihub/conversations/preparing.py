"""From checked input to commands: ids and times are settled and calls priced here, once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from aihub.conversations import commands, rules
from aihub.conversations.errors import ConversationNotFound
from aihub.conversations.metering import MAX_USAGE_BYTES, Meter
from aihub.conversations.schemas import (
    ConversationPatch,
    Move,
    NewCall,
    NewConversation,
    NewFeedback,
    NewMessage,
)
from aihub.kit.decoding import decode_foreign
from aihub.kit.errors import Invalid
from aihub.kit.ids import as_uuid, datetime_ms, derive_uuid7, uuid7, uuid7_at, uuid7_time
from aihub.pricing import api as pricing

MAX_METADATA_BYTES = 65_536
MAX_TEXTS_BYTES = 8 * 1024 * 1024
_MAX_SCORE = 5
# a call that is planned costs what was announced for its day
_PLANNED = timedelta(days=731)
_CENT = Decimal("0.01")
_NOTHING = (b"", b"null")
_COUNTED = (*(f'"{name}"'.encode() for name in pricing.TEXT_KEYS), b'"stream_events"')
METER = Meter()  # prices of the release, no markup: for writers that have no hub around them

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Context:
    """Who writes and when. `name`: where given, ids that the caller did not make follow from it,
    so that the same request makes the same ids (Idempotency-Key). `plan` is the organization's."""

    organization: UUID
    actor: str
    now: datetime
    name: str | None = None
    plan: str = "free"
    meter: Meter = METER

    def new_id(self, kind: str, at: datetime | None = None) -> UUID:
        """An id of the time `at` (now when omitted)."""
        if self.name is not None:
            return derive_uuid7(
                datetime_ms(at or self.now), f"{self.organization}:{kind}:{self.name}"
            )
        return uuid7() if at is None else uuid7_at(at)


def prepare_conversation(body: NewConversation, context: Context) -> commands.CreateConversation:
    """A new conversation. `created_at` is its id's time: that of `started_at` where no id is given,
    so that what is told afterwards stands in its own month."""
    started_at = None
    if body.started_at is not None:
        started_at = rules.check_time(body.started_at, now=context.now, field="started_at")
    if body.id is None:
        id_ = context.new_id("conversation", started_at)
    else:
        id_ = rules.check_id(body.id, now=context.now)
    created_at = uuid7_time(id_)
    return commands.CreateConversation(
        organization=context.organization,
        id=id_,
        created_at=created_at,
        user=body.user_id,
        user_uuid=as_uuid(body.user_id),
        key=body.key,
        source=body.source,
        module=body.module,
        intent_chain=_encode(body.intent_chain).decode(),
        intents=body.intent_chain,
        metadata=_object(body.metadata, "metadata", MAX_METADATA_BYTES),
        started_at=started_at or created_at,
    )


def prepare_message(
    conversation_id: UUID, body: NewMessage, context: Context, *, reopen: bool = False
) -> commands.AddMessage:
    """A turn. Its call, where there is one, has its id and time."""
    created_at, id_ = _settle(body.created_at, body.id, context, "message", field="created_at")
    command = commands.AddMessage(
        organization=context.organization,
        id=id_,
        conversation=conversation_id,
        conversation_at=_time_of(conversation_id),
        role=body.role,
        content=body.content or "",
        parts=_array(body.parts, "parts"),
        tool_calls=_array(body.tool_calls, "tool_calls"),
        model=body.model,
        provider=body.provider,
        latency_ms=body.latency_ms,
        error=body.error,
        intent=body.intent,
        metadata=_object(body.metadata, "metadata", MAX_METADATA_BYTES),
        created_at=created_at,
        reopen=reopen,
        actor=context.actor,
    )
    usage, fault = _foreign(body.usage, "usage")
    _refuse_both(tokens=body.tokens, usage=usage)
    facts = pricing.CallFacts(
        provider=body.provider,
        model=body.model,
        occurred_at=created_at,
        organization=str(context.organization),
        tokens=body.tokens,
        usage=usage,
        usage_source=body.usage_source,
        usage_method=body.usage_method,
        fault=fault,
    )
    if pricing.is_metered(facts):
        context.meter.measure(command, facts, plan=context.plan, has_failed=body.error is not None)
    return command


def prepare_call(body: NewCall, context: Context) -> commands.RecordCall:
    """A call that stands alone."""
    usage, fault = _foreign(body.usage, "usage")
    response = _json(body.response)
    _refuse_both(tokens=body.tokens, usage=usage, response=response)
    occurred_at, id_ = _settle(
        body.occurred_at, body.id, context, "call", field="occurred_at", ahead=_PLANNED
    )
    conversation = body.conversation_id
    known, text = _read_context(body.context)
    command = commands.RecordCall(
        organization=context.organization,
        id=id_,
        conversation=conversation,
        conversation_at=_time_of(conversation) if conversation is not None else None,
        occurred_at=occurred_at,
        user=body.user_id,
        user_uuid=as_uuid(body.user_id),
        module=body.module,
        model=body.model,
        provider=body.provider,
        api=body.api,
        context=text,
        latency_ms=body.latency_ms,
        error=body.error,
        look_up=body.id is not None and uuid7_time(id_) != occurred_at,
    )
    facts = pricing.CallFacts(
        provider=body.provider,
        model=body.model,
        api=body.api,
        occurred_at=occurred_at,
        organization=str(context.organization),
        tokens=body.tokens,
        usage=usage,
        usage_source=body.usage_source,
        usage_method=body.usage_method,
        response=response,
        context=known,
        fault=fault,
    )
    context.meter.measure(command, facts, plan=context.plan, has_failed=body.error is not None)
    return command


def may_count(raw: bytes) -> bool:
    """Whether preparing a call of this JSON may count tokens, which takes its time: a second for
    the first text, and a millisecond for each thousand words. It belongs in a thread."""
    return any(name in raw for name in _COUNTED)


def prepare_feedback(
    conversation_id: UUID, body: NewFeedback, context: Context
) -> commands.AddFeedback:
    """A score of 0 to 5 with two decimals at most."""
    score = body.score
    if not score.is_finite() or not 0 <= score <= _MAX_SCORE:
        raise Invalid.field("score", "must lie between 0 and 5")
    if score != score.quantize(_CENT):
        raise Invalid.field("score", "has two decimals at most")
    created_at, id_ = _settle(body.at, body.id, context, "feedback", field="at")
    return commands.AddFeedback(
        organization=context.organization,
        id=id_,
        conversation=conversation_id,
        conversation_at=_time_of(conversation_id),
        score=score,
        comment=body.comment,
        message_id=body.message_id,
        created_at=created_at,
    )


def prepare_update(
    conversation_id: UUID, body: ConversationPatch, context: Context
) -> commands.UpdateConversation:
    """A change of what is present in the body."""
    _time_of(conversation_id)
    metadata = None
    if bytes(body.metadata):
        metadata = _object(body.metadata, "metadata", MAX_METADATA_BYTES)
    return commands.UpdateConversation(
        organization=context.organization,
        id=conversation_id,
        has_module=body.module is not UNSET,
        module=body.module or None,
        has_intent_chain=body.intent_chain is not UNSET,
        intent_chain=None if body.intent_chain is UNSET else body.intent_chain,
        has_summary=body.summary is not UNSET,
        summary=body.summary or None,
        metadata=metadata,
    )


def prepare_move(
    conversation_id: UUID, action: str, body: Move, context: Context, *, id_: UUID | None = None
) -> commands.MoveConversation:
    """A move; `id_` makes a retry harmless."""
    _time_of(conversation_id)
    at = context.now
    if body.at is not None:
        at = rules.check_time(body.at, now=context.now, field="at")
    return commands.MoveConversation(
        organization=context.organization,
        id=id_ or context.new_id("transition", at),
        conversation=conversation_id,
        action=action,
        actor=context.actor,
        reason=body.reason,
        at=at,
    )


def _time_of(conversation_id: UUID) -> datetime:
    """The time that leads to the conversation's month. Raises ConversationNotFound."""
    found = rules.find_time(conversation_id)
    if found is None:
        raise ConversationNotFound(conversation_id)
    return found


def _settle(
    at: datetime | None,
    id_: UUID | None,
    context: Context,
    kind: str,
    *,
    field: str,
    ahead: timedelta | None = None,
) -> tuple[datetime, UUID]:
    """Time and id of a new thing: where only one is given, the other follows from it."""
    if id_ is not None:
        rules.check_id(id_, now=context.now)
    if at is not None:
        at = rules.check_time(at, now=context.now, field=field, ahead=ahead)
        return at, id_ or context.new_id(kind, at)
    id_ = id_ or context.new_id(kind)
    return uuid7_time(id_), id_


def _refuse_both(**given: object) -> None:
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise Invalid.field(names[0], f"cannot be given together with {' and '.join(names[1:])}")


def _object(raw: msgspec.Raw, field: str, limit: int) -> str:
    if bytes(raw) in _NOTHING:
        return "{}"
    return _bounded(raw, field, limit, opening=b"{", kind="an object")


def _array(raw: msgspec.Raw, field: str) -> str | None:
    if bytes(raw) in _NOTHING:
        return None
    return _bounded(raw, field, None, opening=b"[", kind="an array")


def _bounded(raw: msgspec.Raw, field: str, limit: int | None, *, opening: bytes, kind: str) -> str:
    text = bytes(raw)
    if not text.startswith(opening):
        raise Invalid.field(field, f"must be {kind}")
    if limit is not None and len(text) > limit:
        raise Invalid.field(field, f"exceeds {limit:,} bytes")
    return text.decode()


def _read_context(raw: msgspec.Raw) -> tuple[dict[str, Any], str]:
    """A call's context, and what of it is stored: the texts that tokens are counted from are not,
    since erasing a conversation has to leave none of its words behind."""
    text = _object(raw, "context", MAX_TEXTS_BYTES)
    if text == "{}":
        return {}, text
    known = _decode(text)
    if pricing.TEXT_KEYS.isdisjoint(known):
        return known, _object(raw, "context", MAX_METADATA_BYTES)
    rest = {name: value for name, value in known.items() if name not in pricing.TEXT_KEYS}
    kept = msgspec.Raw(_encode(rest))
    return known, _object(kept, "context", MAX_METADATA_BYTES)


def _json(raw: msgspec.Raw) -> Any:
    return None if bytes(raw) in _NOTHING else decode_foreign(bytes(raw))


def _foreign(raw: msgspec.Raw, field: str) -> tuple[Any, str | None]:
    """A provider's own object; where it cannot be read, nothing, and why."""
    text = bytes(raw)
    if len(text) > MAX_USAGE_BYTES:
        return None, f"{field} exceeds {MAX_USAGE_BYTES:,} bytes"
    return _json(raw), None


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


Clock = Callable[[], datetime]


def key_name(key: str) -> str:
    """What ids follow from under an Idempotency-Key, without keeping the key itself."""
    return hashlib.sha256(key.encode()).hexdigest()
