"""What a comparison with a period before says. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

Verdict = Literal["better", "worse", "neutral"]
_TEN_TIMES, _MOST_TIMES = 900, 1_000
Liking = Literal["more", "less", "either"]


@dataclass(frozen=True, slots=True)
class Change:
    """How a number stands to its previous period. `percent` None when there is none before."""

    percent: int | None
    direction: Literal["up", "down", "same"]
    verdict: Verdict

    @property
    def amount(self) -> str:
        """How much, in short: 12%, <1%, and from ten times on 48×."""
        if self.percent is None or self.direction == "same":
            return ""
        if self.percent < _TEN_TIMES:
            return f"{self.percent or '<1'}%"
        times = self.percent // 100 + 1
        return f"{times:,}×" if times < _MOST_TIMES else f">{_MOST_TIMES:,}×"


def same_day_last_month(today: date) -> date:
    """The day of last month with today's number, or its last day: 31 March → 28 February."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(today.day, last.day))


def compare(
    present: Decimal | int | None, before: Decimal | int | None, *, likes: Liking
) -> Change | None:
    """What became of `before`; None when either is unknown. `likes`: whether more is better."""
    if present is None or before is None:
        return None
    if present == before:
        return Change(0 if before else None, "same", "neutral")
    direction: Literal["up", "down"] = "up" if present > before else "down"
    percent = None
    if before:
        percent = round(abs(Decimal(present) - Decimal(before)) * 100 / abs(Decimal(before)))
    verdict: Verdict = "neutral"
    if likes != "either":
        verdict = "better" if (direction == "up") == (likes == "more") else "worse"
    return Change(percent, direction, verdict)
