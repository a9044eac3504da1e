"""Home, Operations, Finance and Insight: read a filter, show a page, send a table as a file."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from starlette.responses import Response

from aihub.analytics import api as analytics
from aihub.dashboards import csv_files, finance, home, insight, listing, operations, store
from aihub.dashboards.board_filters import (
    PERIODS,
    BoardFilter,
    Period,
    read_board_filter,
)
from aihub.dashboards.listing import address
from aihub.dashboards.panels import ROWS, Board
from aihub.dashboards.price_list import ALERT_DAYS, find_unpriced
from aihub.dashboards.reconciliation_views import sort_rows
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.rules import same_day_last_month
from aihub.dashboards.snippets import first_call
from aihub.dashboards.usage_views import Links
from aihub.dashboards.visits import Visit
from aihub.kit.db import Connection, Database
from aihub.kit.errors import Invalid, NotFound
from aihub.reconciliation import api as reconciliation

_SUGGESTED_DAYS = 30
_LATEST_DAYS = 60
_LATEST = 8
_WEEKS = 12
_MOST_USERS = 1_000
_UNPROCESSABLE = 422
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a dashboard is asked, and where from."""

    visit: Visit
    connection: Connection
    wanted: BoardFilter
    is_file: bool = False

    @property
    def most(self) -> int | None:
        """How many rows of a table are wanted: on a page, the first; in a file all."""
        return None if self.is_file else ROWS

    @property
    def organization_id(self) -> UUID | None:
        """None: all of them."""
        return None if self.wanted.is_everywhere else self.visit.organization_id

    @property
    def filters(self) -> analytics.Filters:
        """As analytics takes them."""
        return analytics.Filters(module=self.wanted.module, model=self.wanted.model)

    @property
    def links(self) -> Links:
        """To what is behind the numbers."""
        return Links(self.wanted.lists, self.wanted.is_everywhere)

    @property
    def today(self) -> Any:
        """The day in the organization's zone."""
        return self.visit.local(self.visit.now).date()

    def csv(self, name: str) -> str:
        """Where a table is to be had as a file."""
        path = self.wanted.asked.path.rstrip("/") or "/home"
        return address(f"{path}/{name}.csv", self.wanted.asked.values)


class _Files(dict[str, str]):
    """The address of each table's file, made when asked for."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, name: str) -> str:
        return self._ask.csv(name)


@dataclass(frozen=True, slots=True)
class Read:
    """A dashboard, and what its page shows besides."""

    board: Board
    context: dict[str, Any] = field(default_factory=dict)


Reader = Callable[[Ask], Awaitable[Read]]


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

    async def show(self, visit: Visit, page: Page) -> Response:
        """The page; a filter that cannot be read is told beside its field."""
        wanted = _read_filter(visit, page)
        read = Read(Board())
        async with self._db.read() as connection:
            known = await store.get_known_values(
                connection,
                visit.organization_id,
                since=visit.now - timedelta(days=_SUGGESTED_DAYS),
            )
            if not wanted.asked.errors:
                read = await page.read(Ask(visit, connection, wanted))
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

    async def send(self, visit: Visit, page: Page) -> Response:
        """One of its tables. Raises Invalid for a bad filter, NotFound for no such table."""
        wanted = _read_filter(visit, page)
        if wanted.asked.errors:
            raise Invalid(wanted.asked.complaint)
        async with self._db.read() as connection:
            read = await page.read(Ask(visit, connection, wanted, is_file=True))
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


def _to_period(period: Period) -> analytics.Period:
    return analytics.Period(
        from_=period.begins,
        to=period.ends,
        first=period.first,
        last=period.last + _DAY,
        timezone=period.zone.key,
        by_days=True,
    )


# ---------- home ----------


async def read_home(ask: Ask) -> Read:
    """Today and the last 30 days."""
    visit, connection, whose = ask.visit, ask.connection, ask.organization_id
    zone = visit.zone.key
    executive = await analytics.get_executive(connection, whose, zone, now=visit.now)
    first = min(same_day_last_month(ask.today).replace(day=1), executive.previous_period.first)
    far = Period(first, ask.today, visit.zone, "")
    days = await analytics.list_sums(
        connection, whose, _to_period(far), ("day",), with_conversations=True
    )
    models = await analytics.list_sums(connection, whose, executive.period, ("day", "model"))
    month = Period(ask.today.replace(day=1), ask.today, visit.zone, "")
    unpriced = await analytics.list_sums(connection, whose, _to_period(month), ("model",))
    ratings = await analytics.get_satisfaction(connection, whose, executive.period)
    numbers = home.Numbers(
        period=ask.wanted.period,
        today=ask.today,
        clock=f"{visit.local(executive.yesterday.to):%H:%M}",
        executive=executive,
        days=days,
        days_by_model=models,
        now=await analytics.get_total(connection, whose, executive.today),
        yesterday=await analytics.get_total(connection, whose, executive.yesterday),
        models=unpriced,
        ratings=dict(ratings.rows),
    )
    latest = await store.list_latest(
        connection, visit.organization_id, since=visit.now - timedelta(days=_LATEST_DAYS),
        until=visit.now + _DAY, limit=_LATEST,
    )  # fmt: skip
    local = visit.local(visit.now)
    is_operator = visit.principal.is_operator
    return Read(
        home.describe(numbers, ask.links, _Files(ask)),
        {
            "latest": latest,
            "unpriced": home.unpriced_of(unpriced, month, ask.links),
            "alert": await find_unpriced(connection, visit) if is_operator else [],
            "alert_days": ALERT_DAYS,
            "greeting": home.greet(local.hour),
            "now_words": f"{local:%A}, {local.day} {local:%B %Y}, {local:%H:%M}",
            "snippets": first_call(visit.base_url),
        },
    )


# ---------- operations ----------


async def read_operations(ask: Ask) -> Read:
    """The live tiles and the last hours."""
    visit, connection, whose = ask.visit, ask.connection, ask.organization_id
    values = ask.wanted.asked.values
    is_usual = not {"period", "from", "to"} & set(values) or values.get("period") == "24h"
    hours = operations.plan_hours(visit, None if is_usual else ask.wanted.period.begins)
    if not is_usual:
        hours = [at for at in hours if at < ask.wanted.period.ends]
    period = analytics.Period(
        from_=hours[0],
        to=hours[-1] + timedelta(hours=1),
        first=hours[0].date(),
        last=hours[-1].date() + _DAY,
        timezone=visit.zone.key,
        by_days=False,
    )
    filters = ask.filters
    live = await analytics.get_live(connection, whose, now=visit.now)
    by_hour = await analytics.list_sums(connection, whose, period, ("hour",), filters)
    by_model = await analytics.get_usage(
        connection, whose, period, ("model",), filters, compare=True
    )
    by_endpoint = await analytics.get_endpoints(connection, whose, period, filters)
    board = operations.describe(
        visit, ask.links, hours, by_hour=by_hour, by_endpoint=by_endpoint,
        by_model=by_model.rows, csv=_Files(ask),
    )  # fmt: skip
    context = {"live": operations.live_tiles(live), "has_stream": whose is not None}
    return Read(board, context)


# ---------- finance ----------


async def read_finance(ask: Ask) -> Read:
    """The month, or another period: its sums and what they are made of."""
    visit, connection, whose = ask.visit, ask.connection, ask.organization_id
    wanted, filters = ask.wanted, ask.filters
    period = _to_period(wanted.period)
    names = ["model", "module", "organization" if whose is None else "user"]
    groups = {
        name: await analytics.list_sums(connection, whose, period, (name,), filters, compare=True)
        for name in names
    }
    total = await analytics.get_total(connection, whose, period, filters)
    by_model = await analytics.list_sums(connection, whose, period, ("day", "model"), filters)
    projection = last_month = None
    is_month = wanted.period.words == "this month"
    if is_month and not (wanted.module or wanted.model):
        month = await analytics.get_financial(connection, whose, visit.zone.key, now=visit.now)
        projection, last_month = month.projection, month.previous_month_cost
        previous, users = month.previous_total, month.users
    else:
        before = analytics.previous(period)
        previous = await analytics.get_total(connection, whose, before, filters)
        users = await _count_users(ask, period)
    spending = finance.Spending(
        period=wanted.period,
        today=ask.today,
        total=total,
        previous=previous,
        before_words="last month by this day" if projection else wanted.period.before().words,
        users=users,
        days=by_model,
        groups=groups,
        projection=projection,
        last_month=last_month,
    )
    return Read(
        finance.describe(spending, ask.links, _Files(ask), most=ask.most),
        {"alarms": await _find_alarms(ask), "calls": total.calls},
    )


async def _count_users(ask: Ask, period: analytics.Period) -> int:
    rows = await analytics.list_sums(
        ask.connection, ask.organization_id, period, ("user",), ask.filters
    )
    return sum(row.keys["user"] is not None for row in rows)


async def _find_alarms(ask: Ask) -> list[reconciliation.ReportRow]:
    """For operators: where the hub and a provider's bill are apart, within the period."""
    if not ask.visit.principal.is_operator:
        return []
    period = ask.wanted.period
    found = await reconciliation.report(
        ask.connection, reconciliation.Filters(period.first, period.last, None), now=ask.visit.now
    )
    return [row for row in sort_rows(found.rows) if row.is_alarm]


# ---------- insight ----------


async def read_insight(ask: Ask) -> Read:
    """What people think and do."""
    connection, whose = ask.connection, ask.organization_id
    period = _to_period(ask.wanted.period)
    chosen = analytics.Filters(module=ask.wanted.module)
    people = insight.People(
        period=ask.wanted.period,
        today=ask.today,
        satisfaction=await analytics.get_satisfaction(connection, whose, period, filters=chosen),
        engagement=await analytics.get_engagement(
            connection, whose, period, limit=_MOST_USERS if ask.is_file else ROWS
        ),
        cohorts=await analytics.get_retention(connection, whose, today=ask.today, weeks=_WEEKS),
        adoption=await analytics.get_adoption(connection, whose, period),
    )
    return Read(insight.describe(people, ask.links, _Files(ask), most=ask.most), {})


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
