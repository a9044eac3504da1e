"""Exact arithmetic of amounts in USD, and the one rounding there is: half even at 18 decimals."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

# wide enough for 10^15 tokens times 12 decimals and back, many times over
WIDE = Context(prec=100, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)
_MILLION, _HUNDRED = -6, -2  # powers of ten: dividing by them is exact
_LAST_DECIMAL = Decimal("1e-18")


def round_amount(amount: Decimal) -> Decimal:
    """`amount` with at most 18 decimals, half even; as it is when it has no more."""
    rounded = WIDE.quantize(amount, _LAST_DECIMAL)
    return amount if rounded == amount else rounded


def multiply(price: Decimal, quantity: Decimal | int) -> Decimal:
    """`price` × `quantity`, rounded at 18 decimals."""
    return round_amount(WIDE.multiply(price, quantity))


def per_unit(per_million: Decimal) -> Decimal:
    """The price of one of a million."""
    return WIDE.scaleb(per_million, _MILLION)


def fraction(percentage: Decimal) -> Decimal:
    """20 percent: 0.2."""
    return WIDE.scaleb(percentage, _HUNDRED)
