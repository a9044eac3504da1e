"""Figures with their targets, and how they are shown."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Figure:
    """One row. `target` None: told, not judged. `samples` are the rounds behind the median."""

    name: str
    samples: list[float]
    unit: str
    target: float | None = None
    at_least: bool = False
    note: str = ""
    ways: list[str] = field(default_factory=list)  # other ways in which it passes, that it went

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.samples)

    @property
    def passes(self) -> bool | None:
        """None where nothing is demanded."""
        if self.target is None:
            return None
        meets = self.value >= self.target if self.at_least else self.value <= self.target
        return meets or bool(self.ways)

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return {**asdict(self), "value": self.value, "passes": self.passes}


def show(figures: Sequence[Figure]) -> str:
    """A table in plain text."""
    rows = [("figure", "target", "median", "range", "", "")]
    for each in figures:
        sign = ">=" if each.at_least else "<="
        rows.append(
            (
                each.name,
                f"{sign} {_number(each.target)} {each.unit}" if each.target is not None else "",
                f"{_number(each.value)} {each.unit}",
                f"{_number(min(each.samples))}-{_number(max(each.samples))}"
                if len(each.samples) > 1
                else "",
                {None: "", True: "pass", False: "FAIL"}[each.passes],
                "; ".join(filter(None, (each.note, *each.ways))),
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(5)]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)) for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
