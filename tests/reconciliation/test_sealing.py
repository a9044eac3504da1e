"""Keys at rest."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.reconciliation.errors import CredentialsUnreadable, SecretKeyMissing
from aihub.reconciliation.sealing import Sealer

KEY = bytes(range(32))
OWNER = uuid4()


@given(st.text(max_size=200))
def test_what_was_sealed_can_be_opened(text):
    sealed = Sealer(KEY).seal(text, OWNER)
    assert Sealer(KEY).open(sealed, OWNER) == text
    assert text == "" or len(text) < 4 or text.encode() not in sealed


def test_the_same_text_is_never_the_same_twice():
    assert Sealer(KEY).seal("key", OWNER) != Sealer(KEY).seal("key", OWNER)


@pytest.mark.parametrize("place", [0, 1, 12, 13, -1])
def test_a_changed_byte_is_noticed(place):
    sealed = bytearray(Sealer(KEY).seal("a key", OWNER))
    sealed[place] ^= 1
    with pytest.raises(CredentialsUnreadable):
        Sealer(KEY).open(bytes(sealed), OWNER)


@pytest.mark.parametrize(
    ("key", "owner"), [(bytes(32), OWNER), (KEY, uuid4())], ids=["another key", "another row"]
)
def test_another_key_or_row_opens_nothing(key, owner):
    with pytest.raises(CredentialsUnreadable, match="AIHUB_SECRET_KEY"):
        Sealer(key).open(Sealer(KEY).seal("a key", OWNER), owner)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12)])
def test_what_is_too_short_is_refused(sealed):
    with pytest.raises(CredentialsUnreadable):
        Sealer(KEY).open(sealed, OWNER)


def test_without_a_key_the_setting_is_named():
    with pytest.raises(SecretKeyMissing, match="AIHUB_SECRET_KEY"):
        Sealer(None).seal("a key", OWNER)


def test_a_key_of_another_length_is_a_defect():
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")


def test_the_key_is_not_shown():
    assert "x" * 32 not in repr(Sealer(b"x" * 32))
