"""Satisfaction, engagement, retention and adoption. A connection comes first."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from aihub.analytics import periods, rules, store
from aihub.analytics.models import (
    Adoption,
    AdoptionAnswer,
    Cohort,
    Engagement,
    EngagementAnswer,
    Filters,
    Period,
    Satisfaction,
    SatisfactionTrend,
)
from aihub.analytics.store import Grouping, Record
from aihub.kit.db import Connection

MOST_WEEKS = 53


async def get_satisfaction(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    *,
    grain: str = "day",
    filters: Filters | None = None,
) -> SatisfactionTrend:
    """Feedback by `grain` (day, week, month) of its own time, and against the period before.

    The response rate is of the conversations that started then. `filters`: module and source.
    """
    chosen = filters or Filters()
    rows = await store.list_conversations(
        connection, organization_id, period, Grouping(grain), chosen
    )
    total = await sum_satisfaction(connection, organization_id, period, chosen)
    before = await sum_satisfaction(connection, organization_id, periods.previous(period), chosen)
    change, low, high = rules.compare_means(total, before)
    trend = tuple(sorted((date.fromisoformat(row["at"]), _satisfaction([row])) for row in rows))
    return SatisfactionTrend(period, trend, total, before, change, low, high)


async def sum_satisfaction(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    filters: Filters | None = None,
) -> Satisfaction:
    """Of a period as a whole."""
    rows = await store.list_conversations(
        connection, organization_id, period, Grouping(), filters or Filters()
    )
    return _satisfaction(rows)


def _satisfaction(rows: Iterable[Record]) -> Satisfaction:
    found = list(rows)
    return rules.satisfaction(
        feedbacks=sum(row["feedbacks"] for row in found),
        total=sum((row["score_sum"] for row in found), Decimal(0)),
        squares=sum((row["score_squares"] for row in found), Decimal(0)),
        distribution=[sum(row["scores"][n] for row in found) for n in range(6)],
        conversations=sum(row["conversations"] for row in found),
        rated=sum(row["rated"] for row in found),
    )


async def get_engagement(
    connection: Connection, organization_id: UUID | None, period: Period, *, limit: int = 50
) -> EngagementAnswer:
    """How engaged each person is in the period's days; see rules.engagement_parts."""
    rows = await store.list_people(connection, organization_id, period)
    people = [_engagement(row, period) for row in rows]
    people.sort(key=lambda one: (-one.score, -one.conversations, str(one.user_id)))
    mean = rules.divide(sum((one.score for one in people), Decimal(0)), len(people))
    return EngagementAnswer(period, len(people), mean, tuple(people[:limit]))


def _engagement(row: Record, period: Period) -> Engagement:
    parts = rules.engagement_parts(
        idle_days=(period.last - timedelta(days=1) - row["last_day"]).days,
        active_days=row["active_days"],
        conversations=row["conversations"],
        messages=row["messages"],
        feedbacks=row["feedbacks"],
        score_sum=row["score_sum"],
    )
    return Engagement(
        organization=row["organization"],
        user_id=row["user_id"],
        user=row["user_name"],
        last_day=row["last_day"],
        active_days=row["active_days"],
        conversations=row["conversations"],
        messages=row["messages"],
        calls=row["calls"],
        cost=row["cost"],
        feedbacks=row["feedbacks"],
        mean_score=rules.divide(row["score_sum"], row["feedbacks"]),
        **parts,
    )


async def get_retention(
    connection: Connection, organization_id: UUID | None, *, today: date, weeks: int = 12
) -> tuple[Cohort, ...]:
    """The people first seen in each of the last `weeks` weeks, and how many came again later.

    Weeks begin on Monday, by the organization's own days; this one is not over yet.
    """
    this = today - timedelta(days=today.weekday())
    first = this - timedelta(weeks=weeks - 1)
    found = await store.list_cohorts(connection, organization_id, first, this + timedelta(days=7))
    counts: dict[date, dict[int, int]] = {}
    for week, later, users in found:
        counts.setdefault(week, {})[later] = users
    return tuple(
        Cohort(week, by[0], tuple(by.get(n, 0) for n in range((this - week).days // 7 + 1)))
        for week, by in sorted(counts.items())
    )


async def get_adoption(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    *,
    kinds: tuple[Literal["module", "intent"], ...] = ("module", "intent"),
) -> AdoptionAnswer:
    """Who uses which modules and intents, with the growth against the period before."""
    before = periods.previous(period)
    users = await store.count_people(connection, organization_id, period)
    previous_users = await store.count_people(connection, organization_id, before)
    rows: list[Adoption] = []
    for kind in kinds:
        read: Any = store.list_module_people if kind == "module" else store.list_intent_people
        now = await read(connection, organization_id, period)
        old = await read(connection, organization_id, before)
        rows += [
            Adoption(
                kind=kind,
                name=name,
                users=found,
                share=rules.divide(Decimal(found), users),
                conversations=conversations,
                previous_users=old.get(name, (0, 0))[0],
                growth=rules.growth(found, old.get(name, (0, 0))[0]),
            )
            for name, (found, conversations) in sorted(
                now.items(), key=lambda item: (-item[1][0], -item[1][1], str(item[0]))
            )
        ]
    return AdoptionAnswer(period, users, previous_users, tuple(rows))
