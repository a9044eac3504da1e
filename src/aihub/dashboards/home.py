"""Home: what happens today, against before, each number leading to what is behind it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from aihub.analytics import api as analytics
from aihub.analytics.api import ConversationSums, ConversationTable, Usage, UsageRow, UsageSums
from aihub.dashboards import formats, panels
from aihub.dashboards.board_filters import Period
from aihub.dashboards.panels import Board, ChartCard, Table, Tile
from aihub.dashboards.rules import Liking, compare, same_day_last_month
from aihub.dashboards.usage_views import (
    NAMELESS,
    Links,
    bar_plot,
    by_day,
    day_slots,
    iso_days,
    to_day,
    top_lines,
)

DAYS = 30
TREND_DAYS = 14
_MODULES = 5
_DAY = timedelta(days=1)
_MORNING, _NOON, _EVENING = 5, 12, 18
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Numbers:
    """All that the page is made of. `period` and `thirty_days` are the last 30 days, `before` those
    before them; `usage` (by day and model) and `talks` (by day and module) go back to the first
    day of last month, too. `yesterday` is that until the same time."""

    period: Period
    today: date
    clock: str
    thirty_days: analytics.Period
    before: analytics.Period
    usage: UsageSums
    talks: ConversationTable
    modules: Sequence[UsageRow]
    yesterday: Usage
    talks_yesterday: ConversationSums

    @cached_property
    def usage_by_day(self) -> dict[date, Usage]:
        """Calls."""
        return by_day(self.usage.by("day"))

    @cached_property
    def talks_by_day(self) -> dict[date, ConversationSums]:
        """Conversations and ratings."""
        return {to_day(day): sums for day, sums in self.talks.by("day").items()}

    def talks_of(self, day: date) -> int:
        """Conversations that started on a day."""
        return self.talks_by_day[day].conversations if day in self.talks_by_day else 0

    def cost_of(self, day: date) -> Decimal:
        """What a day's calls cost."""
        return self.usage_by_day[day].cost if day in self.usage_by_day else _ZERO


def greet(hour: int) -> str:
    """What one says at that hour."""
    if _MORNING <= hour < _NOON:
        return "Good morning"
    return "Good afternoon" if _NOON <= hour < _EVENING else "Good evening"


def describe(numbers: Numbers, links: Links, csv: Mapping[str, str]) -> Board:
    """Tiles, the last 30 days, and the modules."""
    return Board(
        tiles(numbers, links),
        (
            _conversations(numbers, links, csv["conversations"]),
            _costs(numbers, links, csv["costs"]),
            top_modules(numbers, links, csv["modules"]),
        ),
    )


def tiles(numbers: Numbers, links: Links) -> tuple[Tile, ...]:
    """Today and the last 30 days, each against before."""
    today, by_now = numbers.today, f"yesterday by {numbers.clock}"
    recent = numbers.period.each_day[-TREND_DAYS:]
    only_today = links.of_day(today)
    counts = [numbers.talks_of(day) for day in recent]
    costs = [numbers.cost_of(day) for day in recent]
    each = [analytics.divide(c, n) or _ZERO for c, n in zip(costs, counts, strict=True)]
    now, before = (
        analytics.divide(
            numbers.usage.total(period).cost, numbers.talks.total(period).conversations
        )
        for period in (numbers.thirty_days, numbers.before)
    )
    return (
        _tile("Conversations today", numbers.talks_of(today),
              numbers.talks_yesterday.conversations, by_now, links.conversations(**only_today),
              likes="more", trend=counts),
        _satisfaction(numbers, links, recent),
        _money_tile("Cost per conversation", now, before, "the 30 days before",
                    links.conversations(), trend=each, note="in 30 days"),
        _money_tile("Cost today", numbers.cost_of(today), numbers.yesterday.cost, by_now,
                    links.calls(**only_today), trend=costs),
        _month(numbers, links),
    )  # fmt: skip


def _cost_of_one(numbers: Numbers, period: analytics.Period) -> Decimal | None:
    cost, talks = numbers.usage.total(period).cost, numbers.talks.total(period)
    return analytics.divide(cost, talks.conversations)


def unpriced_of(numbers: Numbers, links: Links) -> dict[str, Any]:
    """Calls of the month that have no price, by their model."""
    first, last = numbers.today.replace(day=1), numbers.today
    zone = numbers.period.zone
    rows = numbers.usage.by("model", period=analytics.of_days(first, last + _DAY, zone))
    found = sorted((r for r in rows if r.usage.unpriced), key=lambda r: -r.usage.unpriced)
    month = {
        "cost_status": "unpriced", "from_": first.isoformat(), "to": last.isoformat()
    }  # fmt: skip
    return {
        "calls": sum(row.usage.unpriced for row in found),
        "url": links.calls(**month),
        "models": [
            {
                "name": row.keys["model"],
                "calls": row.usage.unpriced,
                "url": links.calls(model=row.keys["model"], **month)
                if row.keys["model"] is not None
                else None,
            }
            for row in found
        ],
    }


def top_modules(numbers: Numbers, links: Links, csv_url: str) -> Table:
    """The modules with the most calls; `most` of them on the page."""
    talks = numbers.talks.by("module", numbers.thirty_days)
    before = numbers.talks.by("module", numbers.before)
    usages = {row.keys["module"]: row.usage for row in numbers.modules}
    ordered = sorted(
        {*talks, *usages}, key=lambda key: (-(usages[key].calls if key in usages else 0), key or "")
    )
    most = max((usage.calls for usage in usages.values()), default=0)
    shown = []
    for key in ordered:
        name = panels.text_cell(
            key, nothing=NAMELESS["module"],
            url=links.conversations(module=key) if key is not None else None,
        )  # fmt: skip
        calls = usages[key].calls if key in usages else 0
        number = panels.number_cell(talks[key].conversations if key in talks else 0)
        old = before[key].conversations if key in before else 0
        change = compare(talks[key].conversations if key in talks else 0, old, likes="either")
        shown.append(
            (
                panels.with_bar(name, calls, most),
                panels.number_cell(
                    calls, url=links.calls(module=key) if key is not None else None
                ),
                panels.money_cell(usages[key].cost if key in usages else _ZERO),
                replace(number, change=change),
            )
        )  # fmt: skip
    return Table(
        id="modules",
        title="Top modules",
        columns=(
            panels.Column("Module", "module", is_number=False),
            panels.Column("Calls", "calls"),
            panels.Column("Cost", "cost_usd"),
            panels.Column("Conversations", "conversations"),
        ),
        rows=tuple(shown),
        aside="30 days",
        empty="No conversation in the last 30 days. Give module when you create one, and its "
        "part shows here.",
        csv_url=csv_url,
        most=_MODULES,
    )


def _satisfaction(numbers: Numbers, links: Links, recent: Sequence[date]) -> Tile:
    now, before = (
        numbers.talks.total(period).satisfaction for period in (numbers.thirty_days, numbers.before)
    )
    days = numbers.talks_by_day
    means = [(days[day].satisfaction.mean if day in days else None) or _ZERO for day in recent]
    exact = formats.NONE if now.mean is None else f"{now.mean:f}"
    told = "no ratings" if before.mean is None else formats.format_score(before.mean)
    return Tile(
        label="Satisfaction",
        value=formats.format_score(now.mean),
        exact=f"Mean of {now.feedbacks:,} ratings: {exact}",
        url=links.conversations(min_satisfaction="0"),
        change=compare(_hundredths(now.mean), _hundredths(before.mean), likes="more"),
        before=f"{told} the 30 days before",
        note=f"of 5 · {formats.format_count(now.feedbacks, 'rating')} in 30 days",
        trend=panels.small_trend(means) if any(means) else (),
    )


def _month(numbers: Numbers, links: Links) -> Tile:
    today = numbers.today
    first, last = today.replace(day=1), same_day_last_month(today)

    def costs_of(begins: date, ends: date) -> list[Decimal]:
        days = Period(begins, ends, numbers.period.zone, "").each_day
        return [numbers.cost_of(day) for day in days]

    each = costs_of(first, today)
    amount, before = sum(each, _ZERO), sum(costs_of(last.replace(day=1), last), _ZERO)
    return Tile(
        label="Cost this month",
        value=formats.format_money(amount),
        exact=formats.format_exact_money(amount),
        url=links.calls(from_=first.isoformat(), to=today.isoformat()),
        change=compare(amount, before, likes="less"),
        before=f"{formats.format_money(before)} last month by the {last.day}{_ordinal(last.day)}",
        trend=panels.small_trend(each),
    )


def _tile(
    label: str, now: int, before: int, words: str, url: str | None, *, likes: Liking,
    trend: Sequence[Decimal | int],
) -> Tile:  # fmt: skip
    return Tile(
        label=label,
        value=formats.format_number(now),
        exact=formats.format_exact_number(now),
        url=url,
        change=compare(now, before, likes=likes),
        before=f"{formats.format_number(before)} {words}",
        trend=panels.small_trend(trend),
    )


def _money_tile(
    label: str, now: Decimal | None, before: Decimal | None, words: str, url: str | None, *,
    trend: Sequence[Decimal | int],
    note: str = "",
) -> Tile:  # fmt: skip
    return Tile(
        label=label,
        value=formats.format_money(now),
        exact=formats.format_exact_money(now),
        url=url,
        change=compare(now, before, likes="less"),
        before=f"{formats.format_money(before)} {words}",
        note=note,
        trend=panels.small_trend(trend),
    )


def _conversations(numbers: Numbers, links: Links, csv_url: str) -> ChartCard:
    days = numbers.period.each_day
    counts = tuple(numbers.talks_of(day) for day in days)
    slots = day_slots(
        numbers.period, numbers.today, lambda day: links.conversations(**links.of_day(day))
    )
    return bar_plot(
        "conversations", "Conversations a day", slots,
        (panels.Line("Conversations", "conversations", counts),), money=False,
        keys=iso_days(days), csv_url=csv_url, total=formats.format_number(sum(counts)),
        aside="in 30 days",
    )  # fmt: skip


def _costs(numbers: Numbers, links: Links, csv_url: str) -> ChartCard:
    days = numbers.period.each_day
    lines = top_lines(
        numbers.usage.by("day", "model", period=numbers.thirty_days), days,
        slot_of=lambda row: to_day(row.keys["day"]), name="model", take=lambda usage: usage.cost,
    )  # fmt: skip
    slots = day_slots(numbers.period, numbers.today, lambda day: links.calls(**links.of_day(day)))
    total = sum((numbers.cost_of(day) for day in days), _ZERO)
    return bar_plot(
        "costs", "Cost a day, by model", slots, lines, money=True, keys=iso_days(days),
        csv_url=csv_url, total=formats.format_money(total), aside="in 30 days",
    )  # fmt: skip


def _hundredths(score: Decimal | None) -> Decimal | None:
    return None if score is None else score.quantize(Decimal("0.01"))


def _ordinal(day: int) -> str:
    teens = range(11, 14)
    return "th" if day in teens else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
