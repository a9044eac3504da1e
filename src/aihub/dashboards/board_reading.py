"""What each dashboard reads: few queries, each of whose rows serves several numbers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from aihub.analytics import api as analytics
from aihub.dashboards import finance, home, insight, operations, store
from aihub.dashboards.board_filters import BoardFilter, Period
from aihub.dashboards.engagement import find_engagement
from aihub.dashboards.listing import address
from aihub.dashboards.panels import ROWS, Board
from aihub.dashboards.price_list import ALERT_DAYS, find_unpriced
from aihub.dashboards.rules import same_day_last_month
from aihub.dashboards.snippets import first_call
from aihub.dashboards.usage_views import Links
from aihub.dashboards.visits import Visit
from aihub.kit.db import Connection
from aihub.kit.together import Together
from aihub.reports import api as reports

_LATEST_DAYS = 60
_LATEST = 8
_WEEKS = 12
_MOST_USERS = 10_000
_HISTORY = timedelta(days=28)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a dashboard is asked, and where from. `is_file`: one of its tables, whole."""

    visit: Visit
    together: Together
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
    def today(self) -> date:
        """The day in the organization's zone."""
        return self.visit.local(self.visit.now).date()

    @property
    def csv(self) -> "_Files":
        """Where each table is to be had as a file."""
        return _Files(self)

    def days(self, first: date, last: date) -> analytics.Period:
        """Whole days, both included."""
        return analytics.of_days(first, last + _DAY, self.visit.zone)


class _Files(dict[str, str]):
    """The address of each table's file, made when asked for."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        asked = ask.wanted.asked
        self._path, self._values = asked.path.rstrip("/") or "/home", asked.values

    def __missing__(self, name: str) -> str:
        return address(f"{self._path}/{name}.csv", self._values)


@dataclass(frozen=True, slots=True)
class Read:
    """A dashboard, and what its page shows besides."""

    board: Board
    context: dict[str, Any] = field(default_factory=dict)


Reader = Callable[[Ask], Awaitable[Read]]


# ---------- home ----------


async def read_home(ask: Ask) -> Read:
    """Today and the last 30 days."""
    visit, today = ask.visit, ask.today
    numbers, latest, alert = await _count_home(ask)
    board = home.describe(numbers, ask.links, ask.csv)
    if ask.is_file:
        return Read(board)
    local = visit.local(visit.now)
    return Read(
        board,
        {
            "latest": latest,
            "unpriced": home.unpriced_of(numbers, ask.links),
            "alert": alert,
            "alert_days": ALERT_DAYS,
            "greeting": home.greet(local.hour),
            "now_words": f"{local:%A}, {today.day} {local:%B %Y}, {local:%H:%M}",
            "snippets": first_call(visit.base_url),
        },
    )


async def _count_home(ask: Ask) -> tuple[home.Numbers, Any, Any]:
    """The numbers; the latest conversations; for operators, models without a price."""
    visit, whose = ask.visit, ask.organization_id
    wanted, today = ask.wanted.period, ask.today
    period = ask.days(wanted.first, wanted.last)
    before = analytics.previous(period)
    _, yesterday = analytics.today_and_yesterday(visit.now, today, visit.zone)
    last_month = same_day_last_month(today).replace(day=1)
    far = ask.days(min(last_month, before.first), today)
    usage, talks, modules, usage_yesterday, talks_yesterday, latest, alert = await ask.together(
        lambda c: analytics.read_usage(c, whose, far, ("day", "model")),
        lambda c: analytics.read_conversations(c, whose, far, ("day", "module")),
        lambda c: analytics.read_usage(c, whose, period, ("module",)),
        lambda c: analytics.read_usage(c, whose, yesterday, ()),
        lambda c: analytics.read_conversations(c, whose, yesterday, ()),
        lambda c: _list_latest(c, ask),
        lambda c: _find_unpriced(c, ask),
    )
    numbers = home.Numbers(
        period=wanted,
        today=today,
        clock=f"{visit.local(yesterday.to):%H:%M}",
        thirty_days=period,
        before=before,
        usage=usage,
        talks=talks,
        modules=modules.by("module"),
        yesterday=usage_yesterday.total(),
        talks_yesterday=talks_yesterday.total(),
    )
    return numbers, latest, alert


async def _list_latest(connection: Connection, ask: Ask) -> Any:
    visit = ask.visit
    if ask.is_file:
        return []
    return await store.list_latest(
        connection, visit.organization_id, since=visit.now - timedelta(days=_LATEST_DAYS),
        until=visit.now + _DAY, limit=_LATEST,
    )  # fmt: skip


async def _find_unpriced(connection: Connection, ask: Ask) -> Any:
    if ask.is_file or not ask.visit.principal.is_operator:
        return []
    return await find_unpriced(connection, ask.visit)


# ---------- operations ----------


async def read_operations(ask: Ask) -> Read:
    """The live tiles and the last hours."""
    visit, whose, filters = ask.visit, ask.organization_id, ask.filters
    hours = _find_hours(ask)
    period = analytics.of_times(hours[0], hours[-1] + _HOUR, visit.zone)
    before = analytics.previous(period)
    finest = ("provider", "model", "endpoint")
    given = {"module": ask.wanted.module, "model": ask.wanted.model}
    links = Links(
        {**given, **operations.span(hours[0], hours[-1] + _HOUR)}, ask.wanted.is_everywhere
    )
    now, old, by_hour, live = await ask.together(
        lambda c: analytics.read_usage(c, whose, period, finest, filters, with_latencies=True),
        lambda c: analytics.read_usage(c, whose, before, finest, filters, with_latencies=True),
        lambda c: analytics.read_usage(c, whose, period, ("hour",), filters),
        lambda c: analytics.get_live(c, whose, now=visit.now),
    )
    board = operations.describe(
        visit, links, hours, by_hour=by_hour.by("hour"),
        by_endpoint=analytics.beside(
            now.by("provider", "endpoint"), old.by("provider", "endpoint")
        ),
        by_model=analytics.beside(now.by("model"), old.by("model")), csv=ask.csv,
    )  # fmt: skip
    if ask.is_file:
        return Read(board)
    return Read(board, {"live": operations.live_tiles(live)})


def _find_hours(ask: Ask) -> list[datetime]:
    """The full hours that are asked for."""
    period, is_usual = ask.wanted.period, ask.wanted.asked.values.get("period", "24h") == "24h"
    return operations.plan_hours(ask.visit, None if is_usual else period.begins)


# ---------- finance ----------


async def read_finance(ask: Ask) -> Read:
    """The month, or another period: its sums and what they are made of."""
    whose, filters = ask.organization_id, ask.filters
    wanted, today = ask.wanted.period, ask.today
    is_month = wanted.words == "this month"
    period = ask.days(wanted.first, wanted.last)
    before = analytics.previous(period)
    far = before
    if is_month:
        _, before, _ = analytics.month_to_date(today, ask.visit.zone)
        far = ask.days(min(before.first, today - _HISTORY), wanted.first - _DAY)
    (people, users), usage, modules, has_bills = await ask.together(
        lambda c: _find_people(c, ask, period, before),
        lambda c: analytics.read_usage(
            c, whose, ask.days(far.first, wanted.last), ("day", "model"), filters
        ),
        lambda c: analytics.read_usage(
            c, whose, ask.days(before.first, wanted.last), ("day", "module"), filters
        ),
        lambda c: _has_bills(c, ask, wanted),
    )
    groups = {
        "model": usage.by("model", period=period, before=before),
        "module": modules.by("module", period=period, before=before),
        **people,
    }
    spending = finance.Spending(
        period=wanted,
        today=today,
        total=usage.total(period),
        previous=usage.total(before),
        before_words="last month by this day" if is_month else wanted.before().words,
        users=users,
        days=usage.by("day", "model", period=period),
        groups=groups,
        month=_find_month(ask, usage, far) if is_month else None,
    )
    board = finance.describe(spending, ask.links, ask.csv, most=ask.most)
    if ask.is_file:
        return Read(board)
    return Read(board, {"has_bills": has_bills})


async def _find_people(
    connection: Connection, ask: Ask, period: analytics.Period, before: analytics.Period
) -> tuple[dict[str, Any], int | None]:
    """By user, or by organization where all are wanted; how many users there are, where that is
    known: by model of all organizations it would be told by other days than the cost is."""
    whose, filters = ask.organization_id, ask.filters
    if whose is not None and filters.model is None:
        # as many days before as there are: what began earlier is another month's
        found = await analytics.list_spenders(
            connection, whose, period, before, module=filters.module, limit=ask.most or _MOST_USERS
        )
        return {"user": found.rows}, found.people
    if whose is not None:
        rows = await analytics.list_sums(connection, whose, period, ("user",), filters)
        return {"user": rows}, _count_users(rows)
    now, old = [
        (await analytics.read_usage(connection, None, one, ("organization",), filters)).by(
            "organization"
        )
        for one in (period, before)
    ]
    groups = {"organization": analytics.beside(now, old)}
    if filters.model is not None:
        return groups, None
    if filters.module is None:
        return groups, await analytics.count_people(connection, None, period)
    # by module, from the calls themselves
    rows = await analytics.list_sums(connection, None, period, ("user",), filters)
    return groups, _count_users(rows)


def _count_users(rows: Sequence[Any]) -> int:
    return sum(row.keys["user"] is not None for row in rows)


def _find_month(ask: Ask, usage: analytics.UsageSums, far: analytics.Period) -> finance.Month:
    """The rest of the month, from the days of this one and of the last."""
    today = ask.today
    until_now = ask.days(far.first, today)
    costs = {
        date.fromisoformat(row.keys["day"]): row.usage.cost
        for row in usage.by("day", period=until_now)
    }
    this_month = ask.days(today.replace(day=1), today)
    _, _, month_end = analytics.month_to_date(today, ask.visit.zone)
    last = same_day_last_month(today).replace(day=1)
    recent = {day: cost for day, cost in costs.items() if day >= today - _HISTORY}
    return finance.Month(
        projection=analytics.project_month(
            so_far=usage.total(this_month).cost,
            today=today,
            today_cost=costs.get(today, finance.ZERO),
            daily=analytics.fill_days(recent, today),
            month_end=month_end,
        ),
        last_month=usage.total(ask.days(last, this_month.first - _DAY)).cost,
    )


async def _has_bills(connection: Connection, ask: Ask, period: Period) -> bool:
    """Whether operators have bills of these days to compare with."""
    if not ask.visit.principal.is_operator:
        return False
    return await store.has_bills(connection, period.first, period.last)


# ---------- insight ----------


async def read_insight(ask: Ask) -> Read:
    """What people think and do."""
    whose, wanted = ask.organization_id, ask.wanted.period
    period = ask.days(wanted.first, wanted.last)
    weeks = analytics.Weeks.until(ask.today, _WEEKS)
    scored = min(wanted.last, ask.today)
    days = ask.days(scored - timedelta(days=reports.ENGAGEMENT_DAYS - 1), scored)
    use, intents, (engagement, hour), satisfaction = await ask.together(
        lambda c: analytics.list_use(c, whose, period, weeks),
        lambda c: analytics.list_intents(c, whose, period),
        lambda c: find_engagement(c, whose, days, limit=ask.most or _MOST_USERS),
        lambda c: _find_satisfaction(c, ask, period),
    )
    people = insight.People(
        period=wanted,
        today=ask.today,
        satisfaction=satisfaction,
        engagement=engagement,
        scored_at=None if hour is None else ask.visit.local(hour),
        cohorts=analytics.to_cohorts(use, weeks),
        adoption=analytics.to_adoption(period, use, intents),
        module=ask.wanted.module,
    )
    return Read(insight.describe(people, ask.links, ask.csv, most=ask.most))


async def _find_satisfaction(
    connection: Connection, ask: Ask, period: analytics.Period
) -> analytics.SatisfactionTrend:
    """The ratings of each day, and of all against those before."""
    before = analytics.previous(period)
    table = await analytics.read_conversations(
        connection, ask.organization_id, ask.days(before.first, ask.wanted.period.last),
        ("day",), analytics.Filters(module=ask.wanted.module),
    )  # fmt: skip
    now, old = table.total(period).satisfaction, table.total(before).satisfaction
    days = table.by("day", period)
    return analytics.SatisfactionTrend(
        period,
        tuple((date.fromisoformat(day), sums.satisfaction) for day, sums in sorted(days.items())),
        now,
        old,
        *analytics.compare_means(now, old),
    )
