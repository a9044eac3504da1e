"""Whole answers of Anthropic and Google, by platform.claude.com/docs/en/about-claude/pricing,
ai.google.dev/gemini-api/docs/pricing and cloud.google.com/vertex-ai/generative-ai/pricing."""

import pytest
from tests.pricing.answers import (  # fmt: skip
    Case,
    case,
    chat,
    check,
    events,
    gemini,
    grounded,
    kinds,
    message,
    turn,
)

SONNET = "claude-sonnet-4-5-20250929"
FLASH, IMAGE = "gemini-2.5-flash", {"bytesBase64Encoded": "x", "mimeType": "image/png"}
PLAIN = {"input_tokens": 1000, "output_tokens": 500}
USED_UP, FREE = {"free_grounding_allowance_used_up": True}, {"free_grounding_allowance_used_up": False}  # noqa: E501  # fmt: skip


def claude(name, model, day, response, bill, api=None, **context) -> Case:
    return case(name, "anthropic", model, day, response, bill, api, **context)


def google(name, model, day, response, bill, api=None, **context) -> Case:
    return case(name, "google", model, day, response, bill, api, **context)


def vector(**statistics: object) -> dict[str, object]:
    return {"values": [0.1], "statistics": statistics}


CLAUDE = [
    claude("both lifetimes", "claude-opus-4-1", "2025-10-01", message("claude-opus-4-1-20250805", input_tokens=10, output_tokens=100, cache_read_input_tokens=5000, cache_creation_input_tokens=3000, cache_creation={"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}), "10 @15 + 5000 @1.5 + 1000 @18.75 + 2000 @30 + 100 @75"),  # noqa: E501
    claude("a split of nothing", SONNET, "2026-02-20", message(SONNET, **PLAIN, cache_creation_input_tokens=500, cache_creation={"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}), "1000 @3 + 500 @3.75 + 500 @15"),  # noqa: E501
    claude("computed in the USA", "claude-opus-4-6", "2026-03-01", message("claude-opus-4-6", **PLAIN, cache_read_input_tokens=10_000, inference_geo="us"), "1100 @5 + 11000 @0.5 + 550 @25"),  # noqa: E501
    claude("fast and in the USA", "claude-opus-5", "2026-09-20", message("claude-opus-5", **PLAIN, speed="fast", inference_geo="us"), "1100 @10 + 550 @50"),  # noqa: E501
    claude("at the bound", "claude-sonnet-4", "2025-10-01", message("claude-sonnet-4-20250514", input_tokens=200_000, output_tokens=100), "200000 @3 + 100 @15"),  # noqa: E501
    claude("long, while it cost more", "claude-opus-4-6", "2026-02-20", message("claude-opus-4-6", input_tokens=210_000, output_tokens=100), "210000 @10 + 100 @37.5"),  # noqa: E501
    claude("long, when it did not", "claude-opus-4-6", "2026-04-20", message("claude-opus-4-6", input_tokens=210_000, output_tokens=100), "210000 @5 + 100 @25"),  # noqa: E501
    claude("100,001 with the cache", "claude-haiku-5-5", "2026-11-02", message("claude-haiku-5-5", input_tokens=60_001, cache_read_input_tokens=40_000, output_tokens=800), "60001 @0.5 + 40000 @0.05 + 800 @2.5"),  # noqa: E501
    claude("turns below the bound", SONNET, "2026-02-20", message(SONNET, input_tokens=120_000, output_tokens=100, iterations=[turn("compaction", 190_000, 500), turn("message", 120_000, 100)]), "310000 @3 + 600 @15"),  # noqa: E501
    claude("one turn above the bound", SONNET, "2026-02-20", message(SONNET, input_tokens=50_000, output_tokens=100, server_tool_use={"web_search_requests": 1}, iterations=[turn("compaction", 210_000, 500), turn("message", 50_000, 100)]), "210000 @6 + 500 @22.5 + 50000 @3 + 100 @15 + 1 @10/K"),  # noqa: E501
    claude("an advisor", "claude-sonnet-4-6", "2026-04-20", message("claude-sonnet-4-6", input_tokens=100, output_tokens=50, iterations=[turn("message", 100, 50), {**turn("advisor_message", 2000, 300), "model": "claude-opus-4-6"}]), "100 @3 + 50 @15 + 2000 @5 + 300 @25"),  # noqa: E501
    claude("served by a fallback", "claude-opus-5", "2026-09-20", message("claude-opus-5", **PLAIN, iterations=[{**turn("message", 1000, 0), "model": "claude-opus-5"}, {**turn("fallback_message", 1000, 500), "model": "claude-sonnet-5"}]), "1000 @2 + 500 @10"),  # noqa: E501
    claude("batch, an hour in the cache", "claude-haiku-4-5", "2026-02-20", message("claude-haiku-4-5", input_tokens=100, output_tokens=50, cache_creation_input_tokens=1000, cache_creation={"ephemeral_1h_input_tokens": 1000}, service_tier="batch"), "100 @0.5 + 1000 @1 + 50 @2.5"),  # noqa: E501
    claude("searches are not halved", SONNET, "2026-02-20", message(SONNET, **PLAIN, service_tier="batch", server_tool_use={"web_search_requests": 2}), "500 @3 + 250 @15 + 2 @10/K"),  # noqa: E501
    claude("fetches are free", SONNET, "2026-02-20", message(SONNET, **PLAIN, server_tool_use={"web_search_requests": 0, "web_fetch_requests": 3}), "1000 @3 + 500 @15"),  # noqa: E501
    claude("restated after a search", SONNET, "2026-02-20", events({"type": "message_start", "message": message(SONNET, input_tokens=2679, output_tokens=3)}, {"type": "message_delta", "usage": {"input_tokens": 10_682, "output_tokens": 510, "server_tool_use": {"web_search_requests": 1}}}), "10682 @3 + 510 @15 + 1 @10/K"),  # noqa: E501
    claude("in its first weeks", "claude-3-5-haiku-20241022", "2024-11-20", message("claude-3-5-haiku-20241022", **PLAIN), "1000 @1 + 500 @5"),  # noqa: E501
    claude("by its alias later", "claude-3-5-haiku-latest", "2025-02-20", message("claude-3-5-haiku-20241022", **PLAIN), "1000 @0.8 + 500 @4"),  # noqa: E501
    claude("long retired", "claude-2.1", "2024-06-20", message("claude-2.1", **PLAIN), "1000 @8 + 500 @24"),  # noqa: E501
    claude("a line that failed", SONNET, "2026-02-20", {"custom_id": "x", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request_error"}}}}, "0", batch=True),  # noqa: E501
    claude("overloaded", SONNET, "2026-02-20", {"type": "error", "error": {"type": "overloaded_error"}}, "0", http_status=529),  # noqa: E501
]  # fmt: skip
GOOGLE = [
    google("grounded by the prompt", FLASH, "2026-02-20", gemini(FLASH, 1000, 500) | grounded("a", "b"), "1000 @0.3 + 500 @2.5 + 1 @35/K", **USED_UP),  # noqa: E501
    google("grounded for nothing", FLASH, "2026-02-20", gemini(FLASH, 1000, 500) | grounded("a", "b"), "1000 @0.3 + 500 @2.5", **FREE),  # noqa: E501
    google("grounded by the query", "gemini-3-flash-preview", "2026-02-20", gemini("gemini-3-flash-preview", 1000, 500) | grounded("a", "b"), "1000 @0.5 + 500 @3 + 2 @14/K", **USED_UP),  # noqa: E501
    google("speech in", FLASH, "2026-02-20", gemini(FLASH, 1010, 50, promptTokensDetails=kinds(TEXT=10, AUDIO=1000)), "10 @0.3 + 1000 @1 + 50 @2.5"),  # noqa: E501
    google("speech from the cache", FLASH, "2026-02-20", gemini(FLASH, 1100, 10, cachedContentTokenCount=1000, promptTokensDetails=kinds(TEXT=100, AUDIO=1000), cacheTokensDetails=kinds(AUDIO=1000)), "100 @0.3 + 1000 @0.1 + 10 @2.5"),  # noqa: E501
    google("speech out", "gemini-2.5-flash-preview-tts", "2025-10-20", gemini("gemini-2.5-flash-preview-tts", 10, 100, candidatesTokensDetails=kinds(AUDIO=100)), "10 @0.5 + 100 @10"),  # noqa: E501
    google("a live turn", "gemini-2.5-flash-native-audio-preview-09-2025", "2025-10-20", events({"setupComplete": {}}, {"usageMetadata": {"promptTokenCount": 300, "responseTokenCount": 100, "totalTokenCount": 400, "promptTokensDetails": kinds(AUDIO=250, TEXT=50), "responseTokensDetails": kinds(AUDIO=100)}, "serverContent": {"turnComplete": True}}), "250 @3 + 50 @0.5 + 100 @12"),  # noqa: E501
    google("a picture of no stated kind", "gemini-2.5-flash-image", "2026-02-20", gemini("gemini-2.5-flash-image", 10, 1290), "10 @0.3 + 1290 @30"),  # noqa: E501
    google("a picture by its nickname", "nano-banana-pro-preview", "2026-02-20", gemini("nano-banana-pro-preview", 10, 1120), "10 @2 + 1120 @120"),  # noqa: E501
    google("a picture, words and thoughts", "gemini-3-pro-image-preview", "2026-02-20", gemini("gemini-3-pro-image-preview", 10, 1300, thoughtsTokenCount=200, totalTokenCount=1510, candidatesTokensDetails=kinds(IMAGE=1120)), "10 @2 + 1120 @120 + 380 @12"),  # noqa: E501
    google("pictures by number", "imagen-4.0-generate-001", "2025-10-20", {"predictions": [IMAGE, IMAGE]}, "2 @0.04/1", "predict"),  # noqa: E501
    google("prompts of tools", FLASH, "2026-02-20", gemini(FLASH, 100, 50, toolUsePromptTokenCount=5000, thoughtsTokenCount=70, totalTokenCount=5220), "5100 @0.3 + 120 @2.5"),  # noqa: E501
    google("blocked", FLASH, "2026-02-20", {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": FLASH, "usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100}}, "100 @0.3"),  # noqa: E501
    google("details that are none", FLASH, "2026-02-20", gemini(FLASH, 100, 10, promptTokensDetails={"a": 1}), "100 @0.3 + 10 @2.5"),  # noqa: E501
    google("thoughts beside, OpenAI's way", FLASH, "2026-02-20", {"model": FLASH, "usage": {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1500}}, "1000 @0.3 + 500 @2.5"),  # noqa: E501
    google("bought capacity", "gemini-2.5-pro", "2026-02-20", gemini("gemini-2.5-pro", 100, 50, trafficType="PROVISIONED_THROUGHPUT"), "0"),  # noqa: E501
    google("priority traffic", FLASH, "2026-06-20", gemini(FLASH, 1000, 500, trafficType="ON_DEMAND_PRIORITY"), "1000 @0.54 + 500 @4.5"),  # noqa: E501
    google("line of a batch", "gemini-2.5-pro", "2026-06-20", {"key": "1", "response": gemini("gemini-2.5-pro", 1000, 500)}, "1000 @0.625 + 500 @5"),  # noqa: E501
    google("a price to come", "gemini-3.8-flash", "2027-01-02", gemini("gemini-3.8-flash", 1000, 500), "1000 @1.5 + 500 @7.5"),  # noqa: E501
    google("vectors by the character", "text-embedding-005", "2025-10-20", {"predictions": [{"embeddings": vector(token_count=6, truncated=False)}], "metadata": {"billableCharacterCount": 40}}, "40 @0.025", "predict"),  # noqa: E501
    google("vectors by the token", "gemini-embedding-001", "2025-10-20", {"predictions": [{"embeddings": vector(token_count=6)}, {"embeddings": vector(token_count=14.0)}]}, "20 @0.15", "predict"),  # noqa: E501
    google("vectors with both", "gemini-embedding-001", "2025-10-20", {"embeddings": [vector(tokenCount=12)], "metadata": {"billableCharacterCount": 50}}, "12 @0.15", "embedContent"),  # noqa: E501
    google("vectors of a picture", "gemini-embedding-2", "2026-10-20", {"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 358, "promptTokensDetails": kinds(TEXT=100, IMAGE=258)}}, "100 @0.2 + 258 @0.45", "embedContent"),  # noqa: E501
    google("vectors the caller counted", "gemini-embedding-001", "2025-10-20", {"embedding": {"values": [0.1]}}, "25 @0.15", "embedContent", input_tokens=25),  # noqa: E501
    google("vectors nobody counted", "gemini-embedding-001", "2025-10-20", {"embedding": {"values": [0.1]}}, None, "embedContent"),  # noqa: E501
    google("claude in a region", "claude-sonnet-4-5@20250929", "2026-02-20", message(SONNET, **PLAIN), "1100 @3 + 550 @15", location="us-east5"),  # noqa: E501
    google("claude everywhere", "claude-sonnet-4-5@20250929", "2026-02-20", message(SONNET, **PLAIN), "1000 @3 + 500 @15", location="global"),  # noqa: E501
    google("llama as a service", "meta/llama-3.3-70b-instruct-maas", "2025-10-20", chat("meta/llama-3.3-70b-instruct-maas", 1000, 500), "1500 @0.72"),  # noqa: E501
    google("out of capacity", "gemini-2.5-pro", "2026-02-20", {"error": {"code": 503, "status": "UNAVAILABLE"}}, "0"),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize("found", [*CLAUDE, *GOOGLE], ids=str)
def test_an_answer_costs_what_the_page_says(found):
    check(found)
