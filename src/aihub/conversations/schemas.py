"""What comes in and goes out, as JSON. Unknown fields are refused; every text has a bound."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=4_000_000)]
ErrorText = Annotated[str, Meta(max_length=20_000)]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Milliseconds = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Intents = Annotated[list[Name], Meta(max_length=100)]
Limit = Annotated[int, Meta(ge=1, le=200)]

Source = Literal["web", "mobile", "api"]
Role = Literal["system", "user", "assistant", "tool"]
Status = Literal["active", "paused", "completed", "archived"]
Sentiment = Literal["negative", "neutral", "positive"]
CostStatus = Literal["priced", "free", "estimated", "unpriced"]
Action = Literal["pause", "resume", "complete", "archive", "reopen"]
UsageSource = Literal["provider", "estimated"]


def nothing() -> msgspec.Raw:
    """JSON that was not given (msgspec knows no Raw that may be None)."""
    return msgspec.Raw()


class _In(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class NewConversation(_In):
    """A new conversation. `user_id`: your own id of the user. `key`: your session key; a known one
    gives the existing conversation. `id`: a UUIDv7 of yours; its time becomes `created_at`.
    `metadata`: at most 64 KiB."""

    user_id: Name
    source: Source = "api"
    module: Name | None = None
    intent_chain: Intents = []
    key: Name | None = None
    id: UUID | None = None
    started_at: datetime | None = None
    metadata: msgspec.Raw = field(default_factory=nothing)


class NewMessage(_In):
    """A turn. Give `tokens` (a total with no split) or `usage` (normalised, or the provider's own
    object as it came), not both. `usage_source` `estimated`: you counted the tokens yourself, by
    `usage_method`. `content` may be null where an assistant only calls tools."""

    content: Text | None
    role: Role = "user"
    parts: msgspec.Raw = field(default_factory=nothing)
    tool_calls: msgspec.Raw = field(default_factory=nothing)
    model: Name | None = None
    provider: Name | None = None
    tokens: Tokens | None = None
    usage: msgspec.Raw = field(default_factory=nothing)
    usage_source: UsageSource | None = None
    usage_method: Annotated[str, Meta(max_length=1_000)] | None = None
    latency_ms: Milliseconds | None = None
    error: ErrorText | None = None
    intent: Name | None = None
    id: UUID | None = None
    created_at: datetime | None = None
    metadata: msgspec.Raw = field(default_factory=nothing)


class NewFeedback(_In):
    """A score of 0 to 5, with two decimals at most, for the conversation or one of its messages."""

    score: Decimal
    comment: Annotated[str, Meta(max_length=10_000)] | None = None
    message_id: UUID | None = None
    id: UUID | None = None
    at: datetime | None = None


class NewCall(_In):
    """A model call with no message. `response`: the provider's raw body, or `{"stream_events":
    […]}`; or `usage`; or `tokens`. `occurred_at`: the time of completion, up to two years
    ahead for a call that is planned. `context`: what the body does not say (`batch`, …)."""

    provider: Name
    model: Name
    api: Name
    conversation_id: UUID | None = None
    occurred_at: datetime | None = None
    latency_ms: Milliseconds | None = None
    error: ErrorText | None = None
    user_id: Name | None = None
    module: Name | None = None
    context: msgspec.Raw = field(default_factory=nothing)
    response: msgspec.Raw = field(default_factory=nothing)
    usage: msgspec.Raw = field(default_factory=nothing)
    tokens: Tokens | None = None
    usage_source: UsageSource | None = None
    usage_method: Annotated[str, Meta(max_length=1_000)] | None = None
    id: UUID | None = None


class Move(_In):
    """Why a conversation is moved, and when it happened (now when omitted)."""

    reason: Annotated[str, Meta(max_length=1_000)] | None = None
    at: datetime | None = None


class ConversationPatch(_In):
    """What to change; what is absent stays. `metadata` is merged entry by entry, null removes."""

    module: Name | UnsetType | None = UNSET
    intent_chain: Intents | UnsetType = UNSET
    metadata: msgspec.Raw = field(default_factory=nothing)
    summary: Annotated[str, Meta(max_length=20_000)] | UnsetType | None = UNSET


class MessageOptions(_In):
    """`reopen`: take the message although the conversation is completed or archived."""

    reopen: bool = False


class GetOptions(_In):
    """`include`: `messages`, `calls`, or both with a comma."""

    include: str = ""


class PageQuery(_In):
    """One page of a list."""

    limit: Limit = 50
    cursor: str | None = None


class ConversationQuery(PageQuery):
    """Filters of the list. `from` and `to` (exclusive) bound `created_at`: an ISO 8601 time with
    offset, or a date in UTC. `tag`: an entry of `metadata.tags`. `intent`: in the chain, or a
    message's."""

    status: Status | None = None
    user_id: Name | None = None
    module: Name | None = None
    source: Source | None = None
    model: Name | None = None
    from_: str | None = field(name="from", default=None)
    to: str | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None
    sentiment: Sentiment | None = None
    min_satisfaction: Decimal | None = None
    key: Name | None = None
    tag: Name | None = None
    intent: Name | None = None


class CallQuery(PageQuery):
    """Filters of the calls. `from` and `to` (exclusive) bound `occurred_at`. `api`: the provider's
    operation; `is_failed`: with an error, or without."""

    conversation_id: UUID | None = None
    user_id: Name | None = None
    module: Name | None = None
    source: Source | None = None
    provider: Name | None = None
    model: Name | None = None
    from_: str | None = field(name="from", default=None)
    to: str | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None
    cost_status: CostStatus | None = None
    api: Name | None = None
    is_failed: bool | None = None


EventType = Literal["conversation", "message", "call", "feedback", "transition", "update"]


class BatchEvent(_In):
    """One write of a batch. `body` is the body of the call it stands for, with `conversation_id`
    where that is in the path; `transition` takes `action`. `id` comes back with the result, and
    becomes the object's id where the body has none and it is a UUIDv7."""

    type: EventType
    body: msgspec.Raw
    id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Batch(_In):
    """Up to 1,000 writes of one organization, stored in their order."""

    events: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=1_000)]


class MessageEvent(NewMessage, kw_only=True):
    """Body of a `message` event."""

    conversation_id: UUID
    reopen: bool = False


class FeedbackEvent(NewFeedback, kw_only=True):
    """Body of a `feedback` event."""

    conversation_id: UUID


class TransitionEvent(Move, kw_only=True):
    """Body of a `transition` event."""

    conversation_id: UUID
    action: Action


class UpdateEvent(ConversationPatch, kw_only=True):
    """Body of an `update` event."""

    conversation_id: UUID


# ---------- out ----------


class CostLineOut(msgspec.Struct, kw_only=True):
    """`quantity` x `unit_price` (USD a unit) = `amount` (USD)."""

    component: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    price_id: str


class PriceLineOut(msgspec.Struct, kw_only=True):
    """One part of the price: `quantity` x `unit_price` = `amount` (USD). `kind`: `cost`,
    `override`, `percentage`, `fixed`, `minimum` or `cap`."""

    kind: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


class MarkupOut(msgspec.Struct, kw_only=True):
    """The markup rule that made the price out of the cost, and how."""

    rule_id: UUID
    rule_key: str
    version: int
    has_negative_margin: bool
    lines: list[PriceLineOut]


class MessageOut(msgspec.Struct, kw_only=True):
    """A message. Money in USD; `cost` is null where unpriced, never 0."""

    id: UUID
    conversation_id: UUID
    seq: int
    role: Role
    content: str
    parts: list[Any] | UnsetType = UNSET
    tool_calls: list[Any] | UnsetType = UNSET
    model: str | None
    provider: str | None
    usage: dict[str, Any] | None
    tokens: int
    cost: Decimal | None
    price: Decimal | None
    cost_status: CostStatus | None
    cost_note: str | UnsetType = UNSET
    latency_ms: int | None
    error: str | None
    intent: str | None
    sentiment: Sentiment | None
    created_at: datetime
    metadata: dict[str, Any]


class CallOut(msgspec.Struct, kw_only=True):
    """A model call. `usage` is normalised, `raw_usage` as the provider gave it. `cost` is what the
    provider charges, `price` what the organization pays (`markup` explains it; null: the cost).
    `computed_cost` is what the price book makes of the usage, also where the provider stated its
    charge itself. `usage_method`: how tokens were counted that no provider reported."""

    id: UUID
    conversation_id: UUID | None
    message_id: UUID | None
    user_id: str | None
    module: str | None
    source: str | None
    provider: str | None
    model: str | None
    api: str | None
    usage: dict[str, Any] | None
    raw_usage: Any
    usage_source: UsageSource | None
    usage_method: str | None
    context: dict[str, Any]
    total_tokens: int
    cost: Decimal | None
    price: Decimal | None
    computed_cost: Decimal | None
    cost_status: CostStatus
    cost_note: str | None
    cost_lines: list[CostLineOut]
    markup: MarkupOut | None
    price_book_version: str
    latency_ms: int | None
    error: str | None
    occurred_at: datetime
    created_at: datetime


class ConversationOut(msgspec.Struct, kw_only=True):
    """A conversation with its totals. `metadata` also holds `source`, `module`, `intent_chain` and
    `satisfaction_score`. `unpriced_calls` are not in `total_cost`."""

    id: UUID
    key: str | None
    organization_id: str
    user_id: str | None
    status: Status
    source: Source
    module: str | None
    intent_chain: list[str]
    satisfaction_score: Decimal | None
    metadata: dict[str, Any]
    messages: list[MessageOut] | UnsetType = UNSET
    calls: list[CallOut] | UnsetType = UNSET
    summary: str | None
    sentiment: Sentiment | None
    message_count: int
    total_tokens: int
    total_cost: Decimal
    total_price: Decimal
    unpriced_calls: int
    started_at: datetime
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime


class FeedbackOut(msgspec.Struct, kw_only=True):
    """A score, and the conversation's mean with it (two decimals)."""

    id: UUID
    conversation_id: UUID
    message_id: UUID | None
    score: Decimal
    comment: str | None
    satisfaction_score: Decimal | None
    created_at: datetime


class TransitionOut(msgspec.Struct, kw_only=True):
    """A recorded move."""

    id: UUID
    from_status: Status
    to_status: Status
    actor: str
    reason: str | None
    at: datetime


class ConversationList(msgspec.Struct):
    """One page, newest first."""

    items: list[ConversationOut]
    next_cursor: str | None


class MessageList(msgspec.Struct):
    """One page, in order."""

    items: list[MessageOut]
    next_cursor: str | None


class CallList(msgspec.Struct):
    """One page, newest first."""

    items: list[CallOut]
    next_cursor: str | None


class TransitionList(msgspec.Struct):
    """All moves, oldest first."""

    items: list[TransitionOut]
    next_cursor: None = None


class BatchResult(msgspec.Struct, kw_only=True):
    """What became of one event: 201 stored, 200 known already, or a problem document. `data` is
    the conversation, message, call or feedback, as the single call would answer it."""

    id: str | None
    status: int
    data: dict[str, Any] | UnsetType = UNSET
    error: dict[str, Any] | UnsetType = UNSET


class BatchOut(msgspec.Struct):
    """One result an event, in order."""

    results: list[BatchResult]
