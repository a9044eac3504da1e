"""Home: what happens today, against before, each number leading to what is behind it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from aihub.analytics.api import Executive, Satisfaction, Usage, UsageRow
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
    spread,
    to_day,
    top_lines,
)

DAYS = 30
TREND_DAYS = 14
_MORNING, _NOON, _EVENING = 5, 12, 18
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Numbers:
    """All that the page is made of. `period` is the last 30 days; `days` go back to the first day
    of the month before, too."""

    period: Period
    today: date
    clock: str
    executive: Executive
    days: Sequence[UsageRow]
    days_by_model: Sequence[UsageRow]
    now: Usage
    yesterday: Usage
    models: Sequence[UsageRow]
    ratings: Mapping[date, Satisfaction]


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
            top_modules(numbers.executive.top_modules_by_usage, links, csv["modules"]),
        ),
    )


def tiles(numbers: Numbers, links: Links) -> tuple[Tile, ...]:
    """Today and the last 30 days, each against before."""
    executive, today = numbers.executive, numbers.today
    recent = numbers.period.each_day[-TREND_DAYS:]
    days = by_day(numbers.days)
    by_now = f"yesterday by {numbers.clock}"
    only_today = links.of_day(today)
    counts = spread(recent, days, lambda usage: usage.conversations)
    costs = spread(recent, days, lambda usage: usage.cost)
    each = [_divide(Decimal(c), int(n)) or _ZERO for c, n in zip(costs, counts, strict=True)]
    return (
        _tile("Conversations today", executive.total_conversations_today,
              executive.previous_conversations, by_now, links.conversations(**only_today),
              likes="more", trend=counts),
        _satisfaction(numbers, links, recent),
        _money_tile("Cost per conversation", executive.cost_per_conversation,
                    executive.previous_cost_per_conversation, "the 30 days before",
                    links.conversations(), trend=each, note="in 30 days"),
        _money_tile("Cost today", numbers.now.cost, numbers.yesterday.cost, by_now,
                    links.calls(**only_today), trend=costs),
        _month(numbers, links),
    )  # fmt: skip


def unpriced_of(models: Sequence[UsageRow], period: Period, links: Links) -> dict[str, Any]:
    """Calls of the month that have no price, by their model."""
    found = sorted((r for r in models if r.usage.unpriced), key=lambda r: -r.usage.unpriced)
    month = {"from_": period.last.replace(day=1).isoformat(), "to": period.last.isoformat()}
    return {
        "calls": sum(row.usage.unpriced for row in found),
        "url": links.calls(cost_status="unpriced", **month),
        "models": [
            {
                "name": row.keys["model"],
                "calls": row.usage.unpriced,
                "url": links.conversations(model=row.keys["model"], **month)
                if row.keys["model"] is not None
                else None,
            }
            for row in found
        ],
    }


def top_modules(rows: Sequence[UsageRow], links: Links, csv_url: str) -> Table:
    """The modules with the most conversations."""
    ordered = sorted(rows, key=lambda row: -(row.usage.conversations or 0))
    most = max((row.usage.conversations or 0 for row in ordered), default=0)
    shown = []
    for row in ordered:
        key, usage = row.keys["module"], row.usage
        count, before = usage.conversations or 0, row.previous and row.previous.conversations
        name = panels.text_cell(
            key, nothing=NAMELESS["module"],
            url=links.conversations(module=key) if key is not None else None,
        )  # fmt: skip
        number = panels.number_cell(count)
        change = compare(count, before or 0, likes="either")
        shown.append(
            (
                panels.with_bar(name, count, most),
                panels.Cell(number.value, number.shown, number.exact, change=change),
                panels.money_cell(usage.cost),
            )
        )
    return Table(
        id="modules",
        title="Top modules",
        columns=(
            panels.Column("Module", "module", is_number=False),
            panels.Column("Conversations", "conversations"),
            panels.Column("Cost", "cost_usd"),
        ),
        rows=tuple(shown),
        aside="30 days",
        empty="No conversation in the last 30 days. Give module when you create one, and its "
        "part shows here.",
        csv_url=csv_url,
    )


def _satisfaction(numbers: Numbers, links: Links, recent: Sequence[date]) -> Tile:
    executive = numbers.executive
    now, before = executive.average_satisfaction_score, executive.previous_satisfaction_score
    means = [(numbers.ratings[d].mean if d in numbers.ratings else None) or _ZERO for d in recent]
    told = "no ratings" if before is None else formats.format_score(before)
    return Tile(
        label="Satisfaction",
        value=formats.format_score(now),
        exact=f"Mean of {executive.feedbacks:,} ratings: {formats.NONE if now is None else now}",
        url=links.conversations(min_satisfaction="0"),
        change=compare(_hundredths(now), _hundredths(before), likes="more"),
        before=f"{told} the 30 days before",
        note=f"of 5 · {formats.format_count(executive.feedbacks, 'rating')} in 30 days",
        trend=panels.small_trend(means) if any(means) else (),
    )


def _month(numbers: Numbers, links: Links) -> Tile:
    today = numbers.today
    first, last = today.replace(day=1), same_day_last_month(today)
    days = by_day(numbers.days)

    def cost_of(begins: date, ends: date) -> Decimal:
        return sum((u.cost for day, u in days.items() if begins <= day <= ends), _ZERO)

    amount = cost_of(first, today)
    before = cost_of(last.replace(day=1), last)
    return Tile(
        label="Cost this month",
        value=formats.format_money(amount),
        exact=formats.format_exact_money(amount),
        url=links.calls(from_=first.isoformat(), to=today.isoformat()),
        change=compare(amount, before, likes="less"),
        before=f"{formats.format_money(before)} last month by the {last.day}{_ordinal(last.day)}",
        trend=panels.small_trend(
            spread(Period(first, today, numbers.period.zone, "").each_day, days, lambda u: u.cost)
        ),
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
    counts = spread(days, by_day(numbers.days), lambda usage: usage.conversations)
    slots = day_slots(
        numbers.period, numbers.today, lambda day: links.conversations(**links.of_day(day))
    )
    return bar_plot(
        "conversations", "Conversations a day", slots,
        (panels.Line("Conversations", "conversations", counts),), money=False,
        keys=iso_days(days), csv_url=csv_url, total=formats.format_number(int(sum(counts))),
        aside="in 30 days",
    )  # fmt: skip


def _costs(numbers: Numbers, links: Links, csv_url: str) -> ChartCard:
    days = numbers.period.each_day
    lines = top_lines(
        numbers.days_by_model, days, slot_of=lambda row: to_day(row.keys["day"]), name="model",
        take=lambda usage: usage.cost,
    )  # fmt: skip
    slots = day_slots(numbers.period, numbers.today, lambda day: links.calls(**links.of_day(day)))
    total = sum((row.usage.cost for row in numbers.days_by_model), _ZERO)
    return bar_plot(
        "costs", "Cost a day, by model", slots, lines, money=True, keys=iso_days(days),
        csv_url=csv_url, total=formats.format_money(total), aside="in 30 days",
    )  # fmt: skip


def _divide(amount: Decimal, count: int) -> Decimal | None:
    return amount / count if count else None


def _hundredths(score: Decimal | None) -> Decimal | None:
    return None if score is None else score.quantize(Decimal("0.01"))


def _ordinal(day: int) -> str:
    teens = range(11, 14)
    return "th" if day in teens else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
