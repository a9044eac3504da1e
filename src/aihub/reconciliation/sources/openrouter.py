"""OpenRouter: `GET /api/v1/activity`, by completed UTC day, model and endpoint, in dollars.

`byok_usage_inference` is spent at another provider with the customer's own key. The hub's cost has
it too, so it counts at list and not in what OpenRouter bills.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from aihub.reconciliation.models import USD, BilledRow, ParsedBill, Tokens
from aihub.reconciliation.sources.reading import Fields, read_json

_PROVIDER = "openrouter"


def parse_activity(raw: bytes, name: str) -> ParsedBill:
    """All days that the answer holds; it has no pages."""
    document = Fields(read_json(raw, name), name)
    rows: list[BilledRow] = []
    for item in document.list("data", is_required=True):
        rows += _rows(item, item.day("date"))
    return ParsedBill(tuple(rows), frozenset(row.day for row in rows))


def _rows(item: Fields, day: date) -> Iterator[BilledRow]:
    model, line = item.required("model"), item.text("provider_name") or ""
    yield BilledRow(
        day=day,
        provider=_PROVIDER,
        model=model,
        line=line,
        kind="cost",
        tokens=Tokens(
            input=item.count("prompt_tokens") or 0,
            # replayed answers count as cached without being prompted again
            cached_input=item.count("cached_tokens") or 0,
            output=item.count("completion_tokens") or 0,
        ),
        requests=item.count("requests"),
        amount=item.money("usage"),
        currency=USD,
    )
    if elsewhere := item.amount("byok_usage_inference"):
        yield BilledRow(
            day=day,
            provider=_PROVIDER,
            model=model,
            line=f"{line}, own key".lstrip(", "),
            kind="elsewhere",
            amount=Decimal(0),
            list_amount=elsewhere,
            currency=USD,
        )
