"""What is asked and what is answered. Amounts are USD and exact; None: there is nothing to tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

Grain = Literal["hour", "day", "week", "month"]
Row = Mapping[str, Any]
GROUPS = (
    "hour",
    "day",
    "week",
    "month",
    "model",
    "provider",
    "module",
    "user",
    "organization",
    "source",
)
GRAINS = ("hour", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class Period:
    """A time, from `from_` until before `to`, in quarters of an hour.

    `by_days`: the whole days `first` until before `last`, each organization by those of its own
    zone. Otherwise days are those of `timezone`.
    """

    from_: datetime
    to: datetime
    first: date
    last: date
    timezone: str
    by_days: bool

    @property
    def days(self) -> int:
        """How many days it touches."""
        return (self.last - self.first).days


@dataclass(frozen=True, slots=True)
class Filters:
    """Only what matches all that are given."""

    provider: str | None = None
    model: str | None = None
    module: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums of calls. `cost` and `price` leave out the `unpriced` calls; latencies in ms.

    `conversations` started in the period; by model or provider those that used it. None where that
    is not known (people by model, provider or hour).
    """

    calls: int
    errors: int
    unpriced: int
    estimated: int
    conversations: int | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int
    cost: Decimal
    price: Decimal
    response_time_p50: Decimal | None
    response_time_p95: Decimal | None
    response_time_p99: Decimal | None

    @property
    def error_rate(self) -> Decimal | None:
        """Errors of all calls, 0 to 1."""
        return Decimal(self.errors) / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Usage of one group: `keys` by name of the grouping, in the order asked."""

    keys: Mapping[str, Any]
    usage: Usage
    previous: Usage | None = None


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """Rows, and the whole; the same of the period before where that was asked."""

    period: Period
    rows: tuple[UsageRow, ...]
    total: Usage
    previous_period: Period | None = None
    previous_total: Usage | None = None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Feedback given in a time. `mean` None: no feedback. `deviation` is that of the sample.

    `response_rate`: of the conversations started in it, the share that has feedback.
    `distribution`: pieces of feedback by score, 0 to 5, rounded half up.
    """

    feedbacks: int
    mean: Decimal | None
    deviation: Decimal | None
    distribution: tuple[int, ...]
    conversations: int
    rated: int

    @property
    def response_rate(self) -> Decimal | None:
        """0 to 1."""
        return Decimal(self.rated) / self.conversations if self.conversations else None


@dataclass(frozen=True, slots=True)
class SatisfactionTrend:
    """`change` of the mean against the period before, with the bounds of its 95 % interval."""

    period: Period
    rows: tuple[tuple[date, Satisfaction], ...]
    total: Satisfaction
    previous: Satisfaction
    change: Decimal | None
    change_low: Decimal | None
    change_high: Decimal | None


@dataclass(frozen=True, slots=True)
class Engagement:
    """A person in a period, and how engaged by four parts of 0 to 1; `score` is 0 to 100."""

    organization: str
    user_id: UUID
    user: str | None
    last_day: date
    active_days: int
    conversations: int
    messages: int
    calls: int
    cost: Decimal
    feedbacks: int
    mean_score: Decimal | None
    recency: Decimal
    frequency: Decimal
    depth: Decimal
    feedback: Decimal
    score: Decimal


@dataclass(frozen=True, slots=True)
class EngagementAnswer:
    """The most engaged first, `limit` of them; `users` counts all."""

    period: Period
    users: int
    mean_score: Decimal | None
    rows: tuple[Engagement, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """People first seen in the week of `week` (a Monday); `active[n]`: how many came n weeks on."""

    week: date
    users: int
    active: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """A module or an intent. `share` of the active users; `growth` of users against before."""

    kind: Literal["module", "intent"]
    name: str | None
    users: int
    share: Decimal | None
    conversations: int
    previous_users: int
    growth: Decimal | None


@dataclass(frozen=True, slots=True)
class AdoptionAnswer:
    """`users`: active in the period, whatever they used."""

    period: Period
    users: int
    previous_users: int
    rows: tuple[Adoption, ...]


@dataclass(frozen=True, slots=True)
class LiveNumbers:
    """The tiles. `active_sessions_count`: active conversations with activity in 15 minutes;
    `tokens_per_minute`: of the last 60 seconds; `error_rate` (0 to 1) and `response_time_p95` (ms)
    of the calls of the last 5 minutes, None without any."""

    active_sessions_count: int
    tokens_per_minute: int
    error_rate: Decimal | None
    response_time_p95: Decimal | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Executive:
    """Home. Today against yesterday until the same time; the rest 30 days against those before."""

    as_of: datetime
    timezone: str
    total_conversations_today: int
    previous_conversations: int
    average_satisfaction_score: Decimal | None
    previous_satisfaction_score: Decimal | None
    feedbacks: int
    cost_per_conversation: Decimal | None
    previous_cost_per_conversation: Decimal | None
    top_modules_by_usage: tuple[UsageRow, ...]
    today: Period
    yesterday: Period
    period: Period
    previous_period: Period


@dataclass(frozen=True, slots=True)
class Operational:
    """Operations: live numbers, and 24 hours against those before."""

    as_of: datetime
    timezone: str
    live: LiveNumbers
    token_usage_by_hour: tuple[UsageRow, ...]
    error_rate_by_endpoint: tuple[UsageRow, ...]
    p95_response_times: tuple[UsageRow, ...]
    total: Usage
    previous_total: Usage
    period: Period
    previous_period: Period


@dataclass(frozen=True, slots=True)
class Projection:
    """What a month is going to cost: four times of five between `low` and `high`."""

    amount: Decimal
    low: Decimal
    high: Decimal
    based_on_days: int


@dataclass(frozen=True, slots=True)
class Financial:
    """Finance: the month to date against as many days of the one before."""

    as_of: datetime
    timezone: str
    total: Usage
    previous_total: Usage
    cost_by_organization: tuple[UsageRow, ...]
    projection: Projection
    users: int
    cost_per_user: Decimal | None
    previous_users: int
    previous_cost_per_user: Decimal | None
    period: Period
    previous_period: Period
    previous_month_cost: Decimal = field(default=Decimal(0))


@dataclass(frozen=True, slots=True)
class Tick:
    """What one step did. `ran` False: another process is at it. `behind`: transactions to come."""

    ran: bool
    slots: int
    more: bool
    behind: int


@dataclass(frozen=True, slots=True)
class RollupStatus:
    """How far the rollups are. `rebuild_from` None: nothing is computed again."""

    ticked_at: datetime | None
    behind: int
    open_days: int
    due_days: int
    rebuild_from: datetime | None
    rebuild_to: datetime | None
    usage_slots: int
