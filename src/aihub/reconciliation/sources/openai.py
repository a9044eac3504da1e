"""OpenAI: `GET /v1/organization/usage/completions` and `GET /v1/organization/costs`.

Usage counts cached and written tokens inside the input, as the hub does. Costs are dollars by line
item, whose text is not documented: `MODEL, input` is what is seen, anything else is kept whole.
"""

from datetime import date

from aihub.reconciliation.models import BilledRow, ParsedBill, Tokens
from aihub.reconciliation.sources.reading import Fields, component_of, read_json, tokens_of

_PROVIDER = "openai"


def parse_usage(raw: bytes, name: str) -> ParsedBill:
    """A page of usage: tokens and requests by model, no money."""
    document = Fields(read_json(raw, name), name)
    rows, days = [], set()
    for bucket in document.list("data", is_required=True):
        day = bucket.day("start_time")
        days.add(day)
        rows += [_usage_row(result, day) for result in bucket.list("results", is_required=True)]
    return ParsedBill(tuple(rows), frozenset(days), next_page=next_page(document))


def _usage_row(result: Fields, day: date) -> BilledRow:
    tier = result.text("service_tier")
    words = [word for word in (tier, "batch" if result.flag("batch") else None) if word]
    return BilledRow(
        day=day,
        provider=_PROVIDER,
        model=result.text("model"),
        line=", ".join(words),
        kind="usage",
        tokens=Tokens(
            input=result.count("input_tokens") or 0,
            cached_input=result.count("input_cached_tokens") or 0,
            output=result.count("output_tokens") or 0,
            cache_write=result.count("input_cache_write_tokens") or 0,
        ),
        requests=result.count("num_model_requests"),
    )


def parse_costs(raw: bytes, name: str) -> ParsedBill:
    """A page of costs."""
    document = Fields(read_json(raw, name), name)
    rows, days = [], set()
    for bucket in document.list("data", is_required=True):
        day = bucket.day("start_time")
        days.add(day)
        rows += [_cost_row(result, day) for result in bucket.list("results", is_required=True)]
    return ParsedBill(tuple(rows), frozenset(days), next_page=next_page(document))


def _cost_row(result: Fields, day: date) -> BilledRow:
    amount = result.object("amount")
    line = result.text("line_item")
    model, component = split_line(line)
    is_of_tokens = component is not None or line is None
    return BilledRow(
        day=day,
        provider=_PROVIDER,
        model=model,
        line=line or "all lines",
        kind="cost" if is_of_tokens else "fee",
        component=component,
        tokens=tokens_of(component, result.count("quantity")) if component else None,
        quantity=result.amount("quantity"),
        amount=amount.money("value"),
        currency=amount.currency("currency"),
    )


def split_line(line: str | None) -> tuple[str | None, str | None]:
    """The model and kind of token of a line item; twice None for what is not of that form."""
    model, comma, tail = (line or "").rpartition(",")
    component = component_of(tail) if comma else None
    return (model.strip() or None, component) if component else (None, None)


def next_page(document: Fields) -> str | None:
    """The cursor of the page that follows, while `has_more` says that there is one."""
    if not document.flag("has_more"):
        return None
    return document.required("next_page")
