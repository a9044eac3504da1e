"""Bars and steps for a trend, as numbers that a template writes into an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

WIDTH, HEIGHT = 600, 96
_GAP = 0.28  # of a bar's place
_LEAST = 1.5  # a bar of almost nothing can still be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle within WIDTH x HEIGHT; `place_*` is the whole column, for the pointer."""

    x: str
    y: str
    width: str
    height: str
    place_x: str
    place_width: str


def draw_bars(values: Sequence[Decimal | int]) -> list[Bar]:
    """One bar for each value, the highest as high as the picture."""
    most = max(values, default=0)
    place = WIDTH / max(1, len(values))
    bars = []
    for number, value in enumerate(values):
        height = float(value / most) * HEIGHT if most else 0.0
        if value > 0:
            height = max(height, _LEAST)
        bars.append(
            Bar(
                x=f"{place * (number + _GAP / 2):.2f}",
                y=f"{HEIGHT - height:.2f}",
                width=f"{place * (1 - _GAP):.2f}",
                height=f"{height:.2f}",
                place_x=f"{place * number:.2f}",
                place_width=f"{place:.2f}",
            )
        )
    return bars


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Times from `begins` to `ends` over the WIDTH of a picture."""

    begins: datetime
    ends: datetime

    def place(self, at: datetime) -> float:
        """How far to the right."""
        return WIDTH * ((at - self.begins) / (self.ends - self.begins))

    def x(self, at: datetime) -> str:
        """The same as a number in an SVG."""
        return f"{self.place(at):.2f}"

    def width(self, begins: datetime, ends: datetime) -> str:
        """How wide a time is."""
        return f"{self.place(ends) - self.place(begins):.2f}"


def draw_steps(
    values: Sequence[tuple[datetime, Decimal | None]], scale: TimeScale, most: Decimal
) -> str:
    """A path of steps, each value from its time on; none where the value is None."""
    parts: list[str] = []
    is_drawn = False
    for number, (at, value) in enumerate(values):
        if value is None:
            is_drawn = False
            continue
        y = f"{HEIGHT - (float(value / most) * HEIGHT if most else 0.0):.2f}"
        end = values[number + 1][0] if number + 1 < len(values) else scale.ends
        parts.append(f"V{y}" if is_drawn else f"M{scale.x(at)} {y}")
        parts.append(f"H{scale.x(end)}")
        is_drawn = True
    return "".join(parts)
