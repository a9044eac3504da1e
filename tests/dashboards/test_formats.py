from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from aihub.dashboards import formats


@pytest.mark.parametrize(
    ("amount", "short", "exact"),
    [
        (None, "–", "–"),
        ("0", "$0", "$0"),
        ("0E-18", "$0", "$0"),
        ("1E-7", "$0.0000001", "$0.0000001"),
        ("0.00000434567", "$0.0000043", "$0.00000434567"),
        ("0.00099", "$0.00099", "$0.00099"),
        ("0.000999", "$0.001", "$0.000999"),
        ("0.0123456", "$0.0123", "$0.0123456"),
        ("0.5", "$0.5000", "$0.5"),
        ("0.99994", "$0.9999", "$0.99994"),
        ("0.99999", "$1.00", "$0.99999"),
        ("12.345", "$12.35", "$12.345"),
        ("1234.5", "$1,234.50", "$1,234.5"),
        ("9999.999", "$10,000.00", "$9,999.999"),
        ("12345.6789", "$12.3k", "$12,345.6789"),
        ("1999999", "$2M", "$1,999,999"),
        ("1E+3", "$1,000.00", "$1,000"),
        ("-0.0123456", "-$0.0123", "-$0.0123456"),
        ("-12.345", "-$12.35", "-$12.345"),
    ],
)
def test_money(amount, short, exact):
    given = None if amount is None else Decimal(amount)
    assert formats.format_money(given) == short
    assert formats.format_exact_money(given) == exact


@pytest.mark.parametrize(
    ("number", "short", "exact"),
    [
        (None, "–", "–"),
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (10_000, "10k", "10,000"),
        (12_345, "12.3k", "12,345"),
        (-12_345, "-12.3k", "-12,345"),
        (999_499, "999k", "999,499"),
        (999_950, "1M", "999,950"),
        (4_560_000, "4.56M", "4,560,000"),
        (999_999_999, "1B", "999,999,999"),
        (12_345_678_901, "12.3B", "12,345,678,901"),
        (1_234_567_890_123, "1,235B", "1,234,567,890,123"),
    ],
)
def test_numbers(number, short, exact):
    assert formats.format_number(number) == short
    assert formats.format_exact_number(number) == exact


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (59_999, "59.9 s"),
        (60_000, "1 min"),
        (192_000, "3 min 12 s"),
        (7_500_000, "2 h 5 min"),
        (86_400_000, "1 d"),
        (273_600_000, "3 d 4 h"),
    ],
)
def test_durations(ms, text):
    assert formats.format_duration(ms) == text


@pytest.mark.parametrize(
    ("score", "text"), [(None, "–"), ("5.00", "5.0"), ("4.25", "4.25"), ("3.333333", "3.33")]
)
def test_scores(score, text):
    assert formats.format_score(None if score is None else Decimal(score)) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 11, 25, 0, 30, tzinfo=UTC), "09:30"),
        (datetime(2026, 11, 24, 14, 59, tzinfo=UTC), "24 Nov 23:59"),
        (datetime(2025, 11, 24, 14, 59, tzinfo=UTC), "24 Nov 2025 23:59"),
    ],
)
def test_times_are_as_short_as_the_present_allows(at, text):
    tokyo = ZoneInfo("Asia/Tokyo")
    now = datetime(2026, 11, 25, 12, 0, tzinfo=tokyo)
    assert formats.format_time(at.astimezone(tokyo), now=now) == text


def test_full_times():
    at = datetime(2026, 11, 5, 9, 3, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    assert formats.format_full_time(at) == "5 Nov 2026 09:03:07"
    assert formats.format_utc(at) == "2026-11-05 08:03:07 UTC"


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 0, "–"), (1, 8, "13%"), (1, 1000, "<1%"), (0, 5, "0%")]
)
def test_percent(part, whole, text):
    assert formats.format_percent(part, whole) == text
