"""Satisfaction, engagement, retention and adoption. A connection comes first."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias
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
from aihub.kit.together import Read, Together, one_by_one

Kind: TypeAlias = Literal["module", "intent"]
KINDS: tuple[Kind, ...] = ("module", "intent")


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
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    *,
    limit: int = 50,
    users: Collection[UUID] | None = None,
) -> EngagementAnswer:
    """How engaged each person is in the period's days; see rules.engagement_parts.

    `users`: those alone, if they are few.
    """
    rows = await store.list_people(connection, organization_id, period, users)
    scored = [(_score(row, period), row) for row in rows]
    scored.sort(key=lambda one: (-one[0]["score"], -one[1]["conversations"], one[1]["user_id"]))
    mean = rules.divide(sum((parts["score"] for parts, _ in scored), Decimal(0)), len(scored))
    people = tuple(_engagement(row, parts) for parts, row in scored[:limit])
    return EngagementAnswer(period, len(scored), mean, people)


def _score(row: Record, period: Period) -> Mapping[str, Decimal]:
    return rules.engagement_parts(
        idle_days=(period.last - row["last_day"]).days - 1,
        active_days=row["active_days"],
        conversations=row["conversations"],
        messages=row["messages"],
        feedbacks=row["feedbacks"],
        score_sum=row["score_sum"],
    )


def _engagement(row: Record, parts: Mapping[str, Decimal]) -> Engagement:
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


@dataclass(frozen=True, slots=True)
class Weeks:
    """Weeks, each from Monday, whose newcomers are followed: from `first` until before `last`."""

    first: date
    last: date

    @classmethod
    def until(cls, today: date, count: int) -> "Weeks":
        """So many; the last counts until `today`, included."""
        this = today - timedelta(days=today.weekday())
        return cls(this - timedelta(weeks=count - 1), today + timedelta(days=1))


async def get_retention(
    connection: Connection,
    organization_id: UUID | None,
    *,
    today: date,
    weeks: int = 12,
    zone: str | None = None,
) -> tuple[Cohort, ...]:
    """The people first seen in each of the last `weeks` weeks, and how many came again later.

    The last counts until `today`, included. `zone`: whose days, where it is not each
    organization's own.
    """
    followed = Weeks.until(today, weeks)
    nothing = (followed.last, followed.last)
    rows = await store.list_use(
        connection, organization_id, now=nothing, before=followed.last,
        weeks=(followed.first, followed.last), zone=zone,
    )  # fmt: skip
    return to_cohorts(rows, followed)


def to_cohorts(rows: Iterable[Record], weeks: Weeks) -> tuple[Cohort, ...]:
    """Of what `list_use` gives."""
    counts: dict[date, dict[int, int]] = {}
    for row in rows:
        if row["kind"] == "week":
            counts.setdefault(row["week"], {})[row["later"]] = row["users"]
    last = weeks.last - timedelta(days=1)
    return tuple(
        Cohort(week, by[0], tuple(by.get(n, 0) for n in range((last - week).days // 7 + 1)))
        for week, by in sorted(counts.items())
    )


async def get_adoption(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    together: Together | None = None,
) -> AdoptionAnswer:
    """Who uses which modules and intents, with the growth against the period before.

    `together`: how to read several things.
    """
    reads: list[Read] = [lambda c: list_use(c, organization_id, period)]
    if "intent" in kinds:
        reads.append(lambda c: list_intents(c, organization_id, period))
    use, *intents = await (together or one_by_one(connection))(*reads)
    return to_adoption(period, use, *intents, kinds=kinds)


async def list_use(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    weeks: Weeks | None = None,
) -> list[Record]:
    """Who used which modules in the period and the one before; who came in which of `weeks`.

    For `to_adoption` and `to_cohorts`.
    """
    return await store.list_use(
        connection, organization_id, now=(period.first, period.last),
        before=periods.previous(period).first,
        weeks=(weeks.first, weeks.last) if weeks is not None else None,
        zone=store.find_foreign(period),
    )  # fmt: skip


async def list_intents(
    connection: Connection, organization_id: UUID | None, period: Period
) -> list[Record]:
    """Who had which intents in the period and the one before, for `to_adoption`."""
    before = periods.previous(period).first
    return await store.list_intents(connection, organization_id, period, before)


def to_adoption(
    period: Period,
    use: Iterable[Record],
    intents: Iterable[Record] = (),
    *,
    kinds: Iterable[Kind] = KINDS,
) -> AdoptionAnswer:
    """Of what `list_use` and `list_intents` give: rows of `kinds`, and people in all."""
    found = [*use, *intents]
    total = next(row for row in found if row["kind"] == "total")
    rows = tuple(
        _compare_users(kind, row, total["users"])
        for kind in kinds
        for row in sorted((r for r in found if r["kind"] == kind), key=_by_users)
    )
    return AdoptionAnswer(period, total["users"], total["old_users"], rows)


def _by_users(row: Record) -> tuple[int, int, str]:
    return (-row["users"], -row["conversations"], str(row["name"]))


def _compare_users(kind: Kind, row: Record, everybody: int) -> Adoption:
    return Adoption(
        kind=kind,
        name=row["name"],
        users=row["users"],
        share=rules.divide(Decimal(row["users"]), everybody),
        conversations=row["conversations"],
        previous_users=row["old_users"],
        growth=rules.growth(row["users"], row["old_users"]),
    )
