"""The price of a month under one rule, from sums that were not rounded: pure.

In this order: the calls' prices, or tiers in their place; tiers on top; what is included; minimum;
cap. Every line is rounded half even at 18 decimals; an invoice rounds once more, when it is made.
"""

from collections.abc import Iterator
from decimal import Decimal

from aihub.markup.amounts import WIDE, ZERO, fraction, multiply, per_unit, round_amount
from aihub.markup.models import (
    Included,
    MarkupRule,
    PeriodPrice,
    PeriodSums,
    PriceLine,
    Step,
    Tiers,
)

_ONE = Decimal(1)


def price_period(rule: MarkupRule, sums: PeriodSums) -> PeriodPrice:
    """What an organization pays for a month of calls under `rule`, never less than 0. Never raises.

    Calls without a price are not in the sums, and so not in the price.
    """
    lines: list[PriceLine] = []
    if rule.tiers is None or rule.tiers.charge == "on_top":
        words = f"the prices of {sums.requests:,} calls"
        lines.append(PriceLine("calls", words, 1, sums.price, sums.price))
    if rule.tiers is not None:
        lines += _price_tiers(rule.tiers, sums)
    price = _add_up(lines)
    if rule.included is not None and price > 0:
        line = _deduct(rule.included, price, sums.tokens)
        lines.append(line)
        price = WIDE.add(price, line.amount)
    least = rule.period_minimum or ZERO
    if price < least:
        missing = WIDE.subtract(least, price)
        lines.append(PriceLine("minimum", f"to the minimum of {least} USD", 1, missing, missing))
        price = least
    most = rule.period_cap
    if most is not None and price > most:
        excess = WIDE.subtract(most, price)
        lines.append(PriceLine("cap", f"down to the cap of {most} USD", 1, excess, excess))
        price = most
    return PeriodPrice(price, tuple(lines), price < sums.cost)


def has_period_part(rule: MarkupRule) -> bool:
    """Whether the price of a month is more than the sum of its calls' prices."""
    parts = (rule.tiers, rule.included, rule.period_minimum, rule.period_cap)
    return any(part is not None for part in parts)


def _price_tiers(tiers: Tiers, sums: PeriodSums) -> Iterator[PriceLine]:
    volume = {
        "cost": sums.cost,
        "tokens": Decimal(sums.tokens),
        "requests": Decimal(sums.requests),
    }[tiers.basis]
    before = ZERO
    for number, step in enumerate(tiers.steps, 1):
        is_reached = step.up_to is None or volume <= step.up_to
        end = volume if is_reached else step.up_to
        assert end is not None
        part = WIDE.subtract(end, before)
        if tiers.mode == "volume":
            part = volume if is_reached else ZERO
        if part:
            rate = _rate(step, is_instead=tiers.charge == "instead")
            words = f"step {number} by {tiers.basis}, {tiers.mode}"
            yield PriceLine("tier", words, part, rate, multiply(rate, part))
        if is_reached:
            return
        before = end


def _rate(step: Step, *, is_instead: bool) -> Decimal:
    """USD for one dollar of cost, one token or one request."""
    if step.percentage is not None:
        added = fraction(step.percentage)
        return WIDE.add(_ONE, added) if is_instead else added
    if step.per_million is not None:
        return per_unit(step.per_million)
    return step.per_unit or ZERO


def _deduct(included: Included, price: Decimal, tokens: int) -> PriceLine:
    if included.usd is not None:
        free = min(included.usd, price)
        return PriceLine("included", f"{included.usd} USD included", 1, -free, -free)
    # at the average price of the month's tokens
    count = min(included.tokens or ZERO, Decimal(tokens))
    words = f"{included.tokens} tokens included, at the month's average price"
    if count == tokens:
        return PriceLine("included", words, 1, -price, -price)
    amount = -round_amount(WIDE.divide(WIDE.multiply(price, count), Decimal(tokens)))
    rate = -round_amount(WIDE.divide(price, Decimal(tokens)))
    return PriceLine("included", words, count, rate, amount)


def _add_up(lines: list[PriceLine]) -> Decimal:
    total = ZERO
    for line in lines:
        total = WIDE.add(total, line.amount)
    return total
