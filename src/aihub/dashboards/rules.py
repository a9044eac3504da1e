"""Which periods Home compares, and what the comparison says. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from aihub.dashboards.models import DayNumbers

RECENT_DAYS = 30
Verdict = Literal["better", "worse", "neutral"]
Liking = Literal["more", "less", "either"]


@dataclass(frozen=True, slots=True)
class Periods:
    """Bounds in time (aware) of what Home reads. `until` is the end of today."""

    today: date
    time_of_day: time
    since: datetime
    previous_since: datetime
    recent_since: datetime
    month_start: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """How a number stands to its previous period. `percent` None when there is none before."""

    percent: int | None
    direction: Literal["up", "down", "same"]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over days."""

    conversations: int
    cost: Decimal
    tokens: int
    rated: int
    score_sum: Decimal

    @property
    def satisfaction(self) -> Decimal | None:
        """The mean score, None without a score."""
        return self.score_sum / self.rated if self.rated else None


def plan_periods(now: datetime) -> Periods:
    """The periods at `now`, which is in the organization's zone."""
    today = now.date()
    month = today.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    previous = today - timedelta(days=2 * RECENT_DAYS - 1)

    def start(day: date) -> datetime:
        return datetime.combine(day, time(), now.tzinfo)

    return Periods(
        today=today,
        time_of_day=now.time().replace(tzinfo=None),
        since=start(min(last_month, previous)),
        previous_since=start(previous),
        recent_since=start(first_recent_day(today)),
        month_start=start(month),
        until=start(today + timedelta(days=1)),
    )


def first_recent_day(today: date) -> date:
    """The first of the 30 days that end with `today`."""
    return today - timedelta(days=RECENT_DAYS - 1)


def same_day_last_month(today: date) -> date:
    """The day of last month with today's number, or its last day: 31 March → 28 February."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(today.day, last.day))


def sum_days(
    days: Iterable[DayNumbers], first: date, last: date, *, early_on: date | None = None
) -> Totals:
    """Totals of `first` to `last`; of the day `early_on` only up to the present time of day."""
    found = [d for d in days if first <= d.day <= last]
    return Totals(
        conversations=sum(
            d.conversations_early if d.day == early_on else d.conversations for d in found
        ),
        cost=sum((d.cost_early if d.day == early_on else d.cost for d in found), Decimal(0)),
        tokens=sum(d.tokens_early if d.day == early_on else d.tokens for d in found),
        rated=sum(d.rated for d in found),
        score_sum=sum((d.score_sum for d in found), Decimal(0)),
    )


def fill_days(days: Iterable[DayNumbers], today: date) -> list[DayNumbers]:
    """The last 30 days, the quiet ones too."""
    known = {d.day: d for d in days}
    first = first_recent_day(today)
    every = (first + timedelta(days=n) for n in range(RECENT_DAYS))
    return [known.get(day) or DayNumbers(day) for day in every]


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
