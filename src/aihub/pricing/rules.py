"""From normalised usage and rates to a cost: pure decimal arithmetic, exact to the last digit.

An amount is rounded in one case alone: where a price is no finite decimal (0.111 USD an hour, by
the second) it is rounded half even at 18 decimals, once, the way it is stored.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact

import msgspec

from aihub.pricing.components import COMPONENTS, QUIET_STAND_INS, STAND_INS, TOKENS
from aihub.pricing.models import CostLine, Flag, Quantity, Usage
from aihub.pricing.rates import Rate, Rates

# 10^12 units at 18 decimals need 30 digits; a result that had to be rounded would be a bug
_EXACT = Context(prec=80, traps=[Inexact])
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
_ATTO = Decimal(1).scaleb(-18)


class Cost(msgspec.Struct, frozen=True):
    """An exact sum with its lines; `flags` are the reasons why it is an estimate."""

    amount: Decimal
    lines: tuple[CostLine, ...]
    flags: tuple[Flag, ...] = ()


class NoPrice(Exception):
    """There is a quantity of tokens, and neither a price of it nor one that may stand in; or
    nothing at all of what was used has a price."""

    def __init__(self, component: str) -> None:
        super().__init__(component)
        self.component = component


def compute_cost(usage: Usage, rates: Rates) -> Cost:
    """The cost of `usage` at `rates`. Raises NoPrice where a kind of token has no price, or all."""
    lines: list[CostLine] = []
    flags: list[Flag] = []
    missed = ""
    prices = rates.by_component
    for component, quantity in _list_quantities(usage, rates):
        rate = prices.get(component)
        if rate is None:
            rate, flag = _stand_in(component, prices)
            if flag is not None:
                flags.append(flag)
            if rate is None:
                missed = component
                continue
        lines.append(draw_line(component, quantity, rate))
    if missed and not lines:
        raise NoPrice(missed)
    return Cost(add_up(line.amount for line in lines), tuple(lines), tuple(flags))


def draw_line(component: str, quantity: Quantity, rate: Rate) -> CostLine:
    """`quantity` times its rate."""
    number = quantity if isinstance(quantity, Decimal) else Decimal(quantity)
    if rate.unit is not None:
        return CostLine(
            component, quantity, rate.unit, _EXACT.multiply(rate.unit, number), rate.price_id
        )
    per = Decimal(rate.per)
    unit = _WIDE.divide(rate.numerator, per).quantize(_ATTO, context=_WIDE)
    amount = _WIDE.divide(_EXACT.multiply(rate.numerator, number), per).quantize(
        _ATTO, context=_WIDE
    )
    return CostLine(component, quantity, unit, amount, rate.price_id)


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of amounts of USD."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def _list_quantities(usage: Usage, rates: Rates) -> list[tuple[str, Quantity]]:
    parts = [(name, quantity) for name, quantity in usage.parts.items() if quantity]
    prices = rates.by_component
    if usage.reasoning_tokens and "output_reasoning" in prices:
        parts = _split_reasoning(parts, usage.reasoning_tokens)
    if rates.minimum:
        parts = [(name, max(quantity, rates.minimum.get(name, 0))) for name, quantity in parts]
    if "request" in prices and "request" not in usage.parts:
        parts.append(("request", 1))
    return parts


def _split_reasoning(
    parts: list[tuple[str, Quantity]], reasoning: int
) -> list[tuple[str, Quantity]]:
    """Reasoning apart from the text it is inside of, where it has a price of its own."""
    split: list[tuple[str, Quantity]] = []
    for name, quantity in parts:
        if name == "output_text":
            inside = min(reasoning, int(quantity))
            split += [("output_text", quantity - inside), ("output_reasoning", inside)]
        else:
            split.append((name, quantity))
    return [(name, quantity) for name, quantity in split if quantity]


def _stand_in(component: str, prices: Mapping[str, Rate]) -> tuple[Rate | None, Flag | None]:
    for name in QUIET_STAND_INS.get(component, ()):
        if name in prices:
            return prices[name], None
    spoken = COMPONENTS[component].spoken
    for name in STAND_INS.get(component, ()):
        if name in prices:
            text = f"no price of {spoken}, taken at that of {COMPONENTS[name].spoken}"
            return prices[name], Flag("stand_in_price", text)
    if component in TOKENS:
        raise NoPrice(component)
    return None, Flag("fee_left_out", f"no price of {spoken}")
