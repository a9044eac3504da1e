"""What the dashboards share of usage: links to what is behind a number, tables and charts. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from aihub.analytics.api import Usage, UsageRow
from aihub.charts.api import MOST_SERIES, Number, Slot
from aihub.dashboards import formats, panels
from aihub.dashboards.board_filters import Period
from aihub.dashboards.filters import list_url
from aihub.dashboards.listing import address
from aihub.dashboards.panels import Cell, Column, Line, Plot, Table
from aihub.dashboards.rules import Liking, compare

OTHERS = "all others"
NAMELESS = {
    "module": "no module",
    "model": "no model",
    "provider": "no provider",
    "user": "unknown user",
    "organization": "unknown organization",
    "endpoint": "not named",
    "source": "not told",
}
_CALL_FILTERS = (
    "cost_status", "provider", "model", "api", "module", "user", "result", "since", "until",
    "from", "to",
)  # fmt: skip
_LIST_FILTERS = ("user", "module", "model", "from", "to", "min_satisfaction", "intent")
_GAPS = Column("No price", "unpriced_calls", hint="Calls that the sums leave out")
_LISTED = ("module", "model", "provider", "user")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Links:
    """Ways to what is behind a number, with the filter of the page. Over all organizations there
    are none: the lists show one."""

    given: Mapping[str, str | None]
    is_everywhere: bool = False

    def conversations(self, **more: str | None) -> str | None:
        """The list of conversations; `from` is `from_`."""
        values = self._with(more, _LIST_FILTERS)
        return None if self.is_everywhere else list_url(values)

    def calls(self, **more: str | None) -> str | None:
        """The list of calls; `from` is `from_`."""
        values = self._with(more, _CALL_FILTERS)
        return None if self.is_everywhere else address("/calls", values)

    def of_day(self, day: date) -> dict[str, str]:
        """That day alone."""
        return {"from_": day.isoformat(), "to": day.isoformat()}

    def _with(self, more: Mapping[str, str | None], known: Iterable[str]) -> dict[str, str | None]:
        values = {**self.given, **{name.rstrip("_"): value for name, value in more.items()}}
        return {name: values.get(name) for name in known}


def day_slots(period: Period, today: date, url: Callable[[date], str | None]) -> tuple[Slot, ...]:
    """A slot for each day."""
    return tuple(
        Slot(
            label="today" if day == today else f"{day.day} {day:%b}",
            words=f"{day:%a} {day.day} {day:%b}",
            url=url(day),
            is_open=day == today,
        )
        for day in period.each_day
    )


def by_day(rows: Iterable[UsageRow]) -> dict[date, Usage]:
    """Rows that are grouped by day alone."""
    return {to_day(row.keys["day"]): row.usage for row in rows}


def to_day(key: Any) -> date:
    """The day of a key."""
    if isinstance(key, datetime):
        return key.date()
    return key if isinstance(key, date) else date.fromisoformat(str(key)[:10])


def spread(
    days: Sequence[date], found: Mapping[date, Usage], take: Callable[[Usage], Number | None]
) -> tuple[Number, ...]:
    """A value for each day, 0 for those on which nothing happened."""
    return tuple((take(found[day]) or 0) if day in found else 0 for day in days)


def top_lines(
    rows: Sequence[UsageRow],
    slots: Sequence[Any],
    *,
    slot_of: Callable[[UsageRow], Any],
    name: str,
    take: Callable[[Usage], Number],
) -> tuple[Line, ...]:
    """The greatest groups as series of a chart, the rest as one."""
    sums: dict[str | None, Decimal] = {}
    for row in rows:
        key = row.keys[name]
        sums[key] = sums.get(key, _ZERO) + Decimal(take(row.usage))
    ordered = sorted(sums, key=lambda key: (-sums[key], str(key)))
    shown = ordered if len(ordered) <= MOST_SERIES else ordered[: MOST_SERIES - 1]
    values: dict[str | None, dict[Any, Decimal]] = {}
    for row in rows:
        key = row.keys[name]
        place = values.setdefault(key if key in shown else OTHERS, {})
        place[slot_of(row)] = place.get(slot_of(row), _ZERO) + Decimal(take(row.usage))
    names = [*shown, *([OTHERS] if OTHERS in values and OTHERS not in shown else [])]
    return tuple(
        Line(
            name=key if key is not None else NAMELESS[name],
            file_name=key if key is not None else f"no_{name}",
            values=tuple(values.get(key, {}).get(slot, _ZERO) for slot in slots),
        )
        for key in names
    )


def cost_table(
    rows: Sequence[UsageRow],
    *,
    name: str,
    title: str,
    links: Links,
    csv_url: str,
    names: Mapping[str, str] | None = None,
    is_wide: bool = False,
    most: int | None = None,
    count: int = 0,
) -> Table:
    """Cost, price and margin of each group, the dearest first; `most` of them (None: all).

    `count`: how many groups there are, where not all are given.
    """
    has_gaps = name != "user"  # days of people do not count them
    ordered = sorted(rows, key=lambda row: (-row.usage.cost, -row.usage.calls))
    top = max((row.usage.cost for row in ordered), default=_ZERO)
    shown = []
    for row in ordered[:most]:
        usage, key = row.usage, row.keys[name]
        before = row.previous.cost if row.previous else None
        told = (names or {}).get(key, key) if key is not None else NAMELESS[name]
        first = Cell(key, told, url=_url_of(links, name, key))
        shown.append(
            (
                panels.with_bar(first, usage.cost, top),
                *_money_cells(usage, before),
                panels.number_cell(usage.calls),
                panels.number_cell(usage.total_tokens),
                *([_gaps_cell(usage, links, name, key)] if has_gaps else []),
            )
        )
    return Table(
        id=f"by-{name}",
        title=title,
        columns=(
            Column(name.capitalize(), name, is_number=False),
            Column("Cost", "cost_usd"),
            Column("Price", "price_usd"),
            Column("Margin", "margin_usd"),
            Column("Calls", "calls"),
            Column("Tokens", "total_tokens"),
            *([_GAPS] if has_gaps else []),
        ),
        rows=tuple(shown),
        count=count or len(ordered),
        empty="No call in this time. Choose another period above.",
        csv_url=csv_url,
        is_wide=is_wide,
    )


def margin_of(usage: Usage) -> Decimal:
    """What is left of the price."""
    return usage.price - usage.cost


def bar_plot(
    id_: str,
    title: str,
    slots: tuple[Slot, ...],
    lines: tuple[Line, ...],
    *,
    money: bool,
    axis: str = "Day",
    keys: tuple[str, ...] = (),
    csv_url: str = "",
    total: str = "",
    aside: str = "",
    note: str = "",
    is_wide: bool = False,
) -> panels.ChartCard:
    """Columns of amounts or of counts."""
    return panels.make_chart(
        Plot(
            id=id_,
            title=title,
            axis=axis,
            slots=slots,
            lines=lines,
            show=formats.format_money if money else formats.format_number,
            tell=tell_money if money else formats.format_exact_number,
            tick=formats.format_tick_money if money else formats.format_tick,
            is_whole=not money,
            csv_url=csv_url,
            total=total,
            aside=aside,
            note=note,
            is_wide=is_wide,
            slot_keys=keys,
        )
    )


def tell_money(amount: Number | None) -> str:
    """With all digits."""
    return formats.format_exact_money(None if amount is None else Decimal(amount))


def iso_days(days: Iterable[date]) -> tuple[str, ...]:
    """As a file has them."""
    return tuple(day.isoformat() for day in days)


def _url_of(links: Links, name: str, key: str | None) -> str | None:
    if key is None:
        return None
    return links.calls(**{name: key}) if name in _LISTED else None


def _money_cells(usage: Usage, before: Decimal | None) -> tuple[Cell, Cell, Cell]:
    """Cost, price and margin; without any price they are not 0, but unknown."""
    if usage.unpriced and usage.unpriced == usage.calls:
        unknown = panels.money_cell(None)
        return unknown, unknown, unknown
    cost = _changed(panels.money_cell(usage.cost), usage.cost, before, likes="either")
    return cost, panels.money_cell(usage.price), _margin_cell(usage)


def _margin_cell(usage: Usage) -> Cell:
    margin = margin_of(usage)
    cell = panels.money_cell(margin)
    share = panels.format_share(margin / usage.price) if usage.price else ""
    return Cell(cell.value, cell.shown, cell.exact, note=share, is_bad=margin < 0)


def _gaps_cell(usage: Usage, links: Links, name: str, key: str | None) -> Cell:
    url = None
    if usage.unpriced and name in _LISTED and key is not None:
        url = links.calls(cost_status="unpriced", **{name: key})
    note = f"{usage.estimated:,} estimated" if usage.estimated else ""
    shown = formats.format_number(usage.unpriced)
    return Cell(usage.unpriced, shown, url=url, note=note, is_bad=bool(usage.unpriced))


def _changed(cell: Cell, now: Number, before: Number | None, *, likes: Liking) -> Cell:
    change = compare(now, before, likes=likes) if before is not None and (now or before) else None
    return Cell(cell.value, cell.shown, cell.exact, cell.url, cell.note, cell.width, change)
