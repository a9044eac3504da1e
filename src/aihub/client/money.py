"""Exact amounts that also compare well with the float literals people write."""

from decimal import Decimal
from typing import Any


class Money(Decimal):
    """A Decimal that a float literal may be compared with.

    `Decimal("0.0045") == 0.0045` is False, because the literal stands for the nearest binary
    fraction, 0.00449999999999999966…; whoever writes `conversation.total_cost == 0.0045` means the
    number as written. So a float is compared by its shortest form (`repr`), everything else as
    Decimal does. Arithmetic gives plain, exact Decimals; floats are refused there, as Decimal does.

    The hash stays Decimal's: a Money is found in a set of Decimals, not in a set of floats.
    """

    __slots__ = ()

    __hash__ = Decimal.__hash__

    def __eq__(self, other: object) -> bool:
        return Decimal.__eq__(self, _as_written(other))

    # Decimal compares in C, operator by operator: each has to be named here, or `<=` and `==`
    # would disagree about the same float.
    def __ne__(self, other: object) -> bool:
        return Decimal.__ne__(self, _as_written(other))

    def __lt__(self, other: Any) -> bool:
        return Decimal.__lt__(self, _as_written(other))

    def __le__(self, other: Any) -> bool:
        return Decimal.__le__(self, _as_written(other))

    def __gt__(self, other: Any) -> bool:
        return Decimal.__gt__(self, _as_written(other))

    def __ge__(self, other: Any) -> bool:
        return Decimal.__ge__(self, _as_written(other))


def _as_written(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value
