"""The filter of the list of calls: what URLs ask for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aihub.dashboards.call_filters import read_call_filter, to_filters

BERLIN = ZoneInfo("Europe/Berlin")


def read(**given):
    asked = read_call_filter({name.rstrip("_"): value for name, value in given.items()})
    assert asked.errors == {}
    return to_filters(asked, BERLIN)


def test_an_hour_is_a_time_with_its_distance_to_utc():
    found = read(since="2026-10-25T02:00+02:00", until="2026-10-25T02:00+01:00")
    assert found.from_ == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert found.to - found.from_ == timedelta(hours=1)  # the clocks went back in it


def test_days_and_times_narrow_together():
    found = read(
        from_="2026-11-24", to="2026-11-25", since="2026-11-25T10:00+01:00",
        until="2026-11-27T10:00+01:00",
    )  # fmt: skip
    assert found.from_ == datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert found.to == datetime(2026, 11, 25, 23, tzinfo=UTC)


def test_what_failed_and_whose_it_was():
    found = read(result="failed", user="u-1", api="embeddings")
    assert (found.is_failed, found.user_id, found.api) == (True, "u-1", "embeddings")
    assert read(result="answered").is_failed is False
    assert read().is_failed is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("since", "2026-11-25T10:00"),
        ("since", "yesterday"),
        ("until", "0001-01-01T00:00+14:00"),
        ("until", "9999-12-31T23:00-12:00"),
        ("result", "maybe"),
        ("api", "\x00"),
        ("user", "x" * 256),
    ],
)
def test_what_cannot_be_read_is_told(name, text):
    assert name in read_call_filter({name: text}).errors


def test_times_in_the_wrong_order_are_told():
    given = {"since": "2026-11-25T10:00+01:00", "until": "2026-11-25T08:00+00:00"}
    assert "until" in read_call_filter(given).errors
