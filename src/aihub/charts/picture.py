"""A chart as an SVG that a page with a strict policy may hold within itself. Pure.

The still picture of a page: before the script has made the chart interactive, without script, and
on paper. It has the places, colours and sizes of the specification (specs.py); lets-plot itself
takes ten times as long and holds up everything else meanwhile. Colours are classes, which the
page's style sheet fills in, so that one picture serves light, dark and paper.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from aihub.charts.models import Chart, Number
from aihub.charts.rules import choose_labels
from aihub.charts.specs import (
    COLUMN_WIDTH,
    DASHES,
    HEADROOM,
    HEIGHT,
    TEXT_SIZE,
    WIDTH,
    clean,
)

_TOP, _RIGHT, _BOTTOM = 6, 14, 22
_DIGIT_WIDTH = 8.0  # of a sign beside a line across, in the larger type of narrow screens
_GAP = 6
_DASH_LENGTHS = {
    "solid": "", "dashed": "8 5", "dotted": "2 4", "longdash": "12 5", "dotdash": "2 4 8 4",
    "twodash": "6 3 2 3",
}  # fmt: skip
_BASELINE = 3.8  # from the middle of a text to where it stands


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where values are drawn, and where they go to."""

    left: float
    width: float
    top: float
    height: float
    slots: int
    most: float

    @property
    def bottom(self) -> float:
        """The line of 0."""
        return self.top + self.height

    @property
    def step(self) -> float:
        """The width of a slot."""
        return self.width / self.slots

    def x(self, slot: int) -> float:
        """The middle of a slot."""
        return self.left + self.step * (slot + 0.5)

    def y(self, value: Number) -> float:
        """How far down a value stands."""
        return self.bottom - self.height * float(value) / self.most


def draw_picture(chart: Chart) -> str:
    """The SVG. A chart without slots is an empty frame."""
    panel = _plan(chart)
    drawn = _draw_columns if chart.kind == "columns" else _draw_lines
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" class="plot-svg"'
        ' aria-hidden="true" focusable="false">',
        *_draw_frame(chart, panel),
        *(drawn(chart, panel) if chart.slots else ()),
        *_draw_places(chart, panel),
        "</svg>",
    ]
    return "".join(parts)


def _plan(chart: Chart) -> _Panel:
    longest = max(len(tick.label) for tick in chart.ticks)
    left = _GAP + _DIGIT_WIDTH * longest
    return _Panel(
        left=left,
        width=WIDTH - _RIGHT - left,
        top=_TOP,
        height=HEIGHT - _TOP - _BOTTOM,
        slots=max(1, len(chart.slots)),
        most=float(max(tick.at for tick in chart.ticks)) * HEADROOM or 1.0,
    )


def _draw_frame(chart: Chart, panel: _Panel) -> Iterator[str]:
    """Lines across with what they stand for, and the names of some slots."""
    ends = f"H{panel.left + panel.width:.2f}"
    lines = "".join(f"M{panel.left:.2f} {panel.y(tick.at):.2f}{ends}" for tick in chart.ticks)
    yield f'<path class="k-grid" d="{lines}"/>'
    text = f'class="f-text" font-size="{TEXT_SIZE}"'
    for tick in chart.ticks:
        at = f'x="{panel.left - _GAP:.2f}" y="{panel.y(tick.at) + _BASELINE:.2f}"'
        yield f'<text {text} {at} text-anchor="end">{_write(tick.label)}</text>'
    for slot in choose_labels(len(chart.slots)):
        at = f'x="{panel.x(slot):.2f}" y="{HEIGHT - 7}"'
        yield f'<text {text} {at} text-anchor="middle">{_write(chart.slots[slot].label)}</text>'


def _draw_columns(chart: Chart, panel: _Panel) -> Iterator[str]:
    width = panel.step * COLUMN_WIDTH
    heights = [0.0] * len(chart.slots)
    for number, series in enumerate(chart.series, 1):
        for n, value in enumerate(series.values):
            if not value:
                continue
            height = panel.height * float(value) / panel.most
            place = f'x="{panel.x(n) - width / 2:.2f}" y="{panel.bottom - heights[n] - height:.2f}"'
            tone = f"f-s{series.tone or number}{'o' if chart.slots[n].is_open else ''}"
            yield f'<rect class="{tone}" {place} width="{width:.2f}" height="{height:.3f}"/>'
            heights[n] += height


def _draw_lines(chart: Chart, panel: _Panel) -> Iterator[str]:
    if chart.lows:
        last = chart.series[-1].tone or len(chart.series)
        yield f'<path class="f-s{last}" fill-opacity="0.16" d="{_draw_band(chart, panel)}"/>'
    for number, series in enumerate(chart.series, 1):
        lines, points = _trace(series.values, panel)
        tone, dash = f"k-s{series.tone or number}", _DASH_LENGTHS[DASHES[number - 1]]
        shape = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<path class="{tone}" fill="none" stroke-width="2"{shape} d="{lines}"/>'
        yield f'<path class="{tone}" stroke-width="4" stroke-linecap="round" d="{points}"/>'


def _trace(values: Sequence[Number | None], panel: _Panel) -> tuple[str, str]:
    """A line through the values, broken where there is none; and a point at each."""
    lines, points, is_drawn = [], [], False
    for n, value in enumerate(values):
        if value is None:
            is_drawn = False
            continue
        place = f"{panel.x(n):.2f} {panel.y(value):.2f}"
        lines.append(f"{'L' if is_drawn else 'M'}{place}")
        points.append(f"M{place}h0")
        is_drawn = True
    return "".join(lines), "".join(points)


def _draw_band(chart: Chart, panel: _Panel) -> str:
    """A shape for each run of slots that have both ends."""
    shapes = []
    pairs = enumerate(zip(chart.lows, chart.highs, strict=True))
    for is_known, run in groupby(pairs, key=lambda pair: None not in pair[1]):
        if is_known:
            found = [
                (n, low, high) for n, (low, high) in run if low is not None if high is not None
            ]
            up = [f"{panel.x(n):.2f} {panel.y(high):.2f}" for n, _, high in found]
            down = [f"{panel.x(n):.2f} {panel.y(low):.2f}" for n, low, _ in reversed(found)]
            shapes.append(f"M{'L'.join([*up, *down])}Z")
    return "".join(shapes)


def _draw_places(chart: Chart, panel: _Panel) -> Iterable[str]:
    """Over each slot an invisible column that tells its values, and leads to what is behind it."""
    size = f'width="{panel.step:.2f}" height="{panel.height:.2f}"'
    for n, slot in enumerate(chart.slots):
        place = f'x="{panel.left + panel.step * n:.2f}" y="{panel.top:.2f}" {size}'
        inside = f'<title>{_tell(chart, n)}</title><rect class="place" {place}/>'
        if slot.url:
            yield f'<a href="{escape(slot.url)}" tabindex="-1">{inside}</a>'
        else:
            yield f"<g>{inside}</g>"


def _tell(chart: Chart, n: int) -> str:
    words = chart.slots[n].words
    if len(chart.series) == 1:
        return _write(f"{words}: {chart.series[0].texts[n]}")
    lines = [words, *(f"{one.name}: {one.texts[n]}" for one in chart.series)]
    return "\n".join(map(_write, lines))


def _write(text: str) -> str:
    return escape(clean(text), quote=False)
