"""What comes in, and how answers are described."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(max_length=255)]
When = Annotated[str, Meta(max_length=40, description="a day, or a time at a quarter of an hour")]
Zone = Annotated[str, Meta(max_length=64, description="IANA name; default: the organization's")]
Format = Literal["json", "csv"]
Money = Annotated[Any, Meta(description="USD, a number written out in full, or null")]
Number = Annotated[Any, Meta(description="a number, or null")]


class PeriodQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days (`to` included) or times (`to` not): the last 30 days when omitted."""

    from_: When | None = msgspec.field(default=None, name="from")
    to: When | None = None
    timezone: Zone | None = None
    format: Format | None = None


class UsageQuery(PeriodQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`group_by`: names with commas between them, of hour, day, week, month (one at most), model,
    provider, module, user, organization, source."""

    group_by: Annotated[str, Meta(max_length=200)] = "day"
    provider: Name | None = None
    model: Name | None = None
    module: Name | None = None
    source: Name | None = None
    compare: Literal["previous"] | None = None


class SatisfactionQuery(PeriodQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`group_by`: what a row is."""

    group_by: Literal["day", "week", "month"] = "day"
    module: Name | None = None
    source: Name | None = None


class PeopleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole days, `to` included."""

    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    timezone: Zone | None = None
    format: Format | None = None


class EngagementQuery(PeopleQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first `limit` by score."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 50


class RetentionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many weeks back people may have been seen first."""

    weeks: Annotated[int, Meta(ge=1, le=53)] = 12
    timezone: Zone | None = None
    format: Format | None = None


class BoardQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The zone that says when today began. `table`: which one is wanted as CSV."""

    timezone: Zone | None = None
    format: Format | None = None
    table: Name | None = None


class PeriodOut(Struct):
    """From `from` until before `to`."""

    from_: datetime = msgspec.field(name="from")
    to: datetime
    timezone: str


class UsageSums(Struct):
    """Latencies in ms, within 1 %. `cost` and `price` leave out `unpriced` calls."""

    calls: int
    errors: int
    conversations: int | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int
    cost: Money
    price: Money
    response_time_p50: Number
    response_time_p95: Number
    response_time_p99: Number
    unpriced: int
    estimated: int


class UsageAnswerOut(Struct, omit_defaults=True):
    """Each row has the names of `group_by`, then those of the sums, and `previous` if compared."""

    period: PeriodOut
    rows: list[dict[str, Any]]
    total: UsageSums
    previous_period: PeriodOut | None = None
    previous_total: UsageSums | None = None


class SatisfactionOut(Struct):
    """`change` of the mean against the period before, and the bounds of its 95 % interval."""

    period: PeriodOut
    rows: list[dict[str, Any]]
    total: dict[str, Any]
    previous: dict[str, Any]
    change: Number
    change_low: Number
    change_high: Number


class EngagementOut(Struct):
    """`score` 0 to 100: 35 % recency (halves every 7 days), 35 % frequency (active days of 12),
    20 % depth (messages a conversation, of 10), 10 % feedback (mean of 5; a half without)."""

    period: PeriodOut
    users: int
    mean_score: Number
    rows: list[dict[str, Any]]


class RetentionOut(Struct):
    """`active` and `shares` by weeks after the first."""

    rows: list[dict[str, Any]]


class AdoptionOut(Struct):
    """`share` of the period's users; `growth` of users against the period before."""

    period: PeriodOut
    users: int
    previous_users: int
    rows: list[dict[str, Any]]


class ExecutiveOut(Struct):
    """Today against yesterday until the same time; the rest 30 days against those before."""

    as_of: datetime
    timezone: str
    total_conversations_today: int
    average_satisfaction_score: Number
    feedbacks: int
    cost_per_conversation: Money
    top_modules_by_usage: list[dict[str, Any]]
    previous: dict[str, Any]
    periods: dict[str, Any]


class RealtimeOut(Struct):
    """Sessions active in 15 minutes, tokens of 60 seconds, errors and p95 (ms) of 5 minutes."""

    active_sessions_count: int
    tokens_per_minute: int
    error_rate: Number
    response_time_p95: Number
    as_of: datetime


class OperationalOut(Struct):
    """The last 24 hours against those before."""

    as_of: datetime
    timezone: str
    active_sessions_count: int
    realtime: RealtimeOut
    token_usage_by_hour: list[dict[str, Any]]
    error_rate_by_endpoint: list[dict[str, Any]]
    p95_response_times: list[dict[str, Any]]
    total: dict[str, Any]
    previous: dict[str, Any]
    period: PeriodOut
    previous_period: PeriodOut


class FinancialOut(Struct):
    """The month to date against as many days of the month before."""

    as_of: datetime
    timezone: str
    currency: str
    total_cost_mtd: Money
    total_price_mtd: Money
    margin_mtd: Money
    cost_by_organization: list[dict[str, Any]]
    projected_monthly_cost: Money
    projected_monthly_cost_range: dict[str, Any]
    cost_per_user: Money
    users_mtd: int
    unpriced_calls: int
    estimated_calls: int
    previous: dict[str, Any]
    period: PeriodOut
    previous_period: PeriodOut
