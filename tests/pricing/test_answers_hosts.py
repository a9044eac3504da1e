"""Whole answers of those who host models, by their pricing pages (aws.amazon.com/bedrock/pricing,
mistral.ai/pricing, cohere.com/pricing, api-docs.deepseek.com, groq.com/pricing, docs.x.ai,
openrouter.ai/docs, together.ai, fireworks.ai, docs.voyageai.com, platform.moonshot.ai)."""

import pytest
from tests.pricing.answers import (  # fmt: skip
    Body,
    Case,
    billed,
    case,
    chat,
    check,
    converse,
    events,
    hits,
    message,
)

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
GLOBAL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012"
PLAIN = {"input_tokens": 1000, "output_tokens": 500}
HEADERS = {"x-amzn-bedrock-input-token-count": "1000", "x-amzn-bedrock-output-token-count": "500"}


def bedrock(name, model, day, response, bill, api=None, **context) -> Case:
    return case(name, "bedrock", model, day, response, bill, api, **context)


def deepseek(at: str, bill: str, model: str = "deepseek-flash") -> Case:
    return case(f"{model} at {at}", "deepseek", model, at, hits(1000, 2000, 500), bill)


def heard(model: str, seconds: int, **usage: int) -> Body:
    return {"model": model, "text": "x", "usage": {"prompt_audio_seconds": seconds, **usage}}


BEDROCK = [
    bedrock("a regional profile", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-02-20", converse(1000, 500), "1100 @3 + 550 @15"),  # noqa: E501
    bedrock("the government's", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-02-20", converse(1000, 500), "1200 @3 + 600 @15"),  # noqa: E501
    bedrock("both lifetimes", GLOBAL, "2026-03-20", converse(500, 500, cacheWriteInputTokens=500, totalTokens=1500, cacheDetails=[{"ttl": "1h", "inputTokens": 200}, {"ttl": "5m", "inputTokens": 300}]), "500 @3 + 300 @3.75 + 200 @6 + 500 @15"),  # noqa: E501
    bedrock("twins", GLOBAL, "2026-02-20", converse(100, 50, 500, cacheReadInputTokenCount=500), "100 @3 + 500 @0.3 + 50 @15"),  # noqa: E501
    bedrock("nova from the cache", "us.amazon.nova-pro-v1:0", "2025-12-20", converse(200, 500, 800), "200 @0.8 + 800 @0.2 + 500 @3.2"),  # noqa: E501
    bedrock("titan text", "amazon.titan-text-express-v1", "2024-12-20", {"inputTextTokenCount": 1000, "results": [{"tokenCount": 500}]}, "1000 @0.2 + 500 @0.6"),  # noqa: E501
    bedrock("titan vectors", "amazon.titan-embed-text-v2:0", "2025-12-20", {"embedding": [0.1], "inputTextTokenCount": 1000}, "1000 @0.02"),  # noqa: E501
    bedrock("llama invoked", "meta.llama3-3-70b-instruct-v1:0", "2025-12-20", {"generation": "x", "prompt_token_count": 1000, "generation_token_count": 500}, "1500 @0.72"),  # noqa: E501
    bedrock("claude invoked, streamed", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "2026-02-20", events({"type": "message_start", "message": message("claude-haiku-4-5-20251001", input_tokens=1000, output_tokens=1, cache_creation_input_tokens=200)}, {"type": "message_delta", "usage": {"output_tokens": 500}}, {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 1000, "outputTokenCount": 500, "cacheWriteInputTokenCount": 200}}), "1100 @1 + 220 @1.25 + 550 @5"),  # noqa: E501
    bedrock("counts in boto3's headers", "mistral.mistral-large-2402-v1:0", "2025-02-20", {"outputs": [{"text": "x"}], "ResponseMetadata": {"HTTPHeaders": HEADERS}}, "1000 @4 + 500 @12"),  # noqa: E501
    bedrock("counts in headers told apart", "mistral.mistral-large-2402-v1:0", "2025-02-20", {"outputs": []}, "1000 @4 + 500 @12", headers={name.title(): count for name, count in HEADERS.items()}),  # noqa: E501
    bedrock("line of a batch", HAIKU, "2025-02-20", {"recordId": "1", "modelOutput": message("claude-3-haiku-20240307", **PLAIN)}, "500 @0.25 + 250 @1.25"),  # noqa: E501
    bedrock("flex", "amazon.nova-pro-v1:0", "2026-02-20", converse(1000, 500) | {"serviceTier": {"type": "flex"}}, "500 @0.8 + 250 @3.2"),  # noqa: E501
    bedrock("priority", "amazon.nova-pro-v1:0", "2026-02-20", converse(1000, 500) | {"serviceTier": {"type": "priority"}}, "1750 @0.8 + 875 @3.2"),  # noqa: E501
    bedrock("reserved", "amazon.nova-pro-v1:0", "2026-02-20", converse(1000, 500) | {"serviceTier": {"type": "reserved"}}, "0"),  # noqa: E501
    bedrock("a model of one's own", f"{ARN}:provisioned-model/abc", "2026-02-20", converse(1000, 500), "0"),  # noqa: E501
    bedrock("a profile's name", f"{ARN}:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0", "2025-09-20", converse(1000, 500), "1000 @3 + 500 @15"),  # noqa: E501
    bedrock("pictures", "amazon.nova-canvas-v1:0", "2025-12-20", {"images": ["b", "b"]}, "2 @0.04/1"),  # noqa: E501
    bedrock("a query ranked", "cohere.rerank-v3-5:0", "2025-12-20", {"results": [{"index": 0, "relevanceScore": 0.9}]}, "1 @2/K", "rerank"),  # noqa: E501
    bedrock("optimized latency", "us.anthropic.claude-3-5-haiku-20241022-v1:0", "2025-03-20", converse(1000, 500) | {"performanceConfig": {"latency": "optimized"}}, "1000 @1 + 500 @5"),  # noqa: E501
    bedrock("throttled, by boto3", HAIKU, "2026-02-20", {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 429}}, "0"),  # noqa: E501
]  # fmt: skip
MISTRAL = [
    case("pages", "mistral", "mistral-ocr-latest", "2025-06-20", {"model": "mistral-ocr-2505-completion", "usage_info": {"pages_processed": 29}}, "29 @1/K", "ocr"),  # noqa: E501
    case("pages with notes", "mistral", "mistral-ocr-latest", "2025-09-20", {"model": "mistral-ocr-2505", "pages": [{}, {}], "document_annotation": "{}", "usage_info": {"pages_processed": 2}}, "2 @3/K", "ocr"),  # noqa: E501
    case("a transcript by its seconds", "mistral", "voxtral-mini-2602", "2026-03-20", heard("voxtral-mini-2602", 60, prompt_tokens=10, completion_tokens=100, total_tokens=860), "60 @0.003/60", "audio.transcriptions"),  # noqa: E501
    case("seconds and tokens of a chat", "mistral", "voxtral-small-latest", "2025-10-20", heard("voxtral-small-2507", 60, prompt_tokens=100, completion_tokens=50), "100 @0.1 + 50 @0.3 + 60 @0.004/60", "chat.completions"),  # noqa: E501
    case("an alias before it moved", "mistral", "mistral-large-latest", "2025-06-20", chat("mistral-large-latest", 1000, 500), "1000 @2 + 500 @6"),  # noqa: E501
]  # fmt: skip
COHERE = [
    case("searches", "cohere", "rerank-v3.5", "2026-02-20", billed(search_units=3), "3 @2/K"),
    case("text and pictures", "cohere", "embed-v4.0", "2026-02-20", billed(input_tokens=1000, image_tokens=2000), "1000 @0.12 + 2000 @0.47"),  # noqa: E501
    case("pictures by number", "cohere", "embed-english-v3.0", "2026-02-20", billed(images=5), "5 @0.0001/1"),  # noqa: E501
    case("classified", "cohere", "embed-english-v3.0", "2026-02-20", billed(classifications=10), "10 @0.05/K", "classify"),  # noqa: E501
    case("numbers with a point", "cohere", "command-a-03-2025", "2026-02-20", billed(input_tokens=1000.0, output_tokens=500.0), "1000 @2.5 + 500 @10"),  # noqa: E501
    case("in its first spring", "cohere", "command-r", "2024-06-20", billed(input_tokens=1000, output_tokens=500), "1000 @0.5 + 500 @1.5"),  # noqa: E501
    case("in its second year", "cohere", "command-r-plus", "2025-02-20", billed(input_tokens=1000, output_tokens=500), "1000 @2.5 + 500 @10"),  # noqa: E501
]  # fmt: skip
PEAK, QUIET = "1000 @0.006 + 2000 @0.3 + 500 @1.2", "1000 @0.003 + 2000 @0.15 + 500 @0.6"
DEEPSEEK = [
    *(deepseek(f"2026-11-20T{at}", PEAK) for at in ("01:00:00", "03:59:59", "09:59:59")),
    *(deepseek(f"2026-11-20T{at}", QUIET) for at in ("00:59:59", "04:00:00", "10:00:00")),
    *(deepseek(f"{day}T02:00:00", QUIET) for day in ("2026-11-21", "2026-10-01", "2026-09-25")),
    deepseek("2026-10-08T02:00:00", PEAK),
    deepseek("2025-06-10T17:00:00", "1000 @0.035 + 2000 @0.135 + 500 @0.55", "deepseek-reasoner"),
    deepseek("2025-06-10T12:00:00", "1000 @0.14 + 2000 @0.55 + 500 @2.19", "deepseek-reasoner"),
    deepseek("2025-06-10T00:30:00", "1000 @0.07 + 2000 @0.27 + 500 @1.1", "deepseek-chat"),
    deepseek("2024-12-30T12:00:00", "1000 @0.014 + 2000 @0.14 + 500 @0.28", "deepseek-chat"),
]
TICKS = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost_in_usd_ticks": 37_756_000}  # noqa: E501  # fmt: skip
BYOK = {"cost": 0.000375, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0075}}
RECORD = {"id": "gen-1", "model": "openai/gpt-4o", "total_cost": 0.0123, "usage": 0.0123, "native_tokens_prompt": 11, "native_tokens_completion": 6}  # noqa: E501  # fmt: skip
OTHERS = [
    case("a transcript of ten seconds at least", "groq", "whisper-large-v3-turbo", "2026-02-20", {"task": "transcribe", "duration": 3.2, "text": "x"}, "10 @0.04/3600", "audio.transcriptions"),  # noqa: E501
    case("half of a batch", "groq", "llama-3.3-70b-versatile", "2025-12-20", chat("llama-3.3-70b-versatile", 1000, 500), "500 @0.59 + 250 @0.79", batch=True),  # noqa: E501
    case("flex is no dearer", "groq", "llama-3.3-70b-versatile", "2025-12-20", chat("llama-3.3-70b-versatile", 1000, 500, service_tier="flex"), "1000 @0.59 + 500 @0.79"),  # noqa: E501
    case("usage of a stream", "groq", "llama-3.1-8b-instant", "2026-02-20", events({"model": "llama-3.1-8b-instant", "choices": [], "x_groq": {"usage": chat("", 1000, 500)["usage"]}}), "1000 @0.05 + 500 @0.08"),  # noqa: E501
    case("its own charge", "xai", "grok-4.3", "2026-07-20", {"model": "grok-4.3", "usage": TICKS}, "0.0037756 @1/1"),  # noqa: E501
    case("one below the bound", "xai", "grok-4-fast", "2025-11-20", chat("grok-4-fast-reasoning", 127_999, 100), "127999 @0.2 + 100 @0.5"),  # noqa: E501
    case("at the bound", "xai", "grok-4-fast", "2025-11-20", chat("grok-4-fast-reasoning", 128_000, 100), "128000 @0.4 + 100 @1"),  # noqa: E501
    case("sources of a live search", "xai", "grok-4", "2025-11-20", {"model": "grok-4-0709", "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500, "num_sources_used": 4}}, "1000 @3 + 500 @15 + 4 @25/K"),  # noqa: E501
    case("a key of one's own", "openrouter", "openai/gpt-4o", "2026-02-20", {"model": "openai/gpt-4o", "usage": {**chat("", 1000, 500)["usage"], **BYOK}}, "0.007875 @1/1"),  # noqa: E501
    case("the record of a request", "openrouter", "openai/gpt-4o", "2026-02-20", {"data": RECORD}, "0.0123 @1/1"),  # noqa: E501
    case("no charge stated", "openrouter", "openai/gpt-4o", "2026-02-20", chat("openai/gpt-4o", 1000, 500), "1000 @2.5 + 500 @10"),  # noqa: E501
    case("a dearer variant", "openrouter", "openai/gpt-4o:extended", "2026-02-20", chat("openai/gpt-4o:extended", 1000, 500), "1000 @6 + 500 @18"),  # noqa: E501
    case("a route is no variant", "openrouter", "openai/gpt-4o:nitro", "2026-02-20", chat("openai/gpt-4o:nitro", 1000, 500), "1000 @2.5 + 500 @10"),  # noqa: E501
    case("cached on top", "moonshotai", "kimi-k2-0905-preview", "2026-02-20", {"usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500, "cached_tokens": 800}}, "200 @0.6 + 800 @0.15 + 500 @2.5"),  # noqa: E501
    case("vectors", "voyage", "voyage-3.5", "2026-02-20", {"model": "voyage-3.5", "usage": {"total_tokens": 1000}}, "1000 @0.06"),  # noqa: E501
    case("a model here", "ollama_chat", "llama3.2", "2026-02-20", {"model": "llama3.2", "eval_count": 298}, "0"),  # noqa: E501
    case("a model here, too", "lm-studio", "qwen2.5", "2026-02-20", chat("qwen2.5", 10, 5), "0"),
    case("a server at home", "openai", "qwen2.5", "2026-02-20", chat("qwen2.5", 10, 5), "0", base_url="http://192.168.1.20:1234/v1"),
    case("nobody's model", "fireworks", "accounts/acme/models/mine", "2025-12-20", chat("accounts/acme/models/mine", 10, 5), None),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize("found", [*BEDROCK, *MISTRAL, *COHERE, *DEEPSEEK, *OTHERS], ids=str)
def test_an_answer_costs_what_the_page_says(found):
    check(found)
