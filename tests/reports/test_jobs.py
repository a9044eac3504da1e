"""Workers make the reports: in time, late, again where a day has changed, and only then."""

import asyncio
import logging
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from aihub.jobs import api as jobs
from aihub.reports import api, working

from . import making
from .conftest import create_organization, tick

NOW = datetime.now(UTC)
_FOUR = Decimal("0.0001")
QUICK = jobs.WorkerOptions(
    poll=timedelta(seconds=0.05), attempts=2, first_delay=timedelta(seconds=0.05)
)


async def run_all(db: Any, *names: str, handlers: Any = None) -> dict[str, int]:
    """Enqueue jobs and let a worker carry out all there is; what is left, by status."""
    async with db.write() as connection:
        for name in names:
            await jobs.enqueue(connection, name, {})
    worker = jobs.Worker(db, handlers or api.handlers(), options=QUICK)
    worker.start()
    try:
        for _ in range(1_200):
            async with db.read() as connection:
                depths = (await jobs.show_status(connection)).depths
            if all(depth.status == "failed" for depth in depths):
                return {depth.name: depth.jobs for depth in depths}
            await asyncio.sleep(0.05)
    finally:
        await worker.stop()
    raise AssertionError(depths)


async def reports(connection: Any, organization_id: UUID, **more: Any) -> list[api.Report]:
    return (await api.list_reports(connection, organization_id, limit=100, **more)).items


def local_day(zone: str, days_ago: int) -> date:
    return api.span_of(NOW.date(), zone).day - timedelta(days=days_ago)


async def test_every_organization_has_its_days(db: Any, connection: Any) -> None:
    zones = ("UTC", "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kathmandu")
    made = {
        zone: await create_organization(
            connection, zone, timezone=zone, created_at=NOW - timedelta(days=3)
        )
        for zone in zones
    }
    assert await run_all(db, "reports.due") == {}
    for zone, organization_id in made.items():
        found = await reports(connection, organization_id)
        assert len(found) in (3, 4)
        assert [r.day for r in found] == sorted((r.day for r in found), reverse=True)
        assert found[0].ends_at <= NOW + timedelta(minutes=5)
        assert found[0].ends_at + timedelta(hours=25) > NOW
        assert {(r.version, r.reason, r.timezone) for r in found} == {(1, "daily", zone)}
        assert all(r.late_seconds > 0 for r in found[1:])
    before = await connection.fetchval("select count(*) from public.ai_reports")
    assert await run_all(db, "reports.due", "reports.due") == {}
    assert await connection.fetchval("select count(*) from public.ai_reports") == before
    assert await api.list_late(connection, NOW) == []


async def test_lateness_is_told(db: Any, connection: Any, caplog: pytest.LogCaptureFixture) -> None:
    organization_id = await create_organization(
        connection, "acme", created_at=NOW - timedelta(days=3)
    )
    late = await api.list_late(connection, NOW)
    assert {each.organization_id for each in late} == {organization_id}
    assert len(late) >= 2
    with caplog.at_level(logging.WARNING):
        await run_all(db, "reports.due")
    told = [record.getMessage() for record in caplog.records]
    assert any("daily reports are late" in text for text in told)
    assert any(f"the report of {organization_id}" in text for text in told)


async def test_a_day_that_changes_gets_a_new_version(db: Any, connection: Any) -> None:
    organization_id = await create_organization(
        connection, "acme", created_at=NOW - timedelta(days=6)
    )
    life = making.live(
        organization_id, [uuid4(), uuid4()], NOW - timedelta(days=6), NOW, seed=3, n=120
    )
    await making.store(connection, life)
    await tick(connection)
    await run_all(db, "reports.due")
    await run_all(db, "reports.refresh")
    await run_all(db, "reports.refresh")
    first = await reports(connection, organization_id, is_latest_only=False)
    assert {report.version for report in first} == {1}

    third = first[3]
    late = making.make_call(organization_id, third.starts_at, random.Random(1))
    await making.insert(connection, "public.ai_calls", [late])
    await run_all(db, "reports.refresh")
    (changed, before) = [
        r for r in await reports(connection, organization_id, is_latest_only=False)
        if r.day == third.day
    ]  # fmt: skip
    assert (changed.version, changed.reason, changed.is_latest) == (2, "changed", True)
    assert (before.id, before.is_latest) == (third.id, False)
    assert changed.late_seconds == before.late_seconds
    (_, old), (_, new) = [
        await api.get_report(connection, organization_id, report.id) for report in (before, changed)
    ]
    grown = api.from_json(new).totals.calls - api.from_json(old).totals.calls
    assert grown == 1
    latest = await reports(connection, organization_id)
    assert [r.version for r in latest if r.day == third.day] == [2]

    # priced again: the same call, another cost
    await connection.execute(
        "update public.ai_calls set cost = 7, cost_status = 'priced', "
        "ingest_xid = pg_current_xact_id() where id = $1",
        late["id"],
    )
    await run_all(db, "reports.refresh")
    (newest, *_) = [r for r in await reports(connection, organization_id) if r.day == third.day]
    assert newest.version == 3
    _, content = await api.get_report(connection, organization_id, newest.id)
    assert api.from_json(content).totals.cost == api.from_json(new).totals.cost + 7 - (
        late["cost"] or Decimal(0)
    )
    await run_all(db, "reports.refresh", "reports.refresh")
    count = await connection.fetchval("select count(*) from public.ai_reports where version > 1")
    assert count == 2


async def test_late_feedback_and_messages_change_a_day(db: Any, connection: Any) -> None:
    organization_id = await create_organization(
        connection, "acme", created_at=NOW - timedelta(days=4)
    )
    life = making.live(organization_id, [uuid4()], NOW - timedelta(days=4), NOW, seed=5, n=60)
    await making.store(connection, life)
    await run_all(db, "reports.due")
    await run_all(db, "reports.refresh")
    await run_all(db, "reports.refresh")
    day = (await reports(connection, organization_id))[1]
    old = next(c for c in life.conversations if day.starts_at <= c["created_at"] < day.ends_at)
    await making.insert(connection, "public.ai_messages", [{
        "conversation_id": old["id"], "conversation_created_at": old["created_at"],
        "organization_id": organization_id, "seq": 1, "id": uuid4(), "role": "user",
        "content": "one more", "created_at": NOW,
    }])  # fmt: skip
    await connection.execute(
        "update public.ai_conversations set message_count = message_count + 1 where id = $1",
        old["id"],
    )
    await run_all(db, "reports.refresh")
    assert {
        r.day: r.version for r in await reports(connection, organization_id) if r.version > 1
    } == {day.day: 2}


async def test_a_failed_build_waits_for_somebody(db: Any, connection: Any) -> None:
    await create_organization(connection, "acme", created_at=NOW - timedelta(days=2))

    async def fail(run: jobs.Run) -> None:
        raise jobs.Permanent("no")

    broken = api.handlers() | {"reports.build": fail}
    left = await run_all(db, "reports.due", handlers=broken)
    assert left["reports.build"] >= 2
    assert await run_all(db, "reports.due", handlers=broken) == left
    assert len(await api.list_late(connection, NOW)) >= 1
    async with db.write() as inner:
        for job in await jobs.list_jobs(inner, status="failed"):
            await jobs.retry_job(inner, job.id)
    assert await run_all(db) == {}
    assert await api.list_late(connection, NOW) == []


async def test_engagement_is_kept_by_the_hour(db: Any, connection: Any) -> None:
    organization_id = await create_organization(connection, "acme")
    users = [uuid4() for _ in range(5)]
    life = making.live(organization_id, users, NOW - timedelta(days=40), NOW, seed=9, n=150)
    await making.store(connection, life)
    await tick(connection)
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    assert await working.score_hour(db, hour) == len(users)
    kept = await api.get_scores(connection, organization_id, hour.date(), limit=100)
    assert kept is not None
    found = kept.rows
    assert (kept.hour, kept.users, len(found)) == (hour, len(users), len(users))
    assert kept.total == sum(row.score for row in found)
    assert tuple(sorted(found, key=lambda e: -e.score)) == found
    first = hour.date() - timedelta(days=27)
    for each in found:
        mine = [
            c for c in life.conversations
            if c["user_id"] == each.user_id and first <= c["created_at"].date() <= hour.date()
        ]  # fmt: skip
        calls = {
            c["occurred_at"].date() for c in life.calls
            if c["user_id"] == each.user_id and first <= c["occurred_at"].date() <= hour.date()
        }  # fmt: skip
        days = {c["created_at"].date() for c in mine} | calls
        assert (each.conversations, each.active_days) == (len(mine), len(days))
        assert each.frequency == min(Decimal(1), Decimal(len(days)) / 12).quantize(_FOUR)
        depth = Decimal(sum(c["message_count"] for c in mine)) / len(mine) / 10
        assert each.depth == min(depth, Decimal(1)).quantize(_FOUR)
        idle = (hour.date() - max(days)).days
        assert abs(float(each.recency) - 0.5 ** (idle / 7)) <= 0.0001
        assert 0 < each.score <= 100
    # an hour that comes late does not replace a newer one; the same again changes nothing
    before = await connection.fetch("select * from public.ai_engagement_scores order by user_id")
    await working.score_hour(db, hour - timedelta(hours=1) if hour.hour else hour)
    await working.score_hour(db, hour)
    assert before == await connection.fetch(
        "select * from public.ai_engagement_scores order by user_id"
    )
    first_two = await api.get_scores(connection, organization_id, hour.date(), limit=2)
    assert first_two == replace(kept, rows=found[:2])
    yesterday = hour.date() - timedelta(days=1)
    assert await api.get_scores(connection, organization_id, yesterday, limit=2) is None


async def test_places_without_an_engine_enqueue_nothing(db: Any) -> None:
    handled = set(api.handlers())
    for schedule in api.SCHEDULES:
        assert schedule.is_enabled == (schedule.name in handled)
