"""Azure's cost details, as CSV: Azure OpenAI and other models of Foundry.

Meters are named `gpt 4.1 cached Inp Data Zone Tokens`: model, kind of token, kind of deployment.
"""

import re
from collections.abc import Iterator

from aihub.reconciliation.models import BilledRow, Kind, ParsedBill
from aihub.reconciliation.sources.adding import aggregate
from aihub.reconciliation.sources.reading import (
    EXACT,
    Fields,
    component_of,
    read_csv,
    to_stored,
    tokens_of,
)

_PROVIDER = "azure"
_COLUMNS = (
    "date",
    "meterCategory",
    "meterName",
    "unitOfMeasure",
    "quantity",
    "costInBillingCurrency",
)
_MODELS = re.compile(r"foundry|openai|cognitive|azure ai|machine learning", re.IGNORECASE)
_DEPLOYMENTS = (
    (re.compile(r"\b(?:data ?zone|dzone|dz)\b", re.IGNORECASE), "data zone"),
    (re.compile(r"\b(?:global|glbl|gl)\b", re.IGNORECASE), "global"),
    (re.compile(r"\b(?:regional|regnl|rgnl)\b", re.IGNORECASE), "regional"),
)
_TOKEN_WORDS = re.compile(
    r"\b(?:cached|cchd|cache|inp|input|outp?|output|opt|tokens?|batch|text|txt)\b", re.IGNORECASE
)
_UNIT = re.compile(r"^1\s*([KM])?", re.IGNORECASE)
DEPLOYMENTS = tuple(name for _, name in _DEPLOYMENTS)


def parse(raw: bytes, name: str) -> ParsedBill:
    """The lines that are about models; those of other services are counted."""
    others = 0

    def rows() -> Iterator[BilledRow]:
        nonlocal others
        for _, fields in read_csv(raw, name, _COLUMNS):
            words = f"{fields.text('metercategory') or ''} {fields.text('metersubcategory') or ''}"
            if _MODELS.search(words):
                yield _row(fields)
            else:
                others += 1

    found = aggregate(rows())
    return ParsedBill(found, frozenset(row.day for row in found), others)


def _row(fields: Fields) -> BilledRow:
    meter = fields.required("metername")
    kind = _kind(fields.text("chargetype"))
    model, component = split_meter(meter) if kind == "cost" else (None, None)
    quantity = fields.amount("quantity")
    list_price = fields.amount("paygprice") if kind == "cost" else None
    return BilledRow(
        day=fields.day("date"),
        provider=_PROVIDER,
        model=model,
        line=meter,
        kind="fee" if kind == "cost" and component is None else kind,
        component=component,
        tokens=tokens_of(component, fields.count("quantity", times=_times(fields)))
        if component
        else None,
        quantity=quantity,
        amount=fields.money("costinbillingcurrency"),
        list_amount=to_stored(EXACT.multiply(list_price, quantity))
        if list_price and quantity is not None
        else None,
        currency=fields.currency(
            "billingcurrency" if fields.has("billingcurrency") else "billingcurrencycode"
        ),
    )


def _kind(charge: str | None) -> Kind:
    word = (charge or "usage").lower()
    if word == "tax":
        return "tax"
    if word in ("refund", "credit"):
        return "credit"
    return "cost" if word == "usage" else "fee"


def _times(fields: Fields) -> int:
    found = _UNIT.match(fields.required("unitofmeasure"))
    if found is None:
        raise fields.wrong("unitofmeasure", "is no unit that we know (1K, 1M)")
    return {"": 1, "k": 1000, "m": 1_000_000}[(found[1] or "").lower()]


def split_meter(meter: str) -> tuple[str | None, str | None]:
    """The model with its kind of deployment, and the kind of token; twice None for other meters."""
    component = component_of(re.sub(r"\bopt\b", "output", meter, flags=re.IGNORECASE))
    if component is None:
        return None, None
    rest, deployment = meter, ""
    for pattern, name in _DEPLOYMENTS:
        if pattern.search(rest):
            rest, deployment = pattern.sub(" ", rest), f" {name}"
            break
    words = _TOKEN_WORDS.sub(" ", rest).split()
    return "-".join(words) + deployment if words else None, component
