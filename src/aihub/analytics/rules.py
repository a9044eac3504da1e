"""Percentiles, uncertainty, scores and projections: pure."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache
from itertools import accumulate

from aihub.analytics.models import Projection, Satisfaction

_GAMMA = 1.02
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_DIGITS = Decimal(1).scaleb(-18)
_THOUSANDTH, _HUNDREDTH = Decimal("0.001"), Decimal("0.01")
_Z95, _Z80 = Decimal("1.959964"), Decimal("1.281552")
ACTIVE_MINUTES = 15
LATENCY_MINUTES = 5

HALF_LIFE_DAYS = 7
FREQUENT_DAYS = 12
DEEP_MESSAGES = 10
WEIGHTS = {
    "recency": Decimal("0.35"),
    "frequency": Decimal("0.35"),
    "depth": Decimal("0.2"),
    "feedback": Decimal("0.1"),
}
NEUTRAL = Decimal("0.5")
ONE = Decimal(1)


def percentiles(counts: Mapping[int, int], wanted: Sequence[float]) -> list[Decimal | None]:
    """The values (ms) below which the shares `wanted` lie, by nearest rank, within 1 %."""
    total = sum(counts.values())
    if not total:
        return [None] * len(wanted)
    buckets = sorted(counts)
    reached = list(accumulate(counts[bucket] for bucket in buckets))
    ranks = (max(1, math.ceil(round(share * total, 6))) for share in wanted)
    return [bucket_value(buckets[bisect_left(reached, rank)]) for rank in ranks]


@lru_cache(4_096)
def bucket_value(bucket: int) -> Decimal:
    """The latency (ms) that stands for a bucket: no whole number in it is 1 % away."""
    if bucket <= 0:
        return Decimal(1)
    low = math.floor(_GAMMA ** (bucket - 1) * (1 + 1e-12)) + 1
    high = math.floor(_GAMMA**bucket * (1 + 1e-12))
    if high <= low:
        return Decimal(low)
    return (Decimal(2 * low * high) / (low + high)).quantize(_THOUSANDTH)


def divide(amount: Decimal, count: int) -> Decimal | None:
    """Exact to 18 decimals, half even; None by nothing."""
    return _WIDE.divide(amount, Decimal(count)).quantize(_DIGITS, context=_WIDE) if count else None


def growth(now: int, before: int) -> Decimal | None:
    """(now - before) / before, 4 decimals; None where there was nothing."""
    return (Decimal(now - before) / before).quantize(Decimal("0.0001")) if before else None


# ---------- satisfaction ----------


def satisfaction(
    *,
    feedbacks: int,
    total: Decimal,
    squares: Decimal,
    distribution: Sequence[int],
    conversations: int,
    rated: int,
) -> Satisfaction:
    """From sums that add up over any time."""
    mean = divide(total, feedbacks)
    deviation = None
    if feedbacks > 1:
        variance = _WIDE.divide(squares - total * total / feedbacks, Decimal(feedbacks - 1))
        deviation = max(variance, Decimal(0)).sqrt(_WIDE).quantize(_DIGITS)
    return Satisfaction(feedbacks, mean, deviation, tuple(distribution), conversations, rated)


def compare_means(
    now: Satisfaction, before: Satisfaction
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """The change of the mean, and its 95 % interval (normal, unequal variances); 6 decimals."""
    if now.mean is None or before.mean is None:
        return None, None, None
    change = now.mean - before.mean
    digits = Decimal("0.000001")
    if now.deviation is None or before.deviation is None:
        return change.quantize(digits), None, None
    with localcontext(_WIDE):
        spread = now.deviation**2 / now.feedbacks + before.deviation**2 / before.feedbacks
        margin = _Z95 * spread.sqrt()
    return (
        change.quantize(digits),
        (change - margin).quantize(digits),
        (change + margin).quantize(digits),
    )


# ---------- engagement ----------


@lru_cache(maxsize=16_384)  # few differ: an organization has thousands of people, looked at again
def engagement_parts(
    *,
    idle_days: int,
    active_days: int,
    conversations: int,
    messages: int,
    feedbacks: int,
    score_sum: Decimal,
) -> dict[str, Decimal]:
    """Four parts of 0 to 1 and `score`, 0 to 100, two decimals each (parts: four).

    recency: halves every 7 days without activity. frequency: active days of 12. depth: messages a
    conversation, of 10. feedback: mean score of 5, a half without any. Score: 35, 35, 20 and 10 %.
    """
    parts = {
        "recency": Decimal(str(0.5 ** (max(0, idle_days) / HALF_LIFE_DAYS))),
        "frequency": min(Decimal(1), Decimal(active_days) / FREQUENT_DAYS),
        "depth": min(Decimal(1), Decimal(messages) / (conversations * DEEP_MESSAGES))
        if conversations
        else Decimal(0),
        "feedback": score_sum / (feedbacks * 5) if feedbacks else NEUTRAL,
    }
    score = sum((WEIGHTS[name] * part for name, part in parts.items()), Decimal(0)) * 100
    found = {name: part.quantize(Decimal("0.0001")) for name, part in parts.items()}
    return found | {"score": score.quantize(_HUNDREDTH)}


# ---------- the month's cost ----------


def project_month(
    *,
    so_far: Decimal,
    today: date,
    today_cost: Decimal,
    daily: Mapping[date, Decimal],
    month_end: date,
) -> Projection:
    """`so_far` and what is to come until before `month_end`.

    A day to come costs what the same weekday did on average in `daily` (complete days before
    `today`, up to 28; days without calls are 0), or any day where that weekday is missing. Of today
    the rest of it. The range holds four times of five if days vary as they did: 1.28 deviations,
    growing with the root of the days to come; it is never below what is spent.
    """
    by_weekday: dict[int, list[Decimal]] = {}
    for day, cost in daily.items():
        by_weekday.setdefault(day.weekday(), []).append(cost)
    overall = _mean(list(daily.values()))
    expected = {n: _mean(by_weekday[n]) if n in by_weekday else overall for n in range(7)}
    left = [today + timedelta(days=n) for n in range((month_end - today).days)]
    to_come = sum((expected[day.weekday()] for day in left), Decimal(0))
    if left:
        to_come -= min(today_cost, expected[today.weekday()])
    residuals = [cost - expected[day.weekday()] for day, cost in daily.items()]
    freedom = len(residuals) - len(by_weekday)
    if freedom < 1:  # not one weekday twice: days vary around the mean of all
        residuals, freedom = [cost - overall for cost in daily.values()], len(daily) - 1
    variance = sum((r * r for r in residuals), Decimal(0)) / freedom if freedom > 0 else Decimal(0)
    margin = _Z80 * (variance * len(left)).sqrt(_WIDE)
    amount = so_far + to_come
    digits = Decimal("0.000000000001")
    return Projection(
        amount=amount.quantize(digits, context=_WIDE),
        low=max(so_far, amount - margin).quantize(digits, context=_WIDE),
        high=(amount + margin).quantize(digits, context=_WIDE),
        based_on_days=len(daily),
    )


def _mean(values: Sequence[Decimal]) -> Decimal:
    return _WIDE.divide(sum(values, Decimal(0)), Decimal(len(values))) if values else Decimal(0)


def fill_days(costs: Mapping[date, Decimal], today: date, most: int = 28) -> dict[date, Decimal]:
    """The days before today, from the first that has calls on, at most `most`; others are 0."""
    known = [day for day in costs if day < today]
    if not known:
        return {}
    first = max(min(known), today - timedelta(days=most))
    days = ((first + timedelta(days=n)) for n in range((today - first).days))
    return {day: costs.get(day, Decimal(0)) for day in days}


def merge_counts(rows: Iterable[tuple[Sequence[int], Sequence[int]]]) -> dict[int, int]:
    """Histograms added up."""
    merged: dict[int, int] = {}
    for buckets, counts in rows:
        for bucket, count in zip(buckets, counts, strict=True):
            merged[bucket] = merged.get(bucket, 0) + count
    return merged
