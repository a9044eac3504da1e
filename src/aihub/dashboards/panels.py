"""What dashboards are made of: tiles, charts and tables. Each table can be had as a file. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from aihub.charts.api import (
    Chart,
    Drawing,
    Kind,
    Number,
    Series,
    Slot,
    Tick,
    draw,
    highest_column,
    highest_value,
    plan_ticks,
    say_in_words,
)
from aihub.dashboards import charts, formats
from aihub.dashboards.rules import Change

Value = str | int | Decimal | None
ALL_WIDTH = 100
ROWS = 12  # of a table on a page; its file has all


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it was before, and the way to what is behind it. `trend`: its last days."""

    label: str
    value: str
    exact: str
    url: str | None
    change: Change | None = None
    before: str = ""
    note: str = ""
    trend: tuple[charts.Bar, ...] = ()
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """`value` goes into a file whole; people see `shown`, and `exact` on hover. `width` of 100 is a
    bar beneath it."""

    value: Value
    shown: str
    exact: str = ""
    url: str | None = None
    note: str = ""
    width: str | None = None
    change: Change | None = None
    is_bad: bool = False
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `file_name` names it in the file."""

    label: str
    file_name: str
    is_number: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title. `foot` is its last row, of sums. Its first column names the row.

    `count`: how many rows there are, where only those of the page were made.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str
    aside: str = ""
    note: str = ""
    foot: tuple[Cell, ...] = ()
    csv_url: str = ""
    is_wide: bool = False
    is_heat: bool = False
    most: int = ROWS
    count: int = 0

    @property
    def shown(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows of the page: the first `most`."""
        return self.rows[: self.most]

    @property
    def cut(self) -> str:
        """What is said where there are more."""
        count = max(self.count, len(self.rows))
        return f"The first {self.most} of {count:,}; the CSV has all." if count > self.most else ""

    def lines(self) -> Iterator[Sequence[Value]]:
        """The table as a file."""
        yield [column.file_name for column in self.columns]
        for row in self.rows:
            yield [cell.value for cell in row]


@dataclass(frozen=True, slots=True)
class ChartCard:
    """A chart, its words for those who cannot see it, and its table."""

    id: str
    title: str
    drawing: Drawing | None
    alternative: str
    keys: tuple[tuple[str, int], ...]
    links: str
    table: Table
    aside: str = ""
    total: str = ""
    note: str = ""
    is_wide: bool = False
    has_band: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """All of a dashboard, in the order of its page."""

    tiles: tuple[Tile, ...] = ()
    cards: tuple[ChartCard | Table, ...] = ()

    def table(self, name: str) -> Table | None:
        """The table of that id, be it a chart's."""
        for card in self.cards:
            if card.id == name:
                return card.table if isinstance(card, ChartCard) else card
        return None


@dataclass(frozen=True, slots=True)
class Line:
    """A series of a chart before it is drawn: its values, raw."""

    name: str
    file_name: str
    values: tuple[Number | None, ...]
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """All that a chart shows. `show` writes a value short, `tell` whole."""

    id: str
    title: str
    axis: str
    slots: tuple[Slot, ...]
    lines: tuple[Line, ...]
    show: Callable[[Decimal], str]
    tell: Callable[[Number | None], str]
    tick: Callable[[Decimal], str] | None = None
    kind: Kind = "columns"
    lows: tuple[Number | None, ...] = ()
    highs: tuple[Number | None, ...] = ()
    total: str = ""
    aside: str = ""
    note: str = ""
    empty: str = "Nothing happened in this time."
    csv_url: str = ""
    is_whole: bool = False
    is_wide: bool = False
    slot_keys: tuple[str, ...] = field(default=())
    ticks: tuple[Tick, ...] = ()


def with_files(board: Board, url: Callable[[str], str]) -> Board:
    """The same, each table with the address of its file."""
    cards = [
        replace(card, table=replace(card.table, csv_url=url(card.id)))
        if isinstance(card, ChartCard)
        else replace(card, csv_url=url(card.id))
        for card in board.cards
    ]
    return Board(board.tiles, tuple(cards))


def make_chart(plot: Plot) -> ChartCard:
    """The card of a chart. Nothing is drawn when there is no value but 0."""
    has_values = any(value for line in plot.lines for value in line.values)
    drawn = draw(_to_chart(plot)) if has_values and plot.slots else None
    words = ""
    if plot.slots:
        first, last = plot.slots[0].words, plot.slots[-1].words
        words = say_in_words([line.name for line in plot.lines], len(plot.slots), first, last)
    return ChartCard(
        id=plot.id,
        title=plot.title,
        drawing=drawn,
        alternative=words,
        keys=_keys_of(plot.lines),
        links=json.dumps([slot.url for slot in plot.slots]),
        table=_to_table(plot),
        aside=plot.aside,
        total=plot.total,
        note=plot.note,
        is_wide=plot.is_wide,
        has_band=bool(plot.lows),
    )


def _keys_of(lines: Sequence[Line]) -> tuple[tuple[str, int], ...]:
    """Names with their colours, where there is more than one."""
    named = ((line.name, line.tone or n) for n, line in enumerate(lines, 1))
    return tuple(named) if len(lines) > 1 else ()


def _to_chart(plot: Plot) -> Chart:
    series = tuple(
        Series(line.name, line.values, tuple(plot.tell(v) for v in line.values), line.tone)
        for line in plot.lines
    )
    rows = [one.values for one in series]
    most = highest_column(series) if plot.kind == "columns" else highest_value([*rows, plot.highs])
    ticks = plot.ticks or plan_ticks(most, plot.tick or plot.show, is_whole=plot.is_whole)
    return Chart(plot.kind, plot.slots, series, ticks, plot.lows, plot.highs)


def _to_table(plot: Plot) -> Table:
    keys = plot.slot_keys or tuple(slot.words for slot in plot.slots)
    bands = [("lowest", plot.lows), ("highest", plot.highs)] if plot.lows else []
    rows = [
        (
            Cell(key, slot.words, url=slot.url),
            *(_plot_cell(plot, line.values[n]) for line in plot.lines),
            *(_plot_cell(plot, values[n]) for _, values in bands),
        )
        for n, (key, slot) in enumerate(zip(keys, plot.slots, strict=True))
    ]
    return Table(
        id=plot.id,
        title=plot.title,
        columns=(
            Column(plot.axis, plot.axis.lower(), is_number=False),
            *(Column(line.name, line.file_name) for line in plot.lines),
            *(Column(name.capitalize(), name) for name, _ in bands),
        ),
        rows=tuple(reversed(rows)),
        empty=plot.empty,
        csv_url=plot.csv_url,
    )


def _plot_cell(plot: Plot, value: Number | None) -> Cell:
    if value is None:
        return Cell(None, formats.NONE)
    return Cell(value, plot.show(Decimal(value)), exact=plot.tell(value))


# ---------- cells ----------


def text_cell(text: str | None, *, nothing: str, url: str | None = None, note: str = "") -> Cell:
    """A name; `nothing` stands where there is none."""
    return Cell(text, text if text is not None else nothing, url=url, note=note)


def number_cell(number: int | None, *, url: str | None = None, note: str = "") -> Cell:
    """A count."""
    exact = formats.format_exact_number(number)
    return Cell(number, formats.format_number(number), exact=exact, url=url, note=note)


def money_cell(amount: Decimal | None, *, url: str | None = None, note: str = "") -> Cell:
    """An amount of USD."""
    exact = formats.format_exact_money(amount)
    return Cell(amount, formats.format_money(amount), exact=exact, url=url, note=note)


def duration_cell(ms: int | Decimal | None) -> Cell:
    """Milliseconds."""
    if ms is None:
        return Cell(None, formats.NONE)
    return Cell(ms, formats.format_duration(round(ms)), exact=f"{ms:,} ms")


def score_cell(score: Decimal | None, *, note: str = "") -> Cell:
    """A mean of scores from 0 to 5."""
    exact = "" if score is None else f"{score:f}"
    return Cell(score, formats.format_score(score), exact=exact, note=note)


def share_cell(part: int | Decimal, whole: int | Decimal, *, is_bad: bool = False) -> Cell:
    """A part of a whole; the file has it as a fraction of 1."""
    value = Decimal(part) / Decimal(whole) if whole else None
    exact = f"{part:,} of {whole:,}" if whole else ""
    return Cell(value, format_share(value), exact=exact, is_bad=is_bad)


def with_bar(cell: Cell, value: Decimal | int, most: Decimal | int) -> Cell:
    """The same with a bar as long as its part of the greatest."""
    width = max(Decimal(0), Decimal(value) * ALL_WIDTH / Decimal(most)) if most else Decimal(0)
    return Cell(
        cell.value, cell.shown, cell.exact, cell.url, cell.note, f"{width:.1f}", cell.change,
        cell.is_bad,
    )  # fmt: skip


def format_share(share: Decimal | None) -> str:
    """A fraction of 1 in percent, with a digit behind the point where it is small: 2.4%, 31%."""
    if share is None:
        return formats.NONE
    percent = share * ALL_WIDTH
    if 0 < percent < Decimal("0.1"):
        return "<0.1%"
    if percent and percent < 10:  # noqa: PLR2004 - one digit more for small shares
        return f"{percent:.1f}%".replace(".0%", "%")
    return f"{percent:.0f}%"


def small_trend(values: Iterable[Decimal | int]) -> tuple[charts.Bar, ...]:
    """Bars for a tile."""
    return tuple(charts.draw_bars(list(values)))
