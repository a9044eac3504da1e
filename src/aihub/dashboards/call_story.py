"""Why a call costs what it costs: one sentence, then line by line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import msgspec

from aihub.conversations.api import ModelCall
from aihub.dashboards import cost_words, formats, price_words
from aihub.dashboards.cost_words import Reason
from aihub.kit.money import plain
from aihub.pricing import api as pricing

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_EXACT = Context(prec=80)
_MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class StoryLine:
    """`quantity` × `unit_price` = `amount`. `rate` and `per`: the price as providers write it."""

    component: str
    name: str
    quantity: Decimal
    counted: str
    unit: str
    unit_price: Decimal
    rate: str
    per: str
    amount: Decimal
    price_id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class MarkupStory:
    """How the price came from the cost: the rule, its version and its lines."""

    rule_key: str | None
    version: int | None
    has_negative_margin: bool
    lines: list[StoryLine]


@dataclass(frozen=True, slots=True)
class Story:
    """All that a call's page explains. `total` is the sum of the lines; `is_exact`: it is the cost.

    `computed` is what the book makes of the usage where the provider stated its charge, and
    `difference` the charge less that, `share` its part of it. `margin`: price less cost.
    """

    sentence: str
    reasons: list[Reason]
    lines: list[StoryLine]
    total: Decimal
    is_exact: bool
    is_stated: bool
    computed: Decimal | None
    difference: Decimal | None
    share: str
    markup: MarkupStory | None
    margin: Decimal | None


def tell(call: ModelCall, book: pricing.Book, organization: str) -> Story:
    """The story of a call; `book` is asked only for where its prices are shown."""
    lines = [_read_line(line, book, organization) for line in _read_list(call.cost_lines)]
    total = add_up([line.amount for line in lines])
    is_stated = any(line.component == price_words.STATED for line in lines)
    return Story(
        sentence=_say(call, lines, is_stated=is_stated),
        reasons=[r for r in cost_words.read_note(call.cost_note) if r.code != price_words.STATED],
        lines=lines,
        total=total,
        is_exact=call.cost is not None and total == call.cost,
        is_stated=is_stated,
        computed=call.computed_cost if is_stated else None,
        difference=_less(call.cost, call.computed_cost) if is_stated else None,
        share=_tell_share(call) if is_stated else "",
        markup=_read_markup(call.markup),
        margin=_less(call.price, call.cost),
    )


def add_up(amounts: Sequence[Decimal]) -> Decimal:
    """The exact sum."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def _say(call: ModelCall, lines: Sequence[StoryLine], *, is_stated: bool) -> str:
    cost = formats.format_exact_money(call.cost)
    if call.cost_status == "unpriced":
        return "What this call costs is not known, because no price could be worked out for it."
    if is_stated:
        return f"This call costs {cost}, because that is what the provider itself says it charges."
    if not lines:
        return (
            "This call costs nothing."
            if call.cost_status == "free"
            else f"This call is taken to cost {cost}."
            if call.cost_status == "estimated"
            else f"This call costs {cost}."
        )
    parts = [_say_line(line) for line in lines[:_MOST_SAID]]
    left = len(lines) - len(parts)
    if left:
        parts.append(f"{left} more {'line' if left == 1 else 'lines'} below")
    said = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    verb = "costs about" if call.cost_status == "estimated" else "costs"
    return f"This call {verb} {cost}: {said}."


def _say_line(line: StoryLine) -> str:
    name = line.name[:1].lower() + line.name[1:]
    if price_words.name_unit(line.component) == "token":
        return f"{line.counted} {line.unit} of {name} at {line.rate} per million"
    per = f" per {line.per.removeprefix('1 ')}" if line.per else ""
    return f"{line.counted} {name} at {line.rate}{per}"


def _plural(unit: str, quantity: Decimal) -> str:
    if not unit or quantity == 1:
        return unit
    if unit.endswith("ch"):
        return f"{unit}es"
    return f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"


def _read_line(line: Any, book: pricing.Book, organization: str) -> StoryLine:
    component, unit_price = str(line["component"]), Decimal(line["unit_price"])
    rate, per = price_words.show_unit_price(component, unit_price)
    quantity = Decimal(line["quantity"])
    return StoryLine(
        component=component,
        name=price_words.name_component(component),
        quantity=quantity,
        counted=formats.format_exact_number(quantity),
        unit=_plural(price_words.name_unit(component), quantity),
        unit_price=unit_price,
        rate=rate,
        per=per,
        amount=Decimal(line["amount"]),
        price_id=str(line["price_id"]),
        url=price_words.price_url(str(line["price_id"]), book, organization),
    )


def _read_markup(text: str | None) -> MarkupStory | None:
    if not text:
        return None
    found = _decode(text)
    lines = [_read_markup_line(line) for line in found.get("lines", [])]
    return MarkupStory(
        found.get("rule_key"), found.get("version"), bool(found.get("has_negative_margin")), lines
    )


def _read_markup_line(line: Any) -> StoryLine:
    kind, quantity = str(line["kind"]), Decimal(line["quantity"])
    unit_price = Decimal(line["unit_price"])
    is_share = kind == "percentage"
    rate = plain(_EXACT.multiply(unit_price, Decimal(100)))
    return StoryLine(
        component=kind,
        name=_name_markup(kind, str(line["description"])),
        quantity=quantity,
        counted=formats.format_exact_money(quantity)
        if is_share
        else formats.format_exact_number(quantity),
        unit="",
        unit_price=unit_price,
        rate=f"{rate} %" if is_share else formats.format_exact_money(unit_price),
        per="",
        amount=Decimal(line["amount"]),
        price_id="",
    )


def _name_markup(kind: str, description: str) -> str:
    if kind == "override" and description in pricing.COMPONENTS:
        return f"{price_words.name_component(description)}, at the rule's own price"
    words = description or kind
    return words[:1].upper() + words[1:]


def _read_list(text: str | None) -> list[Any]:
    found = _decode(text) if text else []
    return found if isinstance(found, list) else []


def _tell_share(call: ModelCall) -> str:
    difference = _less(call.cost, call.computed_cost)
    if not difference or not call.computed_cost:
        return ""
    return formats.format_percent(difference, call.computed_cost)


def _less(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else _EXACT.subtract(one, other)
