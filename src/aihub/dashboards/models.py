"""What the pages show, as it is read from the database."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LatestConversation:
    """A row of the latest conversations; `user_id` None when it was erased or never told."""

    id: UUID
    user_id: str | None
    module: str | None
    status: str
    message_count: int
    total_tokens: int
    total_cost: Decimal
    unpriced_calls: int
    satisfaction_score: Decimal | None
    models: list[str]
    started_at: datetime


@dataclass(frozen=True, slots=True)
class KnownValues:
    """What can be suggested in the filter."""

    modules: list[str]
    models: list[str]


@dataclass(frozen=True, slots=True)
class UsedModel:
    """Calls of one model; `cost` sums those that have one."""

    provider: str | None
    model: str
    calls: int
    unpriced_calls: int
    cost: Decimal
    tokens: int
