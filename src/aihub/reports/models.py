"""Reports and what is in them. Money in USD, times of answering in milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, Literal, TypeVar
from uuid import UUID

Reason = Literal["daily", "changed"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """A finished day of an organization: its moments from `starts_at` up to `ends_at`.

    `due_at`: when its report has to be there, 06:00 of the next day in the time zone.
    """

    day: date
    timezone: str
    starts_at: datetime
    ends_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """An organization and its reported days of the last weeks: from when until when each was.

    `first_at`: the first of anything it has, which may be imported and older than itself.
    """

    organization_id: UUID
    timezone: str
    created_at: datetime
    reported: Mapping[date, tuple[datetime, datetime]]
    first_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls and what they came to. `cost` and `price` are of those that have a price: see
    `unpriced_calls`. `margin` = price - cost."""

    calls: int = 0
    errors: int = 0
    unpriced_calls: int = 0
    estimated_calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    cost: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    margin: Decimal = Decimal(0)
    response_time_p50: Decimal | None = None
    response_time_p95: Decimal | None = None
    response_time_p99: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Usage):
    """The whole day. `messages` are those of the conversations that started in it."""

    conversations: int = 0
    messages: int = 0
    users: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleLine(Totals):
    """One module; None: what belongs to none."""

    module: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLine(Usage):
    """One model of a provider."""

    provider: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingLine(Usage):
    """One model in one module: what the provider charges, what is added, what is charged."""

    module: str | None = None
    provider: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """Feedback given in the day. `scores`: how many of 0 to 5, halves rounded up.

    `rated_conversations`: of those that started in the day, how many have feedback;
    `response_rate` their share.
    """

    feedback: int
    mean: Decimal | None
    scores: tuple[int, ...]
    rated_conversations: int
    response_rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentLine:
    """One intent: conversations that started in the day and have it, and their users."""

    intent: str
    conversations: int
    users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure beside that of an earlier day. `ratio` = difference / before; None: no base."""

    figure: str
    now: Decimal | None
    before: Decimal | None
    difference: Decimal | None
    ratio: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionLine:
    """A module or an intent: who used it in a period, of all users of the period.

    `growth` against the period of the same length before it; None: nobody used it then.
    """

    kind: Literal["module", "intent"]
    name: str
    users: int
    share: Decimal | None
    users_before: int
    growth: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Users first seen in the week from `week` (a Monday).

    `active[n]`: how many of them were there in the n-th week after it; `shares` beside. The last
    week counts as far as it has come.
    """

    week: date
    users: int
    active: tuple[int, ...]
    shares: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was counted in a day: by this a new version is told from the same again."""

    totals: Totals
    modules: tuple[ModuleLine, ...]
    models: tuple[ModelLine, ...]
    billing: tuple[BillingLine, ...]
    satisfaction: Satisfaction
    intents: tuple[IntentLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(Figures):
    """A report: the day's figures, beside those of earlier days, and the weeks up to it."""

    against_day_before: tuple[Change, ...]
    against_week_before: tuple[Change, ...]
    adoption: tuple[AdoptionLine, ...]
    retention: tuple[Cohort, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One version of a day's report. `late_seconds`: how long after `due_at` the day's first
    version was made; 0: in time."""

    id: UUID
    organization_id: UUID
    day: date
    version: int
    timezone: str
    starts_at: datetime
    ends_at: datetime
    due_at: datetime
    created_at: datetime
    reason: Reason
    late_seconds: int
    is_latest: bool


@dataclass(frozen=True, slots=True)
class Late:
    """A report that is due and not there."""

    organization_id: UUID
    day: date
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """A user's score at an hour, 0 to 100, and its parts, 0 to 1 (analytics tells the formula)."""

    user_id: UUID
    score: Decimal
    recency: Decimal
    frequency: Decimal
    depth: Decimal
    feedback: Decimal
    conversations: int
    active_days: int


@dataclass(frozen=True, slots=True)
class KeptScores:
    """The scores of an organization's day as they were at `hour`: how many, their sum, the first
    of them."""

    hour: datetime
    users: int
    total: Decimal
    rows: tuple[Engagement, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None


Histogram = Mapping[int, int]
"""How many of each latency bucket."""
