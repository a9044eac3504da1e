"""Usage as Bedrock, Cohere, Ollama and others send it, and as tracing tools pass it on."""

from decimal import Decimal

import pytest
from tests.pricing.measured import codes, measure, measure_answer

CONVERSE = {
    "inputTokens": 10,
    "cacheReadInputTokens": 20,
    "cacheReadInputTokenCount": 20,
    "cacheWriteInputTokens": 30,
    "cacheWriteInputTokenCount": 30,
    "outputTokens": 5,
    "totalTokens": 65,
}
HOURS = {"cacheDetails": [{"ttl": "1h", "inputTokens": 12}, {"ttl": "5m", "inputTokens": 18}]}
METRICS = {"inputTokenCount": 7, "outputTokenCount": 3, "invocationLatency": 900}
# name, usage, parts
SHAPES = [
    ("converse, twins are the same", CONVERSE, {"input_text": 10, "cached_text": 20, "cache_write_5m": 30, "output_text": 5}),  # noqa: E501
    ("converse by lifetime", CONVERSE | HOURS, {"input_text": 10, "cached_text": 20, "cache_write_5m": 18, "cache_write_1h": 12, "output_text": 5}),  # noqa: E501
    ("bedrock's metrics", METRICS, {"input_text": 7, "output_text": 3}),
    ("llama", {"prompt_token_count": 9, "generation_token_count": 4}, {"input_text": 9, "output_text": 4}),  # noqa: E501
    ("titan", {"inputTextTokenCount": 9, "results": [{"tokenCount": 4}, {"tokenCount": 5}]}, {"input_text": 9, "output_text": 9}),  # noqa: E501
    ("titan embedding", {"inputTextTokenCount": 9}, {"input_text": 9}),
    ("cohere chat", {"billed_units": {"input_tokens": 431.0, "output_tokens": 61.0}, "tokens": {"input_tokens": 2190, "output_tokens": 80}, "cached_tokens": 100}, {"input_text": 431, "output_text": 61}),  # noqa: E501
    ("cohere rerank", {"billed_units": {"search_units": 3}}, {"search_unit": 3}),
    ("cohere classify", {"billed_units": {"classifications": 4}}, {"classification": 4}),
    ("cohere embed", {"billed_units": {"input_tokens": 4, "image_tokens": 90, "images": 1}}, {"input_text": 4, "input_image": 90}),  # noqa: E501
    ("cohere embed by picture", {"billed_units": {"images": 2}}, {"image": 2}),
    ("cohere bills nothing", {"billed_units": {}}, {}),
    ("ollama", {"prompt_eval_count": 26, "eval_count": 298}, {"input_text": 26, "output_text": 298}),  # noqa: E501
    ("ocr", {"pages_processed": 12, "doc_size_bytes": 3002}, {"page": 12}),
    ("ocr, annotated", {"pages_processed": 12, "pages_processed_annotation": 5}, {"page": 7, "annotated_page": 5}),  # noqa: E501
    ("the ai sdk", {"inputTokens": 90, "cachedInputTokens": 60, "outputTokens": 9, "reasoningTokens": 5, "totalTokens": 99}, {"input_text": 30, "cached_text": 60, "output_text": 9}),  # noqa: E501
    ("the ai sdk's details", {"inputTokens": 90, "inputTokenDetails": {"noCacheTokens": 10, "cacheReadTokens": 60, "cacheWriteTokens": 20}, "outputTokens": 9}, {"input_text": 10, "cached_text": 60, "cache_write_5m": 20, "output_text": 9}),  # noqa: E501
    ("n8n", {"promptTokens": 42, "completionTokens": 11, "totalTokens": 53}, {"input_text": 42, "output_text": 11}),  # noqa: E501
    ("opentelemetry", {"gen_ai.usage.input_tokens": 90, "gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.cache_write.input_tokens": 20, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.reasoning.output_tokens": 4}, {"input_text": 10, "cached_text": 60, "cache_write_5m": 20, "output_text": 9}),  # noqa: E501
    ("opentelemetry, proved beside", {"gen_ai.usage.input_tokens": 90, "gen_ai.usage.cache_read_input_tokens": 60, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.total_tokens": 159}, {"input_text": 90, "cached_text": 60, "output_text": 9}),  # noqa: E501
    ("openinference", {"llm.token_count.prompt": 90, "llm.token_count.completion": 9, "llm.token_count.prompt_details.cache_read": 60, "llm.token_count.prompt_details.audio": 5}, {"input_text": 25, "input_audio": 5, "cached_text": 60, "output_text": 9}),  # noqa: E501
    ("langfuse", {"input": 42, "output": 11, "total": 53, "unit": "TOKENS"}, {"input_text": 42, "output_text": 11}),  # noqa: E501
    ("langfuse's buckets", {"input": 10, "input_cached_tokens": 60, "output": 3, "output_reasoning_tokens": 6, "total": 79}, {"input_text": 10, "cached_text": 60, "output_text": 9}),  # noqa: E501
    ("langfuse by character", {"input": 4095, "unit": "CHARACTERS"}, {"character": 4095}),
    ("langfuse by time", {"total": 1500, "unit": "MILLISECONDS"}, {"audio_second": Decimal("1.5")}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "parts"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES]
)
def test_every_shape_becomes_the_same_form(usage, parts):
    measured = measure(usage)
    assert (measured.parts, measured.flags, measured.is_split) == (parts, (), True)


def test_what_has_no_split_says_so():
    for usage in ({"total_tokens": 150}, {"totalTokens": 150}, {"total": 150}):
        measured = measure(usage, "openai", "gpt-4")
        assert (measured.parts, measured.is_split) == ({"input_text": 150}, False)
    embedded = measure({"total_tokens": 150}, "voyageai", "voyage-3.5")
    assert (embedded.parts, embedded.is_split) == ({"input_text": 150}, True)


@pytest.mark.parametrize("usage", [{}, {"something": 4}, {"tokens": 4}, {"total_tokens": None}])
def test_an_unknown_shape_is_no_error(usage):
    assert measure(usage, "someone") is None


def test_prompts_from_ollamas_cache_are_flagged():
    measured = measure({"eval_count": 298}, "ollama")
    assert (measured.parts, codes(measured)) == ({"output_text": 298}, ["no_prompt_count"])


def test_tokens_in_place_of_billed_units_are_flagged():
    measured = measure({"tokens": {"input_tokens": 4, "output_tokens": 2}}, "cohere")
    assert measured.parts == {"input_text": 4, "output_text": 2}
    assert codes(measured) == ["not_billed_units"]


HEADERS = {
    "x-amzn-bedrock-input-token-count": "12",
    "X-Amzn-Bedrock-Output-Token-Count": "3",
    "x-amzn-bedrock-invocation-latency": "900",
}


def test_counts_in_headers():
    expected = {"input_text": 12, "output_text": 3}
    assert measure(None, "bedrock", **HEADERS).parts == expected
    assert measure(None, "bedrock", response_headers=HEADERS).parts == expected
    boto = {"ResponseMetadata": {"HTTPHeaders": {k.lower(): v for k, v in HEADERS.items()}}}
    assert measure_answer(boto, "bedrock").parts == expected


TITAN_STREAM = [
    {"chunk": {"bytes": {"outputText": "a", "inputTextTokenCount": 5, "totalOutputTextTokenCount": None}}},  # noqa: E501
    {"chunk": {"bytes": {"outputText": "b", "inputTextTokenCount": None, "totalOutputTextTokenCount": 3, "amazon-bedrock-invocationMetrics": METRICS}}},  # noqa: E501
]  # fmt: skip
CLAUDE_STREAM = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 7, "cache_creation_input_tokens": 2, "cache_creation": {"ephemeral_1h_input_tokens": 2}, "output_tokens": 1}}},  # noqa: E501
    {"type": "message_delta", "usage": {"output_tokens": 3}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
]  # fmt: skip


def test_streams_of_invoke_model():
    assert measure_answer({"stream_events": TITAN_STREAM}).parts == {
        "input_text": 7, "output_text": 3,
    }  # fmt: skip
    assert measure_answer({"stream_events": CLAUDE_STREAM}).parts == {
        "input_text": 7, "cache_write_1h": 2, "output_text": 3,
    }  # fmt: skip


def test_annotated_pages_are_seen_in_the_answer():
    body = {"model": "mistral-ocr-latest", "pages": [{"images": []}], "document_annotation": "{}",
            "usage_info": {"pages_processed": 3}}  # fmt: skip
    assert measure_answer(body, "mistral").parts == {"annotated_page": 3}
