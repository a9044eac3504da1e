"""Money as JSON, and cursors."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.kit.decoding import encode_json
from aihub.kit.errors import Invalid
from aihub.kit.money import json_number, plain
from aihub.kit.paging import decode_cursor, encode_cursor

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**12))
anything = st.decimals(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.00450", "0.0045"),
        ("1E-7", "0.0000001"),
        ("1E+7", "10000000"),
        ("100", "100"),
        ("100.00", "100"),
        ("0E-18", "0"),
        ("-0", "0"),
        ("-1.50", "-1.5"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    ],
)
def test_amounts_are_written_in_digits(amount: str, text: str) -> None:
    assert encode_json({"cost": json_number(Decimal(amount))}) == b'{"cost":' + text.encode() + b"}"


def test_no_amount_is_null() -> None:
    assert encode_json({"cost": json_number(None)}) == b'{"cost":null}'


@settings(deadline=None)
@given(amounts | st.decimals(allow_nan=False, allow_infinity=False, min_value=-1, max_value=1))
def test_amounts_come_back_exactly(amount: Decimal) -> None:
    text = encode_json(json_number(amount)).decode()
    assert "e" not in text.lower()
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == amount
    assert msgspec.json.decode(text, type=Decimal) == amount


@settings(deadline=None)
@given(amounts.filter(bool))
def test_no_zeros_trail(amount: Decimal) -> None:
    text = plain(amount)
    assert not ("." in text and text.endswith(("0", ".")))


@settings(deadline=None)
@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants it so
        max_value=datetime(9999, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.uuids(),
)
def test_cursors_come_back_exactly(at: datetime, id_: UUID) -> None:
    assert decode_cursor(encode_cursor(at, id_)) == (at, id_)


@settings(deadline=None)
@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda raw: raw.hex()))
def test_no_text_but_a_cursor_leads_anywhere(text: str) -> None:
    found = None
    with contextlib.suppress(Invalid):
        found = decode_cursor(text)
    assert found is None or decode_cursor(encode_cursor(*found)) == found


@pytest.mark.parametrize("text", ["x", "AAAA", "🙂", "A" * 1_000, "\x00", "=" * 32])
def test_a_bad_cursor_is_named(text: str) -> None:
    with pytest.raises(Invalid) as told:
        decode_cursor(text)
    assert [error.field for error in told.value.errors] == ["cursor"]


def test_no_cursor_is_the_beginning() -> None:
    assert decode_cursor(None) is None
    assert decode_cursor("") is None
