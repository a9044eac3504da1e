"""Every figure of a report, beside one computed anew from the rows."""

import csv
import io
import random
from collections import defaultdict
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from aihub.reports import api, rendering, rules, service
from aihub.reports.models import Content, Span

from . import making, recomputing
from .conftest import create_organization, tick

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC)
TIMES = ("response_time_p50", "response_time_p95", "response_time_p99")


async def _live(connection: Any, zone: str, *, n: int = 1_500, seed: int = 7) -> making.Life:
    organization_id = await create_organization(connection, "acme", timezone=zone, created_at=START)
    users = [uuid4() for _ in range(25)]
    life = making.live(organization_id, users, START, END, seed=seed, n=n)
    await making.store(connection, life)
    # somebody else's life, which must not be seen
    other = await create_organization(connection, "other", timezone=zone, created_at=START)
    await making.store(connection, making.live(other, users, START, END, seed=8, n=200))
    await tick(connection)
    return life


def _told(content: Any) -> dict[str, Any]:
    """A report's figures as the recomputation has them."""

    def without(line: Any, *names: str) -> dict[str, Any]:
        return {k: v for k, v in asdict(line).items() if k not in (*names, *TIMES)}

    return {
        "totals": without(content.totals),
        "modules": {m.module: without(m, "module") for m in content.modules},
        "models": {(m.provider, m.model): without(m, "provider", "model") for m in content.models},
        "billing": {
            (m.module, m.provider, m.model): without(m, "module", "provider", "model")
            for m in content.billing
        },
        "satisfaction": asdict(content.satisfaction),
        "intents": {i.intent: (i.conversations, i.users) for i in content.intents},
    }


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", "2026-03-10"),
        ("Asia/Kathmandu", "2026-03-10"),
        ("America/New_York", "2026-03-08"),  # 23 hours
        ("Africa/Cairo", "2026-03-31"),
    ],
)
async def test_every_figure_of_a_day(connection: Any, zone: str, day: str) -> None:
    life = await _live(connection, zone)
    span = rules.span_of(date.fromisoformat(day), zone)
    content = await api.gather(connection, life.organization_id, span)
    assert content.totals.calls > 10
    assert content.satisfaction.feedback > 2
    assert _told(content) == recomputing.figures(life, span.starts_at, span.ends_at)
    calls = [c for c in life.calls if span.starts_at <= c["occurred_at"] < span.ends_at]
    for name, share in zip(TIMES, (0.5, 0.95, 0.99), strict=True):
        exact = max(1, recomputing.latency(calls, share) or 0)
        assert abs(getattr(content.totals, name) - exact) <= Decimal(exact) / 100
    for line in content.billing:
        assert line.margin == line.price - line.cost
    for days, changes in ((1, content.against_day_before), (7, content.against_week_before)):
        earlier = rules.span_of(span.day - timedelta(days=days), zone)
        before = recomputing.figures(life, earlier.starts_at, earlier.ends_at)
        _check_changes(changes, _told(content), before)


def _check_changes(changes: tuple[api.Change, ...], now: Any, before: Any) -> None:
    by_name = {change.figure: change for change in changes}
    for name in ("conversations", "messages", "users", "calls", "total_tokens", "cost", "price"):
        change = by_name[name]
        assert change.now == now["totals"][name]
        assert change.before == before["totals"][name]
        assert change.difference == change.now - change.before
        assert change.ratio == recomputing.six(change.difference, before["totals"][name])
    assert by_name["satisfaction"].before == before["satisfaction"]["mean"]


async def test_lines_add_up_to_the_whole(connection: Any) -> None:
    life = await _live(connection, "UTC")
    content = await api.gather(
        connection, life.organization_id, rules.span_of(date(2026, 3, 10), "UTC")
    )
    for name in ("calls", "errors", "total_tokens", "cost", "price", "margin", "unpriced_calls"):
        whole = getattr(content.totals, name)
        for lines in (content.modules, content.models, content.billing):
            assert sum(getattr(line, name) for line in lines) == whole, name


async def test_adoption_and_cohorts(connection: Any) -> None:
    zone, last_day = "Asia/Kathmandu", date(2026, 4, 5)
    life = await _live(connection, zone)
    for weeks_later in range(2, 9):  # people who came later
        start = START + timedelta(weeks=weeks_later)
        users_since = [uuid4() for _ in range(6)]
        more = making.live(life.organization_id, users_since, start, END, seed=weeks_later, n=40)
        await making.store(connection, more)
        life.conversations.extend(more.conversations)
        life.calls.extend(more.calls)
    await tick(connection)
    local = ZoneInfo(zone)
    seen = [(c, c["created_at"].astimezone(local).date()) for c in life.conversations]
    seen += [(c, c["occurred_at"].astimezone(local).date()) for c in life.calls]
    seen = [(row, day) for row, day in seen if row["user_id"]]

    def users(first: date, last: date, has: Any) -> int:
        return len({row["user_id"] for row, day in seen if first <= day <= last and has(row)})

    middle = last_day - timedelta(days=27)
    earlier = middle - timedelta(days=28)
    everybody = users(middle, last_day, lambda _: True)
    found = await api.adoption(connection, life.organization_id, last_day=last_day, timezone=zone)
    assert {line.name for line in found if line.kind == "module"} == {"support", "checkout"}
    assert {line.name for line in found if line.kind == "intent"} == set(making.INTENTS)
    for line in found:

        def has(row: Any, line: Any = line) -> bool:
            if line.kind == "module":
                return row["module"] == line.name
            return line.name in row.get("intent_chain", ())

        now, before = users(middle, last_day, has), users(earlier, middle - timedelta(days=1), has)
        assert (line.users, line.users_before) == (now, before)
        assert line.share.quantize(Decimal("0.000001")) == recomputing.six(now, everybody)
        assert line.growth == (Decimal(now - before) / before).quantize(Decimal("0.0001"))

    weeks: dict[UUID, set[date]] = defaultdict(set)
    for row, day in seen:
        weeks[row["user_id"]].add(day - timedelta(days=day.weekday()))
    cohorts = await api.retention(connection, life.organization_id, last_day=last_day)
    assert sum(c.users > 0 for c in cohorts) > 5
    for cohort in cohorts:
        members = [user for user, active in weeks.items() if min(active) == cohort.week]
        assert cohort.users == len(members)
        for n, active in enumerate(cohort.active):
            week = cohort.week + timedelta(weeks=n)
            assert active == sum(week in weeks[user] for user in members)
            assert cohort.shares[n] == recomputing.six(active, cohort.users)


async def test_erasing_a_conversation_leaves_usage_as_it_was(connection: Any) -> None:
    life = await _live(connection, "UTC")
    span = rules.span_of(date(2026, 3, 10), "UTC")
    before = await api.gather_figures(connection, life.organization_id, span)
    gone = next(
        c for c in life.conversations
        if span.starts_at <= c["created_at"] < span.ends_at
        and any(f["conversation_id"] == c["id"] for f in life.feedback)
    )  # fmt: skip
    assert await connection.fetchval(
        "select hub.erase_conversation_v1($1, $2, $3)",
        life.organization_id, gone["id"], gone["created_at"],
    )  # fmt: skip
    after = await api.gather_figures(connection, life.organization_id, span)
    assert replace(after.totals, users=0) == replace(before.totals, users=0)
    assert after.models == before.models
    assert after.satisfaction == before.satisfaction
    assert [(i.intent, i.conversations) for i in after.intents] == [
        (i.intent, i.conversations) for i in before.intents
    ]


async def test_a_day_without_anything(connection: Any) -> None:
    organization_id = await create_organization(connection, "quiet")
    span = rules.span_of(date(2026, 3, 10), "UTC")
    content = await api.gather(connection, organization_id, span)
    assert _told(content) == recomputing.figures(
        making.Life(organization_id), span.starts_at, span.ends_at
    )
    assert content.totals.response_time_p95 is None
    assert {change.ratio for change in content.against_day_before} == {None}
    assert rendering.from_json(rendering.to_json(content)) == content
    assert b"totals,,cost,0\r\n" in rendering.to_csv(content)


async def test_json_and_csv_hold_it_all_to_the_last_digit(connection: Any) -> None:
    life = await _live(connection, "UTC")
    span = rules.span_of(date(2026, 3, 10), "UTC")
    content = await api.gather(connection, life.organization_id, span)
    assert rendering.from_json(rendering.to_json(content)) == content
    assert b"E-" not in rendering.to_json(content).replace(b"E-mail", b"")
    rows = list(csv.DictReader(io.StringIO(rendering.to_csv(content, "billing").decode())))
    assert list(rows[0])[:3] == ["module", "provider", "model"]
    assert [Decimal(row["cost"]) for row in rows] == [line.cost for line in content.billing]
    flat = list(csv.DictReader(io.StringIO(rendering.to_csv(content).decode())))
    assert {row["section"] for row in flat} == set(api.TABLES)
    costs = [Decimal(r["value"]) for r in flat if (r["section"], r["figure"]) == ("models", "cost")]
    assert sum(costs) == content.totals.cost
    names = {row["intent"] for row in _rows(content, "intents")}
    assert "'=cmd" in names  # a spreadsheet computes nothing
    for table in api.TABLES:
        assert len(_rows(content, table)) == len(api.table_rows(content, table))


def _rows(content: Content, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(rendering.to_csv(content, table).decode())))


async def test_the_digest_is_of_the_day_itself(connection: Any) -> None:
    life = await _live(connection, "UTC", n=200)
    span = rules.span_of(date(2026, 3, 10), "UTC")
    content = await api.gather(connection, life.organization_id, span)
    same = replace(content, retention=(), adoption=(), against_day_before=())
    assert service.digest(same) == service.digest(content)
    totals = replace(content.totals, cost=content.totals.cost + Decimal("1E-18"))
    assert service.digest(replace(content, totals=totals)) != service.digest(content)
    assert isinstance(span, Span)


async def test_a_report_that_is_made_late_knows_no_user_of_later_days(connection: Any) -> None:
    organization_id = await create_organization(connection, "acme", created_at=START)
    monday = datetime(2026, 3, 9, 12, tzinfo=UTC)
    users = [uuid4() for _ in range(2)]
    life = making.Life(organization_id)
    for days, user in enumerate(users):
        at = monday + timedelta(days=days)
        call = making.make_call(organization_id, at, random.Random(days), user_id=user)
        life.calls.append(call)
    await making.store(connection, life)
    await tick(connection)
    span = rules.span_of(monday.date(), "UTC")
    content = await api.gather(connection, organization_id, span)
    assert [cohort.active for cohort in content.retention] == [(1,)]
