"""Reconciliation in words and pictures."""

import typing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aihub.dashboards import reconciliation_views as views
from aihub.reconciliation.api import PROVIDERS, Report, ReportRow, Verdict, parse_files

DAY = date(2026, 3, 4)


def row(**given) -> ReportRow:
    usual = {
        "day": DAY, "provider": "openai", "model": "m", "hub_tokens": None, "billed_tokens": None,
        "hub_calls": None, "billed_requests": None, "hub_cost": Decimal(1),
        "billed_cost": Decimal(1), "list_cost": Decimal(1), "currency": "USD", "drift": None,
        "token_drift": None, "verdict": "ok", "why": "", "is_alarm": False,
        "price_book_versions": (),
    }  # fmt: skip
    return ReportRow(**(usual | given))


def report(*rows: ReportRow) -> Report:
    return Report(rows, (), datetime(2026, 3, 20, tzinfo=UTC))


def test_every_verdict_provider_and_kind_has_its_words():
    assert set(views.VERDICTS) == set(typing.get_args(Verdict))
    assert set(views.NAMES) == set(PROVIDERS)
    for kind in views.KINDS:
        assert parse_files(kind, []).rows == ()


@pytest.mark.parametrize(
    ("drift", "short", "exact"),
    [
        (None, "–", "–"),
        (Decimal(0), "0 %", "0 %"),
        (Decimal("0.012345"), "+1.23 %", "1.2345 %"),
        (Decimal("-0.5"), "−50 %", "-50 %"),
        (Decimal("0.00001"), "+<0.01 %", "0.001 %"),
        (Decimal("-0.000001"), "−<0.01 %", "-0.0001 %"),
        (Decimal("31.5"), "+3150 %", "3150 %"),
    ],
)
def test_drift_in_percent(drift, short, exact):
    assert views.format_drift(drift) == short
    assert views.format_exact_drift(drift) == exact


@pytest.mark.parametrize(
    ("amount", "currency", "short", "exact"),
    [
        (Decimal("12.345"), "USD", "$12.35", "$12.345"),
        (Decimal("12.345"), "EUR", "12.35 EUR", "12.345 EUR"),
        (None, "EUR", "–", "–"),
    ],
)
def test_amounts_of_another_currency_are_not_taken_for_dollars(amount, currency, short, exact):
    assert views.format_amount(amount, currency) == short
    assert views.format_exact_amount(amount, currency) == exact


def test_the_chart_shows_what_could_be_compared():
    chart = views.draw_drift(
        report(
            row(hub_cost=Decimal(11), list_cost=Decimal(10)),
            row(model="n", hub_cost=None, list_cost=Decimal(1), is_alarm=True),
            row(model="o", hub_cost=Decimal(99), list_cost=None, verdict="not_closed"),
            row(model="p", list_cost=Decimal(7), currency="EUR", verdict="not_comparable"),
            row(day=date(2026, 3, 5), hub_cost=Decimal(3), list_cost=Decimal(2)),
            row(day=date(2026, 3, 6), hub_cost=Decimal(99), list_cost=Decimal(100)),
        ),
        DAY,
        date(2026, 3, 7),
    )
    assert chart is not None
    assert [day.drift for day in chart.days] == [0, Decimal("0.5"), Decimal("-0.01"), None]
    assert [day.is_alarm for day in chart.days] == [True, False, False, False]
    # a drift beyond the edge is cut there, and the edge says so
    assert chart.most == "+25 % or more"
    assert chart.days[1].height == "48.00"
    assert (chart.days[2].y, chart.days[2].height) == ("48.00", "1.92")


def test_no_chart_of_nothing():
    assert views.draw_drift(report(row(verdict="no_bill", list_cost=None)), DAY, DAY) is None
    assert views.draw_drift(report(), DAY, DAY) is None


def test_alarms_come_first_the_largest_on_top_and_else_the_order_stays():
    rows = [
        row(model="a"),
        row(model="b", is_alarm=True, hub_cost=None),
        row(model="c"),
        row(model="d", is_alarm=True, hub_cost=Decimal(9)),
    ]
    assert [r.model for r in views.sort_rows(rows)] == ["d", "b", "a", "c"]
