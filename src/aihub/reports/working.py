"""The jobs of this slice and when they run."""

import logging
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aihub.analytics import api as analytics
from aihub.jobs import api as jobs
from aihub.kit.db import Database
from aihub.reports import gathering, rules, service, store
from aihub.reports.models import Engagement, Span

_log = logging.getLogger(__name__)

ENGAGEMENT_DAYS = 28
_EVERYBODY = 10_000_000

SCHEDULES = (
    jobs.Schedule("reports.due", "*/15 * * * *"),
    jobs.Schedule("reports.refresh", "40 * * * *"),
    jobs.Schedule("engagement", "10 * * * *"),
    # Their engines come later: the places are kept, and nothing is enqueued.
    jobs.Schedule("conversations.summaries", "20 * * * *", is_enabled=False),
    jobs.Schedule("conversations.sentiment", "25 * * * *", is_enabled=False),
)


def handlers() -> dict[str, "jobs.Handler"]:
    """What a worker does for each of them."""
    return {
        "reports.due": enqueue_due,
        "reports.build": build,
        "reports.refresh": refresh,
        "engagement": score_users,
    }


async def enqueue_due(run: "jobs.Run") -> None:
    """A job for each finished day that has no report."""
    now = datetime.now(UTC)
    async with run.finish() as connection:
        # one that failed for good waits for somebody to look at it
        failed = await jobs.list_jobs(
            connection, status="failed", name="reports.build", limit=1_000
        )
        known = {job.key for job in failed}
        due = await service.list_due(connection, now)
        for organization_id, span in due:
            key = f"report:{organization_id}:{span.day}"
            if key not in known:
                await jobs.enqueue(
                    connection, "reports.build", _to_payload(organization_id, span), dedup_key=key
                )
    late = [span for _, span in due if span.due_at <= now]
    if late:
        _log.error("%d daily reports are late, the first was due at %s", len(late), late[0].due_at)


async def build(run: "jobs.Run") -> None:
    """The first version of a day's report."""
    organization_id, span = _from_payload(run.payload)
    async with run.db.read() as connection:
        content = await gathering.gather(connection, organization_id, span)
    async with run.finish() as connection:
        made = await service.keep_first(connection, organization_id, span, content)
    if made is not None and (late := rules.late_seconds(made, span.due_at)):
        _log.warning(
            "the report of %s for %s came %s late", organization_id, span.day,
            timedelta(seconds=late),
        )  # fmt: skip


async def refresh(run: "jobs.Run") -> None:
    """New versions of the days that late events, repricing or late feedback have changed."""
    now = datetime.now(UTC)
    async with run.db.read() as connection:
        next_xid, now_xid = await store.get_progress(connection)
        touched = await store.list_touched_days(connection, next_xid, service.changed_since(now))
    for organization_id, day in touched:
        await _refresh_day(run, organization_id, day)
    async with run.finish() as connection:
        await store.move_progress(connection, now_xid)


async def _refresh_day(run: "jobs.Run", organization_id: UUID, day: date) -> None:
    async with run.db.read() as connection:
        found = await store.get_latest(connection, organization_id, day)
        if found is None:
            return
        span, version, digest = found
        before = (version, digest)
        content = await service.refresh(connection, organization_id, span, before)
    if content is None:
        return
    async with run.db.write() as connection:
        made = await service.keep_next(connection, organization_id, span, before, content)
    if made is not None:
        _log.info("the report of %s for %s has a version %d", organization_id, day, made)


async def score_users(run: "jobs.Run") -> None:
    """The engagement scores of the hour."""
    hour = rules.whole_hour(run.scheduled_for or datetime.now(UTC))
    await score_hour(run.db, hour)


async def score_hour(db: Database, hour: datetime) -> int:
    """Score every user who was there in the 28 days up to `hour`; how many that were."""
    async with db.read() as connection:
        zones = await store.list_zones(connection)
    count = 0
    for organization_id, timezone in zones.items():
        zone = ZoneInfo(timezone)
        day = hour.astimezone(zone).date()
        last = day + timedelta(days=1)
        period = analytics.of_days(last - timedelta(days=ENGAGEMENT_DAYS), last, zone)
        async with db.read() as connection:
            found = await analytics.get_engagement(
                connection, organization_id, period, limit=_EVERYBODY
            )
        if found.rows:
            scores = [_to_score(row) for row in found.rows]
            async with db.write(is_one_statement=True) as connection:
                await store.upsert_engagement(
                    connection, organization_id, day=day, hour=hour, scores=scores
                )
            count += len(scores)
    return count


def _to_score(row: analytics.Engagement) -> Engagement:
    names = (field.name for field in fields(Engagement))
    return Engagement(**{name: getattr(row, name) for name in names})


def _to_payload(organization_id: UUID, span: Span) -> dict[str, Any]:
    return {
        "organization_id": str(organization_id),
        "day": span.day.isoformat(),
        "timezone": span.timezone,
        "starts_at": span.starts_at.isoformat(),
        "ends_at": span.ends_at.isoformat(),
        "due_at": span.due_at.isoformat(),
    }


def _from_payload(payload: Any) -> tuple[UUID, Span]:
    return UUID(payload["organization_id"]), Span(
        day=date.fromisoformat(payload["day"]),
        timezone=payload["timezone"],
        starts_at=datetime.fromisoformat(payload["starts_at"]),
        ends_at=datetime.fromisoformat(payload["ends_at"]),
        due_at=datetime.fromisoformat(payload["due_at"]),
    )
