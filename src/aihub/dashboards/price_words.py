"""Prices as people read them: components, units, rates, and where a price in the book is shown.
Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import NamedTuple
from urllib.parse import quote

from aihub.dashboards import formats
from aihub.pricing import api as pricing

LAYERS: Mapping[str, str] = {
    "base": "The imported list of public prices.",
    "corrections": "Prices that this hub's makers checked at the provider.",
    "override": "A price that the operator set for everybody.",
    "contract": "A price of this organization alone.",
}
LISTS = ("base", "corrections")  # layers that come with the hub
MAIN_COMPONENTS = ("input_text", "cached_text", "output_text")
STATED = "stated"
EVERY_MODEL = "*"

_EXACT = Context(prec=80)
_FACETS = {
    "processing": "processing",
    "service_tier": "service tier",
    "geo": "place of computing",
    "residency": "data residency",
    "search_context": "search context",
}


@dataclass(frozen=True, slots=True)
class ShownRate:
    """A component's price: `amount` for `unit`, by the row `price_id`."""

    component: str
    name: str
    amount: str
    unit: str
    usd: Decimal
    per: int
    price_id: str


def name_component(component: str) -> str:
    """`cached_text` → `Cached input`."""
    if component == STATED:
        return "The provider's own charge"
    found = pricing.COMPONENTS.get(component)
    spoken = found.spoken if found else component.replace("_", " ")
    return spoken[:1].upper() + spoken[1:]


def name_unit(component: str) -> str:
    """What one of it is called: `token`, `search`; nothing for what the hub does not know."""
    found = pricing.COMPONENTS.get(component)
    return found.unit if found else ""


def format_rate(usd: Decimal) -> str:
    """All digits, two decimals at least, as price lists write it: $2.50, $0.075."""
    shown = formats.format_exact_money(usd)
    _, point, decimals = shown.partition(".")
    return f"{shown}{'' if point else '.'}{'0' * max(0, 2 - len(decimals))}"


def show_rate(component: str, usd: Decimal, per: int, price_id: str) -> ShownRate:
    """`usd` for `per` units, which may be another number than the book's usual one."""
    known = pricing.COMPONENTS[component]
    unit = pricing.describe_unit(component) if per == known.per else f"{per:,} {known.unit}s"
    return ShownRate(
        component, name_component(component), format_rate(usd), unit, usd, per,
        price_id,
    )  # fmt: skip


def show_written(component: str, price: str, price_id: str = "") -> ShownRate:
    """A price as the book writes it: `2.5`, or `0.111/3600`."""
    amount, _, per = price.partition("/")
    known = pricing.COMPONENTS[component]
    return show_rate(component, Decimal(amount), int(per) if per else known.per, price_id)


def show_unit_price(component: str, unit_price: Decimal) -> tuple[str, str]:
    """The price of one unit as the amount and unit that people know: `$2.5`, `1,000,000 tokens`."""
    known = pricing.COMPONENTS.get(component)
    if known is None:
        return format_rate(unit_price), ""
    amount = _EXACT.multiply(unit_price, Decimal(known.per))
    return format_rate(amount), pricing.describe_unit(component)


def name_facet(name: str, value: str) -> str:
    """A circumstance that chooses a rate: `processing: batch`."""
    return f"{_FACETS.get(name, name.replace('_', ' '))}: {value}"


def model_url(provider: str, model: str) -> str:
    """A model's page."""
    return f"/prices/{quote(provider, safe='')}/{quote(model, safe='/*:@')}"


def price_url(price_id: str, book: pricing.Book, organization: str | None) -> str | None:
    """The page of the model whose row `price_id` names; None for what is in no book."""
    provider, slash, rest = price_id.partition("/")
    if not slash:
        return None
    model = _cut(rest)
    while model:
        if model == EVERY_MODEL or book.find(provider, model, organization) is not None:
            return model_url(provider, model)
        model = model.rpartition("/")[0]
    return None


class Owner(NamedTuple):
    """Whose prices a name has in a layer; `times`: when each of its rows begins."""

    layer: str
    provider: str
    model: str
    times: tuple[datetime, ...]

    def find_since(self, at: datetime) -> datetime | None:
        """When the row began that holds `at`; None for always."""
        begun = [time for time in self.times if time <= at and time.year > 1]
        return begun[-1] if begun else None


def list_owners(book: pricing.Book, provider: str, model: str, organization: str) -> list[Owner]:
    """Whose prices a name has, lowest layer first. A snapshot's are often those of the model it is
    a snapshot of."""
    chain = book.find(provider, model, organization)
    found: list[Owner] = []
    for history in chain.histories if chain else ():
        owner, _, rest = history.terms[0].price_id.partition("/")
        name = _cut(rest)
        if name != EVERY_MODEL:
            found.append(Owner(history.layer, owner, name, history.times))
    return found


def _cut(rest: str) -> str:
    """A price id without its day, its layer and what chose the rate."""
    for mark in ("×", "#override", "#contract"):
        rest = rest.partition(mark)[0]
    head, at, day = rest.rpartition("@")
    return head if at and day[:4].isdigit() and day[4:5] == "-" else rest
