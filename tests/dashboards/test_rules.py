from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from aihub.dashboards import charts, rules
from aihub.dashboards.home import greet
from aihub.dashboards.models import DayNumbers
from aihub.dashboards.rules import Change


def test_the_day_begins_in_the_organizations_zone():
    tokyo = ZoneInfo("Asia/Tokyo")
    periods = rules.plan_periods(datetime(2026, 11, 25, 1, 30, tzinfo=tokyo))
    assert periods.today == date(2026, 11, 25)
    assert periods.until == datetime(2026, 11, 25, 15, tzinfo=UTC)
    assert periods.month_start == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert periods.recent_since == datetime(2026, 10, 26, 15, tzinfo=UTC)
    assert periods.previous_since - periods.recent_since == timedelta(days=-30)
    assert periods.since == periods.previous_since


def test_a_day_with_a_change_of_clock_is_a_whole_day():
    berlin = ZoneInfo("Europe/Berlin")
    periods = rules.plan_periods(datetime(2026, 10, 25, 12, tzinfo=berlin))
    assert periods.until == datetime(2026, 10, 25, 23, tzinfo=UTC)
    start = rules.plan_periods(datetime(2026, 10, 24, 12, tzinfo=berlin)).until
    assert start == datetime(2026, 10, 24, 22, tzinfo=UTC)


def test_enough_is_read_for_all_of_last_month():
    for day in (date(2026, 3, 31), date(2026, 3, 1), date(2026, 8, 31), date(2027, 1, 1)):
        now = datetime.combine(day, datetime.min.time(), UTC)
        periods = rules.plan_periods(now)
        last_month = rules.same_day_last_month(day).replace(day=1)
        assert periods.since.date() <= min(last_month, day - timedelta(days=59))


@pytest.mark.parametrize(
    ("today", "then"),
    [
        (date(2026, 11, 25), date(2026, 10, 25)),
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2028, 3, 30), date(2028, 2, 29)),
        (date(2026, 1, 5), date(2025, 12, 5)),
    ],
)
def test_the_same_day_last_month(today, then):
    assert rules.same_day_last_month(today) == then


@pytest.mark.parametrize(
    ("present", "before", "likes", "change"),
    [
        (12, 10, "more", Change(20, "up", "better")),
        (12, 10, "less", Change(20, "up", "worse")),
        (8, 10, "more", Change(20, "down", "worse")),
        (8, 10, "less", Change(20, "down", "better")),
        (8, 10, "either", Change(20, "down", "neutral")),
        (10, 10, "more", Change(0, "same", "neutral")),
        (3, 0, "more", Change(None, "up", "better")),
        (0, 0, "more", Change(None, "same", "neutral")),
        (0, 3, "more", Change(100, "down", "worse")),
        (None, 3, "more", None),
        (3, None, "more", None),
        (Decimal("1.001"), Decimal("1"), "less", Change(0, "up", "worse")),
    ],
)
def test_comparing(present, before, likes, change):
    assert rules.compare(present, before, likes=likes) == change


def test_sums_take_a_day_in_part_where_it_is_compared_with_today():
    today = date(2026, 11, 25)
    days = [
        DayNumbers(date(2026, 11, 23), 100, 50, 1, Decimal(5), Decimal(9), Decimal(1), 9, 1),
        DayNumbers(date(2026, 11, 24), 10, 4, 2, Decimal(8), Decimal(7), Decimal(3), 20, 6),
    ]
    yesterday = today - timedelta(days=1)
    early = rules.sum_days(days, yesterday, yesterday, early_on=yesterday)
    assert (early.conversations, early.cost, early.tokens) == (4, Decimal(3), 6)
    both = rules.sum_days(days, date(2026, 11, 1), yesterday, early_on=yesterday)
    assert (both.conversations, both.cost, both.tokens) == (104, Decimal(12), 15)
    assert both.satisfaction == Decimal(13) / 3
    assert rules.sum_days(days, today, today).satisfaction is None


def test_quiet_days_are_filled_in():
    today = date(2026, 11, 25)
    days = rules.fill_days(
        [DayNumbers(date(2026, 11, 24), 3), DayNumbers(date(2026, 9, 1), 9)], today
    )
    assert len(days) == 30
    assert [d.conversations for d in days[-3:]] == [0, 3, 0]
    assert sum(d.conversations for d in days) == 3


def test_bars_reach_from_nothing_to_the_top():
    bars = charts.draw_bars([0, 1, Decimal(1000)])
    assert [float(bar.height) for bar in bars] == [0, 1.5, 96]
    assert all(float(b.y) + float(b.height) == pytest.approx(96) for b in bars)
    assert [b.height for b in charts.draw_bars([0, 0])] == ["0.00", "0.00"]
    assert charts.draw_bars([]) == []


@pytest.mark.parametrize(
    ("hour", "words"), [(0, "evening"), (5, "morning"), (12, "afternoon"), (18, "evening")]
)
def test_greetings(hour, words):
    assert greet(hour) == f"Good {words}"
