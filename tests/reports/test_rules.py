"""Percentiles and ratios."""

import math
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.reports import rules


def bucket(ms: int) -> int:
    return math.ceil(math.log(max(ms, 1)) / math.log(1.02))


@given(st.lists(st.integers(0, 600_000), min_size=1, max_size=300), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_within_one_percent(values: list[int], percent: int) -> None:
    found = rules.percentile(Counter(bucket(value) for value in values), percent)
    exact = max(1, sorted(values)[max(1, -(-len(values) * percent // 100)) - 1])
    assert found is not None
    assert abs(found - exact) <= exact / 100


def test_no_percentile_of_nothing() -> None:
    assert rules.percentile({}, 95) is None


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (1, 3, "0.333333"),
        (2, 3, "0.666667"),
        (-1, 2, "-0.500000"),
        (1, 0, None),
        (Decimal("0.1"), Decimal("0.4"), "0.250000"),
    ],
)
def test_ratios(part: Any, whole: Any, expected: str | None) -> None:
    assert rules.ratio(part, whole) == (None if expected is None else Decimal(expected))
