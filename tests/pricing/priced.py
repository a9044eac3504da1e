"""What the tests of shipped prices share: a bill written as `quantity kind @price`, compared."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from aihub.pricing.components import COMPONENTS, INPUT_TOKENS
from aihub.pricing.models import Usage
from aihub.pricing.rules import Cost, compute_cost
from aihub.pricing.shipped import load_book

_PART = re.compile(r"^(?P<count>[\d.]+) (?P<kind>\w+) @(?P<price>[\d.]+(?:/\d+)?)$")


class Bill(NamedTuple):
    """A call: `parts` says how many of each kind it used, and what one unit of the provider's list
    costs (`30000 input_text @0.75`: 0.75 USD a million). `facets` are required ones, as
    `processing=batch`; `looks` may go unmatched, as `endpoint=regional`."""

    provider: str
    model: str
    day: str
    parts: str
    facets: str = ""
    looks: str = ""

    def __str__(self) -> str:
        told = " ".join(word for word in (self.facets, self.looks) if word)
        return f"{self.model} on {self.day}: {self.parts}" + (f" ({told})" if told else "")


def compute(bill: Bill) -> tuple[Cost, tuple[str, ...], Fraction]:
    """What the shipped book makes of a bill, the facets without a rate, and what is right."""
    quantities: dict[str, int | Decimal] = {}
    expected = Fraction(0)
    for part in bill.parts.split(", "):
        found = _PART.match(part)
        assert found is not None, part
        kind, count = found["kind"], Decimal(found["count"])
        amount, _, per = found["price"].partition("/")
        if kind != "request":
            quantities[kind] = int(count) if count % 1 == 0 else count
        expected += Fraction(count) * Fraction(amount) / int(per or COMPONENTS[kind].per)
    book = load_book()
    chain = book.find(bill.provider, bill.model)
    assert chain is not None, f"{bill.provider} has no {bill.model}"
    at = datetime.fromisoformat(bill.day)
    rates = book.resolve(
        chain,
        at if at.tzinfo else at.replace(tzinfo=UTC),
        required=_read(bill.facets),
        optional=_read(bill.looks),
        prompt_tokens=sum(int(quantities.get(kind, 0)) for kind in INPUT_TOKENS),
    )
    return compute_cost(Usage(parts=quantities), rates), rates.unmatched, expected


def check(bill: Bill) -> None:
    """The cost is exact (to 18 decimals), nothing stands in, every facet has a rate."""
    cost, unmatched, expected = compute(bill)
    assert abs(Fraction(cost.amount) - expected) < Fraction(1, 10**17), str(cost.amount)
    assert (cost.flags, unmatched) == ((), ())


def _read(facets: str) -> Mapping[str, str]:
    return dict(word.split("=", 1) for word in facets.split()) if facets else {}
