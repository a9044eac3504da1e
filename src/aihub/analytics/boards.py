"""The three dashboards, each as one value. A connection comes first."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from aihub.analytics import live, periods, rules, store
from aihub.analytics.insights import sum_satisfaction
from aihub.analytics.models import Executive, Financial, Operational, Period, Usage, UsageRow
from aihub.analytics.service import EVERYTHING, add_up, get_total, group_usage, nothing
from aihub.analytics.store import Grouping
from aihub.kit.db import Connection

_TOP_MODULES = 5
_DAYS = 30
_HISTORY_DAYS = 28


async def get_executive(
    connection: Connection,
    organization_id: UUID | None,
    timezone: str,
    *,
    own_days: bool = True,
    now: datetime | None = None,
) -> Executive:
    """Home. `organization_id` None: all organizations.

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
    day, yesterday = _today_and_yesterday(at, today, zone, own_days=own_days)
    now_rated = await sum_satisfaction(connection, organization_id, period)
    old_rated = await sum_satisfaction(connection, organization_id, before)
    modules = await _by_module(connection, organization_id, period)
    old_modules = await _by_module(connection, organization_id, before)
    cost = sum((one.cost for one in modules.values()), Decimal(0))
    old_cost = sum((one.cost for one in old_modules.values()), Decimal(0))
    top = sorted(modules.items(), key=lambda item: (-item[1].calls, item[0] or ""))[:_TOP_MODULES]
    return Executive(
        as_of=at,
        timezone=timezone,
        total_conversations_today=await _conversations(connection, organization_id, day),
        previous_conversations=await _conversations(connection, organization_id, yesterday),
        average_satisfaction_score=now_rated.mean,
        previous_satisfaction_score=old_rated.mean,
        feedbacks=now_rated.feedbacks,
        cost_per_conversation=rules.divide(cost, now_rated.conversations),
        previous_cost_per_conversation=rules.divide(old_cost, old_rated.conversations),
        top_modules_by_usage=tuple(
            UsageRow({"module": name}, usage, old_modules.get(name, nothing()))
            for name, usage in top
        ),
        today=day,
        yesterday=yesterday,
        period=period,
        previous_period=before,
    )


def _today_and_yesterday(
    at: datetime, today: date, zone: ZoneInfo, *, own_days: bool
) -> tuple[Period, Period]:
    day = periods.of_days(today, today + timedelta(days=1), zone, own_days=own_days)
    starts = periods.midnight(today - timedelta(days=1), zone)
    # the same time of the clock, whatever became of an hour in between
    clock = at.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    until = periods.ceil_quarter(clock.replace(tzinfo=zone).astimezone(UTC))
    until = min(max(until, starts + timedelta(minutes=15)), day.from_)
    return day, periods.of_times(starts, until, zone)


async def _conversations(
    connection: Connection, organization_id: UUID | None, period: Period
) -> int:
    rows = await store.list_conversations(
        connection, organization_id, period, Grouping(), EVERYTHING
    )
    return sum(row["conversations"] for row in rows)


async def _by_module(
    connection: Connection, organization_id: UUID | None, period: Period
) -> dict[str | None, Usage]:
    by = Grouping(None, ["module"])
    found = await group_usage(connection, organization_id, period, by, with_latencies=False)
    return {key[4] or None: usage for key, usage in found.items()}


async def get_operational(
    connection: Connection,
    organization_id: UUID | None,
    timezone: str,
    *,
    now: datetime | None = None,
) -> Operational:
    """Operations: the live numbers, and the last 24 hours (whole hours) against those before."""
    at = now or datetime.now(UTC)
    zone = periods.read_zone(timezone)
    # hours as clocks there show them: some are half an hour off
    hour = at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    ends = hour.astimezone(UTC) + timedelta(hours=1)
    period = periods.of_times(ends - timedelta(hours=24), ends, zone)
    before = periods.previous(period)
    hours = await group_usage(
        connection,
        organization_id,
        period,
        Grouping("hour"),
        with_conversations=False,
        with_latencies=False,
    )
    endpoints = await group_usage(
        connection, organization_id, period, Grouping(None, ["endpoint"]), with_latencies=False
    )
    models = await group_usage(
        connection,
        organization_id,
        period,
        Grouping(None, ["provider", "model"]),
        with_conversations=False,
    )
    return Operational(
        as_of=at,
        timezone=timezone,
        live=await live.get_live(connection, organization_id, now=at),
        token_usage_by_hour=_fill_hours(hours, period),
        error_rate_by_endpoint=tuple(
            UsageRow({"endpoint": key[6] or None}, usage)
            for key, usage in sorted(endpoints.items(), key=lambda i: (-i[1].calls, i[0][6]))
        ),
        p95_response_times=tuple(
            UsageRow({"provider": key[2] or None, "model": key[3] or None}, usage)
            for key, usage in sorted(models.items(), key=lambda i: (-i[1].calls, i[0][2:4]))
        ),
        total=await get_total(connection, organization_id, period),
        previous_total=await get_total(connection, organization_id, before),
        period=period,
        previous_period=before,
    )


def _fill_hours(hours: dict[tuple[object, ...], Usage], period: Period) -> tuple[UsageRow, ...]:
    by_hour = {key[0]: usage for key, usage in hours.items()}
    rows = []
    for n in range(24):
        at = f"{period.from_ + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}"
        rows.append(UsageRow({"hour": at}, by_hour.get(at, nothing())))
    return tuple(rows)


async def get_financial(
    connection: Connection,
    organization_id: UUID | None,
    timezone: str,
    *,
    own_days: bool = True,
    now: datetime | None = None,
) -> Financial:
    """Finance: the month to date against as many days of the month before, and what it comes to."""
    at = now or datetime.now(UTC)
    zone = periods.read_zone(timezone)
    today = periods.day_of(at, zone)
    period, before, month_end = periods.month_to_date(today, zone, own_days=own_days)
    by = Grouping(None, ["organization"])
    found = await group_usage(connection, organization_id, period, by, with_latencies=False)
    names = await store.list_names(connection, {key[1] for key in found})
    rows = [
        UsageRow({"organization": names.get(key[1], str(key[1]))}, usage)
        for key, usage in found.items()
    ]
    total = _sum(found)
    old = await group_usage(connection, organization_id, before, Grouping(), with_latencies=False)
    old_total = _sum(old)
    whole_month = periods.of_days(before.first, period.first, zone, own_days=own_days)
    month_before = await _daily_costs(connection, organization_id, whole_month)
    users = await store.count_people(connection, organization_id, period)
    old_users = await store.count_people(connection, organization_id, before)
    history = periods.of_days(
        today - timedelta(days=_HISTORY_DAYS), today + timedelta(days=1), zone
    )
    costs = await _daily_costs(connection, organization_id, history)
    return Financial(
        as_of=at,
        timezone=timezone,
        total=total,
        previous_total=old_total,
        cost_by_organization=tuple(sorted(rows, key=lambda r: (-r.usage.cost, str(r.keys)))),
        projection=rules.project_month(
            so_far=total.cost,
            today=today,
            today_cost=costs.get(today, Decimal(0)),
            daily=rules.fill_days(costs, today),
            month_end=month_end,
        ),
        users=users,
        cost_per_user=rules.divide(total.cost, users),
        previous_users=old_users,
        previous_cost_per_user=rules.divide(old_total.cost, old_users),
        period=period,
        previous_period=before,
        previous_month_cost=sum(month_before.values(), Decimal(0)),
    )


async def _daily_costs(
    connection: Connection, organization_id: UUID | None, period: Period
) -> dict[date, Decimal]:
    rows = await store.list_usage(connection, organization_id, period, Grouping("day"), EVERYTHING)
    return {date.fromisoformat(row["at"]): row["cost"] for row in rows}


def _sum(found: dict[tuple[object, ...], Usage]) -> Usage:
    """Of groups that share no conversation; without latencies."""
    return add_up(found.values(), {}, sum(one.conversations or 0 for one in found.values()))
