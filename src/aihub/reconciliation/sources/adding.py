"""Lines of a bill added up by day: an export has one for each resource, tag and hour."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import localcontext
from typing import Any

from aihub.reconciliation.models import BilledRow, Tokens
from aihub.reconciliation.sources.reading import EXACT


def aggregate(rows: Iterable[BilledRow]) -> tuple[BilledRow, ...]:
    """Lines of a day that differ in nothing but their figures, added up."""
    found: dict[tuple[Any, ...], BilledRow] = {}
    with localcontext(EXACT):
        for row in rows:
            key = (row.day, row.provider, row.model, row.line, row.kind, row.component)
            known = found.get((*key, row.currency))
            found[(*key, row.currency)] = row if known is None else _add(known, row)
    return tuple(found.values())


def _add(one: BilledRow, other: BilledRow) -> BilledRow:
    has_list = one.list_amount is not None or other.list_amount is not None
    return replace(
        one,
        tokens=_sum_tokens(one.tokens, other.tokens),
        requests=_sum(one.requests, other.requests),
        quantity=_sum(one.quantity, other.quantity),
        amount=_sum(one.amount, other.amount),
        list_amount=one.at_list + other.at_list if has_list else None,
    )


def _sum_tokens(one: Tokens | None, other: Tokens | None) -> Tokens | None:
    if one is None or other is None:
        return one or other
    return one + other


def _sum(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one if other is None else other
    return one + other
