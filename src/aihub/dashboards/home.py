"""Home: what happens today, against before, each number leading to the conversations behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from aihub.dashboards import charts, formats, rules, store
from aihub.dashboards.call_filters import calls_url
from aihub.dashboards.filters import list_url
from aihub.dashboards.models import DayNumbers, HomeNumbers, ModuleNumbers, UnpricedModel
from aihub.dashboards.price_list import ALERT_DAYS, find_unpriced
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.rules import Change, Liking, Periods, Totals
from aihub.dashboards.snippets import first_call
from aihub.dashboards.visits import Visit
from aihub.kit.db import Database

_MORNING, _NOON, _EVENING = 5, 12, 18


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it was before, and the way to what is behind it."""

    label: str
    value: str
    exact: str
    url: str
    change: Change | None
    before: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrendDay:
    """A day of a chart."""

    day: str
    value: str
    url: str
    bar: charts.Bar


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart of the last 30 days with its total and its highest day."""

    name: str
    total: str
    most: str
    days: list[TrendDay]


@dataclass(frozen=True, slots=True)
class ModuleShare:
    """A module's part of the conversations; `width` of 100."""

    name: str | None
    conversations: int
    share: str
    width: str
    url: str | None
    change: Change | None
    before: int


async def show_home(visit: Visit, db: Database, renderer: Renderer) -> Response:
    """Everything of Home from one query; operators are told of calls without a price, too."""
    now = visit.local(visit.now)
    periods = rules.plan_periods(now)
    async with db.read() as connection:
        numbers = await store.get_home(
            connection, visit.organization_id, periods, zone=visit.zone.key
        )
        alert = await find_unpriced(connection, visit) if visit.principal.is_operator else []
    context = describe_home(numbers, periods)
    greeting = {"greeting": greet(now.hour), "today": f"{now:%A}, {now.day} {now:%B %Y}"}
    return renderer.page(
        visit.request,
        "home.html",
        {
            **context,
            **greeting,
            "alert": alert,
            "alert_days": ALERT_DAYS,
            "local_time": f"{now:%H:%M}",
            "snippets": first_call(visit.base_url),
        },
        visit=visit,
    )


def greet(hour: int) -> str:
    """What one says at that hour."""
    if _MORNING <= hour < _NOON:
        return "Good morning"
    return "Good afternoon" if _NOON <= hour < _EVENING else "Good evening"


def describe_home(numbers: HomeNumbers, periods: Periods) -> dict[str, Any]:
    """What the template shows of the numbers."""
    return {
        "tiles": _describe_tiles(numbers, periods),
        "trends": _describe_trends(rules.fill_days(numbers.days, periods.today)),
        "modules": _describe_modules(numbers.modules, periods.today),
        "unpriced": _describe_unpriced(numbers.unpriced, periods),
        "latest": numbers.latest,
        "recent_url": _period_url(rules.first_recent_day(periods.today), periods.today),
    }


def _describe_tiles(numbers: HomeNumbers, periods: Periods) -> list[Tile]:
    today, days = periods.today, numbers.days
    yesterday = today - timedelta(days=1)
    month, last_month = today.replace(day=1), rules.same_day_last_month(today)
    recent = rules.first_recent_day(today)
    now_ = rules.sum_days(days, today, today)
    then = rules.sum_days(days, yesterday, yesterday, early_on=yesterday)
    this_month = rules.sum_days(days, month, today)
    month_before = rules.sum_days(days, last_month.replace(day=1), last_month, early_on=last_month)
    last_30 = rules.sum_days(days, recent, today)
    before_30 = rules.sum_days(
        days, recent - timedelta(days=rules.RECENT_DAYS), recent - timedelta(days=1)
    )
    by_now = f"yesterday by {periods.time_of_day:%H:%M}"
    by_day = f"last month by the {last_month.day}{_ordinal(last_month.day)}"
    today_url = _period_url(today, today)
    return [
        _tile("Conversations today", now_.conversations, then.conversations, by_now, today_url),
        _money_tile(
            "Cost today",
            (now_.cost, then.cost),
            by_now,
            today_url,
            note=_describe_unit_cost(now_.cost, now_.conversations),
        ),
        _money_tile(
            "Cost this month",
            (this_month.cost, month_before.cost),
            by_day,
            _period_url(month, today),
            note=_describe_unit_cost(this_month.cost, this_month.conversations),
        ),
        _tile("Tokens today", now_.tokens, then.tokens, by_now, today_url, likes="either"),
        Tile(
            label="Satisfaction, 30 days",
            value=formats.format_score(last_30.satisfaction),
            exact=f"Mean of {last_30.rated} rated conversations",
            url=list_url({**_period(recent, today), "min_satisfaction": "0"}),
            change=rules.compare(
                _hundredths(last_30.satisfaction), _hundredths(before_30.satisfaction), likes="more"
            ),
            before=_describe_before(before_30),
            note=f"of 5 · {_count(last_30.rated, 'rating')}",
        ),
    ]


def _tile(
    label: str, present: int, past: int, period: str, url: str, *, likes: Liking = "more"
) -> Tile:
    return Tile(
        label=label,
        value=formats.format_number(present),
        exact=formats.format_exact_number(present),
        url=url,
        change=rules.compare(present, past, likes=likes),
        before=f"{formats.format_number(past)} {period}",
    )


def _money_tile(
    label: str, amounts: tuple[Decimal, Decimal], period: str, url: str, *, note: str
) -> Tile:
    present, past = amounts
    return Tile(
        label=label,
        value=formats.format_money(present),
        exact=formats.format_exact_money(present),
        url=url,
        change=rules.compare(present, past, likes="less"),
        before=f"{formats.format_money(past)} {period}",
        note=note,
    )


def _describe_unit_cost(cost: Decimal, conversations: int) -> str:
    return f"{formats.format_money(cost / conversations)} a conversation" if conversations else ""


def _describe_trends(days: Sequence[DayNumbers]) -> list[Trend]:
    conversations = [d.conversations for d in days]
    costs = [d.cost for d in days]
    return [
        _trend(
            "Conversations a day",
            days,
            charts.draw_bars(conversations),
            [formats.format_exact_number(n) for n in conversations],
            total=formats.format_number(sum(conversations)),
            most=formats.format_number(max(conversations)),
        ),
        _trend(
            "Cost a day",
            days,
            charts.draw_bars(costs),
            [formats.format_money(amount) for amount in costs],
            total=formats.format_money(sum(costs, Decimal(0))),
            most=formats.format_money(max(costs)),
        ),
    ]


def _trend(
    name: str,
    days: Sequence[DayNumbers],
    bars: Sequence[charts.Bar],
    values: Sequence[str],
    *,
    total: str,
    most: str,
) -> Trend:
    return Trend(
        name,
        total,
        most,
        [
            TrendDay(f"{d.day:%a} {d.day.day} {d.day:%b}", value, _period_url(d.day, d.day), bar)
            for d, value, bar in zip(days, values, bars, strict=True)
        ],
    )


def _describe_modules(modules: Sequence[ModuleNumbers], today: date) -> list[ModuleShare]:
    most = max((m.conversations for m in modules), default=0)
    total = sum(m.conversations for m in modules)
    period = _period(rules.first_recent_day(today), today)
    return [
        ModuleShare(
            name=m.module,
            conversations=m.conversations,
            share=formats.format_percent(m.conversations, total),
            width=f"{Decimal(m.conversations) * 100 / most:.1f}",
            url=list_url({**period, "module": m.module}) if m.module else None,
            change=rules.compare(m.conversations, m.before, likes="either"),
            before=m.before,
        )
        for m in modules
    ]


def _describe_unpriced(unpriced: Sequence[UnpricedModel], periods: Periods) -> dict[str, Any]:
    period = _period(periods.month_start.date(), periods.today)
    return {
        "calls": sum(u.calls for u in unpriced),
        "url": calls_url(cost_status="unpriced", from_=period["from"], to=period["to"]),
        "models": [
            {
                "name": u.model,
                "calls": u.calls,
                "url": list_url({**period, "model": u.model}) if u.model else None,
            }
            for u in unpriced
        ],
    }


def _describe_before(totals: Totals) -> str:
    score = totals.satisfaction
    return (
        "no ratings before"
        if score is None
        else f"{formats.format_score(score)} the 30 days before"
    )


def _hundredths(score: Decimal | None) -> Decimal | None:
    return None if score is None else score.quantize(Decimal("0.01"))


def _period(first: date, last: date) -> dict[str, str | None]:
    return {"from": first.isoformat(), "to": last.isoformat()}


def _period_url(first: date, last: date) -> str:
    return list_url(_period(first, last))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _ordinal(day: int) -> str:
    teens = range(11, 14)
    return "th" if day in teens else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
