"""From normalised usage and a row of the price book to an exact cost: pure, and never rounded."""

from collections.abc import Iterator
from decimal import Context, Decimal, Inexact

import msgspec

from aihub.pricing.book import PriceRow, Rates
from aihub.pricing.models import CostLine, Usage

# 10^12 tokens at 12 decimals need 30 digits; a result that had to be rounded would be a bug
_EXACT = Context(prec=60, traps=[Inexact])
_NAMES = {
    "input": "input_text",
    "cached_input": "cached_text",
    "cache_write_5m": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
    "output": "output_text",
}
_SPOKEN = {
    "cached_input": "cached input",
    "cache_write_5m": "cache writes",
    "cache_write_1h": "one-hour cache writes",
}


class Cost(msgspec.Struct, frozen=True):
    """An exact sum with its lines; `doubts` are the reasons why it is an estimate."""

    amount: Decimal
    lines: tuple[CostLine, ...]
    doubts: tuple[str, ...] = ()


def compute_cost(usage: Usage, row: PriceRow, *, rate: str | None = None) -> Cost | None:
    """The cost of `usage` at the prices of `row`, at a rate such as `batch` when one is named.

    None when there is output and the row has no price of it (embeddings).
    """
    rates, price_id, doubts = _choose_rates(row, rate)
    prices = rates.per_token
    if rates.above is not None and usage.input_tokens > (rates.above_tokens or 0):
        prices, price_id = rates.above, f"{price_id}/above-{rates.above_tokens}"
    if usage.output_tokens and "output" not in prices:
        return None
    lines: list[CostLine] = []
    for component, quantity in _list_quantities(usage):
        price = prices.get(component)
        if price is None:
            price = prices["input"]
            doubts += (f"no price of {_SPOKEN[component]}, priced at the input rate",)
        lines.append(_draw_line(component, quantity, price, price_id))
    return Cost(add_up(line.amount for line in lines), tuple(lines), doubts)


def add_up(amounts: Iterator[Decimal]) -> Decimal:
    """The exact sum of amounts of USD."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def _choose_rates(row: PriceRow, rate: str | None) -> tuple[Rates, str, tuple[str, ...]]:
    if rate is None:
        return row.standard, row.price_id, ()
    if rate in row.variants:
        return row.variants[rate], f"{row.price_id}/{rate}", ()
    return row.standard, row.price_id, (f"no price of the {rate} rate, priced at the standard one",)


def _list_quantities(usage: Usage) -> Iterator[tuple[str, int]]:
    parts = (
        ("input", usage.fresh_input_tokens),
        ("cached_input", usage.cached_input_tokens),
        ("cache_write_5m", usage.cache_write_5m_tokens),
        ("cache_write_1h", usage.cache_write_1h_tokens),
        ("output", usage.output_tokens),
    )
    return ((component, quantity) for component, quantity in parts if quantity)


def _draw_line(component: str, quantity: int, price: Decimal, price_id: str) -> CostLine:
    return CostLine(_NAMES[component], quantity, price, _EXACT.multiply(price, quantity), price_id)
