"""Amounts as JSON numbers: written out in full, never rounded, never in exponent form."""

from decimal import Decimal
from typing import Any

import msgspec

_ZERO = msgspec.Raw(b"0")


def json_number(amount: Decimal | None) -> Any:
    """`amount` as JSON, without trailing zeros: Decimal('0.00450') → 0.0045, 1E-7 → 0.0000001."""
    if amount is None:
        return None
    if not amount:
        return _ZERO
    return msgspec.Raw(plain(amount).encode())


def plain(amount: Decimal) -> str:
    """`amount` in digits alone, without trailing zeros behind the point."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
