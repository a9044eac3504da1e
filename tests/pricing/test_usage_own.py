"""Our own form of a usage, there and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pricing.measured import call_of, codes, measure

from aihub.pricing.components import COMPONENTS, TOKENS
from aihub.pricing.models import Payload, Usage
from aihub.pricing.usage import measure_usage, show_usage

COUNT = st.integers(min_value=1, max_value=10**9)
SECONDS = st.decimals(min_value=Decimal("0.001"), max_value=10**6, places=3).map(
    lambda value: int(value) if value % 1 == 0 else value
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        name: SECONDS if component.unit == "second" else COUNT
        for name, component in COMPONENTS.items()
    },
)


@given(parts=PARTS, thought=st.floats(min_value=0, max_value=1))
def test_every_component_has_a_name_and_comes_back(parts, thought):
    output = parts.get("output_text", 0)
    reasoning = int(output * thought) + parts.get("output_reasoning", 0)
    usage = Usage(parts=parts, reasoning_tokens=reasoning)
    shown = show_usage(usage)
    again = measure_usage(call_of(), Payload(usage=shown))
    assert (again.parts, again.reasoning_tokens, again.flags) == (parts, reasoning, ())
    assert shown["total_tokens"] == sum(parts.get(name, 0) for name in TOKENS)


def test_a_bare_total_comes_back_bare():
    usage = Usage(parts={"input_text": 150}, is_split=False)
    assert show_usage(usage) == {"total_tokens": 150}
    assert measure({"total_tokens": 150}) == usage


OWN = [
    ("tokens", {"input_tokens": 9, "cached_input_tokens": 4, "output_tokens": 3, "reasoning_tokens": 1, "total_tokens": 12}, {"input_text": 5, "cached_text": 4, "output_text": 3}),  # noqa: E501
    ("written", {"input_tokens": 9, "output_tokens": 3, "cache_write_5m_tokens": 2, "cache_write_1h_tokens": 3}, {"input_text": 4, "cache_write_5m": 2, "cache_write_1h": 3, "output_text": 3}),  # noqa: E501
    ("audio", {"input_tokens": 9, "input_audio_tokens": 6, "cached_audio_tokens": 2, "output_tokens": 3, "output_audio_tokens": 3}, {"input_text": 3, "input_audio": 4, "cached_audio": 2, "output_audio": 3}),  # noqa: E501
    ("counts alone", {"web_searches": 2, "pages": 3}, {"web_search": 2, "page": 3}),
    ("seconds", {"audio_seconds": 12.5}, {"audio_second": Decimal("12.5")}),
    ("zeros", {"input_tokens": 0, "output_tokens": 0, "images": 0}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("usage", "parts"), [c[1:] for c in OWN], ids=[c[0] for c in OWN])
@pytest.mark.parametrize("provider", [None, "anthropic", "openai"])
def test_our_own_form_means_the_same_with_any_provider(provider, usage, parts):
    measured = measure(usage, provider)
    assert (measured.parts, measured.flags, measured.is_split) == (parts, (), True)


def test_more_cached_than_there_is_is_flagged():
    measured = measure({"input_tokens": 5, "cached_input_tokens": 6, "total_tokens": 5})
    assert (measured.parts, codes(measured)) == ({"cached_text": 5}, ["cached_above_input"])
