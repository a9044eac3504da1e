"""What the hub answers, typed. Fields that a newer hub adds are ignored."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from aihub.client.money import Money


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts are decoded exactly, then made Money: msgspec itself knows no subclass of Decimal."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if type(value) is Decimal:
                msgspec.structs.force_setattr(self, name, Money(value))


class CostLine(_Record, frozen=True, kw_only=True):
    """One component of a cost: `quantity` x `unit_price` = `amount`."""

    component: str
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    price_id: str | None = None


class Call(_Record, frozen=True, kw_only=True):
    """A model call. `cost` is None while it is unpriced, never 0.

    `pending` is True when the hub has not confirmed it yet: it is in the spool.
    """

    id: str
    organization_id: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    user_id: str | None = None
    module: str | None = None
    source: str | None = None
    provider: str | None = None
    model: str | None = None
    api: str | None = None
    usage: dict[str, Any] | None = None
    total_tokens: int | None = None
    cost: Decimal | None = None
    price: Decimal | None = None
    cost_status: str | None = None
    cost_note: str | None = None
    cost_lines: list[CostLine] = []
    price_book_version: str | None = None
    latency_ms: int | None = None
    error: str | None = None
    context: dict[str, Any] | None = None
    occurred_at: datetime | None = None
    created_at: datetime | None = None
    pending: bool = False


class Message(_Record, frozen=True, kw_only=True):
    """One turn. `seq` counts from 1 within the conversation; None while `pending`."""

    id: str
    conversation_id: str | None = None
    seq: int | None = None
    role: str = "user"
    content: str = ""
    parts: list[Any] | None = None
    tool_calls: list[Any] | None = None
    model: str | None = None
    provider: str | None = None
    usage: dict[str, Any] | None = None
    tokens: int = 0
    cost: Decimal | None = None
    price: Decimal | None = None
    cost_status: str | None = None
    cost_note: str | None = None
    latency_ms: int | None = None
    error: str | None = None
    intent: str | None = None
    sentiment: str | None = None
    created_at: datetime | None = None
    metadata: dict[str, Any] = {}
    pending: bool = False


class Conversation(_Record, frozen=True, kw_only=True):
    """A session between a user and assistants, with its totals.

    `messages` and `calls` are None unless they were asked for. `pending` is True when the hub has
    not confirmed the write yet: then only what the caller gave is known (`status` is "" after a
    pending update).
    """

    id: str
    key: str | None = None
    organization_id: str | None = None
    user_id: str | None = None
    status: str = ""
    source: str | None = None
    module: str | None = None
    intent_chain: list[str] = []
    satisfaction_score: float | None = None
    metadata: dict[str, Any] = {}
    messages: list[Message] | None = None
    calls: list[Call] | None = None
    summary: str | None = None
    sentiment: str | None = None
    message_count: int = 0
    total_tokens: int = 0
    total_cost: Decimal = Money(0)
    total_price: Decimal = Money(0)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    pending: bool = False


class Feedback(_Record, frozen=True, kw_only=True):
    """A score of 0 to 5 for a conversation or one of its messages.

    `satisfaction_score` is the conversation's mean with this score in it.
    """

    id: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    score: float | None = None
    comment: str | None = None
    satisfaction_score: float | None = None
    created_at: datetime | None = None
    pending: bool = False
