"""What the pages show, as it is read from the database."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DayNumbers:
    """One day of an organization; `_early` counts up to the present time of day alone."""

    day: date
    conversations: int = 0
    conversations_early: int = 0
    rated: int = 0
    score_sum: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    cost_early: Decimal = Decimal(0)
    tokens: int = 0
    tokens_early: int = 0


@dataclass(frozen=True, slots=True)
class ModuleNumbers:
    """Conversations of a module in the last 30 days and in the 30 `before`."""

    module: str | None
    conversations: int
    before: int


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """Calls of this month that have no price."""

    model: str | None
    calls: int


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
class HomeNumbers:
    """Everything Home shows. `days` holds only the days on which something happened."""

    days: list[DayNumbers]
    modules: list[ModuleNumbers]
    unpriced: list[UnpricedModel]
    latest: list[LatestConversation]


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
