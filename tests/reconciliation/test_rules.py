"""Windows of days, and what may be asked for."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from aihub.kit.errors import Invalid
from aihub.reconciliation import rules
from aihub.reconciliation.models import Options

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("close_hours", "days", "until", "start", "end"),
    [
        (48, None, None, date(2026, 2, 6), date(2026, 3, 8)),
        (24, None, None, date(2026, 2, 7), date(2026, 3, 9)),
        (48, 5, date(2026, 3, 8), date(2026, 3, 3), date(2026, 3, 8)),
        (48, None, date(2026, 3, 7), date(2026, 3, 4), date(2026, 3, 8)),
        (48, None, date(2026, 3, 8), date(2026, 3, 5), date(2026, 3, 8)),
        (48, None, date(2026, 4, 1), date(2026, 3, 5), date(2026, 3, 8)),
        (48, None, date(2020, 1, 1), date(2025, 3, 8), date(2026, 3, 8)),
    ],
)
def test_what_is_fetched(close_hours, days, until, start, end):
    options = Options(close_hours=close_hours)
    found = rules.fetch_window(now=NOW, options=options, days=days, fetched_until=until)
    assert found == (start, end)
    assert rules.is_closed(end - timedelta(days=1), now=NOW, close_hours=close_hours)
    assert not rules.is_closed(end, now=NOW, close_hours=close_hours)


@pytest.mark.parametrize("days", [-1, rules.MAX_DAYS])
def test_days_that_make_no_report(days):
    with pytest.raises(Invalid):
        rules.check_days(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days))


def test_the_longest_report():
    rules.check_days(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=rules.MAX_DAYS - 1))


@pytest.mark.parametrize(
    ("part", "whole", "digits", "text"),
    [(31, 1000, 1, "3.1"), (1, 3, 2, "33.33"), (5, 100, 1, "5"), (1, 0, 1, "100")],
)
def test_percent(part, whole, digits, text):
    assert rules.percent(Decimal(part), whole, digits) == text
