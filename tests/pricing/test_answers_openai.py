"""Whole answers of OpenAI and Azure, by developers.openai.com/api/docs/pricing (with the changelog
for what was) and the meters of Azure's retail price list."""

import pytest
from tests.pricing.answers import Case, case, chat, check, events, message, respond, spoken

SEARCH = {"type": "web_search_call", "status": "completed", "action": {"type": "search"}}
OPEN = {"type": "web_search_call", "status": "completed", "action": {"type": "open_page"}}
CODE = {"type": "code_interpreter_call", "container_id": "c1"}
FILES = {"type": "file_search_call", "status": "completed"}
DALLE = {"created": 1, "data": [{"url": "u"}]}
PICTURE = {
    "input_tokens": 373,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 323},
    "output_tokens": 1056,
    "total_tokens": 1429,
}
DRAWN = {
    "input_tokens": 50,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
    "output_tokens": 1056,
    "total_tokens": 1106,
}
HEARD = {
    "type": "tokens",
    "input_tokens": 614,
    "input_token_details": {"text_tokens": 14, "audio_tokens": 600},
    "output_tokens": 120,
    "total_tokens": 734,
}
EMBEDDED = {"object": "list", "usage": {"prompt_tokens": 10_000, "total_tokens": 10_000}}
EU = {"base_url": "https://eu.api.openai.com/v1"}
DONE = "response.done"


def line(body: object) -> dict[str, object]:
    return {"custom_id": "1", "response": {"status_code": 200, "body": body}, "error": None}


def openai(name, model, day, response, bill, api=None, **context) -> Case:
    return case(name, "openai", model, day, response, bill, api, **context)


def azure(name, model, day, response, bill, api=None, **context) -> Case:
    return case(name, "azure", model, day, response, bill, api, **context)


OPENAI = [
    openai("realtime, cached by kind", "gpt-realtime", "2025-10-10", {"type": DONE, "response": spoken(400, 600, 53, 200, text_tokens=200, audio_tokens=120)}, "200 @4 + 480 @32 + 320 @0.4 + 53 @16 + 200 @64"),  # noqa: E501
    openai("realtime, two responses", "gpt-realtime", "2025-10-10", events({"type": DONE, "response": spoken(100, 100, 20, 80)}, {"type": DONE, "response": spoken(101, 100, 20, 80)}), "201 @4 + 200 @32 + 40 @16 + 160 @64"),  # noqa: E501
    openai("realtime preview", "gpt-4o-realtime-preview-2024-12-17", "2025-03-01", {"type": DONE, "response": spoken(100, 100, 20, 80)}, "100 @5 + 100 @40 + 20 @20 + 80 @80"),  # noqa: E501
    openai("whisper in its usage", "whisper-1", "2026-02-01", {"text": "x", "usage": {"type": "duration", "seconds": 61}}, "61 @0.006/60", "audio.transcriptions"),  # noqa: E501
    openai("whisper, verbose", "whisper-1", "2026-02-01", {"task": "transcribe", "duration": 8.47, "text": "x"}, "8.47 @0.006/60", "audio.transcriptions"),  # noqa: E501
    openai("transcript by tokens", "gpt-4o-transcribe", "2025-09-01", {"text": "x", "usage": HEARD}, "14 @2.5 + 600 @6 + 120 @10", "audio.transcriptions"),  # noqa: E501
    openai("speech by character", "tts-1-hd", "2026-02-01", None, "1000 @30", "audio.speech", input_characters=1000),  # noqa: E501
    openai("speech, streamed", "gpt-4o-mini-tts", "2026-02-01", events({"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}}), "14 @0.6 + 101 @12"),  # noqa: E501
    openai("picture, wide and fine", "dall-e-3", "2025-02-01", DALLE, "1 @0.12/1", "images.generations", quality="hd", size="1792x1024"),  # noqa: E501
    openai("picture from a picture", "gpt-image-1", "2025-10-01", {"created": 1, "data": [{"b64_json": "x"}], "usage": PICTURE}, "50 @5 + 323 @10 + 1056 @40", "images.edits"),  # noqa: E501
    openai("picture, streamed", "gpt-image-1.5", "2026-02-01", events({"type": "image_generation.completed", "quality": "high", "size": "1024x1024", "usage": DRAWN}), "50 @5 + 1056 @32", "images.generations.stream"),  # noqa: E501
    openai("picture by a tool", "gpt-5", "2025-12-10", respond("gpt-5-2025-08-07", [{"type": "image_generation_call", "status": "completed"}], 1000, 100, tools=[{"type": "image_generation", "model": "gpt-image-1"}], tool_usage={"image_gen": DRAWN}), "1000 @1.25 + 100 @10 + 50 @5 + 1056 @40"),  # noqa: E501
    openai("film", "sora-2", "2025-11-01", {"object": "video", "model": "sora-2", "status": "completed", "seconds": "8", "size": "720x1280"}, "8 @0.1/1"),  # noqa: E501
    openai("search in files", "gpt-4.1", "2025-10-01", respond("gpt-4.1-2025-04-14", [FILES, FILES], 5000, 300), "5000 @2 + 300 @8 + 2 @2.5/K"),  # noqa: E501
    openai("one container, twice", "gpt-4.1", "2025-10-01", respond("gpt-4.1-2025-04-14", [CODE, CODE], 5000, 300), "5000 @2 + 300 @8 + 1 @0.03/1"),  # noqa: E501
    openai("older web search", "gpt-4o", "2025-10-01", respond("gpt-4o-2024-08-06", [SEARCH], 328, 300, tools=[{"type": "web_search_preview"}]), "328 @2.5 + 300 @10 + 1 @25/K"),  # noqa: E501
    openai("pages opened are free", "gpt-5", "2026-02-01", respond("gpt-5-2025-08-07", [SEARCH, OPEN, OPEN], 1000, 100), "1000 @1.25 + 100 @10 + 1 @10/K"),  # noqa: E501
    openai("search model", "gpt-4o-search-preview", "2026-02-01", chat("gpt-4o-search-preview-2025-03-11", 100, 200), "100 @2.5 + 200 @10 + 1 @25/K", "chat.completions"),  # noqa: E501
    openai("line of a batch", "gpt-4o", "2026-02-01", line(chat("gpt-4o-2024-08-06", 1000, 500)), "1000 @1.25 + 500 @5"),  # noqa: E501
    openai("batch of embeddings", "text-embedding-3-large", "2025-10-10", line(EMBEDDED), "10000 @0.065"),  # noqa: E501
    openai("batch of a model for few", "gpt-5.6-cyber", "2026-11-01", line(chat("gpt-5.6-cyber", 1000, 500)), "1000 @6.25 + 500 @37.5"),  # noqa: E501
    openai("line that the batch left", "gpt-4o", "2026-02-01", {"custom_id": "1", "response": None, "error": {"code": "batch_expired"}}, "0"),  # noqa: E501
    openai("priority", "gpt-5", "2026-02-01", chat("gpt-5-2025-08-07", 1000, 500, 200, service_tier="priority"), "800 @2.5 + 200 @0.25 + 500 @20"),  # noqa: E501
    openai("priority asked, not given", "gpt-5", "2026-02-01", chat("gpt-5-2025-08-07", 1000, 500, service_tier="default"), "1000 @1.25 + 500 @10", request_service_tier="priority"),  # noqa: E501
    openai("flex", "o3", "2025-09-01", chat("o3-2025-04-16", 1000, 500, 200, service_tier="flex"), "800 @1 + 200 @0.25 + 500 @4"),  # noqa: E501
    openai("european host", "gpt-5.4", "2026-07-01", chat("gpt-5.4-2026-03-05", 1000, 500), "1100 @2.5 + 550 @15", **EU),  # noqa: E501
    openai("Europe in a word", "gpt-5.5", "2026-09-20", chat("gpt-5.5", 1000, 500), "1100 @5 + 550 @30", data_residency="Europe"),  # noqa: E501
    openai("Europe, older model", "gpt-4o", "2026-07-01", chat("gpt-4o-2024-08-06", 1000, 500), "1000 @2.5 + 500 @10", **EU),  # noqa: E501
    openai("details that are none", "gpt-4.1-mini", "2026-07-01", {"model": "gpt-4.1-mini", "usage": {"prompt_tokens": 500, "completion_tokens": 200, "total_tokens": 700, "prompt_tokens_details": "n/a", "completion_tokens_details": None}}, "500 @0.4 + 200 @1.6"),  # noqa: E501
    openai("before a cut", "o3", "2025-06-01", chat("o3-2025-04-16", 1000, 500, 200), "800 @10 + 200 @2.5 + 500 @40"),  # noqa: E501
    openai("after a cut", "o3", "2025-06-12", chat("o3-2025-04-16", 1000, 500, 200), "800 @2 + 200 @0.5 + 500 @8"),  # noqa: E501
    openai("an alias in its first days", "gpt-4o", "2024-06-01", chat("gpt-4o-2024-05-13", 1000, 500), "1000 @5 + 500 @15"),  # noqa: E501
    openai("at the bound", "gpt-5.5", "2026-09-01", chat("gpt-5.5", 272_000, 100), "272000 @5 + 100 @30"),  # noqa: E501
    openai("above the bound", "gpt-5.5", "2026-09-01", chat("gpt-5.5", 272_001, 100), "272001 @10 + 100 @45"),  # noqa: E501
    openai("three choices", "gpt-4o-mini", "2026-02-01", chat("gpt-4o-mini", 100, 300, choices=[{}, {}, {}]), "100 @0.15 + 300 @0.6"),  # noqa: E501
    openai("a timeout with its usage", "gpt-4o-mini", "2026-02-01", chat("gpt-4o-mini", 100, 300), "100 @0.15 + 300 @0.6", http_status=408),  # noqa: E501
    openai("an error of theirs", "gpt-4o-mini", "2026-02-01", {"error": {"type": "server_error"}}, "0", http_status=500),  # noqa: E501
    openai("a model that is not", "gpt-99-ultra", "2026-06-01", chat("gpt-99-ultra", 1000, 500), None),  # noqa: E501
    openai("seconds of a chat model", "gpt-4o", "2026-06-01", None, None, audio_seconds=60),
]  # fmt: skip
AZURE = [
    azure("data zone", "gpt-4o", "2026-02-20", chat("gpt-4o-2024-11-20", 1000, 500), "1000 @2.75 + 500 @11", deployment_type="DataZoneStandard", region="swedencentral"),  # noqa: E501
    azure("data zone in Asia", "gpt-5.4", "2026-07-20", chat("gpt-5.4-2026-03-05", 1000, 0), "1000 @3", deployment_type="DataZoneStandard", region="koreacentral"),  # noqa: E501
    azure("regional, eastus", "gpt-4o", "2026-02-20", chat("gpt-4o-2024-11-20", 1000, 500), "1000 @2.75 + 500 @11", deployment_type="Standard", region="eastus"),  # noqa: E501
    azure("regional, Sweden", "gpt-4o", "2026-02-20", chat("gpt-4o-2024-11-20", 1000, 500), "1000 @3.025 + 500 @12.1", deployment_type="Standard", region="Sweden Central"),  # noqa: E501
    azure("bought capacity", "gpt-5", "2026-02-20", chat("gpt-5-2025-08-07", 1000, 500), "0", deployment_type="DataZoneProvisionedManaged"),  # noqa: E501
    azure("batch by its deployment", "gpt-4o", "2026-02-20", chat("gpt-4o-2024-08-06", 1000, 500), "1000 @1.25 + 500 @5", deployment_type="GlobalBatch"),  # noqa: E501
    azure("a name of one's own", "prod-chat", "2026-02-20", chat("gpt-4.1-mini-2025-04-14", 1000, 500), "1000 @0.4 + 500 @1.6"),  # noqa: E501
    azure("months for a snapshot", "gpt-4o-0513", "2026-02-20", chat("gpt-4o-0513", 1000, 500), "1000 @5 + 500 @15"),  # noqa: E501
    azure("claude", "claude-sonnet-4-5", "2026-02-20", message("claude-sonnet-4-5-20250929", input_tokens=1000, output_tokens=500), "1000 @3 + 500 @15"),  # noqa: E501
    azure("filtered", "gpt-4.1", "2026-02-20", {"error": {"code": "content_filter", "status": 400}}, "0", http_status=400),  # noqa: E501
]  # fmt: skip
# Meters that are no round multiple of the global price.
ODD = [
    azure("gpt-4o of August, Sweden", "gpt-4o", "2026-02-20", chat("gpt-4o-2024-08-06", 1000, 500), "1000 @2.75 + 500 @11", deployment_type="Standard", region="swedencentral"),  # noqa: E501
    azure("gpt-4o mini, Sweden", "gpt-4o-mini", "2026-02-20", chat("gpt-4o-mini", 1000, 500), "1000 @0.165 + 500 @0.66", deployment_type="Standard", region="swedencentral"),  # noqa: E501
    azure("small embedding, Sweden", "text-embedding-3-small", "2026-02-20", EMBEDDED, "10000 @0.025", deployment_type="Standard", region="swedencentral"),  # noqa: E501
    azure("small embedding, Holland", "text-embedding-3-small", "2026-02-20", EMBEDDED, "10000 @0.027", deployment_type="Standard", region="westeurope"),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize("found", [*OPENAI, *AZURE, *ODD], ids=str)
def test_an_answer_costs_what_the_page_says(found):
    check(found)
