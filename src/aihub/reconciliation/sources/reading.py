"""Reading documents of others: exact decimals, and errors that name the file and the place."""

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any, cast

import msgspec

from aihub.reconciliation.errors import MalformedBill
from aihub.reconciliation.models import Tokens

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_TEXT = 300
_MAX_AMOUNT = Decimal(10) ** 12
_MAX_COUNT = 10**15
_ATTO = Decimal(1).scaleb(-18)
EXACT = Context(prec=80)  # the usual 28 digits would round what is large and fine at once
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_TIME_ZONE = re.compile(r" ?(?:UTC|Z)$")

COMPONENTS = ("input", "cached_input", "cache_write", "cache_write_1h", "output")


def unpack(raw: bytes, name: str) -> bytes:
    """The document itself: gzip is unpacked, within bounds."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(raw, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise MalformedBill(name, "file", "is not whole gzip") from error
    if unpacker.unconsumed_tail:
        raise MalformedBill(name, "file", f"exceeds {MAX_UNPACKED_BYTES:,} bytes when unpacked")
    if not unpacker.eof:
        raise MalformedBill(name, "file", "is not whole gzip")
    return found


def read_json(raw: bytes, name: str, place: str = "file") -> Any:
    """JSON, with each fraction as the Decimal that its text says."""
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise MalformedBill(name, place, f"is not JSON: {error}") from error


def read_csv(raw: bytes, name: str, required: tuple[str, ...]) -> Iterator[tuple[int, "Fields"]]:
    """Each record with the number of its last line; column names in lower case."""
    text = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    try:
        head = [column.strip().lower() for column in next(reader, [])]
        for column in required:
            if column.lower() not in head:
                raise MalformedBill(name, "line 1", f"has no column {column}")
        for record in reader:
            if not record:
                continue
            line = reader.line_num
            if len(record) != len(head):
                message = f"has {len(record)} fields instead of {len(head)}"
                raise MalformedBill(name, f"line {line}", message)
            yield line, Fields(dict(zip(head, record, strict=True)), name, f"line {line}, ")
    except UnicodeDecodeError as error:
        place = f"after line {reader.line_num}" if reader.line_num else "file"
        raise MalformedBill(name, place, "is not UTF-8") from error
    except csv.Error as error:
        raise MalformedBill(name, f"line {reader.line_num}", f"is not CSV: {error}") from error


class Fields:
    """An object of a document: every look into it checks, and errors say where."""

    def __init__(self, value: object, name: str, place: str = "") -> None:
        if not isinstance(value, Mapping):
            raise MalformedBill(name, place.rstrip("., ") or "file", "must be an object")
        self._value: Mapping[str, Any] = value
        self._name = name
        self._place = place

    def wrong(self, field: str, message: str) -> MalformedBill:
        """The error to raise about a field."""
        return MalformedBill(self._name, f"{self._place}{field}", message)

    def has(self, field: str) -> bool:
        """Whether there is anything in it."""
        return self._value.get(field) not in (None, "")

    def text(self, field: str, *, is_required: bool = False) -> str | None:
        """A text, cut where it is endless; None where there is none."""
        value = self._value.get(field)
        if value is None or (isinstance(value, str) and not value.strip()):
            if is_required:
                raise self.wrong(field, "is missing")
            return None
        if not isinstance(value, str):
            raise self.wrong(field, "must be a text")
        if "\x00" in value:
            raise self.wrong(field, "must not contain the character U+0000")
        return value.strip()[:MAX_TEXT]

    def required(self, field: str) -> str:
        """A text that has to be there."""
        return cast(str, self.text(field, is_required=True))

    def amount(self, field: str, *, is_required: bool = False) -> Decimal | None:
        """An amount, from a number or its text, exact to 18 decimals."""
        value = self._value.get(field)
        if value is None or value == "":
            if is_required:
                raise self.wrong(field, "is missing")
            return None
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self.wrong(field, "must be a number")
        try:
            found = Decimal(value.strip() if isinstance(value, str) else value)
        except InvalidOperation as error:
            raise self.wrong(field, "must be a number") from error
        if not found.is_finite() or abs(found) > _MAX_AMOUNT:
            raise self.wrong(field, "is a number out of range")
        exponent = cast(int, found.as_tuple().exponent)
        return to_stored(found) if exponent < -18 else found  # noqa: PLR2004 - as it is stored

    def money(self, field: str) -> Decimal:
        """An amount that has to be there."""
        return cast(Decimal, self.amount(field, is_required=True))

    def count(self, field: str, *, times: int = 1) -> int | None:
        """A count of things, of which the document tells units of `times`."""
        found = self.amount(field)
        if found is None:
            return None
        whole = EXACT.multiply(found, times)
        if whole < 0 or whole > _MAX_COUNT:
            raise self.wrong(field, "must be a count")
        return int(whole.to_integral_value())

    def object(self, field: str) -> "Fields":
        """An object in it; an empty one where there is none."""
        value = self._value.get(field)
        return Fields({} if value is None else value, self._name, f"{self._place}{field}.")

    def list(self, field: str, *, is_required: bool = False) -> "Iterator[Fields]":
        """The objects of a list in it."""
        value = self._value.get(field)
        if value is None and not is_required:
            return
        if not isinstance(value, list):
            raise self.wrong(field, "must be a list")
        for index, item in enumerate(value):
            yield Fields(item, self._name, f"{self._place}{field}[{index}].")

    def flag(self, field: str) -> bool:
        """A truth; false where there is none."""
        return self._value.get(field) is True

    def day(self, field: str) -> date:
        """The UTC day of a time or a day in one of the forms that bills have."""
        value = self._value.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            if not 0 <= value <= 4_102_444_800:  # noqa: PLR2004 - the year 2100
                raise self.wrong(field, "is no time")
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)).date()
        text = self.required(field)
        try:
            if re.fullmatch(r"\d\d?/\d\d?/\d{4}", text):
                month, day, year = text.split("/")
                return date(int(year), int(month), int(day))
            at = datetime.fromisoformat(_TIME_ZONE.sub("+00:00", text) if ":" in text else text)
        except ValueError as error:
            raise self.wrong(field, "is no time") from error
        return (at.astimezone(UTC) if at.tzinfo else at).date()

    def currency(self, field: str) -> str:
        """A currency's letters, in capitals."""
        found = self.required(field).upper()
        if not re.fullmatch(r"[A-Z]{3}", found):
            raise self.wrong(field, "must be the three letters of a currency")
        return found


def to_stored(amount: Decimal) -> Decimal:
    """With the 18 decimals that are stored."""
    return amount.quantize(_ATTO, context=EXACT)


def tokens_of(component: str | None, count: int | None) -> Tokens | None:
    """`count` tokens of one kind, as the hub counts them."""
    if component is None or count is None:
        return None
    if component == "output":
        return Tokens(output=count)
    return Tokens(
        input=count,
        cached_input=count if component == "cached_input" else 0,
        cache_write=count if component.startswith("cache_write") else 0,
        cache_write_1h=count if component == "cache_write_1h" else 0,
    )


def component_of(text: str) -> str | None:
    """The kind of token that a line is about, by its words; None: none that we know."""
    words = text.lower()
    if re.search(r"out(?:p|put)?(?:\b|token|_)", words):
        return "output"
    is_cached = re.search(r"cache|cchd", words) is not None
    if is_cached and "write" in words:
        return "cache_write_1h" if re.search(r"1 ?-?h", words) else "cache_write"
    if is_cached and "storage" in words:
        return None
    if is_cached or re.search(r"\binp|input", words):
        return "cached_input" if is_cached else "input"
    return None
