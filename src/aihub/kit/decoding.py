"""From bytes to what is expected, with the field named where it is not; and back to bytes."""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec

from aihub.kit.errors import Invalid, Malformed

T = TypeVar("T")

FOREIGN = frozenset({"usage", "response"})
"""Fields that hold somebody else's JSON, which is read but not stored as it came: whatever is wrong
with it is said with the result, and what came with it is kept."""

encode_json = msgspec.json.Encoder(decimal_format="number", uuid_format="canonical").encode


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$?\.?(?P<path>.*)`)?$", re.DOTALL)
# begins with a digit: re skips all else at the speed of C, where `[:\[,\s]` stops at each space
_LARGE = re.compile(rb"\d(?:\d{299}|(?:(?<=[:\[,\s]\d)|(?<=[:\[,\s]-\d))[\d.]*[eE][+-]?\d{3})")
_NOT_NUMBERS = re.compile(rb"NaN|Infinity")
_TEXT_OR_NOT_A_NUMBER = re.compile(rb'("(?:[^"\\]|\\.)*")|-?Infinity|NaN')
_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode
_MAX_EXPONENT = 308
_MIN_EXPONENT = -400  # a double's last digit stands at -340 at the lowest
_NAMED = re.compile(r"^Object (?P<how>missing required|contains unknown) field `(?P<name>.*)`$")


def make_decoder(kind: type[T], *, is_checked: bool) -> Callable[[bytes], T]:
    """A function that reads a body of `kind`.

    Raises Invalid or Malformed. `is_checked`: not a list of parts that are checked one by one.
    """
    decode = msgspec.json.Decoder(kind, float_hook=Decimal).decode
    passed_on = raw_fields(kind) if is_checked else ()

    def decode_body(raw: bytes) -> T:
        try:
            raw.decode()  # what is passed on undecoded has to be UTF-8 as well
            try:
                body = decode(raw)
            except msgspec.ValidationError:
                raise
            except msgspec.DecodeError:
                if _NOT_NUMBERS.search(raw) is None:
                    raise
                raw = _write_not_numbers(raw)
                body = decode(raw)
        except msgspec.ValidationError as error:
            raise invalid(error) from error
        except RecursionError as error:
            raise Invalid.field("body", "is nested too deeply") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Malformed(f"The body is not JSON: {error}") from error
        if is_checked:
            refuse_unstorable(raw, body=body, passed_on=passed_on)
        return body

    return decode_body


def convert(value: object, kind: type[T], *, at: str = "", from_text: bool = False) -> T:
    """`value` (decoded JSON) as `kind`. Raises Invalid that names the field below `at`."""
    try:
        return msgspec.convert(value, kind, strict=not from_text)
    except msgspec.ValidationError as error:
        raise invalid(error, at=at) from error


def invalid(error: msgspec.ValidationError, *, at: str = "") -> Invalid:
    """msgspec's message as an Invalid with the path of the field."""
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    if named := _NAMED.match(what):
        path = f"{path}.{named['name']}" if path else named["name"]
        what = "is required" if named["how"].startswith("missing") else "is not a known field"
    glue = "." if at and path and not path.startswith("[") else ""
    where = f"{at}{glue}{path}"
    return Invalid.field(where or "body", what[:1].lower() + what[1:])


def raw_fields(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a body that are passed on as they came and have to be storable."""
    fields = msgspec.structs.fields(kind)
    return tuple(f.name for f in fields if f.type is msgspec.Raw and f.name not in FOREIGN)


def refuse_unstorable(
    raw: bytes, at: str = "", *, body: object = None, passed_on: Sequence[str] | None = None
) -> None:
    """Raise Invalid, naming the field, for what is JSON but not for PostgreSQL: text with a NUL,
    numbers beyond a double's range. Most bodies are told by one look."""
    parts = [raw] if passed_on is None else [bytes(getattr(body, name)) for name in passed_on]
    if b"\\u0000" in raw or any(_LARGE.search(part) for part in parts):
        # not msgspec: it refuses such numbers without a name
        value = json.loads(raw, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
        _refuse_unstorable(_leave_out_foreign(value), at)


def is_storable(raw: bytes) -> bool:
    """Whether PostgreSQL can keep this JSON: no NUL in it, no number beyond a double's range."""
    return b"\\u0000" not in raw and _LARGE.search(raw) is None


def decode_foreign(raw: bytes) -> Any:
    """JSON of somebody else's, numbers as int or Decimal, however large."""
    try:
        return _decode_any(raw)
    except msgspec.DecodeError:
        return json.loads(raw, parse_float=Decimal, parse_int=Decimal, parse_constant=str)


def _leave_out_foreign(value: Any) -> Any:
    """A body, or an event around one, without what is not stored as it came."""
    if not isinstance(value, dict):
        return value
    return {
        name: _leave_out_foreign(item) if name == "body" else item
        for name, item in value.items()
        if name not in FOREIGN
    }


def _write_not_numbers(raw: bytes) -> bytes:
    """A body with NaN and Infinity, which are no JSON, as text where they are forgiven.

    Some encoders write them. In a provider's own body they are told by name when it is read, and
    what came with it is kept. Raises Invalid where they stand anywhere else.
    """
    try:
        value = json.loads(raw, parse_int=Decimal, parse_constant=_NotANumber)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error
    _refuse_not_numbers(value, "", is_foreign=False)
    return _TEXT_OR_NOT_A_NUMBER.sub(lambda found: found[1] or b'"%b"' % found[0], raw)


class _NotANumber(str):
    """NaN, Infinity or -Infinity, met where a number should be."""

    __slots__ = ()


def _refuse_not_numbers(value: Any, path: str, *, is_foreign: bool) -> None:
    if isinstance(value, _NotANumber) and not is_foreign:
        raise Invalid.field(path or "body", f"is {value}, which is no number in JSON")
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_not_numbers(
                item, f"{path}.{name}".lstrip("."), is_foreign=is_foreign or name in FOREIGN
            )
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_not_numbers(item, f"{path}[{index}]", is_foreign=is_foreign)


def _refuse_unstorable(value: object, path: str) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise Invalid.field(path or "body", "must not contain the character U+0000")
    elif isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if value.adjusted() > _MAX_EXPONENT or cast(int, exponent) < _MIN_EXPONENT:
            raise Invalid.field(path or "body", "is a number out of range")
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_unstorable(name, f"{path}.{name}".lstrip(".").replace("\x00", ""))
            _refuse_unstorable(item, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unstorable(item, f"{path}[{index}]")
