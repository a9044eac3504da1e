"""Anthropic: `usage_report/messages` and `cost_report` of the Admin API.

Usage counts cached and written tokens beside the input; they are added to it here. Costs are
decimal texts in cents, whose fractions are kept. Work of the priority tier is in usage alone.
"""

from datetime import date
from decimal import Decimal

from aihub.reconciliation.models import BilledRow, ParsedBill, Tokens
from aihub.reconciliation.sources.openai import next_page
from aihub.reconciliation.sources.reading import EXACT, Fields, read_json

_PROVIDER = "anthropic"
_TOKEN_TYPES = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "cached_input",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
    "output_tokens": "output",
}


def parse_usage(raw: bytes, name: str) -> ParsedBill:
    """A page of usage: tokens by model and tier, no money."""
    document = Fields(read_json(raw, name), name)
    rows, days = [], set()
    for bucket in document.list("data", is_required=True):
        day = bucket.day("starting_at")
        days.add(day)
        rows += [_usage_row(result, day) for result in bucket.list("results", is_required=True)]
    return ParsedBill(tuple(rows), frozenset(days), next_page=next_page(document))


def _usage_row(result: Fields, day: date) -> BilledRow:
    written = result.object("cache_creation")
    write_1h = written.count("ephemeral_1h_input_tokens") or 0
    write = (written.count("ephemeral_5m_input_tokens") or 0) + write_1h
    cached = result.count("cache_read_input_tokens") or 0
    names = ("service_tier", "context_window", "inference_geo", "speed")
    return BilledRow(
        day=day,
        provider=_PROVIDER,
        model=result.text("model"),
        line=", ".join(word for name in names if (word := result.text(name))),
        kind="usage",
        tokens=Tokens(
            input=(result.count("uncached_input_tokens") or 0) + cached + write,
            cached_input=cached,
            output=result.count("output_tokens") or 0,
            cache_write=write,
            cache_write_1h=write_1h,
        ),
    )


def parse_cost(raw: bytes, name: str) -> ParsedBill:
    """A page of costs."""
    document = Fields(read_json(raw, name), name)
    rows, days = [], set()
    for bucket in document.list("data", is_required=True):
        day = bucket.day("starting_at")
        days.add(day)
        rows += [_cost_row(result, day) for result in bucket.list("results", is_required=True)]
    return ParsedBill(tuple(rows), frozenset(days), next_page=next_page(document))


def _cost_row(result: Fields, day: date) -> BilledRow:
    kind, model = result.text("cost_type"), result.text("model")
    description = result.text("description")
    # without grouping by description there is neither type nor model: all lines in one
    is_of_tokens = kind == "tokens" or (kind is None and description is None)
    return BilledRow(
        day=day,
        provider=_PROVIDER,
        model=model if is_of_tokens else None,
        line=description or kind or "all lines",
        kind="cost" if is_of_tokens else "fee",
        component=_TOKEN_TYPES.get(result.text("token_type") or ""),
        amount=_dollars(result.money("amount")),
        list_amount=_dollars(result.amount("list_amount")),
        currency=result.currency("currency"),
    )


def _dollars(cents: Decimal | None) -> Decimal | None:
    return None if cents is None else cents.scaleb(-2, EXACT)
