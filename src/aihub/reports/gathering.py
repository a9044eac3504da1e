"""From rows to a day's figures."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aihub.analytics import api as analytics
from aihub.kit.db import Connection
from aihub.reports import rules, store
from aihub.reports.models import (
    AdoptionLine,
    BillingLine,
    Cohort,
    Content,
    Figures,
    ModelLine,
    ModuleLine,
    Satisfaction,
    Span,
    Totals,
)

TOP_INTENTS = 20
_SCORES = 6
_SUMS = (
    "calls", "errors", "unpriced_calls", "estimated_calls", "input_tokens", "cached_input_tokens",
    "output_tokens", "reasoning_tokens", "total_tokens", "cost", "price",
)  # fmt: skip

Row = dict[str, Any]
Key = tuple[str | None, ...]


async def gather(connection: Connection, organization_id: UUID, span: Span) -> Content:
    """A report's content: the day, the days it is put beside, the weeks up to it."""
    figures = await gather_figures(connection, organization_id, span)
    day = await _earlier(connection, organization_id, span, days=1)
    week = await _earlier(connection, organization_id, span, days=7)
    return Content(
        **{f.name: getattr(figures, f.name) for f in fields(Figures)},
        against_day_before=rules.compare(figures, day),
        against_week_before=rules.compare(figures, week),
        adoption=tuple(
            await adoption(connection, organization_id, last_day=span.day, timezone=span.timezone)
        ),
        retention=tuple(await retention(connection, organization_id, last_day=span.day)),
    )


async def gather_figures(connection: Connection, organization_id: UUID, span: Span) -> Figures:
    """What was counted in a day."""
    usage = await store.list_usage(connection, organization_id, span)
    counts = await store.list_conversation_counts(connection, organization_id, span)
    users = await store.list_user_counts(connection, organization_id, span)
    scores = await store.list_scores(connection, organization_id, span)
    intents = await store.list_intents(connection, organization_id, span, TOP_INTENTS)
    by_module = {row["module"] or None: row["users"] for row in users if not row["is_total"]}
    all_users = sum(row["users"] for row in users if row["is_total"])
    return Figures(
        totals=Totals(
            **_sums(usage),
            conversations=sum(row["conversations"] for row in counts),
            messages=sum(row["messages"] for row in counts),
            users=all_users,
        ),
        modules=tuple(_modules(usage, counts, by_module)),
        models=tuple(
            ModelLine(provider=provider, model=model, **sums)
            for (provider, model), sums in _grouped(usage, "provider", "model")
        ),
        billing=tuple(
            BillingLine(module=module, provider=provider, model=model, **sums)
            for (module, provider, model), sums in _grouped(usage, "module", "provider", "model")
        ),
        satisfaction=_satisfaction(scores, counts),
        intents=tuple(intents),
    )


async def adoption(
    connection: Connection,
    organization_id: UUID,
    *,
    last_day: date,
    timezone: str,
    days: int = rules.ADOPTION_DAYS,
) -> list[AdoptionLine]:
    """Who used which module and intent in the `days` up to `last_day`, the most used first.

    By the organization's own days, beside the same number of days before.
    """
    last = last_day + timedelta(days=1)
    period = analytics.of_days(last - timedelta(days=days), last, ZoneInfo(timezone))
    found = await analytics.get_adoption(connection, organization_id, period)
    return [
        AdoptionLine(
            kind=row.kind,
            name=row.name,
            users=row.users,
            share=row.share,
            users_before=row.previous_users,
            growth=row.growth,
        )
        for row in found.rows
        if row.name is not None
    ]


async def retention(
    connection: Connection, organization_id: UUID, *, last_day: date, weeks: int = rules.WEEKS
) -> list[Cohort]:
    """Weekly cohorts of users, the oldest first, up to the week of `last_day`."""
    found = await analytics.get_retention(connection, organization_id, today=last_day, weeks=weeks)
    return [
        Cohort(
            week=cohort.week,
            users=cohort.users,
            active=cohort.active,
            shares=tuple(rules.ratio(n, cohort.users) or Decimal(0) for n in cohort.active),
        )
        for cohort in found
    ]


async def _earlier(
    connection: Connection, organization_id: UUID, span: Span, *, days: int
) -> Figures:
    earlier = rules.span_of(span.day - timedelta(days=days), span.timezone)
    return await gather_figures(connection, organization_id, earlier)


# ---------- sums ----------


def _sums(rows: Iterable[Row]) -> Row:
    found: Row = dict.fromkeys(_SUMS, 0) | {"cost": Decimal(0), "price": Decimal(0)}
    histogram: dict[int, int] = {}
    for row in rows:
        for name in _SUMS:
            found[name] += row[name]
        if row["bucket"] is not None:
            histogram[row["bucket"]] = histogram.get(row["bucket"], 0) + row["calls"]
    for percent in (50, 95, 99):
        found[f"response_time_p{percent}"] = rules.percentile(histogram, percent)
    return found | {"margin": found["price"] - found["cost"]}


def _grouped(rows: list[Row], *names: str) -> list[tuple[Key, Row]]:
    """Sums by `names`, the most calls first."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    found = [(key, _sums(group)) for key, group in groups.items()]
    return sorted(found, key=lambda pair: (-pair[1]["calls"], _order(pair[0])))


def _modules(usage: list[Row], counts: list[Row], users: dict[str | None, int]) -> list[ModuleLine]:
    sums = {key[0]: group for key, group in _grouped(usage, "module")}
    started = {row["module"]: row for row in counts}
    found = []
    for module in {*sums, *started}:
        count = started.get(module, {"conversations": 0, "messages": 0})
        found.append(
            ModuleLine(
                module=module, **(sums.get(module) or _sums(())),
                conversations=count["conversations"], messages=count["messages"],
                users=users.get(module, 0),
            )
        )  # fmt: skip
    return sorted(found, key=lambda m: (-m.conversations, -m.calls, _order((m.module,))))


def _satisfaction(scores: list[Row], counts: list[Row]) -> Satisfaction:
    by_score = {row["score"]: row["feedback"] for row in scores}
    feedback = sum(by_score.values())
    rated = sum(row["rated"] for row in counts)
    return Satisfaction(
        feedback=feedback,
        mean=rules.mean(sum((row["total"] for row in scores), Decimal(0)), feedback),
        scores=tuple(by_score.get(score, 0) for score in range(_SCORES)),
        rated_conversations=rated,
        response_rate=rules.ratio(rated, sum(row["conversations"] for row in counts)),
    )


def _order(key: Key) -> tuple[str, ...]:
    return tuple(name or "" for name in key)
