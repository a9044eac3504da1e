"""Reconciliation, for operators: what the hub computed beside what providers bill."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from aihub.dashboards import csv_files, listing
from aihub.dashboards import reconciliation_views as views
from aihub.dashboards.filters import BadValue, read_day
from aihub.dashboards.listing import Asked
from aihub.dashboards.operators import require_operator
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import Visit
from aihub.kit.db import Database
from aihub.kit.errors import Invalid
from aihub.reconciliation.api import PROVIDERS, Filters, Report, list_accounts, report

PATH = "/reconciliation"
LABELS = {"provider": "Provider", "from": "From", "to": "To"}
PAGE_ROWS = 100
_DAYS = 30
_UNPROCESSABLE = 422
_MOST_PAGE_DIGITS = 5


class ReconciliationPages:
    """The report: a page and files."""

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer

    async def show(self, visit: Visit) -> Response:
        """Totals by provider, drift by day, and each comparison, alarms first."""
        require_operator(visit)
        asked, filters = _read(visit)
        found = None
        async with self._db.read() as connection:
            accounts = await list_accounts(connection)
            if not asked.errors:
                try:
                    found = await report(connection, filters, now=visit.now)
                except Invalid as error:
                    asked.errors["to"] = _explain(error)
        return self._renderer.page(
            visit.request,
            "reconciliation.html",
            {
                "asked": asked,
                "first_day": filters.first_day,
                "last_day": filters.last_day,
                "providers": [(name, views.NAMES[name]) for name in PROVIDERS],
                "names": views.NAMES,
                "accounts": accounts,
                "report": found,
                **(_describe(visit, asked, filters, found) if found is not None else {}),
            },
            visit=visit,
            status=_UNPROCESSABLE if asked.errors else 200,
        )

    async def send_csv(self, visit: Visit) -> Response:
        """Every comparison. Raises Invalid for a bad filter."""
        found = await self._report(visit)
        return send_cells("reconciliation", visit, views.list_cells(views.sort_rows(found.rows)))

    async def send_totals(self, visit: Visit) -> Response:
        """The sums by provider. Raises Invalid for a bad filter."""
        found = await self._report(visit)
        return send_cells("reconciliation-totals", visit, views.list_total_cells(found.totals))

    async def _report(self, visit: Visit) -> Report:
        require_operator(visit)
        asked, filters = _read(visit)
        if asked.errors:
            raise Invalid(asked.complaint)
        async with self._db.read() as connection:
            return await report(connection, filters, now=visit.now)


def send_cells(name: str, visit: Visit, rows: Iterable[Sequence[views.Cell]]) -> Response:
    """A table as a file."""
    return Response(
        csv_files.write_table(rows),
        media_type="text/csv; charset=utf-8",
        headers=listing.csv_headers(name, visit.local(visit.now)),
    )


def _read(visit: Visit) -> tuple[Asked, Filters]:
    """The filter in the URL; without days the last 30, to now. Days are of UTC, as bills are."""
    asked = listing.read_asked(
        PATH,
        visit.request.query_params,
        LABELS,
        {"provider": _read_provider, "from": read_day, "to": read_day},
    )
    listing.check_order(asked, "from", "to", "This is before “From”.")
    now: datetime = visit.now
    last = asked.found.get("to") or now.astimezone(UTC).date()
    first = asked.found.get("from") or last - timedelta(days=_DAYS - 1)
    if first > last and "to" not in asked.errors:
        asked.errors["from"] = "This is after today."
    return asked, Filters(first, last, asked.found.get("provider"))


def _read_provider(text: str) -> str:
    if text not in PROVIDERS:
        raise BadValue(f"One of: {', '.join(PROVIDERS)}.")
    return text


def _explain(error: Invalid) -> str:
    text = error.errors[0].message if error.errors else error.detail
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _describe(visit: Visit, asked: Asked, filters: Filters, found: Report) -> dict[str, Any]:
    rows = views.sort_rows(found.rows)
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    page = min(_read_page(visit), pages)
    return {
        "rows": rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        "count": len(rows),
        "page": page,
        "pages": pages,
        "newer": asked.url({**asked.values, "page": str(page - 1)}) if page > 1 else None,
        "older": asked.url({**asked.values, "page": str(page + 1)}) if page < pages else None,
        "chart": views.draw_drift(found, filters.first_day, filters.last_day),
        "has_bill": views.has_bill(found),
        "alarms": found.alarms,
        "verdicts": views.VERDICTS,
        "views": views,
        "totals_url": listing.address(f"{PATH}/totals.csv", asked.values),
    }


def _read_page(visit: Visit) -> int:
    text = visit.request.query_params.get("page", "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_PAGE_DIGITS
    return max(1, int(text)) if is_number else 1
