"""Usage payloads as providers send them, and the one form they all become."""

import math
from decimal import Decimal

import pytest

from aihub.pricing.api import InvalidUsage
from aihub.pricing.models import Usage
from aihub.pricing.shapes import normalise_usage

OPENAI_CHAT = {
    "prompt_tokens": 1180,
    "completion_tokens": 2310,
    "total_tokens": 3490,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 1984, "audio_tokens": 0},
}
ANTHROPIC = {
    "input_tokens": 3,
    "cache_read_input_tokens": 1111,
    "cache_creation_input_tokens": 418,
    "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 18},
    "output_tokens": 33,
}
GEMINI = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 7,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 132,
}
BEDROCK = {
    "inputTokens": 10,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 30,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 12}, {"ttl": "5m", "inputTokens": 18}],
    "outputTokens": 5,
    "totalTokens": 65,
}
# name, provider, payload, (input, cached, written 5m, written 1h, output, reasoning)
SHAPES = [
    ("openai chat", "openai", OPENAI_CHAT, (1180, 1024, 0, 0, 2310, 1984)),
    ("details are null", None, {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}, (5, 0, 0, 0, 2, 0)),  # noqa: E501
    ("embedding", "openai", {"prompt_tokens": 4, "total_tokens": 4}, (4, 0, 0, 0, 0, 0)),
    ("the other half is the rest", None, {"prompt_tokens": 4, "total_tokens": 9}, (4, 0, 0, 0, 5, 0)),  # noqa: E501
    ("gpt-5.6 cache writes", "openai", {"prompt_tokens": 40, "completion_tokens": 4, "prompt_tokens_details": {"cache_write_tokens": 32}}, (40, 0, 32, 0, 4, 0)),  # noqa: E501
    ("deepseek", "deepseek", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 6}, (9, 6, 0, 0, 1, 0)),  # noqa: E501
    ("xai: reasoning beside", "xai", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22, "completion_tokens_details": {"reasoning_tokens": 7}}, (10, 0, 0, 0, 12, 7)),  # noqa: E501
    ("openai responses", "openai", {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 12}, (9, 4, 0, 0, 3, 2)),  # noqa: E501
    ("anthropic: cache beside", "anthropic", ANTHROPIC, (1532, 1111, 400, 18, 33, 0)),
    ("anthropic by its keys alone", None, ANTHROPIC, (1532, 1111, 400, 18, 33, 0)),
    ("anthropic without a split", "anthropic", {"input_tokens": 3, "cache_creation_input_tokens": 7, "output_tokens": 1}, (10, 0, 7, 0, 1, 0)),  # noqa: E501
    ("anthropic thinking", "anthropic", {"input_tokens": 3, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 8}}, (3, 0, 0, 0, 9, 8)),  # noqa: E501
    ("anthropic iterations", "anthropic", {"input_tokens": 2, "output_tokens": 1, "iterations": [{"input_tokens": 5, "output_tokens": 4}, {"input_tokens": 2, "output_tokens": 1}]}, (7, 0, 0, 0, 5, 0)),  # noqa: E501
    ("gemini: thoughts beside", "google", GEMINI, (105, 40, 0, 0, 27, 7)),
    ("gemini without candidates", "google", {"promptTokenCount": 8, "totalTokenCount": 8}, (8, 0, 0, 0, 0, 0)),  # noqa: E501
    ("bedrock converse", "bedrock", BEDROCK, (60, 20, 18, 12, 5, 0)),
    ("ollama", "ollama", {"prompt_eval_count": 26, "eval_count": 298}, (26, 0, 0, 0, 298, 0)),
    ("ollama, cached prompt", "ollama", {"eval_count": 298}, (0, 0, 0, 0, 298, 0)),
    ("our own", None, {"input_tokens": 9, "cached_input_tokens": 4, "output_tokens": 3, "reasoning_tokens": 1, "total_tokens": 12}, (9, 4, 0, 0, 3, 1)),  # noqa: E501
    ("our own, written", None, {"input_tokens": 9, "output_tokens": 3, "cache_write_5m_tokens": 2, "cache_write_1h_tokens": 3}, (9, 0, 2, 3, 3, 0)),  # noqa: E501
    ("a float without a fraction", None, {"input_tokens": 12.0, "output_tokens": Decimal("3.0")}, (12, 0, 0, 0, 3, 0)),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "payload", "expected"),
    [case[1:] for case in SHAPES],
    ids=[case[0] for case in SHAPES],
)
def test_every_shape_becomes_the_same_form(provider, payload, expected):
    usage = normalise_usage(payload, provider=provider)
    assert usage is not None
    assert _list_parts(usage) == expected
    assert usage.doubts == ()


def test_a_bare_total_has_no_split():
    assert normalise_usage({"total_tokens": 150}, provider=None) == Usage(
        input_tokens=150, is_split=False
    )


def test_an_unknown_shape_is_no_error():
    assert normalise_usage({"billed_units": {"input_tokens": 4}}, provider="cohere") is None


def test_parts_that_miss_the_stated_total_are_named():
    payload = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 99}
    usage = normalise_usage(payload, provider="openai")
    assert usage.total_tokens == 15
    assert usage.doubts == ("the parts add up to 15 tokens, the stated total is 99",)


@pytest.mark.parametrize(
    "wrong",
    [-1, 1.5, math.nan, math.inf, -math.inf, "12", True, 10**12 + 1, 1e300, [], {},
     Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("0.5"), Decimal("1E+999999")],
    ids=repr,
)  # fmt: skip
def test_what_is_no_count_is_named_by_its_field(wrong):
    with pytest.raises(InvalidUsage) as caught:
        normalise_usage({"prompt_tokens": wrong, "completion_tokens": 1}, provider="openai")
    assert caught.value.field == "usage.prompt_tokens"
    assert caught.value.message == "must be a whole number from 0 to 10^12"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}, "usage.prompt_tokens_details.cached_tokens"),  # noqa: E501
        ({"prompt_tokens": 5, "prompt_tokens_details": 7}, "usage.prompt_tokens_details"),
        ({"input_tokens": 5, "cached_input_tokens": 6}, "usage.cached_input_tokens"),
        ({"input_tokens": 5, "output_tokens": 1, "reasoning_tokens": 2}, "usage.reasoning_tokens"),
        ({"input_tokens": 5, "iterations": [{"input_tokens": -1}]}, "usage.iterations[0].input_tokens"),  # noqa: E501
        ({"promptTokenCount": 1, "cachedContentTokenCount": 2}, "usage.cachedContentTokenCount"),
        ("tokens", "usage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_path_leads_to_the_wrong_field(payload, field):
    with pytest.raises(InvalidUsage) as caught:
        normalise_usage(payload, provider=None)
    assert caught.value.field == field


def _list_parts(usage: Usage) -> tuple[int, ...]:
    return (
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )
