"""What a chart is made of. Frozen and hashable: a drawing is kept by what it shows."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Number = Decimal | int
Kind = Literal["columns", "lines"]
MOST_SERIES = 6


@dataclass(frozen=True, slots=True)
class Slot:
    """A place on the horizontal axis. `label` is short, `words` whole; `url` leads to what is
    behind it. `is_open`: not over yet."""

    label: str
    words: str
    url: str | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each slot, None where there is none, each with its exact text. `tone`: which
    colour of the theme, if not the one of its place; 7 is that of what is bad."""

    name: str
    values: tuple[Number | None, ...]
    texts: tuple[str, ...]
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart and what stands beside it."""

    at: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over slots. `columns` are stacked on one another, `lines` are not; `lows` and `highs`
    lay a band behind the last line. Raises ValueError when lengths differ or there are too many
    series to be told apart."""

    kind: Kind
    slots: tuple[Slot, ...]
    series: tuple[Series, ...]
    ticks: tuple[Tick, ...]
    lows: tuple[Number | None, ...] = ()
    highs: tuple[Number | None, ...] = ()

    def __post_init__(self) -> None:
        if len(self.series) > MOST_SERIES:
            raise ValueError(f"at most {MOST_SERIES} series can be told apart")
        count = len(self.slots)
        rows = [row for one in self.series for row in (one.values, one.texts)]
        if any(len(row) != count for row in (*rows, self.lows or rows[0], self.highs or rows[0])):
            raise ValueError("every series has one value for each slot")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as a page shows it: `svg` for everybody, `spec` (JSON) to make it interactive."""

    svg: str
    spec: str
