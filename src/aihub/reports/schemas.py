"""JSON in and out."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from aihub.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from aihub.reports.models import Content, Page, Reason, Report

Table = Literal[
    "totals",
    "modules",
    "models",
    "billing",
    "satisfaction",
    "intents",
    "against_day_before",
    "against_week_before",
    "adoption",
    "retention",
]


class DailyReportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Local days, both included. `versions`: the latest of each day, or all there ever were."""

    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    versions: Literal["latest", "all"] = "latest"
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(max_length=2_000)] | None = None


class DailyReportOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`table`: one table of the report, for `format=csv`; all of it in one when omitted."""

    format: Literal["json", "csv"] = "json"
    table: Table | None = None


class DailyReportOut(Struct, frozen=True, kw_only=True):
    """One version of the report of an organization's day, from `starts_at` up to `ends_at`.

    `late_seconds`: how long after `due_at` (06:00 of the next day) the day's first version came;
    0: in time. `reason`: `daily`, or `changed` where events that came late, or prices, changed the
    finished day.
    """

    id: UUID
    day: date
    version: int
    is_latest: bool
    reason: Reason
    timezone: str
    starts_at: datetime
    ends_at: datetime
    due_at: datetime
    created_at: datetime
    late_seconds: int


class DailyReportList(Struct, frozen=True):
    """Reports, the newest day first."""

    items: list[DailyReportOut]
    next_cursor: str | None


class DailyReportWhole(DailyReportOut, frozen=True, kw_only=True):
    """A report with its content. Money in USD and exact, times of answering in milliseconds."""

    content: Content


def to_reports(page: Page[Report]) -> DailyReportList:
    """A page as it is answered."""
    items = [DailyReportOut(**_fields(report)) for report in page.items]
    return DailyReportList(items, page.next_cursor)


def to_whole(report: Report, content: bytes) -> dict[str, Any]:
    """A report as it is answered: its content as it was written."""
    head: dict[str, Any] = msgspec.to_builtins(DailyReportOut(**_fields(report)))
    return head | {"content": msgspec.Raw(content)}


def _fields(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in DailyReportOut.__struct_fields__}
