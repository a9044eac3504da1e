"""Home, Operations, Finance and Insight: read a filter, show a page, send a table as a file."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from starlette.responses import Response

from aihub.dashboards import csv_files, listing, operations, store
from aihub.dashboards.board_filters import PERIODS, BoardFilter, read_board_filter
from aihub.dashboards.board_reading import (
    Ask,
    Read,
    Reader,
    read_finance,
    read_home,
    read_insight,
    read_operations,
)
from aihub.dashboards.models import KnownValues
from aihub.dashboards.operators import require_operator
from aihub.dashboards.panels import Board
from aihub.dashboards.reconciliation_views import sort_rows
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import Visit
from aihub.kit.db import Connection, Database
from aihub.kit.errors import Invalid, NotFound
from aihub.kit.together import together
from aihub.reconciliation import api as reconciliation

_SUGGESTED_DAYS = 30
_SUGGESTED_SECONDS = 60.0
_MOST_SUGGESTED = 1_000
_UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard's address, its template, how it is read, and its filter."""

    path: str
    template: str
    read: Reader
    default: str
    fields: tuple[str, ...]
    has_scope: bool = True


class BoardPages:
    """The four dashboards: a page each, and a file of each table."""

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer
        self._suggested: OrderedDict[UUID, tuple[float, KnownValues]] = OrderedDict()

    async def show(self, visit: Visit, page: Page) -> Response:
        """The page; a filter that cannot be read is told beside its field."""
        wanted = _read_filter(visit, page)
        read = Read(Board())
        async with self._db.read() as connection:
            known = await self._suggest(connection, visit, page)
            if not wanted.asked.errors:
                read = await page.read(Ask(visit, together(self._db, connection), wanted))
        choices = operations.PERIODS if page is OPERATIONS else PERIODS
        default = choices[page.default]
        return self._renderer.page(
            visit.request,
            page.template,
            {
                "wanted": wanted,
                "known": known,
                "periods": [("", f"{default} (usual)"), *choices.items()],
                "board": read.board,
                **read.context,
            },
            visit=visit,
            status=_UNPROCESSABLE if wanted.asked.errors else 200,
        )

    async def _suggest(self, connection: Connection, visit: Visit, page: Page) -> KnownValues:
        """Modules and models to choose from: words beside a field, so that those of a minute ago
        are good enough."""
        if not {"module", "model"} & set(page.fields):
            return KnownValues(modules=[], models=[])
        key, now = visit.organization_id, time.monotonic()
        kept = self._suggested.get(key)
        if kept is not None and now - kept[0] < _SUGGESTED_SECONDS:
            return kept[1]
        since = visit.now - timedelta(days=_SUGGESTED_DAYS)
        found = await store.get_known_values(connection, key, since=since)
        if found.modules or found.models:  # until there are any, each look may find the first
            self._suggested[key] = (now, found)
            self._suggested.move_to_end(key)
        while len(self._suggested) > _MOST_SUGGESTED:
            self._suggested.popitem(last=False)
        return found

    async def show_alarms(self, visit: Visit) -> Response:
        """Where the hub and a provider's bill are apart, as a part of Finance, for operators.

        Apart from the page, because it takes as long as there are calls. Raises Forbidden, Invalid.
        """
        require_operator(visit)
        wanted = _read_filter(visit, FINANCE)
        if wanted.asked.errors:
            raise Invalid(wanted.asked.complaint)
        period = wanted.period
        async with self._db.read() as connection:
            found = await reconciliation.report(
                connection, reconciliation.Filters(period.first, period.last, None), now=visit.now
            )
        alarms = [row for row in sort_rows(found.rows) if row.is_alarm]
        context = {"alarms": alarms, "wanted": wanted}
        return self._renderer.page(visit.request, "alarms.html", context, visit=visit)

    async def send(self, visit: Visit, page: Page) -> Response:
        """One of its tables. Raises Invalid for a bad filter, NotFound for no such table."""
        wanted = _read_filter(visit, page)
        if wanted.asked.errors:
            raise Invalid(wanted.asked.complaint)
        async with self._db.read() as connection:
            read = await page.read(Ask(visit, together(self._db, connection), wanted, is_file=True))
        name = visit.request.path_params["table"]
        table = read.board.table(name)
        if table is None:
            raise NotFound("There is no such table.")
        return Response(
            csv_files.write_table(table.lines()),
            media_type="text/csv; charset=utf-8",
            headers=listing.csv_headers(
                f"{page.template.removesuffix('.html')}-{name}", visit.local(visit.now)
            ),
        )


def _read_filter(visit: Visit, page: Page) -> BoardFilter:
    given = dict(visit.request.query_params)
    return read_board_filter(
        page.path,
        given,
        now=visit.local(visit.now),
        default=page.default,
        may_see_all=page.has_scope and visit.principal.is_operator,
        fields=page.fields,
        periods=operations.PERIODS if page is OPERATIONS else PERIODS,
    )


HOME = Page("/", "home.html", read_home, "30d", (), has_scope=False)
OPERATIONS = Page(
    "/operations", "operations.html", read_operations, "24h", ("period", "module", "model")
)
FINANCE = Page(
    "/finance", "finance.html", read_finance, "month",
    ("period", "from", "to", "module", "model"),
)  # fmt: skip
INSIGHT = Page("/insight", "insight.html", read_insight, "30d", ("period", "from", "to", "module"))
PAGES = (HOME, OPERATIONS, FINANCE, INSIGHT)
