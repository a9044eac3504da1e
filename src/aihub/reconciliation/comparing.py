"""A bill beside the hub's sums, row by row: pure. Tokens are compared first, then money."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import TypeVar

from aihub.reconciliation import rules
from aihub.reconciliation.judging import Bill, Hub, judge, judge_one_sided
from aihub.reconciliation.matching import Pair, pair_up
from aihub.reconciliation.models import (
    USD,
    ZERO,
    BilledRow,
    Filters,
    HubRow,
    Options,
    ProviderTotal,
    Report,
    ReportRow,
    Verdict,
)
from aihub.reconciliation.sources.reading import EXACT

RowT = TypeVar("RowT", HubRow, BilledRow)

_UNCOMPARED = ("not_closed", "no_bill", "not_comparable")


def compare(
    hub: Iterable[HubRow],
    bill: Iterable[BilledRow],
    *,
    covered: Collection[tuple[str, date]] = (),
    now: datetime,
    options: Options,
    filters: Filters | None = None,
) -> Report:
    """The report on `hub` and `bill`.

    `covered`: providers and days of which costs were fetched, even if there were none. `filters`
    choose rows by provider and model; the totals are those of the rows that are left.
    """
    with localcontext(EXACT):
        ours, theirs = _by_day(hub), _by_day(bill)
        rows: list[ReportRow] = []
        for day, provider in {**ours, **theirs}:
            lines = theirs.get((day, provider), [])
            # usage alone tells nothing of a model that it lacks: it counts some kinds of calls only
            is_billed = any(row.kind in ("cost", "fee") for row in lines)
            has_bill = is_billed or (provider, day) in covered
            is_closed = rules.is_closed(day, now=now, close_hours=options.close_hours)
            rows += [
                _row(day, provider, pair, options, has_bill=has_bill, is_closed=is_closed)
                for pair in pair_up(ours.get((day, provider), []), lines)
                if pair.hub or pair.bill
            ]
        chosen = [row for row in rows if filters is None or _is_chosen(row, filters)]
        chosen.sort(key=lambda row: (-row.day.toordinal(), row.provider, row.model or ""))
        return Report(tuple(chosen), tuple(_totals(chosen, theirs, filters)), now)


def _by_day(rows: Iterable[RowT]) -> dict[tuple[date, str], list[RowT]]:
    found: dict[tuple[date, str], list[RowT]] = {}
    for row in rows:
        found.setdefault((row.day, row.provider), []).append(row)
    return found


def _is_chosen(row: ReportRow, filters: Filters) -> bool:
    return filters.provider in (None, row.provider) and filters.model in (None, row.model)


def _row(
    day: date,
    provider: str,
    pair: Pair,
    options: Options,
    *,
    has_bill: bool,
    is_closed: bool,
) -> ReportRow:
    hub = Hub(pair.hub) if pair.hub else None
    bill = Bill(pair.bill) if pair.bill else None
    currency = bill.currency if bill else USD
    verdict, why = _verdict(hub, bill, options, has_bill=has_bill, is_closed=is_closed)
    is_compared = verdict not in _UNCOMPARED
    hub_cost = hub.cost if hub else ZERO
    list_cost = bill.list_cost if bill else None
    drift = None
    if is_compared and list_cost is not None:
        drift = rules.drift_of(hub_cost, list_cost)
    token_drift = None
    if hub and bill and hub.tokens and bill.tokens:
        token_drift = rules.drift_of(hub.tokens.total, bill.tokens.total)
    return ReportRow(
        day=day,
        provider=provider,
        model=pair.model,
        hub_tokens=hub.tokens if hub else None,
        billed_tokens=bill.tokens if bill else None,
        hub_calls=hub.calls if hub else None,
        billed_requests=bill.requests if bill else None,
        hub_cost=hub.cost if hub else None,
        billed_cost=bill.billed_cost if bill else None,
        list_cost=list_cost,
        currency=currency,
        drift=drift,
        token_drift=token_drift,
        verdict=verdict,
        why=why,
        is_alarm=is_compared
        and (list_cost is not None or bill is None)
        and rules.is_alarm(hub_cost, list_cost or ZERO, options),
        price_book_versions=hub.versions if hub else (),
    )


def _verdict(
    hub: Hub | None, bill: Bill | None, options: Options, *, has_bill: bool, is_closed: bool
) -> tuple[Verdict, str]:
    if bill is not None and bill.currency != USD:
        return "not_comparable", f"billed in {bill.currency}; the hub's costs are in {USD}"
    if not is_closed:
        return "not_closed", "the bill of this day may still change"
    if bill is None and not has_bill:
        return "no_bill", "no bill of this provider and day has been fetched or uploaded"
    if hub is None or bill is None:
        return judge_one_sided(bill)
    return judge(hub, bill, options)


def _totals(
    rows: Sequence[ReportRow],
    bills: "dict[tuple[date, str], list[BilledRow]]",
    filters: Filters | None,
) -> Iterable[ProviderTotal]:
    for provider, currency in sorted({(row.provider, row.currency) for row in rows}):
        own = [row for row in rows if (row.provider, row.currency) == (provider, currency)]
        compared = [row for row in own if _has_amounts(row)]
        hub, listed = _sum(r.hub_cost for r in compared), _sum(r.list_cost for r in compared)
        # what is no model's is not told of one model
        beside = [] if filters and filters.model else _beside(bills, provider, currency)
        yield ProviderTotal(
            provider=provider,
            currency=currency,
            hub_cost=hub,
            billed_cost=_sum(row.billed_cost for row in compared),
            list_cost=listed,
            drift=rules.drift_of(hub, listed) if currency == USD else None,
            credits=_sum(row.amount for row in beside if row.kind == "credit"),
            discounts=_sum(row.amount for row in beside if row.kind == "discount"),
            taxes=_sum(row.amount for row in beside if row.kind == "tax"),
            rows=len(own),
            compared_rows=len(compared),
            alarms=sum(row.is_alarm for row in own),
        )


def _has_amounts(row: ReportRow) -> bool:
    """Whether money was compared; a bill that lacks a model has billed nothing for it."""
    is_one_sided = row.verdict == "missing_at_provider"
    return row.verdict not in _UNCOMPARED and (row.list_cost is not None or is_one_sided)


def _beside(
    bills: "dict[tuple[date, str], list[BilledRow]]", provider: str, currency: str
) -> list[BilledRow]:
    return [
        row
        for (_, whose), rows in bills.items()
        for row in rows
        if whose == provider and row.currency == currency
    ]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), ZERO)
