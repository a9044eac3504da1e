"""Bars for a trend, as numbers that a template writes into an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
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
