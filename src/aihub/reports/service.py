"""Making reports: which are due, the first version of a day, and the next where it has changed."""

import hashlib
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from aihub.kit.db import Connection
from aihub.kit.ids import uuid7
from aihub.reports import gathering, rendering, rules, store
from aihub.reports.errors import ReportNotFound
from aihub.reports.models import Content, Figures, Late, Report, Span

CHANGED_DAYS = 60


async def list_due(
    connection: Connection, now: datetime, organization_id: UUID | None = None
) -> list[tuple[UUID, Span]]:
    """Every finished day of every organization, or of one, that has no report, the oldest first."""
    standings = await store.list_standings(connection, rules.reported_since(now), organization_id)
    found = [
        (standing.organization_id, span)
        for standing in standings
        for span in rules.missing_spans(standing, now)
    ]
    return sorted(found, key=lambda pair: (pair[1].due_at, pair[0]))


async def list_late(
    connection: Connection, now: datetime, organization_id: UUID | None = None
) -> list[Late]:
    """Reports that are due and not there, of all or of one; the first that was due comes first."""
    return [
        Late(owner, span.day, span.due_at)
        for owner, span in await list_due(connection, now, organization_id)
        if span.due_at <= now
    ]


async def keep_first(
    connection: Connection, organization_id: UUID, span: Span, content: Content
) -> datetime | None:
    """Keep a day's first version, and when that was; None when the day has one."""
    return await store.insert_report(
        connection, report_id=uuid7(), organization_id=organization_id, span=span, version=1,
        reason="daily", digest=digest(content), content=rendering.to_json(content),
    )  # fmt: skip


async def keep_next(
    connection: Connection, organization_id: UUID, span: Span, before: tuple[int, bytes],
    content: Content,
) -> int | None:  # fmt: skip
    """Keep a new version of a day if it came out otherwise; its number, or None."""
    version, known = before
    if digest(content) == known:
        return None
    made = await store.insert_report(
        connection, report_id=uuid7(), organization_id=organization_id, span=span,
        version=version + 1, reason="changed", digest=digest(content),
        content=rendering.to_json(content),
    )  # fmt: skip
    return None if made is None else version + 1


async def refresh(
    connection: Connection, organization_id: UUID, span: Span, before: tuple[int, bytes]
) -> Content | None:
    """What a reported day comes to now; None when that is what its report says."""
    figures = await gathering.gather_figures(connection, organization_id, span)
    if digest(figures) == before[1]:
        return None
    return await gathering.gather(connection, organization_id, span)


async def get_report(
    connection: Connection, organization_id: UUID, report_id: UUID
) -> tuple[Report, bytes]:
    """A report and its content as JSON. Raises ReportNotFound."""
    page = await store.list_reports(
        connection, organization_id, report_id=report_id, is_latest_only=False, limit=1
    )
    content = await store.get_content(connection, organization_id, report_id)
    if not page.items or content is None:
        raise ReportNotFound
    return page.items[0], content


def changed_since(now: datetime) -> datetime:
    """How far back changes make new versions."""
    return now - timedelta(days=CHANGED_DAYS)


def digest(figures: Figures) -> bytes:
    """Of what was counted in the day itself, not of what it is put beside."""
    own: dict[str, Any] = {f.name: getattr(figures, f.name) for f in fields(Figures)}
    return hashlib.sha256(msgspec.json.encode(rendering.plain_values(own))).digest()
