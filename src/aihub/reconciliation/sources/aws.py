"""AWS Cost and Usage Report 2.0, as CSV: Amazon Bedrock, and other vendors' models on it.

Amazon's own models are counted in thousands of tokens and named in the usage type. Those of other
vendors come as lines of the marketplace, counted in millions, without the name of the model.
"""

import re
from collections.abc import Iterator
from typing import Literal

from aihub.reconciliation.models import BilledRow, Kind, ParsedBill
from aihub.reconciliation.sources.adding import aggregate
from aihub.reconciliation.sources.reading import (
    Fields,
    component_of,
    read_csv,
    tokens_of,
)

_PROVIDER = "bedrock"
MARKETPLACE = "marketplace lines"
_COLUMNS = (
    "line_item_usage_start_date",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_line_item_type",
    "line_item_currency_code",
)
_REGION = re.compile(r"^(?:[A-Z]{2,4}\d{1,2}|[a-z]{2}-[a-z]+-\d)[-_:]")
_TAIL = re.compile(
    r"[-_ ]?(?:cache[-_ ]?(?:read|write)|cached|input|output|text|image|video).*$", re.I
)
_LIST_COLUMN = "pricing_public_on_demand_cost"


def parse(raw: bytes, name: str) -> ParsedBill:
    """The lines that are about models; those of other services are counted."""
    others = 0

    def rows() -> Iterator[BilledRow]:
        nonlocal others
        for _, fields in read_csv(raw, name, _COLUMNS):
            row = _row(fields)
            if row is None:
                others += 1
            else:
                yield row

    found = aggregate(rows())
    return ParsedBill(found, frozenset(row.day for row in found), others)


def _row(fields: Fields) -> BilledRow | None:
    usage_type = fields.text("line_item_usage_type") or ""
    product = fields.text("line_item_product_code") or ""
    is_marketplace = (
        re.search(r"(?:^|-)MP:", usage_type) is not None and "token" in usage_type.lower()
    )
    if "bedrock" not in product.lower() and not is_marketplace:
        return None
    kind = _kind(fields.text("line_item_line_item_type") or "")
    component = component_of(_spaced(usage_type)) if kind == "cost" else None
    times = _tokens_a_unit(fields.text("pricing_unit"), is_marketplace=is_marketplace)
    is_of_tokens = component is not None and times is not None
    model = None if is_marketplace or not is_of_tokens else _model(usage_type)
    return BilledRow(
        day=fields.day("line_item_usage_start_date"),
        provider=_PROVIDER,
        model=model,
        line=MARKETPLACE if is_marketplace and is_of_tokens else usage_type or product,
        kind="fee" if kind == "cost" and not is_of_tokens else kind,
        component=component if is_of_tokens else None,
        tokens=tokens_of(component, fields.count("line_item_usage_amount", times=times))
        if is_of_tokens and times
        else None,
        quantity=fields.amount("line_item_usage_amount"),
        amount=fields.money("line_item_unblended_cost"),
        list_amount=fields.amount(_LIST_COLUMN) if kind == "cost" else None,
        currency=fields.currency("line_item_currency_code"),
    )


def _kind(line_type: str) -> Kind:
    word = line_type.lower()
    if word == "tax":
        return "tax"
    if "credit" in word or "refund" in word:
        return "credit"
    if "discount" in word and word != "discountedusage":
        return "discount"
    return "cost" if "usage" in word else "fee"


def _tokens_a_unit(unit: str | None, *, is_marketplace: bool) -> Literal[1, 1000, 1_000_000] | None:
    word = (unit or "").lower()
    if word.startswith("1k"):
        return 1000
    if word.startswith("1m") or (is_marketplace and word == "units"):
        return 1_000_000
    return 1 if "token" in word else None


def _model(usage_type: str) -> str | None:
    return _TAIL.sub("", _REGION.sub("", usage_type)).strip("-_: ") or None


def _spaced(usage_type: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", usage_type)
