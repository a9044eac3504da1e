"""The daily reports: which there are, and what one says."""

from typing import Any

from starlette.responses import Response

from aihub.dashboards import csv_files, listing, report_views
from aihub.dashboards.filters import read_day
from aihub.dashboards.listing import Asked, check_order, read_asked
from aihub.dashboards.operators import read_uuid
from aihub.dashboards.paging import link_pages
from aihub.dashboards.panels import Board
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import Visit
from aihub.kit.db import Database
from aihub.kit.errors import Invalid, NotFound
from aihub.reports.api import (
    Page,
    Report,
    from_json,
    get_report,
    list_late,
    list_reports,
)

PATH = "/reports"
LABELS = {"from": "From", "to": "To", "versions": "Versions"}
_READERS = {"from": read_day, "to": read_day, "versions": lambda text: text}
_PAGE_SIZE = 50
_MOST_IN_FILE = 200
_UNPROCESSABLE = 422
_COLUMNS = ("id", "day", "version", "timezone", "reason", "due_at", "created_at", "late_seconds")


class ReportPages:
    """The list, one report, and files of both."""

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer

    async def show_list(self, visit: Visit) -> Response:
        """The newest day first; what is late is told on top."""
        query = visit.request.query_params
        asked = _read(visit)
        cursor, back = query.get("cursor") or None, query.get("back")
        page: Page[Report] = Page([], None)
        problem = None
        async with self._db.read() as connection:
            late = await list_late(connection, visit.now, visit.organization_id)
            if not asked.errors:
                try:
                    page = await list_reports(
                        connection, visit.organization_id, **_given(asked), limit=_PAGE_SIZE,
                        cursor=cursor,
                    )  # fmt: skip
                except Invalid as error:
                    problem = error.detail
        return self._renderer.page(
            visit.request,
            "reports.html",
            {
                "asked": asked,
                "problem": problem,
                "reports": page.items,
                "late": late,
                "links": link_pages(
                    asked.values, cursor=cursor, back=back, next_cursor=page.next_cursor,
                    url=asked.url,
                ),
            },
            visit=visit,
            status=_UNPROCESSABLE if asked.errors or problem else 200,
        )  # fmt: skip

    async def send_list(self, visit: Visit) -> Response:
        """The list as a file, at most 200. Raises Invalid for a bad filter."""
        asked = _read(visit)
        if asked.errors:
            raise Invalid(asked.complaint)
        async with self._db.read() as connection:
            page = await list_reports(
                connection, visit.organization_id, **_given(asked), limit=_MOST_IN_FILE
            )
        rows = [_COLUMNS, *(_cells(report) for report in page.items)]
        return _send("reports", visit, rows)

    async def show(self, visit: Visit) -> Response:
        """One report. Raises NotFound for a missing and for a foreign one alike."""
        report, board = await self._read(visit)
        day = report.day
        async with self._db.read() as connection:
            versions = await list_reports(
                connection, visit.organization_id, first=day, last=day, is_latest_only=False,
                limit=_PAGE_SIZE,
            )  # fmt: skip
        return self._renderer.page(
            visit.request,
            "report.html",
            {"report": report, "board": board, "versions": versions.items},
            visit=visit,
        )

    async def send_table(self, visit: Visit) -> Response:
        """One of its tables as a file."""
        report, board = await self._read(visit)
        name = visit.request.path_params["table"]
        table = board.table(name)
        if table is None:
            raise NotFound("There is no such table.")
        return _send(f"report-{report.day.isoformat()}-{name}", visit, table.lines())

    async def _read(self, visit: Visit) -> tuple[Report, Board]:
        report_id = read_uuid(visit.request.path_params["id"])
        if report_id is None:
            raise NotFound("There is no such report.")
        async with self._db.read() as connection:
            report, content = await get_report(connection, visit.organization_id, report_id)
        return report, report_views.describe(report, from_json(content))


def _read(visit: Visit) -> Asked:
    asked = read_asked(PATH, visit.request.query_params, LABELS, _READERS)
    check_order(asked, "from", "to", "This is before “From”.")
    return asked


def _given(asked: Asked) -> dict[str, Any]:
    return {
        "first": asked.found.get("from"),
        "last": asked.found.get("to"),
        "is_latest_only": asked.found.get("versions") != "all",
    }


def _cells(report: Report) -> tuple[Any, ...]:
    return (str(report.id), report.day.isoformat(), report.version, report.timezone,
            report.reason, report.due_at, report.created_at, report.late_seconds)  # fmt: skip


def _send(name: str, visit: Visit, rows: Any) -> Response:
    return Response(
        csv_files.write_table(rows),
        media_type="text/csv; charset=utf-8",
        headers=listing.csv_headers(name, visit.local(visit.now)),
    )
