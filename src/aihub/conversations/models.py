"""What a conversation is made of, as it is read from the database.

Money is USD. JSON columns are kept as their JSON text: they are passed on, seldom looked into.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

STATUSES = ("active", "paused", "completed", "archived")
ROLES = ("system", "user", "assistant", "tool")
SOURCES = ("web", "mobile", "api")
COST_STATUSES = ("priced", "free", "estimated", "unpriced")

T = TypeVar("T")


class Conversation(msgspec.Struct, frozen=True):
    """A session between a user and assistants, with its totals.

    `user_id` is the caller's form; None when it was erased. `total_cost` sums the calls that have
    a cost; `unpriced_calls` counts those that have none.
    """

    id: UUID
    key: str | None
    user_id: str | None
    status: str
    source: str
    module: str | None
    intent_chain: list[str]
    models: list[str]
    satisfaction_score: Decimal | None
    metadata: str
    summary: str | None
    sentiment: str | None
    message_count: int
    total_tokens: int
    total_cost: Decimal
    total_price: Decimal
    unpriced_calls: int
    error_count: int
    started_at: datetime
    ended_at: datetime | None
    last_activity_at: datetime
    created_at: datetime
    updated_at: datetime


class Message(msgspec.Struct, frozen=True):
    """One turn. `usage` is the normalised usage, `cost` None where unpriced or no model call."""

    id: UUID
    conversation_id: UUID
    seq: int
    role: str
    content: str
    parts: str | None
    tool_calls: str | None
    model: str | None
    provider: str | None
    usage: str | None
    tokens: int
    cost: Decimal | None
    price: Decimal | None
    cost_status: str | None
    cost_note: str | None
    latency_ms: int | None
    error: str | None
    intent: str | None
    sentiment: str | None
    metadata: str
    created_at: datetime


class ModelCall(msgspec.Struct, frozen=True):
    """One request to a model: what is metered, priced and billed."""

    id: UUID
    conversation_id: UUID | None
    message_id: UUID | None
    user_id: str | None
    module: str | None
    source: str | None
    provider: str | None
    model: str | None
    api: str | None
    quantities: str | None
    usage: str | None
    usage_source: str | None
    usage_method: str | None
    context: str
    total_tokens: int
    cost: Decimal | None
    price: Decimal | None
    computed_cost: Decimal | None
    cost_status: str
    cost_note: str | None
    cost_lines: str
    markup: str | None
    price_book_version: str
    latency_ms: int | None
    error: str | None
    occurred_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """A recorded move in the life cycle: who, when and why."""

    id: UUID
    from_status: str
    to_status: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, newest first; `next_cursor` None at the end."""

    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilters:
    """What a list of conversations is narrowed to; None: not by this."""

    status: str | None = None
    user_id: str | None = None
    module: str | None = None
    source: str | None = None
    model: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None
    sentiment: str | None = None
    min_satisfaction: Decimal | None = None
    key: str | None = None
    tag: str | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilters:
    """What a list of model calls is narrowed to; None: not by this."""

    conversation_id: UUID | None = None
    user_id: str | None = None
    module: str | None = None
    source: str | None = None
    provider: str | None = None
    model: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None
    cost_status: str | None = None
    api: str | None = None
    is_failed: bool | None = None
