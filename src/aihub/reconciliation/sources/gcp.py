"""Google Cloud's detailed billing export, one JSON object a line: Gemini and Vertex AI.

`cost` is before credits, which stand beside it as negative amounts and become rows of their own.
"""

import io
import re
from collections.abc import Iterator

from aihub.reconciliation.models import BilledRow, Kind, ParsedBill
from aihub.reconciliation.sources.adding import aggregate
from aihub.reconciliation.sources.reading import (
    MAX_TEXT,
    Fields,
    component_of,
    read_json,
    tokens_of,
)

_PROVIDER = "google"
_SERVICES = re.compile(r"vertex|gemini|generative language", re.IGNORECASE)
_FAMILY = re.compile(
    r"\b(?:gemini|gemma|claude|llama|mistral|codestral|imagen|veo)\b", re.IGNORECASE
)
_STOP = re.compile(
    r"^(?:ga|preview|text|thinking|image|audio|video|input|output|cach\w*|batch|live|short|long|"
    r"generate|tuning|storage|token|tokens|count|tool|-|–)$",
    re.IGNORECASE,
)


def parse(raw: bytes, name: str) -> ParsedBill:
    """The lines that are about models; those of other services are counted."""
    others = 0

    def rows() -> Iterator[BilledRow]:
        nonlocal others
        for number, line in enumerate(io.BytesIO(raw), start=1):
            if not line.strip():
                continue
            place = f"line {number}"
            fields = Fields(read_json(line, name, place), name, f"{place}, ")
            if _SERVICES.search(fields.object("service").text("description") or ""):
                yield from _rows(fields)
            else:
                others += 1

    found = aggregate(rows())
    return ParsedBill(found, frozenset(row.day for row in found), others)


def _rows(fields: Fields) -> Iterator[BilledRow]:
    day = fields.day("usage_start_time")
    sku = fields.object("sku").required("description")
    currency = fields.currency("currency")
    kind = _kind(fields.text("cost_type"))
    component = component_of(sku) if kind == "cost" else None
    usage = fields.object("usage")
    is_of_tokens = component is not None and (usage.text("pricing_unit") or "count") == "count"
    model = model_of(sku)
    yield BilledRow(
        day=day,
        provider=_PROVIDER,
        model=model if is_of_tokens or kind != "cost" else None,
        line=sku,
        kind="fee" if kind == "cost" and not is_of_tokens else kind,
        component=component if is_of_tokens else None,
        tokens=tokens_of(component, usage.count("amount_in_pricing_units"))
        if is_of_tokens
        else None,
        quantity=usage.amount("amount_in_pricing_units"),
        amount=fields.money("cost"),
        list_amount=fields.amount("cost_at_list") if kind == "cost" else None,
        currency=currency,
    )
    for credit in fields.list("credits"):
        yield BilledRow(
            day=day,
            provider=_PROVIDER,
            model=model,
            line=f"{credit.text('name') or 'credit'} ({sku})"[:MAX_TEXT],
            kind="credit",
            amount=credit.money("amount"),
            currency=currency,
        )


def _kind(cost_type: str | None) -> Kind:
    if cost_type in (None, "regular"):
        return "cost"
    return "tax" if cost_type == "tax" else "fee"


def model_of(sku: str) -> str | None:
    """The model in an SKU's text: `Gemini 2.5 Flash GA Text Input` → `gemini-2.5-flash`."""
    found = _FAMILY.search(sku)
    if found is None:
        return None
    words: list[str] = []
    for word in sku[found.start() :].replace(",", " ").split():
        if _STOP.match(word):
            break
        words.append(word.lower())
    return "-".join(words)
