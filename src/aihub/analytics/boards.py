"""The three dashboards, each as one value. A connection comes first."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aihub.analytics import live, periods, rules, store
from aihub.analytics.models import (
    Executive,
    Financial,
    Operational,
    Period,
    Projection,
    Usage,
    UsageRow,
)
from aihub.analytics.service import (
    EVERYTHING,
    add_up,
    group_usage,
    nothing,
    plan_usage,
    with_latencies,
)
from aihub.analytics.store import Grouping
from aihub.analytics.sums import ConversationTable, UsageSums, read_conversations, read_usage
from aihub.kit.db import Connection
from aihub.kit.together import Together, one_by_one

_TOP_MODULES = 5
_DAYS = 30
_HISTORY_DAYS = 28
_BY_DAY_AND_MODULE = ("day", "module")


async def get_executive(
    connection: Connection,
    organization_id: UUID | None,
    timezone: str,
    *,
    own_days: bool = True,
    now: datetime | None = None,
    together: Together | None = None,
) -> Executive:
    """Home. `organization_id` None: all organizations. `together`: how to read several things.

    `own_days`: `timezone` is the organization's own; for all, each one's days are cut by its own.
    Otherwise days are those of `timezone`, which takes longer. Today is compared
    with yesterday until the same quarter of an hour.
    """
    at = now or datetime.now(UTC)
    zone = periods.read_zone(timezone)
    today = periods.day_of(at, zone)
    period = periods.of_days(
        today - timedelta(days=_DAYS - 1), today + timedelta(days=1), zone, own_days=own_days
    )
    before = periods.previous(period)
    both = periods.of_days(before.first, period.last, zone, own_days=own_days)
    # of all, both by the same clock: there is no one time of day until which to compare
    is_one = organization_id is not None
    day, yesterday = today_and_yesterday(at, today, zone, own_days=own_days and is_one)
    usage, talks, until_now, *by_clock = await (together or one_by_one(connection))(
        lambda c: read_usage(c, organization_id, both, _BY_DAY_AND_MODULE),
        lambda c: read_conversations(c, organization_id, both, _BY_DAY_AND_MODULE),
        lambda c: read_conversations(c, organization_id, yesterday, []),
        *(() if is_one else (lambda c: read_conversations(c, None, day, []),)),
    )
    so_far = talks.total(day) if is_one else by_clock[0].total()
    rated, old_rated = talks.total(period).satisfaction, talks.total(before).satisfaction
    cost, old_cost = usage.total(period).cost, usage.total(before).cost
    return Executive(
        as_of=at,
        timezone=timezone,
        total_conversations_today=so_far.conversations,
        previous_conversations=until_now.total().conversations,
        average_satisfaction_score=rated.mean,
        previous_satisfaction_score=old_rated.mean,
        feedbacks=rated.feedbacks,
        cost_per_conversation=rules.divide(cost, rated.conversations),
        previous_cost_per_conversation=rules.divide(old_cost, old_rated.conversations),
        top_modules_by_usage=_top_modules(usage, talks, period, before),
        today=day,
        yesterday=yesterday,
        period=period,
        previous_period=before,
    )


def _top_modules(
    usage: UsageSums, talks: ConversationTable, period: Period, before: Period
) -> tuple[UsageRow, ...]:
    now = _by_module(usage, talks, period)
    old = _by_module(usage, talks, before)
    top = sorted(now.items(), key=lambda item: (-item[1].calls, item[0] or ""))[:_TOP_MODULES]
    return tuple(UsageRow({"module": name}, row, old.get(name, nothing())) for name, row in top)


def _by_module(
    usage: UsageSums, talks: ConversationTable, period: Period
) -> dict[str | None, Usage]:
    counts = {
        name: sums.conversations
        for name, sums in talks.by("module", period).items()
        if sums.conversations
    }
    found = {
        row.keys["module"]: replace(row.usage, conversations=counts.pop(row.keys["module"], 0))
        for row in usage.by("module", period=period)
    }
    # conversations without a call
    return found | {name: replace(nothing(), conversations=n) for name, n in counts.items()}


def today_and_yesterday(
    at: datetime, today: date, zone: ZoneInfo, *, own_days: bool = True
) -> tuple[Period, Period]:
    """Today, and yesterday until the same quarter of an hour."""
    day = periods.of_days(today, today + timedelta(days=1), zone, own_days=own_days)
    starts = periods.midnight(today - timedelta(days=1), zone)
    # the same time of the clock, whatever became of an hour in between
    clock = at.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    until = periods.ceil_quarter(clock.replace(tzinfo=zone).astimezone(UTC))
    until = min(max(until, starts + timedelta(minutes=15)), day.from_)
    return day, periods.of_times(starts, until, zone)


async def get_operational(
    connection: Connection,
    organization_id: UUID | None,
    timezone: str,
    *,
    now: datetime | None = None,
    together: Together | None = None,
) -> Operational:
    """Operations: the live numbers, and the last 24 hours (whole hours) against those before."""
    at = now or datetime.now(UTC)
    zone = periods.read_zone(timezone)
    # hours as clocks there show them: some are half an hour off
    hour = at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    ends = hour.astimezone(UTC) + timedelta(hours=1)
    period = periods.of_times(ends - timedelta(hours=24), ends, zone)
    before = periods.previous(period)
    by_model = Grouping(None, ["provider", "model"])
    both = periods.of_times(before.from_, period.to, zone)
    by_hour = ["hour", "endpoint", "provider", "model"]
    sums, found, old, conversations, numbers = await (together or one_by_one(connection))(
        lambda c: read_usage(c, organization_id, period, by_hour),
        lambda c: store.list_latencies(c, organization_id, period, by_model, EVERYTHING),
        lambda c: read_usage(c, organization_id, before, [], with_latencies=True),
        lambda c: read_conversations(c, organization_id, both, ["hour"]),
        lambda c: live.get_live(c, organization_id, now=at),
    )
    histograms = {
        (row["provider"] or None, row["model"] or None): rules.merge_counts(
            [(row["buckets"], row["counts"])]
        )
        for row in found
    }
    counts = _count_since(_name_hour(period.from_), conversations)
    everything = rules.merge_counts((row["buckets"], row["counts"]) for row in found)
    return Operational(
        as_of=at,
        timezone=timezone,
        live=numbers,
        token_usage_by_hour=_fill_hours(sums.by("hour"), period),
        error_rate_by_endpoint=_most_calls_first(sums.by("endpoint")),
        p95_response_times=_most_calls_first(
            replace(row, usage=with_latencies(row.usage, histograms.get(_key(row), {})))
            for row in sums.by("provider", "model")
        ),
        total=replace(with_latencies(sums.total(), everything), conversations=counts[True]),
        previous_total=replace(old.total(), conversations=counts[False]),
        period=period,
        previous_period=before,
    )


def _count_since(hour: str, conversations: ConversationTable) -> dict[bool, int]:
    """Conversations from an hour on (True), and before."""
    talks = conversations.by("hour")
    return {
        is_since: sum(s.conversations for at, s in talks.items() if (at >= hour) is is_since)
        for is_since in (True, False)
    }


def _name_hour(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _key(row: UsageRow) -> tuple[Any, ...]:
    return tuple(row.keys.values())


def _most_calls_first(rows: Iterable[UsageRow]) -> tuple[UsageRow, ...]:
    return tuple(
        sorted(rows, key=lambda r: (-r.usage.calls, [str(name or "") for name in _key(r)]))
    )


def _fill_hours(rows: Iterable[UsageRow], period: Period) -> tuple[UsageRow, ...]:
    by_hour = {row.keys["hour"]: row.usage for row in rows}
    hours = (_name_hour(period.from_ + timedelta(hours=n)) for n in range(24))
    return tuple(UsageRow({"hour": at}, by_hour.get(at, nothing())) for at in hours)


async def get_financial(
    connection: Connection,
    organization_id: UUID | None,
    timezone: str,
    *,
    own_days: bool = True,
    now: datetime | None = None,
    together: Together | None = None,
) -> Financial:
    """Finance: the month to date against as many days of the month before, and what it comes to."""
    at = now or datetime.now(UTC)
    zone = periods.read_zone(timezone)
    today = periods.day_of(at, zone)
    period, before, month_end = periods.month_to_date(today, zone, own_days=own_days)
    by = Grouping(None, ["organization"])
    # both months by day: the whole month before, as many days of it, and what days cost lately
    months = periods.of_days(before.first, period.last, zone, own_days=own_days)
    users, by_day, old_users, *sums = await (together or one_by_one(connection))(
        lambda c: store.count_people(c, organization_id, period),
        lambda c: read_usage(c, organization_id, months, ["day"]),
        lambda c: store.count_people(c, organization_id, before),
        *plan_usage(organization_id, period, by, with_latencies=False),
    )
    found = group_usage(by, *sums)
    names = await store.list_names(connection, {key[1] for key in found})
    rows = [
        UsageRow({"organization": names.get(key[1], str(key[1]))}, usage)
        for key, usage in found.items()
    ]
    total = _sum(found)
    old_total = by_day.total(before)
    days = {date.fromisoformat(row.keys["day"]): row.usage.cost for row in by_day.by("day")}
    return Financial(
        as_of=at,
        timezone=timezone,
        total=total,
        previous_total=old_total,
        cost_by_organization=tuple(sorted(rows, key=lambda r: (-r.usage.cost, str(r.keys)))),
        projection=_project(total.cost, days, today, month_end),
        users=users,
        cost_per_user=rules.divide(total.cost, users),
        previous_users=old_users,
        previous_cost_per_user=rules.divide(old_total.cost, old_users),
        period=period,
        previous_period=before,
        previous_month_cost=sum((c for d, c in days.items() if d < period.first), Decimal(0)),
    )


def _project(so_far: Decimal, days: dict[date, Decimal], today: date, ends: date) -> Projection:
    since = today - timedelta(days=_HISTORY_DAYS)
    costs = {day: cost for day, cost in days.items() if day >= since}
    return rules.project_month(
        so_far=so_far,
        today=today,
        today_cost=costs.get(today, Decimal(0)),
        daily=rules.fill_days(costs, today),
        month_end=ends,
    )


def _sum(found: dict[tuple[object, ...], Usage]) -> Usage:
    """Of groups that share no conversation; without latencies."""
    return add_up(found.values(), {}, sum(one.conversations or 0 for one in found.values()))
