"""From the URL of a dashboard to a period."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dashboards.board_filters import PERIODS, Period, read_board_filter

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 3, 15, 9, 30, tzinfo=TOKYO)


def read(given, *, default="30d", sees_all=False, now=NOW):
    return read_board_filter("/finance", given, now=now, default=default, may_see_all=sees_all)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, "2026-02-14", "2026-03-15"),
        ({"period": "today"}, "2026-03-15", "2026-03-15"),
        ({"period": "7d"}, "2026-03-09", "2026-03-15"),
        ({"period": "month"}, "2026-03-01", "2026-03-15"),
        ({"period": "last_month"}, "2026-02-01", "2026-02-28"),
        ({"from": "2026-03-01"}, "2026-03-01", "2026-03-15"),
        ({"to": "2026-03-10"}, "2026-02-09", "2026-03-10"),
        ({"from": "2026-01-01", "to": "2026-01-31", "period": "7d"}, "2026-01-01", "2026-01-31"),
        ({"from": "2026-03-14", "to": "2026-12-31"}, "2026-03-14", "2026-03-15"),
        ({"from": "2026-05-01", "to": "2026-05-02"}, "2026-05-01", "2026-05-02"),
    ],
)
def test_the_days_that_are_meant(given, first, last):
    found = read(given)
    assert found.asked.errors == {}
    assert found.period.urls == {"from": first, "to": last}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"period": "always"}, "period"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
        ({"from": "2020-01-01"}, "from"),
        ({"model": "\x00"}, "model"),
        ({"module": "x" * 300}, "module"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(given, field):
    assert list(read(given).asked.errors) == [field]


def test_all_organizations_are_for_those_who_may():
    assert read({"scope": "all"}, sees_all=True).is_everywhere
    assert not read({"scope": "all"}).is_everywhere
    assert list(read({"scope": "some"}, sees_all=True).asked.errors) == ["scope"]


def test_a_day_with_a_change_of_clock_is_a_whole_day():
    berlin = ZoneInfo("Europe/Berlin")
    period = Period(date(2026, 10, 25), date(2026, 10, 25), berlin, "")
    utc = ZoneInfo("UTC")
    assert period.ends.astimezone(utc) - period.begins.astimezone(utc) == timedelta(hours=25)


@given(
    st.sampled_from(sorted(PERIODS)),
    st.dates(date(2001, 1, 1), date(2100, 1, 1)),
)
def test_the_period_before_is_as_long_and_touches_it(name, today):
    now = NOW.replace(year=today.year, month=today.month, day=today.day)
    period = read({"period": name}, now=now).period
    before = period.before()
    assert before.days == period.days == len(period.each_day)
    assert before.last + timedelta(days=1) == period.first
    assert period.last <= now.date()
