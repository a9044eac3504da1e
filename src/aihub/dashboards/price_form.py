"""The form for a price of one's own: from fields to a price, or what is wrong with which field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from aihub.dashboards.price_words import MAIN_COMPONENTS, ShownRate, name_component
from aihub.kit.errors import Invalid
from aihub.prices.api import PriceIn, StoredPrice, read_price
from aihub.pricing import api as pricing

MORE_ROWS = 3
_LONGEST_REASON = 500
_PREFIX = "price_"


@dataclass(frozen=True, slots=True)
class ComponentField:
    """A field for one component's price; `present` is what holds now."""

    name: str
    label: str
    unit: str
    present: str


@dataclass(frozen=True, slots=True)
class PriceForm:
    """What was typed, and what is wrong with it by field; `problem` is about the whole."""

    components: list[ComponentField]
    values: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Components that can be added, with their unit."""
        shown = {each.name.removeprefix(_PREFIX) for each in self.components}
        return [
            (name, f"{name_component(name)} ({pricing.describe_unit(name)})")
            for name in pricing.COMPONENTS
            if name not in shown
        ]

    @property
    def more(self) -> range:
        """Numbers of the rows for other components."""
        return range(1, MORE_ROWS + 1)


def begin_form(rates: Sequence[ShownRate]) -> PriceForm:
    """An empty form for a model at these rates."""
    present = {rate.component: rate for rate in rates}
    names = [*MAIN_COMPONENTS, *(name for name in present if name not in MAIN_COMPONENTS)]
    return PriceForm(
        [
            ComponentField(
                f"{_PREFIX}{name}",
                name_component(name),
                present[name].unit if name in present else pricing.describe_unit(name),
                present[name].amount if name in present else "",
            )
            for name in names
        ]
    )


def read_form_price(
    form: PriceForm,
    given: Mapping[str, str],
    provider: str,
    model: str,
    organization_id: UUID,
    zone: ZoneInfo,
) -> tuple[StoredPrice | None, PriceForm]:
    """The price that was typed; None with a form that says what is wrong."""
    values = {name: text.strip() for name, text in given.items()}
    errors: dict[str, str] = {}
    written: dict[str, Any] = {"provider": provider, "model": model}
    written["prices"] = _read_prices(form, values, errors)
    for name in ("source", "note", "multiply"):
        if values.get(name):
            written[name] = values[name]
            _check_field(name, written, errors)
    since = _read_since(values.get("from", ""), zone, errors)
    if values.get("scope") not in ("everybody", "contract"):
        errors["scope"] = "Choose for whom the price is."
    _check_reason(values.get("reason", ""), errors)
    problem = None
    if not (errors or written["prices"] or "multiply" in written):
        problem = "Give at least one price, or a factor to multiply all prices with."
    if errors or problem:
        return None, PriceForm(form.components, values, errors, problem)
    price = PriceIn(**written, from_=since)
    try:
        owner = organization_id if values["scope"] == "contract" else None
        return read_price(price, "price", owner), form
    except Invalid as error:
        return None, PriceForm(form.components, values, errors, error.detail)


def _read_prices(
    form: PriceForm, values: Mapping[str, str], errors: dict[str, str]
) -> dict[str, str]:
    prices: dict[str, str] = {}
    for each in form.components:
        _take(each.name.removeprefix(_PREFIX), each.name, values, prices, errors)
    for number in form.more:
        name, amount = values.get(f"component_{number}", ""), f"amount_{number}"
        if not name:
            if values.get(amount):
                errors[f"component_{number}"] = "Choose what this is the price of."
            continue
        if name not in pricing.COMPONENTS:
            errors[f"component_{number}"] = "Choose one of the list."
        elif not values.get(amount):
            errors[amount] = "Give its price."
        elif name in prices:
            errors[f"component_{number}"] = "Its price is given already."
        else:
            _take(name, amount, values, prices, errors)
    return prices


def _take(
    component: str,
    name: str,
    values: Mapping[str, str],
    prices: dict[str, str],
    errors: dict[str, str],
) -> None:
    text = values.get(name, "").removeprefix("$").strip()
    if not text:
        return
    try:
        msgspec.convert({"prices": {component: text}}, pricing.PriceRow)
    except msgspec.ValidationError:
        errors[name] = "An amount in US dollars such as 2.50, or 0.111/3600."
    else:
        prices[component] = text


_COMPLAINTS = {
    "source": "An address that begins with https://, of at most 1,000 characters.",
    "note": "At most 2,000 characters.",
    "multiply": "A factor such as 0.9 for 10 % off.",
}


def _check_field(name: str, written: Mapping[str, Any], errors: dict[str, str]) -> None:
    try:
        msgspec.convert({name: written[name]}, pricing.PriceRow)
    except msgspec.ValidationError:
        errors[name] = _COMPLAINTS[name]
    else:
        if "\x00" in written[name]:
            errors[name] = "This holds a character that cannot be stored."


def _check_reason(text: str, errors: dict[str, str]) -> None:
    if len(text) > _LONGEST_REASON:
        errors["reason"] = f"At most {_LONGEST_REASON} characters."
    elif "\x00" in text:
        errors["reason"] = "This holds a character that cannot be stored."


def _read_since(text: str, zone: ZoneInfo, errors: dict[str, str]) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        errors["from"] = "A day or a time such as 2026-11-25T14:00."
        return None
