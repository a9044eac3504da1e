"""Reading counts and amounts out of decoded JSON, where anything may stand in any place."""

from collections.abc import Mapping
from decimal import Decimal

from aihub.pricing.errors import InvalidUsage

MAX_TOKENS = 10**12
MAX_STATED_USD = 10**9
_AMOUNT = "must be a number from 0 to 10^9"
_DECIMALS = 18
_ATTO = Decimal(1).scaleb(-_DECIMALS)
_FINEST_QUANTITY = 9  # of a second
_NANO = Decimal(1).scaleb(-_FINEST_QUANTITY)
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


def read_number(value: object, path: str) -> int | Decimal:
    """`value` as a quantity that may have a fraction (seconds), exact to nine decimals."""
    number = _read_decimal(value, MAX_TOKENS)
    if number is None:
        raise InvalidUsage(path, "must be a number from 0 to 10^12")
    if number % 1 == 0:
        return int(number)
    return number.quantize(_NANO) if _is_finer(number, _FINEST_QUANTITY) else number


def read_count(usage: Mapping[str, object], path: str, *keys: str) -> int | None:
    """The first of `keys` that has a value, as a count; None when there is none."""
    for key in keys:
        value = usage.get(key)
        if value is not None:
            return read_whole(value, f"{path}.{key}")
    return None


def count_of(usage: Mapping[str, object], path: str, key: str) -> int:
    """The count at `key`, 0 when there is none."""
    value = usage.get(key)
    if not value and type(value) is int:
        return 0
    return 0 if value is None else read_whole(value, f"{path}.{key}")


def read_details(usage: Mapping[str, object], path: str, *keys: str) -> dict[str, object]:
    """The first of `keys` that has a value, as an object; an empty one when there is none."""
    for key in keys:
        value = usage.get(key)
        if value is not None:
            return read_object(value, f"{path}.{key}")
    return _NO_DETAILS


def read_list(usage: Mapping[str, object], path: str, key: str) -> list[object]:
    """The list at `key`; an empty one when there is none."""
    value = usage.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidUsage(f"{path}.{key}", "must be a list")
    return value


def read_object(value: object, path: str) -> dict[str, object]:
    """`value` as an object with named fields."""
    if not isinstance(value, dict):
        raise InvalidUsage(path, "must be an object")
    return value


def read_amount(value: object, path: str) -> Decimal:
    """`value` as an amount of USD, exact as written, in the 18 decimals of a stored cost."""
    amount = _read_decimal(value, MAX_STATED_USD)
    if amount is None:
        raise InvalidUsage(path, _AMOUNT)
    return amount.quantize(_ATTO) if _is_finer(amount, _DECIMALS) else amount


def _read_decimal(value: object, limit: int) -> Decimal | None:
    """`value` exact, a float by its shortest decimal form, which is what the JSON said."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return Decimal(value) if 0 <= value <= limit else None
    amount = Decimal(repr(value)) if isinstance(value, float) else value
    return amount if 0 <= _finite(amount) <= limit else None


def _is_finer(value: Decimal, decimals: int) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent < -decimals


def _finite(value: Decimal) -> Decimal:
    return value if value.is_finite() else Decimal(-1)
