"""The tables of reports, typed, and what reports are made of."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.kit.db import Connection
from aihub.kit.paging import decode_cursor, encode_cursor
from aihub.kit.sql import fetch, load_queries
from aihub.reports import rules
from aihub.reports.models import (
    Engagement,
    IntentLine,
    KeptScores,
    Page,
    Reason,
    Report,
    Span,
    Standing,
)

_sql = load_queries(__file__)

Row = dict[str, Any]


# ---------- what happened ----------


async def list_usage(connection: Connection, organization_id: UUID, span: Span) -> list[Row]:
    """Calls by module, provider, model and latency bucket, with their sums."""
    return await _list(_sql.list_usage, connection, organization_id, span)


async def list_conversation_counts(
    connection: Connection, organization_id: UUID, span: Span
) -> list[Row]:
    """Conversations, their messages, and how many have feedback, by module."""
    return await _list(_sql.list_conversation_counts, connection, organization_id, span)


async def list_user_counts(connection: Connection, organization_id: UUID, span: Span) -> list[Row]:
    """Users by module, and of them all (`is_total`)."""
    return await _list(_sql.list_user_counts, connection, organization_id, span, day=span.day)


async def list_scores(connection: Connection, organization_id: UUID, span: Span) -> list[Row]:
    """Feedback by whole score, with the exact sum."""
    return await _list(_sql.list_scores, connection, organization_id, span)


async def list_intents(
    connection: Connection, organization_id: UUID, span: Span, limit: int
) -> list[IntentLine]:
    """The most frequent intents."""
    rows = await _list(_sql.list_intents, connection, organization_id, span, day=span.day, n=limit)
    return [IntentLine(**row) for row in rows]


async def _list(
    query: Any, connection: Connection, organization_id: UUID, span: Span, **more: Any
) -> list[Row]:
    rows = query(
        connection, organization_id=organization_id,
        starts_at=span.starts_at, ends_at=span.ends_at, **more,
    )  # fmt: skip
    return [dict(row) for row in await fetch(rows)]


# ---------- reports ----------


async def list_standings(
    connection: Connection, since: date, organization_id: UUID | None = None
) -> list[Standing]:
    """Every organization, or one, with its reported days from `since`."""
    rows = await fetch(
        _sql.list_standings(connection, since=since, organization_id=organization_id)
    )
    return [
        Standing(
            row["organization_id"],
            row["timezone"],
            row["created_at"],
            dict(zip(row["days"], zip(row["starts"], row["ends"], strict=True), strict=True)),
            row["first_at"],
        )
        for row in rows
    ]


async def get_latest(
    connection: Connection, organization_id: UUID, day: date
) -> tuple[Span, int, bytes] | None:
    """A reported day, its latest version and that one's digest."""
    r = await _sql.get_latest(connection, organization_id=organization_id, day=day)
    if r is None:
        return None
    span = Span(day, r["timezone"], r["starts_at"], r["ends_at"], r["due_at"])
    return span, r["version"], r["digest"]


async def insert_report(
    connection: Connection, *, report_id: UUID, organization_id: UUID, span: Span,
    version: int, reason: Reason, digest: bytes, content: bytes,
) -> datetime | None:  # fmt: skip
    """Keep a version, and when that was; None when this version is there."""
    made: datetime | None = await _sql.insert_report(
        connection, id=report_id, organization_id=organization_id, day=span.day, version=version,
        timezone=span.timezone, starts_at=span.starts_at, ends_at=span.ends_at, due_at=span.due_at,
        reason=reason, digest=digest, content=content.decode(),
    )  # fmt: skip
    return made


async def list_reports(
    connection: Connection, organization_id: UUID, *, first: date | None = None,
    last: date | None = None, is_latest_only: bool = True, report_id: UUID | None = None,
    limit: int, cursor: str | None = None,
) -> Page[Report]:  # fmt: skip
    """Reports of an organization, the newest day first."""
    at, after = decode_cursor(cursor) or (None, None)
    rows = await fetch(
        _sql.list_reports(
            connection, organization_id=organization_id, first=first, last=last,
            is_latest_only=is_latest_only, cursor_at=at, cursor_id=after, id=report_id,
            n=limit + 1,
        )
    )  # fmt: skip
    items = [_to_report(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, encode_cursor(items[-1].starts_at, items[-1].id) if more else None)


async def get_content(
    connection: Connection, organization_id: UUID, report_id: UUID
) -> bytes | None:
    """What a report says, as JSON; None when there is no such report."""
    found: str | None = await _sql.get_content(
        connection, organization_id=organization_id, id=report_id
    )
    return None if found is None else found.encode()


def _to_report(row: Any) -> Report:
    values = dict(row)
    late = rules.late_seconds(values.pop("first_at"), values["due_at"])
    return Report(**values, late_seconds=late)


# ---------- what has changed ----------


async def get_progress(connection: Connection) -> tuple[str, str]:
    """From where changes are to be looked at, and where that look ends."""
    row = await _sql.get_progress(connection)
    return row["next_xid"], row["now_xid"]


async def move_progress(connection: Connection, now_xid: str) -> None:
    """A look has come to its end."""
    await _sql.move_progress(connection, now_xid=now_xid)


async def list_touched_days(
    connection: Connection, next_xid: str, since: datetime
) -> list[tuple[UUID, date]]:
    """Reported days whose rows were changed."""
    rows = await fetch(_sql.list_touched_days(connection, next_xid=next_xid, since=since))
    return [(row["organization_id"], row["day"]) for row in rows]


# ---------- engagement ----------


async def list_zones(connection: Connection) -> dict[UUID, str]:
    """The time zone of each organization."""
    rows = await fetch(_sql.list_zones(connection))
    return {row["organization_id"]: row["timezone"] for row in rows}


async def upsert_engagement(
    connection: Connection,
    organization_id: UUID,
    *,
    day: date,
    hour: datetime,
    scores: Sequence[Engagement],
) -> None:
    """Keep the scores of an hour; those of an earlier hour of the day give way."""

    def column(name: str) -> list[Decimal | int | None]:
        return [getattr(score, name) for score in scores]

    await _sql.upsert_engagement(
        connection, organization_id=organization_id, day=day, hour=hour,
        users=[score.user_id for score in scores], scores=column("score"),
        recency=column("recency"), frequency=column("frequency"), depth=column("depth"),
        feedback=column("feedback"), conversations=column("conversations"),
        active_days=column("active_days"),
    )  # fmt: skip


async def get_scores(
    connection: Connection, organization_id: UUID, day: date, *, limit: int
) -> KeptScores | None:
    """The scores of a day as of its last hour that was counted, the highest first."""
    rows = await fetch(
        _sql.list_engagement(connection, organization_id=organization_id, day=day, n=limit)
    )
    if not rows:
        return None
    names = [field.name for field in fields(Engagement)]
    found = tuple(Engagement(**{name: row[name] for name in names}) for row in rows)
    return KeptScores(
        hour=max(row["hour"] for row in rows),
        users=rows[0]["users"],
        total=rows[0]["total"],
        rows=found,
    )
