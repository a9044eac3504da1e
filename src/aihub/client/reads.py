"""Reads: what can be asked for, and the pages that answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypedDict, TypeVar
from uuid import UUID

import msgspec

from aihub.client.models import Call, Conversation, Message

Include = Sequence[Literal["messages", "calls"]]


class ConversationFilters(TypedDict, total=False):
    """Filters of a list of conversations. `from_` and `to` are aware times."""

    status: Literal["active", "paused", "completed", "archived"]
    user_id: str
    module: str
    source: Literal["web", "mobile", "api"]
    model: str
    from_: datetime
    to: datetime
    min_cost: Any
    max_cost: Any
    sentiment: Literal["negative", "neutral", "positive"]
    min_satisfaction: float
    key: str
    tag: str


class CallFilters(TypedDict, total=False):
    """Filters of a list of model calls. `from_` and `to` are aware times."""

    conversation_id: str | UUID
    user_id: str
    module: str
    source: Literal["web", "mobile", "api"]
    provider: str
    model: str
    from_: datetime
    to: datetime
    min_cost: Any
    max_cost: Any
    cost_status: Literal["priced", "free", "estimated", "unpriced"]


class ConversationPage(msgspec.Struct):
    """One page of conversations."""

    items: list[Conversation]
    next_cursor: str | None = None


class MessagePage(msgspec.Struct):
    """One page of messages."""

    items: list[Message]
    next_cursor: str | None = None


class CallPage(msgspec.Struct):
    """One page of model calls."""

    items: list[Call]
    next_cursor: str | None = None


P = TypeVar("P", ConversationPage, MessagePage, CallPage)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Read(Generic[R]):
    """One GET: where, what for, on whose behalf, and what the answer is decoded to."""

    path: str
    kind: type[R]
    organization_id: str
    params: Mapping[str, object]

    def after(self, cursor: str) -> "Read[R]":
        """The same for the next page."""
        return Read(self.path, self.kind, self.organization_id, {**self.params, "cursor": cursor})
