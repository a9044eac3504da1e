"""Writes, checked and priced, as they go to the database: plain values, one class a kind.

Their fields are named like the columns of the write functions in `queries.sql`.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

import msgspec

from aihub.markup import api as markup
from aihub.pricing import api as pricing


class Command(msgspec.Struct, kw_only=True):
    """A write of one organization. `rank` orders the kinds within a round (see rules)."""

    rank: ClassVar[int] = 0
    organization: UUID
    id: UUID


class CreateConversation(Command, kw_only=True):
    """JSON columns hold their JSON text, here and below."""

    created_at: datetime
    user: str
    user_uuid: UUID | None
    key: str | None
    source: str
    module: str | None
    intent_chain: str
    intents: list[str]
    metadata: str
    started_at: datetime


class Charge(msgspec.Struct, kw_only=True):
    """What the price of a call is made from, until the module of its conversation is known."""

    rules: markup.RuleSet
    plan: str
    at: datetime
    cost_lines: tuple[pricing.CostLine, ...]
    quantities: Mapping[str, pricing.Quantity]


class Metered(Command, kw_only=True):
    """What a model call costs; all None or 0 for a message that is no call.

    `charge` is set while the price waits for the module; it is no column.
    """

    model: str | None = None
    provider: str | None = None
    api: str | None = None
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    tokens: int = 0
    quantities: str | None = None
    usage: str | None = None
    usage_source: str | None = None
    cost: Decimal | None = None
    price: Decimal | None = None
    cost_status: str | None = None
    cost_note: str | None = None
    cost_lines: str = "[]"
    price_book_version: str = ""
    cost_facts: str = "{}"
    computed_cost: Decimal | None = None
    usage_method: str | None = None
    markup: str | None = None
    charge: Charge | None = None


class AddMessage(Metered, kw_only=True):
    """A turn, with the call behind it where there is one."""

    rank: ClassVar[int] = 1
    conversation: UUID
    conversation_at: datetime
    role: str
    content: str
    parts: str | None
    tool_calls: str | None
    latency_ms: int | None
    error: str | None
    intent: str | None
    metadata: str
    created_at: datetime
    reopen: bool
    actor: str


class RecordCall(Metered, kw_only=True):
    """A model call with no message. `look_up`: the id came with another time than its own."""

    rank: ClassVar[int] = 2
    conversation: UUID | None
    conversation_at: datetime | None
    occurred_at: datetime
    user: str | None
    user_uuid: UUID | None
    module: str | None
    context: str
    latency_ms: int | None
    error: str | None
    look_up: bool


class AddFeedback(Command, kw_only=True):
    """A score."""

    rank: ClassVar[int] = 3
    conversation: UUID
    conversation_at: datetime
    score: Decimal
    comment: str | None
    message_id: UUID | None
    created_at: datetime


class UpdateConversation(Command, kw_only=True):
    """A change; `id` is the conversation's."""

    rank: ClassVar[int] = 4
    has_module: bool
    module: str | None
    has_intent_chain: bool
    intent_chain: list[str] | None
    has_summary: bool
    summary: str | None
    metadata: str | None


class MoveConversation(Command, kw_only=True):
    """A move in the life cycle; `id` is the transition's."""

    rank: ClassVar[int] = 5
    conversation: UUID
    action: str
    actor: str
    reason: str | None
    at: datetime


def conversation_of(command: Command) -> UUID | None:
    """The conversation that a command is about; None for a call that stands alone."""
    if isinstance(command, CreateConversation | UpdateConversation):
        return command.id
    found: UUID | None = getattr(command, "conversation", None)
    return found
