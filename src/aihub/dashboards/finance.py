"""Finance: what was spent, on what, what is earned, and what the month will come to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from aihub.analytics.api import Projection, Usage, UsageRow
from aihub.charts.api import Number
from aihub.dashboards import formats, panels
from aihub.dashboards.board_filters import Period
from aihub.dashboards.panels import Board, ChartCard, Line, Plot, Table, Tile
from aihub.dashboards.rules import compare
from aihub.dashboards.usage_views import (
    Links,
    bar_plot,
    cost_table,
    day_slots,
    iso_days,
    margin_of,
    tell_money,
    to_day,
    top_lines,
)

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Month:
    """What this month will come to, and what the last one came to."""

    projection: Projection
    last_month: Decimal


@dataclass(frozen=True, slots=True)
class Spending:
    """All that the page is made of; `days` by day and model. `month` None: the period is not this
    month."""

    period: Period
    today: date
    total: Usage
    previous: Usage
    before_words: str
    users: int | None
    days: Sequence[UsageRow]
    groups: Mapping[str, Sequence[UsageRow]]
    month: Month | None


def describe(
    spending: Spending, links: Links, csv: Mapping[str, str], *, most: int | None = None
) -> Board:
    """Tiles, the course of the month, the cost of each day, and who and what it was for.

    `most`: rows of a table (None: all).
    """
    cards: list[ChartCard | Table] = []
    if spending.month is not None:
        cards.append(_course(spending, spending.month.projection, csv["course"]))
    cards.append(_days(spending, links, csv["days"], is_wide=spending.month is None))
    titles = {
        "organization": "By organization",
        "model": "By model",
        "module": "By module",
        "user": "By user",
    }
    cards += [
        cost_table(
            spending.groups[name],
            name=name,
            title=titles[name],
            links=links,
            csv_url=csv[f"by-{name}"],
            is_wide=True,
            most=most,
            count=(spending.users or 0) if name == "user" else 0,
        )
        for name in titles
        if name in spending.groups
    ]
    return Board(tiles(spending, links), tuple(cards))


def tiles(spending: Spending, links: Links) -> tuple[Tile, ...]:
    """The sums of the period against the one before it."""
    total, before = spending.total, spending.previous
    words = spending.before_words
    margin = margin_of(total)
    share = panels.format_share(margin / total.price) if total.price else ""
    return (
        _money_tile("Cost", total.cost, before.cost,
                    words, links.calls(), likes_less=True,
                    note=spending.period.words),
        *_projected(spending),
        _money_tile("Price", total.price, before.price, words, links.calls()),
        _money_tile("Margin", margin, margin_of(before), words, links.calls(),
                    note=f"{share} of the price" if share else ""),
        _per_user(spending, links),
        _gaps(total, links),
    )  # fmt: skip


def _projected(spending: Spending) -> list[Tile]:
    if spending.month is None:
        return []
    projection, last = spending.month.projection, spending.month.last_month
    low, high = formats.format_money(projection.low), formats.format_money(projection.high)
    return [
        Tile(
            label="Projected month",
            value=formats.format_money(projection.amount),
            exact=formats.format_exact_money(projection.amount),
            url=None,
            change=compare(projection.amount, last, likes="less") if last else None,
            before=f"{formats.format_money(last)} last month" if last else "",
            note=f"likely {low} to {high}",
        )
    ]


def _money_tile(
    label: str,
    amount: Decimal,
    before: Decimal,
    words: str,
    url: str | None,
    *,
    likes_less: bool = False,
    note: str = "",
) -> Tile:
    return Tile(
        label=label,
        value=formats.format_money(amount),
        exact=formats.format_exact_money(amount),
        url=url,
        change=compare(amount, before, likes="less" if likes_less else "more"),
        before=f"{formats.format_money(before)} {words}",
        note=note,
        is_bad=amount < 0,
    )


def _per_user(spending: Spending, links: Links) -> Tile:
    users, cost = spending.users, spending.total.cost
    each = cost / users if users else None
    return Tile(
        label="Cost per user",
        value=formats.format_money(each),
        exact=formats.format_exact_money(each),
        url=links.calls(),
        note="not counted here" if users is None else formats.format_count(users, "user"),
    )


def _gaps(total: Usage, links: Links) -> Tile:
    estimated = f"{total.estimated:,} estimated" if total.estimated else "none estimated"
    return Tile(
        label="Calls without a price",
        value=formats.format_number(total.unpriced),
        exact=formats.format_exact_number(total.unpriced),
        url=links.calls(cost_status="unpriced" if total.unpriced else None),
        note=f"{estimated}, of {total.calls:,} calls",
        is_bad=bool(total.unpriced),
    )


def _days(spending: Spending, links: Links, csv_url: str, *, is_wide: bool) -> ChartCard:
    days = spending.period.each_day
    lines = top_lines(
        spending.days, days, slot_of=lambda row: to_day(row.keys["day"]),
        name="model", take=lambda usage: usage.cost,
    )  # fmt: skip
    slots = day_slots(spending.period, spending.today, lambda day: links.calls(**links.of_day(day)))
    return bar_plot(
        "days", "Cost a day, by model", slots, lines, money=True, keys=iso_days(days),
        csv_url=csv_url, total=formats.format_money(spending.total.cost),
        aside=spending.period.words, is_wide=is_wide,
    )  # fmt: skip


def _course(spending: Spending, projection: Projection, csv_url: str) -> ChartCard:
    """How the month's cost adds up, and where it is going."""
    first = spending.period.first
    month_end = (first + timedelta(days=32)).replace(day=1)
    whole = Period(first, month_end - timedelta(days=1), spending.period.zone, "this month")
    days = whole.each_day
    sums: dict[date, Decimal] = {}
    for row in spending.days:
        day = to_day(row.keys["day"])
        sums[day] = sums.get(day, ZERO) + row.usage.cost
    costs = [sums.get(day, ZERO) for day in spending.period.each_day]
    so_far: list[Number | None] = []
    reached = ZERO
    for cost in costs:
        reached += cost
        so_far.append(reached)
    left = len(days) - len(so_far)

    def to_come(end: Decimal) -> tuple[Number | None, ...]:
        if not left:
            return tuple([None] * len(days))
        rise = (end - reached) / left
        return (*([None] * (len(so_far) - 1)), *(reached + rise * n for n in range(left + 1)))

    days_known = formats.format_count(projection.based_on_days, "complete day")
    show = formats.format_money
    ends = f"{show(projection.low)} to {show(projection.high)}"
    return panels.make_chart(
        Plot(
            id="course",
            title="The month's cost",
            axis="Day",
            kind="lines",
            slots=day_slots(whole, spending.today, lambda _: None),
            lines=(
                Line("So far", "cost_usd", (*so_far, *([None] * left))),
                Line("Projected", "projected_usd", to_come(projection.amount)),
            ),
            lows=to_come(projection.low),
            highs=to_come(projection.high),
            show=show,
            tell=tell_money,
            tick=formats.format_tick_money,
            total=show(projection.amount),
            aside=f"projected, likely {ends}",
            note=f"By the weekdays of {days_known}. Four months of five end within the band.",
            csv_url=csv_url,
            slot_keys=iso_days(days),
            empty="No call this month.",
        )
    )
