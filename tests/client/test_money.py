"""Amounts: exact, and equal to what people write."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.client import Money


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Decimal("0.0045"), id="decimal"),
        pytest.param(Decimal("0.00450"), id="decimal-other-scale"),
        pytest.param(Money("0.0045"), id="money"),
        pytest.param(0.0045, id="float-literal"),
    ],
)
def test_amount_equals_the_number_as_written(other: object) -> None:
    amount = Money("0.0045")
    assert amount == other
    assert other == amount
    assert not amount != other  # noqa: SIM202 - `!=` is an operator of its own
    assert not other != amount  # noqa: SIM202
    assert amount <= other
    assert amount >= other
    assert not amount < other
    assert not amount > other


@pytest.mark.parametrize(
    "other",
    [Decimal("0.0046"), 0.0046, 1, "0.0045", None],
    ids=["decimal", "float", "int", "text", "none"],
)
def test_amount_differs_from_everything_else(other: object) -> None:
    assert Money("0.0045") != other
    assert not Money("0.0045") == other  # noqa: SIM201


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_hash_is_that_of_the_decimal(value: Decimal) -> None:
    assert hash(Money(value)) == hash(value)
    assert {Money(value)} == {value}


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_order_agrees_with_that_of_floats(left: float, right: float) -> None:
    amount = Money(repr(left))
    assert (amount == right) == (left == right)
    assert (amount < right) == (left < right)
    assert (amount >= right) == (left >= right)


def test_arithmetic_stays_exact() -> None:
    assert Money("0.1") + Money("0.2") == Decimal("0.3")
    with pytest.raises(TypeError):
        Money("0.1") + 0.2  # type: ignore[operator]
