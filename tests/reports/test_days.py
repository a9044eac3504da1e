"""Which days are reported, where they begin and end, and when they are due."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.reports import rules
from aihub.reports.models import Span, Standing

UTC_DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAYS = [
    # zone, day, begins, hours, due
    ("UTC", "2026-03-08", "2026-03-08 00:00", 24, "2026-03-09 06:00"),
    ("Asia/Kolkata", "2026-03-08", "2026-03-07 18:30", 24, "2026-03-09 00:30"),
    ("Asia/Kathmandu", "2026-03-08", "2026-03-07 18:15", 24, "2026-03-09 00:15"),
    ("America/New_York", "2026-03-08", "2026-03-08 05:00", 23, "2026-03-09 10:00"),
    ("America/New_York", "2026-11-01", "2026-11-01 04:00", 25, "2026-11-02 11:00"),
    # due on the morning after the night in which the clocks were changed
    ("Europe/Berlin", "2026-03-28", "2026-03-27 23:00", 24, "2026-03-29 04:00"),
    ("Europe/Berlin", "2026-10-24", "2026-10-23 22:00", 24, "2026-10-25 05:00"),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", 23.5, "2026-10-04 19:00"),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00", 24.5, "2026-04-05 19:30"),
    # midnight left out, and shown twice
    ("Africa/Cairo", "2026-04-24", "2026-04-23 22:00", 23, "2026-04-25 03:00"),
    ("America/Havana", "2026-11-01", "2026-11-01 04:00", 25, "2026-11-02 11:00"),
    # a day that never was
    ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00", 0, "2011-12-30 16:00"),
]


@pytest.mark.parametrize(("zone", "day", "begins", "hours", "due"), DAYS)
def test_a_local_day(zone: str, day: str, begins: str, hours: float, due: str) -> None:
    span = rules.span_of(date.fromisoformat(day), zone)
    assert (span.starts_at, span.due_at) == (at(begins), at(due))
    assert span.ends_at - span.starts_at == timedelta(hours=hours)


def _missing(
    zone: str, now: str, reported: dict[str, str], created: str = "2026-01-01 00:00"
) -> list[Span]:
    ends = {
        date.fromisoformat(day): (at(moment) - UTC_DAY, at(moment))
        for day, moment in reported.items()
    }
    return rules.missing_spans(Standing(uuid4(), zone, at(created), ends), at(now))


FEW = {"2026-03-06": "2026-03-07 00:00", "2026-03-07": "2026-03-08 00:00"}


@pytest.mark.parametrize(
    ("zone", "now", "reported", "created", "days"),
    [
        # not before the day has ended in its own time zone
        ("UTC", "2026-03-08 23:59", FEW, "2026-03-06 12:00", []),
        ("UTC", "2026-03-09 00:00", FEW, "2026-03-06 12:00", [8]),
        ("Asia/Tokyo", "2026-03-08 15:00", FEW, "2026-03-06 12:00", [8]),
        ("America/Los_Angeles", "2026-03-09 06:59", FEW, "2026-03-06 12:00", []),
        ("America/Los_Angeles", "2026-03-09 07:00", FEW, "2026-03-06 12:00", [8]),
        # the hub was down, and one day in between failed
        ("UTC", "2026-03-12 04:00", FEW, "2026-03-06 12:00", [8, 9, 10, 11]),
        ("UTC", "2026-03-09 04:00", {"2026-03-08": "2026-03-09 00:00"}, "2026-03-06 12:00", [6, 7]),
        # an organization that is new
        ("UTC", "2026-03-08 04:00", {}, "2026-03-08 03:00", []),
        ("UTC", "2026-03-09 04:00", {}, "2026-03-08 03:00", [8]),
    ],
)
def test_which_days_are_missing(
    zone: str, now: str, reported: dict[str, str], created: str, days: list[int]
) -> None:
    assert [span.day.day for span in _missing(zone, now, reported, created)] == days


def test_days_of_before_the_organization_came_are_made_and_never_late() -> None:
    now = at("2026-03-09 12:00")
    standing = Standing(uuid4(), "UTC", at("2026-03-08 15:00"), {}, at("2026-03-06 10:00"))
    found = rules.missing_spans(standing, now)
    assert [span.day.day for span in found] == [6, 7, 8]
    assert [span.due_at > now for span in found] == [True, True, False]


def test_a_hub_that_was_down_for_long_catches_up_the_last_days() -> None:
    found = _missing("UTC", "2026-06-30 12:00", {})
    assert len(found) == rules.MAX_DAYS
    assert found[-1].day == date(2026, 6, 29)
    assert found[0].starts_at == at("2026-05-26 00:00")


def test_a_day_after_a_new_time_zone_begins_where_the_last_one_ended() -> None:
    (longer,) = _missing(
        "America/New_York", "2026-03-09 12:00", {"2026-03-07": "2026-03-07 15:00"},
        "2026-03-07 00:00",
    )  # fmt: skip
    assert (longer.starts_at, longer.ends_at) == (at("2026-03-07 15:00"), at("2026-03-09 04:00"))
    (shorter,) = _missing(
        "Asia/Tokyo", "2026-03-09 12:00", {"2026-03-07": "2026-03-08 05:00"}, "2026-03-07 00:00"
    )
    assert (shorter.starts_at, shorter.ends_at) == (at("2026-03-08 05:00"), at("2026-03-08 15:00"))


def test_a_day_that_is_empty_by_a_new_time_zone_has_no_report() -> None:
    # Honolulu's 7th ended when Kiritimati's 8th did
    found = _missing(
        "Pacific/Kiritimati", "2026-03-09 09:00", {"2026-03-07": "2026-03-08 10:00"},
        "2026-03-07 00:00",
    )  # fmt: skip
    assert found == []
    later = _missing(
        "Pacific/Kiritimati", "2026-03-10 12:00", {"2026-03-07": "2026-03-08 10:00"},
        "2026-03-07 00:00",
    )  # fmt: skip
    assert [(s.day.day, s.starts_at) for s in later] == [
        (9, at("2026-03-08 10:00")),
        (10, at("2026-03-09 10:00")),
    ]


ZONES = st.sampled_from(
    ["UTC", "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kathmandu", "America/New_York",
     "Australia/Lord_Howe", "Africa/Cairo", "America/Havana"]
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 60), ZONES), min_size=2, max_size=30))
def test_reported_days_follow_one_another_without_gap_or_overlap(
    steps: list[tuple[int, str]],
) -> None:
    now = at("2026-03-01 00:00")
    reported: dict[date, tuple[datetime, datetime]] = {}
    spans: list[Span] = []
    for hours, zone in steps:
        now += timedelta(hours=hours)
        standing = Standing(uuid4(), zone, at("2026-03-01 00:00"), reported)
        for span in rules.missing_spans(standing, now):
            assert span.starts_at < span.ends_at <= now
            reported[span.day] = (span.starts_at, span.ends_at)
            spans.append(span)
    for before, after in pairwise(spans):
        assert before.ends_at == after.starts_at
        assert before.day < after.day


@pytest.mark.parametrize(
    ("made", "seconds"),
    [("2026-03-09 05:59", 0), ("2026-03-09 06:00", 0), ("2026-03-09 07:30", 5_400)],
)
def test_lateness(made: str, seconds: int) -> None:
    assert rules.late_seconds(at(made), at("2026-03-09 06:00")) == seconds
