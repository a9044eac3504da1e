"""From what is stored to what goes out."""

from typing import Any

import msgspec
from msgspec import UNSET

from aihub.conversations.models import Conversation, Message, ModelCall, Transition
from aihub.conversations.schemas import (
    CallOut,
    ConversationOut,
    MessageOut,
    TransitionOut,
)
from aihub.kit.money import json_number

_EMPTY = ("", "{}")
_decode_entries = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def render_conversation(
    conversation: Conversation,
    organization: str,
    *,
    messages: list[Message] | None = None,
    calls: list[ModelCall] | None = None,
) -> ConversationOut:
    """A conversation as the contract shows it; `organization` is its owner's own id."""
    c = conversation
    score: Any = json_number(c.satisfaction_score)
    metadata: dict[str, Any] = {} if c.metadata in _EMPTY else _decode_entries(c.metadata)
    # the shape of the original interface; these entries are the hub's own
    metadata |= {
        "source": c.source,
        "module": c.module,
        "intent_chain": c.intent_chain,
        "satisfaction_score": score,
    }
    return ConversationOut(
        id=c.id,
        key=c.key,
        organization_id=organization,
        user_id=c.user_id,
        status=c.status,  # type: ignore[arg-type] # checked by the table
        source=c.source,  # type: ignore[arg-type] # as above
        module=c.module,
        intent_chain=c.intent_chain,
        satisfaction_score=score,
        metadata=metadata,
        messages=UNSET if messages is None else [render_message(m) for m in messages],
        calls=UNSET if calls is None else [render_call(k) for k in calls],
        summary=c.summary,
        sentiment=c.sentiment,  # type: ignore[arg-type] # as above
        message_count=c.message_count,
        total_tokens=c.total_tokens,
        total_cost=json_number(c.total_cost),
        total_price=json_number(c.total_price),
        unpriced_calls=c.unpriced_calls,
        started_at=c.started_at,
        ended_at=c.ended_at,
        created_at=c.created_at,
        updated_at=c.updated_at,
    )


def render_message(message: Message) -> MessageOut:
    """A message as the contract shows it."""
    m = message
    return MessageOut(
        id=m.id,
        conversation_id=m.conversation_id,
        seq=m.seq,
        role=m.role,  # type: ignore[arg-type] # checked by the table
        content=m.content,
        parts=UNSET if m.parts is None else _json(m.parts),
        tool_calls=UNSET if m.tool_calls is None else _json(m.tool_calls),
        model=m.model,
        provider=m.provider,
        usage=_json(m.usage),
        tokens=m.tokens,
        cost=json_number(m.cost),
        price=json_number(m.price),
        cost_status=m.cost_status,  # type: ignore[arg-type] # as above
        cost_note=UNSET if m.cost_note is None else m.cost_note,
        latency_ms=m.latency_ms,
        error=m.error,
        intent=m.intent,
        sentiment=m.sentiment,  # type: ignore[arg-type] # as above
        created_at=m.created_at,
        metadata=_json(m.metadata),
    )


def render_call(call: ModelCall) -> CallOut:
    """A model call as the contract shows it."""
    k = call
    return CallOut(
        id=k.id,
        conversation_id=k.conversation_id,
        message_id=k.message_id,
        user_id=k.user_id,
        module=k.module,
        source=k.source,
        provider=k.provider,
        model=k.model,
        api=k.api,
        usage=_json(k.quantities),
        raw_usage=_json(k.usage),
        usage_source=k.usage_source,  # type: ignore[arg-type] # checked by the table
        usage_method=k.usage_method,
        context=_json(k.context),
        total_tokens=k.total_tokens,
        cost=json_number(k.cost),
        price=json_number(k.price),
        computed_cost=json_number(k.computed_cost),
        cost_status=k.cost_status,  # type: ignore[arg-type] # as above
        cost_note=k.cost_note,
        cost_lines=_json(k.cost_lines),
        markup=_json(k.markup),
        price_book_version=k.price_book_version,
        latency_ms=k.latency_ms,
        error=k.error,
        occurred_at=k.occurred_at,
        created_at=k.created_at,
    )


def render_transition(move: Transition) -> TransitionOut:
    """A recorded move."""
    return TransitionOut(
        id=move.id,
        from_status=move.from_status,  # type: ignore[arg-type] # checked by the table
        to_status=move.to_status,  # type: ignore[arg-type] # as above
        actor=move.actor,
        reason=move.reason,
        at=move.at,
    )


def _json(text: str | None) -> Any:
    """Stored JSON goes out as it is: not decoded, not encoded."""
    return None if text is None else msgspec.Raw(text.encode())
