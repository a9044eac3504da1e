"""Percentiles, projections and periods, by cases and properties."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.analytics import periods, rules
from aihub.kit.errors import Invalid

from .recomputing import is_near, nearest_rank


def bucket_of(ms: int) -> int:
    """As hub.latency_bucket counts it, found without a logarithm."""
    bucket = 0
    while Decimal("1.02") ** bucket < max(ms, 1):
        bucket += 1
    return bucket


def counts_of(latencies: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for ms in latencies:
        counts[bucket_of(ms)] = counts.get(bucket_of(ms), 0) + 1
    return counts


@given(
    st.lists(st.integers(0, 3_600_000), min_size=1, max_size=80), st.sampled_from([0.5, 0.95, 0.99])
)
def test_percentiles_are_within_a_hundredth(latencies, share) -> None:
    (found,) = rules.percentiles(counts_of(latencies), [share])
    assert is_near(found, nearest_rank(sorted(latencies), share))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**6), max_size=20), max_size=5))
def test_histograms_add_up(parts) -> None:
    pairs = [(list(counts_of(p).keys()), list(counts_of(p).values())) for p in parts]
    assert rules.merge_counts(pairs) == counts_of([ms for part in parts for ms in part])


def test_of_nothing_there_is_no_percentile() -> None:
    assert rules.percentiles({}, [0.5, 0.95]) == [None, None]


async def test_the_database_counts_the_same_buckets(connection) -> None:
    values = [*range(3_000), *range(3_000, 3_600_000, 7_919), 2_147_483_647]
    rows = await connection.fetch(
        "select ms, hub.latency_bucket(ms) as bucket from unnest($1::integer[]) ms", values
    )
    wrong = [row["ms"] for row in rows if not is_near(rules.bucket_value(row["bucket"]), row["ms"])]
    assert wrong == []


# ---------- the month ----------


def project(daily: dict[date, Decimal], *, today: date, today_cost: str = "0", so_far: str = "0"):
    return rules.project_month(
        so_far=Decimal(so_far),
        today=today,
        today_cost=Decimal(today_cost),
        daily=daily,
        month_end=(today.replace(day=1) + timedelta(days=32)).replace(day=1),
    )


MONDAY = date(2026, 11, 23)


def test_a_steady_month_goes_on() -> None:
    daily = {MONDAY - timedelta(days=n): Decimal("1.5") for n in range(1, 29)}
    found = project(daily, today=MONDAY, so_far="33", today_cost="0")
    # 23 to 30 November are eight days
    assert found.amount == found.low == found.high == Decimal(33) + 8 * Decimal("1.5")
    assert found.based_on_days == 28


def test_weekdays_are_told_apart() -> None:
    daily = {
        MONDAY - timedelta(days=n): Decimal(10 if (MONDAY - timedelta(days=n)).weekday() < 5 else 0)
        for n in range(1, 29)
    }
    found = project(daily, today=MONDAY, so_far="100")
    assert found.amount == Decimal(100) + 6 * 10  # 23 to 27 and 30 November
    assert found.low == found.high == found.amount


@given(
    st.dictionaries(st.integers(1, 28), st.decimals(0, 1000, places=6), max_size=28),
    st.decimals(0, 1000, places=6),
    st.decimals(0, 1000, places=6),
)
def test_a_projection_is_never_below_what_is_spent(costs, before, today_cost) -> None:
    daily = {MONDAY - timedelta(days=n): cost for n, cost in costs.items()}
    found = project(
        daily, today=MONDAY, so_far=str(before + today_cost), today_cost=str(today_cost)
    )
    assert before + today_cost <= found.low <= found.amount <= found.high


def test_days_without_calls_cost_nothing() -> None:
    costs = {date(2026, 11, 20): Decimal(2), date(2026, 11, 23): Decimal(9)}
    assert rules.fill_days(costs, MONDAY) == {
        date(2026, 11, 20): Decimal(2),
        date(2026, 11, 21): Decimal(0),
        date(2026, 11, 22): Decimal(0),
    }
    assert rules.fill_days({}, MONDAY) == {}


# ---------- engagement ----------


@pytest.mark.parametrize(
    ("parts", "score"),
    [
        ((0, 30, 5, 500, 1, 5), 100),
        ((0, 30, 5, 500, 0, 0), 95),
        ((7, 6, 2, 10, 2, 5), 50),
        ((700, 0, 0, 0, 1, 0), 0),
    ],
)  # fmt: skip
def test_engagement(parts, score) -> None:
    idle, active, conversations, messages, feedbacks, total = parts
    found = rules.engagement_parts(
        idle_days=idle, active_days=active, conversations=conversations, messages=messages,
        feedbacks=feedbacks, score_sum=Decimal(total),
    )  # fmt: skip
    assert found["score"] == score


# ---------- periods ----------

NOW = datetime(
    2026, 3, 29, 22, 30, tzinfo=UTC
)  # in Berlin the 30th: the night after the clock went on


@pytest.mark.parametrize(
    ("given_", "from_", "to"),
    [
        ({}, "2026-02-28T23:00Z", "2026-03-30T22:00Z"),
        ({"from_": "2026-03-29", "to": "2026-03-29"}, "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ({"from_": "2026-03-29T10:15:00Z"}, "2026-03-29T10:15Z", "2026-03-30T22:00Z"),
        ({"from_": "2026-03-29T10:15"}, "2026-03-29T08:15Z", "2026-03-30T22:00Z"),
        ({"named": "UTC", "to": "2026-03-29"}, "2026-02-28T00:00Z", "2026-03-30T00:00Z"),
    ],
)
def test_periods(given_, from_, to) -> None:
    asked = {"from_": None, "to": None, "named": "Europe/Berlin"} | given_
    named = asked.pop("named")
    found = periods.resolve(
        **asked, zone=ZoneInfo(named), own_days=named == "Europe/Berlin", now=NOW
    )
    assert [found.from_, found.to] == [datetime.fromisoformat(at) for at in (from_, to)]
    before = periods.previous(found)
    assert before.to == found.from_
    if found.by_days or found.from_.hour in (22, 23):
        assert before.days == found.days
    else:
        assert before.to - before.from_ == found.to - found.from_


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1970 < at.year < 2200))
def test_quarters(at) -> None:
    low, high = periods.floor_quarter(at), periods.ceil_quarter(at)
    assert low <= at <= high
    assert high - low in (timedelta(0), timedelta(minutes=15))
    assert low.minute % 15 == low.second == low.microsecond == 0


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 3, 31), date(2026, 2, 1), date(2026, 3, 1)),
        (date(2026, 3, 5), date(2026, 2, 1), date(2026, 2, 6)),
        (date(2026, 1, 1), date(2025, 12, 1), date(2025, 12, 2)),
    ],
)
def test_the_month_before_has_as_many_days_or_ends(today, first, last) -> None:
    current, before, month_end = periods.month_to_date(today, ZoneInfo("Asia/Kolkata"))
    assert (current.first, current.last) == (today.replace(day=1), today + timedelta(days=1))
    assert (before.first, before.last) == (first, last)
    assert month_end.day == 1
    assert month_end > today


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "/etc/passwd", "../UTC", "\x00", "a" * 300])
def test_a_zone_that_is_none(name) -> None:
    with pytest.raises(Invalid):
        periods.read_zone(name)
