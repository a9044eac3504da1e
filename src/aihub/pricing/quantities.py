"""Reading counts and amounts out of decoded JSON, where anything may stand in any place."""

from collections.abc import Mapping
from decimal import Decimal

from aihub.pricing.errors import InvalidUsage

MAX_TOKENS = 10**12
MAX_STATED_USD = 10**9
_AMOUNT = "must be a number from 0 to 10^9"
_DECIMALS = 18
_ATTO = Decimal(1).scaleb(-_DECIMALS)
_NO_DETAILS: dict[str, object] = {}


def read_whole(value: object, path: str, *, limit: int = MAX_TOKENS) -> int:
    """`value` as a count; a float without a fraction (12.0) is one, a bool or a string is not."""
    if type(value) is int:
        number = value
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else -1
    elif isinstance(value, Decimal):
        number = int(value) if 0 <= _finite(value) <= limit and value % 1 == 0 else -1
    else:
        number = -1
    if not 0 <= number <= limit:
        raise InvalidUsage(path, f"must be a whole number from 0 to 10^{len(str(limit)) - 1}")
    return number


def read_count(usage: Mapping[str, object], path: str, *keys: str) -> int | None:
    """The first of `keys` that has a value, as a count; None when there is none."""
    for key in keys:
        value = usage.get(key)
        if value is not None:
            return read_whole(value, f"{path}.{key}")
    return None


def read_details(usage: Mapping[str, object], path: str, *keys: str) -> dict[str, object]:
    """The first of `keys` that has a value, as an object; an empty one when there is none."""
    for key in keys:
        value = usage.get(key)
        if value is not None:
            return read_object(value, f"{path}.{key}")
    return _NO_DETAILS


def read_object(value: object, path: str) -> dict[str, object]:
    """`value` as an object with named fields."""
    if not isinstance(value, dict):
        raise InvalidUsage(path, "must be an object")
    return value


def read_amount(value: object, path: str) -> Decimal:
    """`value` as an amount of USD, exact as written, in the 18 decimals of a stored cost."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidUsage(path, _AMOUNT)
    if isinstance(value, float):
        amount = Decimal(repr(value))  # the shortest decimal form, which is what the JSON said
    elif isinstance(value, int):
        amount = Decimal(value if 0 <= value <= MAX_STATED_USD else -1)
    else:
        amount = value
    if not 0 <= _finite(amount) <= MAX_STATED_USD:
        raise InvalidUsage(path, _AMOUNT)
    exponent = amount.as_tuple().exponent
    is_finer = isinstance(exponent, int) and exponent < -_DECIMALS
    return amount.quantize(_ATTO) if is_finer else amount


def _finite(value: Decimal) -> Decimal:
    return value if value.is_finite() else Decimal(-1)
