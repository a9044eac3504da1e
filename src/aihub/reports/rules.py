"""Days, percentiles and changes: pure."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from aihub.reports.models import (
    Change,
    Figures,
    Histogram,
    Span,
    Standing,
)

DUE_HOUR = 6
MAX_DAYS = 35
WEEKS = 8
ADOPTION_DAYS = 28

GAMMA = 1.02
_RATIO = Decimal("0.000001")
_THOUSANDTH = Decimal("0.001")

# ---------- days ----------


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The moment a local day begins, in UTC: also where the clocks leave midnight out or show it
    twice."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def span_of(day: date, timezone: str) -> Span:
    """A local day as it is by itself."""
    zone = ZoneInfo(timezone)
    following = day + timedelta(days=1)
    due = datetime.combine(following, time(DUE_HOUR), zone).astimezone(UTC)
    return Span(day, timezone, day_start(day, zone), day_start(following, zone), due)


def missing_spans(standing: Standing, now: datetime) -> list[Span]:
    """The finished days without a report, the oldest first, of the last 35.

    A day begins where the one before it ended: after a change of the time zone one day is longer
    or shorter, and nothing is counted twice or left out. A day that is empty by that, or that a
    time zone skipped, has no report. Days of before the organization came, which were imported,
    are due some hours after they are looked for.
    """
    zone = ZoneInfo(standing.timezone)
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    begins = min(standing.created_at, standing.first_at or standing.created_at)
    first = begins.astimezone(zone).date()
    day = max(first, yesterday - timedelta(days=MAX_DAYS - 1))
    before = standing.reported.get(day - timedelta(days=1), (None, None))[1]
    found: list[Span] = []
    while day <= yesterday:
        if day in standing.reported:
            before = standing.reported[day][1]
        else:
            span = _between(span_of(day, standing.timezone), before, standing)
            if span.ends_at <= standing.created_at:
                span = replace(span, due_at=now + timedelta(hours=DUE_HOUR))
            if max(span.starts_at, begins) < span.ends_at <= now:
                found.append(span)
                before = span.ends_at
        day += timedelta(days=1)
    return found


def _between(span: Span, before: datetime | None, standing: Standing) -> Span:
    """A day from where the one before it ended, at most to where the next reported one begins."""
    later = [begins for day, (begins, _) in standing.reported.items() if day > span.day]
    return replace(
        span,
        starts_at=span.starts_at if before is None else before,
        ends_at=min([span.ends_at, *later]),
    )


def reported_since(now: datetime) -> date:
    """The first day that `missing_spans` has to know of, in whatever time zone."""
    return now.date() - timedelta(days=MAX_DAYS + 3)


def late_seconds(created_at: datetime, due_at: datetime) -> int:
    """Whole seconds after `due_at`; 0: in time."""
    return max(0, math.floor((created_at - due_at).total_seconds()))


# ---------- figures ----------


def percentile(histogram: Histogram, percent: int) -> Decimal | None:
    """The time (ms) that `percent` of all do not exceed, within 1 %; None: there are none."""
    count = sum(histogram.values())
    rank = max(1, -(-count * percent // 100))
    for bucket in sorted(histogram):
        rank -= histogram[bucket]
        if rank <= 0:
            return _stand_in(bucket)
    return None


def _stand_in(bucket: int) -> Decimal:
    """What stands for the whole numbers above 1.02 ** (bucket - 1) and up to 1.02 ** bucket: none
    of them is 1 % away. The same as on dashboards."""
    if bucket <= 0:
        return Decimal(1)
    low = math.floor(GAMMA ** (bucket - 1) * (1 + 1e-12)) + 1
    high = math.floor(GAMMA**bucket * (1 + 1e-12))
    if high <= low:
        return Decimal(low)
    return (Decimal(2 * low * high) / (low + high)).quantize(_THOUSANDTH)


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """part / whole to six digits; None where there is nothing to divide by."""
    if not whole:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(_RATIO, ROUND_HALF_UP)


def mean(total: Decimal, count: int) -> Decimal | None:
    """The mean to six digits; None of nothing."""
    return ratio(total, count)


def compare(now: Figures, before: Figures) -> tuple[Change, ...]:
    """The main figures beside those of an earlier day."""
    names = (
        "conversations",
        "messages",
        "users",
        "calls",
        "errors",
        "total_tokens",
        "cost",
        "price",
        "margin",
        "response_time_p95",
    )
    pairs = [(name, getattr(now.totals, name), getattr(before.totals, name)) for name in names]
    pairs.append(("satisfaction", now.satisfaction.mean, before.satisfaction.mean))
    return tuple(_change(*pair) for pair in pairs)


def _change(figure: str, now: Decimal | int | None, before: Decimal | int | None) -> Change:
    now = None if now is None else Decimal(now)
    before = None if before is None else Decimal(before)
    if now is None or before is None:
        return Change(figure=figure, now=now, before=before, difference=None, ratio=None)
    difference = now - before
    return Change(
        figure=figure, now=now, before=before, difference=difference,
        ratio=ratio(difference, abs(before)),
    )  # fmt: skip


def whole_hour(at: datetime) -> datetime:
    """The hour that `at` is in, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
