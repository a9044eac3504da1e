from datetime import date
from decimal import Decimal

import pytest

from aihub.dashboards import charts, rules
from aihub.dashboards.home import greet
from aihub.dashboards.rules import Change


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


@pytest.mark.parametrize(
    ("present", "before", "amount"),
    [
        (12, 10, "20%"),
        (1_001, 1_000, "<1%"),
        (99, 10, "890%"),
        (100, 10, "10×"),
        (2, 500, "100%"),
        (480, 10, "48×"),
        (10**7, 10, ">1,000×"),
        (10, 10, ""),
        (3, 0, ""),
    ],
)
def test_how_much_a_change_is_in_short(present, before, amount):
    assert rules.compare(present, before, likes="more").amount == amount
