"""Laws of reading and measuring that hold for every JSON, and every case of a given file."""

import json
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.pricing.measured import NOON, call_of, codes

from aihub.pricing.circumstances import find_facets, find_stated_charge, is_not_billed
from aihub.pricing.components import COMPONENTS
from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import CallFacts, Payload, Usage
from aihub.pricing.payloads import read_payload
from aihub.pricing.usage import measure_others, measure_usage, show_usage

SECRET = "what a user wrote, in some words"
PROVIDERS = st.sampled_from(
    [None, "openai", "anthropic", "google", "bedrock", "xai", "openrouter", "perplexity", "mistral",
     "cohere", "azure"]
)  # fmt: skip
APIS = st.sampled_from([None, "chat.completions", "images", "audio.transcriptions", "messages"])
WORDS = st.sampled_from(
    ["usage", "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
     "completion_tokens_details", "cached_tokens", "cache_write_tokens", "audio_tokens",
     "image_tokens", "reasoning_tokens", "input_tokens", "output_tokens", "input_tokens_details",
     "output_token_details", "cached_tokens_details", "cache_read_input_tokens", "iterations",
     "cache_creation", "ephemeral_1h_input_tokens", "server_tool_use", "web_search_requests",
     "usageMetadata", "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
     "promptTokensDetails", "modality", "tokenCount", "inputTokens", "outputTokens", "cacheDetails",
     "billed_units", "search_units", "tokens", "eval_count", "pages_processed", "seconds",
     "prompt_audio_seconds", "input", "output", "total", "unit", "web_searches", "audio_seconds",
     "cost", "cost_in_usd_ticks", "is_byok", "cost_details", "stream_events", "message", "response",
     "type", "model", "modelVersion", "service_tier", "serviceTier", "trafficType", "speed", "id",
     "inference_geo", "action", "status", "error", "code", "candidates", "groundingMetadata",
     "webSearchQueries", "groundingChunks", "web", "maps", "data", "url", "quality", "size",
     "result", "body", "custom_id", "delta", "choices", "tool_usage", "image_gen", "tools",
     "tool_calls_details", "other_usages", "meta", "duration", "text", "object", "predictions",
     "inputTextTokenCount", "results", "amazon-bedrock-invocationMetrics", "metadata", "chunk",
     "bytes", "serverContent", "turnComplete", "http_status", "deployment_type", "base_url",
     "gen_ai.usage.input_tokens", "fallback_credit", "connectors", "num_sources_used", "svg_usage"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(min_value=0, max_value=10**6)
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.just(SECRET)
    | st.sampled_from(
        ["fast", "message_delta", "message_start", "response.done", "response.completed", "error",
         "web_search_call", "image_generation_call", "duration", "compaction", "advisor_message",
         "AUDIO", "SECONDS", "gpt-4o", "video", "batch", "refusal", "message_stop", "errored"]
    )
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=8)


@given(answer=JSON | OBJECTS, context=OBJECTS, provider=PROVIDERS, api=APIS)
def test_no_json_is_too_strange(answer, context, provider, api):
    call = CallFacts(provider=provider, model="m", api=api, occurred_at=NOON, context=context)
    payload = read_payload(answer, api=api, provider=provider)
    _walk(call, payload)
    _walk(call, Payload(usage=answer))
    _walk(call, Payload(facts=context))
    assert SECRET not in json.dumps(payload.facts, default=str)


def _walk(call: CallFacts, payload: Payload) -> None:
    find_facets(call, payload)
    is_not_billed(call, payload)
    for ask in (find_stated_charge, lambda *known: list(measure_others(*known))):
        try:
            ask(call, payload)
        except InvalidUsage:
            event("refused")
    try:
        usage = measure_usage(call, payload)
    except InvalidUsage:
        event("refused")
        return
    if usage is not None:
        event("measured")
        _check(usage)


def _check(usage: Usage) -> None:
    assert usage.parts.keys() <= COMPONENTS.keys()
    assert all(type(count) in (int, Decimal) and count >= 0 for count in usage.parts.values())
    assert 0 <= usage.reasoning_tokens <= usage.output_tokens
    shown = show_usage(usage)
    json.dumps(shown, default=str)


COUNT = st.integers(min_value=0, max_value=1_000)


@st.composite
def chats(draw):
    def maybe(*names):
        return draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, COUNT)))

    return {
        "prompt_tokens": draw(COUNT),
        "completion_tokens": draw(COUNT),
        "total_tokens": draw(COUNT | st.integers(min_value=0, max_value=3_000)),
        "prompt_tokens_details": maybe("cached_tokens", "audio_tokens", "cache_write_tokens", "image_tokens"),  # noqa: E501
        "completion_tokens_details": maybe("reasoning_tokens", "audio_tokens"),
    }  # fmt: skip


@st.composite
def messages(draw):
    names = ("cache_read_input_tokens", "cache_creation_input_tokens")
    optional = {
        **dict.fromkeys(names, COUNT),
        "total_tokens": st.integers(min_value=0, max_value=3_000),
        "cache_creation": st.fixed_dictionaries({"ephemeral_1h_input_tokens": COUNT}),
    }
    required = {"input_tokens": COUNT, "output_tokens": COUNT}
    return draw(st.fixed_dictionaries(required, optional=optional))


@st.composite
def geminis(draw):
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
             "toolUsePromptTokenCount", "cachedContentTokenCount")  # fmt: skip
    usage = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, COUNT)))
    details = st.lists(
        st.fixed_dictionaries(
            {"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE"]), "tokenCount": COUNT}
        ),
        max_size=2,
    )
    total = draw(st.integers(min_value=1, max_value=4_000))
    return {
        **usage,
        "totalTokenCount": total,
        "promptTokensDetails": draw(details),
        "candidatesTokensDetails": draw(details),
    }


@given(usage=chats() | messages() | geminis(), provider=PROVIDERS)
def test_the_parts_add_up_to_the_stated_total_or_a_flag_says_why(usage, provider):
    measured = measure_usage(call_of(provider, "m"), Payload(usage=usage))
    stated = usage.get("total_tokens", usage.get("totalTokenCount"))
    _check(measured)
    if stated is not None and measured.total_tokens != stated:
        assert "total_mismatch" in codes(measured)


@pytest.mark.parametrize(
    "wrong",
    [-1, 1.5, float("nan"), float("inf"), "12", True, 10**12 + 1, 1e300, [], {},
     Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("0.5"), Decimal("1E+999999")],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize(
    ("path", "usage"),
    [
        ("usage.prompt_tokens", lambda x: {"prompt_tokens": x, "completion_tokens": 1}),
        ("usage.prompt_tokens_details.cached_tokens", lambda x: {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": x}}),  # noqa: E501
        ("usage.completion_tokens_details.audio_tokens", lambda x: {"prompt_tokens": 1, "completion_tokens_details": {"audio_tokens": x}}),  # noqa: E501
        ("usage.input_token_details.cached_tokens_details.audio_tokens", lambda x: {"input_tokens": 1, "input_token_details": {"cached_tokens_details": {"audio_tokens": x}}}),  # noqa: E501
        ("usage.promptTokensDetails[0].tokenCount", lambda x: {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": x}]}),  # noqa: E501
        ("usage.cacheDetails[0].inputTokens", lambda x: {"inputTokens": 1, "cacheDetails": [{"ttl": "1h", "inputTokens": x}]}),  # noqa: E501
        ("usage.billed_units.search_units", lambda x: {"billed_units": {"search_units": x}}),
        ("usage.web_searches", lambda x: {"web_searches": x}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_count_is_named_by_its_field(path, usage, wrong):
    with pytest.raises(InvalidUsage) as caught:
        measure_usage(call_of("openai"), Payload(usage=usage(wrong)))
    assert caught.value.field == path
    assert caught.value.message == "must be a whole number from 0 to 10^12"


@pytest.mark.parametrize(
    ("usage", "field"),
    [
        ("tokens", "usage"),
        (150, "usage"),
        ({"promptTokenCount": 5, "promptTokensDetails": [1]}, "usage.promptTokensDetails[0]"),
        ({"seconds": -1, "type": "duration"}, "usage.seconds"),
        ({"audio_seconds": "3"}, "usage.audio_seconds"),
    ],
)
def test_the_path_leads_to_the_wrong_field(usage, field):
    with pytest.raises(InvalidUsage) as caught:
        measure_usage(call_of(), Payload(usage=usage))
    assert caught.value.field == field


def _load_cases() -> list[dict]:
    path = os.environ.get("AIHUB_TEST_COST_CASES")
    lines = Path(path).read_text("utf-8").splitlines() if path else []
    return [json.loads(line, parse_float=Decimal) for line in lines]


@pytest.mark.skipif(
    "AIHUB_TEST_COST_CASES" not in os.environ, reason="AIHUB_TEST_COST_CASES names no file of cases"
)
def test_the_tokens_of_every_case_of_a_file():
    wrong = []
    for case in _load_cases():
        if case["response_usage"] is None:
            continue  # nothing to measure: its tokens are counted from text
        found, expected = _measure_case(case), case["expected_tokens"]
        for name, count in found.items():
            if name in expected and Decimal(str(expected[name])) != count:
                wrong.append((case["id"], name, expected[name], count))
    assert wrong == []


def _measure_case(case: dict) -> dict[str, int | Decimal]:
    call = CallFacts(
        provider=case["provider"],
        model=case["model"],
        api=case["api"],
        occurred_at=datetime.fromisoformat(case["timestamp"]),
        context=case["context"],
    )
    payload = read_payload(case["response_usage"], api=call.api, provider=call.provider)
    usage = measure_usage(call, payload) or Usage()
    long = usage.parts.get("cache_write_1h", 0)
    heard = ("input_audio", "cached_audio")
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cached_input": usage.cached_input_tokens,
        "cache_write": usage.parts.get("cache_write_5m", 0) + long,
        "cache_write_1h": long,
        "reasoning": usage.reasoning_tokens,
        "audio_input": sum(usage.parts.get(name, 0) for name in heard),
        "image_output": usage.parts.get("output_image", 0),
        "web_searches": usage.parts.get("web_search", 0),
        "search_units": usage.parts.get("search_unit", 0),
        "total": usage.total_tokens,
    }
