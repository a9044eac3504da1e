"""The price of one call under its rule: pure, exact, a few microseconds.

In this order: the cost, or prices per million in its place; percentage; fixed amount; minimum; cap.
Every line is rounded half even at 18 decimals, the most that is stored. With prices of at most 12
decimals and percentages of at most 4, which is all that is usual, nothing is ever rounded.

A call by which nothing was used (no cost, no cost lines, no quantities: refused by the provider, or
failed before it answered) is charged nothing: no fixed amount and no minimum. A call that was used
but costs nothing, such as one of a local model, is charged like every other.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from aihub.markup.amounts import WIDE, ZERO, fraction, multiply, per_unit
from aihub.markup.components import list_components
from aihub.markup.models import MarkupRule, PricedRequest, PriceLine
from aihub.pricing.api import CostLine

_STATED = "stated"
_SPOKEN = {
    "estimated": "the provider's cost, estimated",
    "free": "the provider's cost: free",
}


def price_request(
    rule: MarkupRule | None,
    cost: Decimal | None,
    cost_lines: Sequence[CostLine],
    cost_status: str,
    quantities: Mapping[str, int | Decimal] | None = None,
) -> PricedRequest:
    """What the customer pays for a call that costs `cost` USD (None: unpriced). Never raises.

    `quantities` is the normalised usage: with it, prices per million need neither a cost nor its
    lines, provided that they name every component that was used. Otherwise an unpriced call stays
    unpriced. Without a rule the price is the cost. The cost is never changed.
    """
    if rule is None:
        return PricedRequest(cost)
    lines = _price_usage(rule, cost, cost_lines, cost_status, quantities)
    if lines is None:
        return PricedRequest(None, (), rule.id, rule.rule_key, rule.version)
    price = ZERO
    for line in lines:
        price = WIDE.add(price, line.amount)
    if rule.percentage is not None and cost:
        rate = fraction(rule.percentage)
        amount = multiply(rate, cost)
        words = f"{rule.percentage}% of the provider's cost"
        lines.append(PriceLine("percentage", words, cost, rate, amount))
        price = WIDE.add(price, amount)
    if cost or cost_lines or lines or _is_used(quantities):
        price = _add_request_lines(rule, price, lines)
    is_loss = cost is not None and price < cost
    return PricedRequest(price, tuple(lines), rule.id, rule.rule_key, rule.version, is_loss)


def _add_request_lines(rule: MarkupRule, price: Decimal, lines: list[PriceLine]) -> Decimal:
    fixed, least, most = rule.fixed_per_request, rule.minimum_per_request, rule.cap_per_request
    if fixed:
        lines.append(PriceLine("fixed", "for each request", 1, fixed, fixed))
        price = WIDE.add(price, fixed)
    if least is not None and price < least:
        missing = WIDE.subtract(least, price)
        lines.append(PriceLine("minimum", f"to the minimum of {least} USD", 1, missing, missing))
        price = least
    if most is not None and price > most:
        excess = WIDE.subtract(most, price)
        lines.append(PriceLine("cap", f"down to the cap of {most} USD", 1, excess, excess))
        price = most
    return price


# ---------- cost, or prices per million ----------


def _price_usage(
    rule: MarkupRule,
    cost: Decimal | None,
    cost_lines: Sequence[CostLine],
    cost_status: str,
    quantities: Mapping[str, int | Decimal] | None,
) -> list[PriceLine] | None:
    """None: the price needs a cost that is not known."""
    if rule.per_million is not None:
        if cost_lines and cost is not None and cost_lines[0].component != _STATED:
            return [_override_line(rule.per_million, line) for line in cost_lines]
        # one charge for all, or none: the parts of the usage are in the quantities alone
        lines = _override_quantities(rule.per_million, quantities, is_free=cost == 0)
        if lines is not None:
            return lines
    if cost is None:
        return None
    if not cost:
        return []
    words = _SPOKEN.get(cost_status, "the provider's cost")
    if rule.per_million is not None:
        words += ": not all of its parts have a price of their own"
    return [PriceLine("cost", words, 1, cost, cost)]


def _override_line(per_million: Mapping[str, Decimal], line: CostLine) -> PriceLine:
    price = per_million.get(line.component)
    if price is None:
        words = f"{line.component}, at cost: it has no price of its own"
        return PriceLine("cost", words, line.quantity, line.unit_price, line.amount)
    return _draw_override(line.component, line.quantity, price)


def _draw_override(component: str, quantity: int | Decimal, price: Decimal) -> PriceLine:
    unit_price = per_unit(price)
    return PriceLine("override", component, quantity, unit_price, multiply(unit_price, quantity))


def _override_quantities(
    per_million: Mapping[str, Decimal],
    quantities: Mapping[str, int | Decimal] | None,
    *,
    is_free: bool,
) -> list[PriceLine] | None:
    """None where a component has no price: only of a free call its cost is known to be 0."""
    lines = []
    for component, quantity in list_components(quantities or {}):
        price = per_million.get(component)
        if price is not None:
            lines.append(_draw_override(component, quantity, price))
        elif is_free:
            words = f"{component}, at cost: it has no price of its own"
            lines.append(PriceLine("cost", words, quantity, ZERO, ZERO))
        else:
            return None
    return lines or None


def _is_used(quantities: Mapping[str, int | Decimal] | None) -> bool:
    return quantities is not None and any(quantities.values())
