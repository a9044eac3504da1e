"""Where the usage is in bodies, batch lines and streams, and what else counts in them."""

import json

import pytest

from aihub.pricing.payloads import read_payload

USAGE = {"prompt_tokens": 4, "completion_tokens": 2}
BODY = {"model": "gpt-4o-2024-08-06", "usage": USAGE, "service_tier": "flex"}
FACTS = {"model": "gpt-4o-2024-08-06", "service_tier": "flex"}
SECRET = "what a user wrote"


def read(response, api=None, provider=None):
    return read_payload(response, api=api, provider=provider)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (BODY, "response.usage"),
        ({"response": {"body": BODY}}, "response.response.body.usage"),
        ({"result": {"message": BODY}}, "response.result.message.usage"),
        ({"type": "response.completed", "response": BODY}, "response.response.usage"),
        ({"modelOutput": BODY}, "response.modelOutput.usage"),
        ({"stream_events": [{"usage": None}, BODY]}, "response.stream_events[1].usage"),
        ({"stream_events": [{"event": "x", "data": BODY}]}, "response.stream_events[0].usage"),
        ({"stream_events": [{"data": BODY}]}, "response.stream_events[0].usage"),
        ([{"choices": []}, BODY], "response[1].usage"),
    ],
    ids=["plain", "openai line", "anthropic line", "event", "bedrock line", "stream", "sse", "data",
         "array"],
)  # fmt: skip
def test_the_usage_is_found_with_its_model_and_tier(body, path):
    payload = read(body)
    assert (payload.usage, payload.path, payload.facts) == (USAGE, path, FACTS)


# name, answer, usage
PLACES = [
    ("gemini", {"usageMetadata": {"promptTokenCount": 4}}, {"promptTokenCount": 4}),
    ("gemini's batch line", {"key": "1", "response": {"usageMetadata": {"promptTokenCount": 4}}}, {"promptTokenCount": 4}),  # noqa: E501
    ("converse", {"output": {"message": {"content": SECRET}}, "usage": {"inputTokens": 4}}, {"inputTokens": 4}),  # noqa: E501
    ("converse's stream", {"stream_events": [{"messageStop": {}}, {"metadata": {"usage": {"inputTokens": 4}}}]}, {"inputTokens": 4}),  # noqa: E501
    ("groq's stream", {"stream_events": [{"id": "1", "x_groq": {"usage": USAGE}}, {"choices": []}]}, USAGE),  # noqa: E501
    ("cohere's stream", {"stream_events": [{"type": "content-delta"}, {"type": "message-end", "delta": {"usage": {"billed_units": {}}}}]}, {"billed_units": {}}),  # noqa: E501
    ("cohere's meta", {"meta": {"billed_units": {"search_units": 1}, "warnings": [SECRET]}}, {"billed_units": {"search_units": 1}}),  # noqa: E501
    ("ollama", {"message": {"content": SECRET}, "done": True, "eval_count": 4, "response": SECRET}, {"done": True, "eval_count": 4}),  # noqa: E501
    ("ollama's stream", {"stream_events": [{"message": {"content": SECRET}, "done": False}, {"message": {}, "done": True, "eval_count": 4}]}, {"done": True, "eval_count": 4}),  # noqa: E501
    ("llama", {"generation": SECRET, "prompt_token_count": 4, "generation_token_count": 2}, {"prompt_token_count": 4, "generation_token_count": 2}),  # noqa: E501
    ("titan", {"inputTextTokenCount": 4, "results": [{"tokenCount": 2, "outputText": SECRET}]}, {"inputTextTokenCount": 4, "results": [{"tokenCount": 2}]}),  # noqa: E501
    ("ocr", {"pages": [{"markdown": SECRET}], "usage_info": {"pages_processed": 1}}, {"pages_processed": 1}),  # noqa: E501
    ("usage alone", {"input_tokens": 4, "output_tokens": 2, "cache_creation": {}, "note": SECRET, "speed": "fast"}, {"input_tokens": 4, "output_tokens": 2, "cache_creation": {}, "speed": "fast"}),  # noqa: E501
    ("a cached prompt's chunks", {"stream_events": [{"choices": [1], "usage": {"total_tokens": 1}}, {"choices": [], "usage": USAGE}]}, USAGE),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(("answer", "usage"), [p[1:] for p in PLACES], ids=[p[0] for p in PLACES])
def test_every_provider_has_its_place_for_usage(answer, usage):
    payload = read(answer)
    assert payload.usage == usage
    assert SECRET not in json.dumps(payload.facts)


def done(name, given, **body):
    usage = {"input_tokens": given, "input_token_details": {"cached_tokens": 1}}
    return {"type": "response.done", "response": {"id": name, "usage": usage, **body}}


def test_responses_of_a_realtime_session_add_up_and_repeats_do_not():
    events = [{"type": "session.created", "session": {"model": "gpt-realtime"}},
              done("a", 10), done("b", 5), done("b", 5)]  # fmt: skip
    payload = read({"stream_events": events})
    assert payload.usage == {"input_tokens": 15, "input_token_details": {"cached_tokens": 2}}
    assert payload.facts == {"model": "gpt-realtime"}


def test_tools_of_responses_that_follow_one_another_add_up():
    search = {"type": "web_search_call", "action": {"type": "search"}}
    payload = read(
        {"stream_events": [done("a", 10, output=[search]), done("b", 5, output=[search])]}
    )
    assert payload.facts == {"web_searches": 2}


def test_a_number_that_cannot_be_added_is_kept_to_be_refused():
    payload = read({"stream_events": [done("a", "ten"), done("b", 5)]})
    assert payload.usage["input_tokens"] == "ten"


def test_transcripts_in_a_session_are_of_another_model():
    event = {
        "type": "conversation.item.input_audio_transcription.completed",
        "transcript": SECRET,
        "usage": {"type": "duration", "seconds": 3},
    }
    payload = read({"stream_events": [event, done("a", 10)]})
    assert payload.facts["other_usages"] == [
        {"model": None, "api": "audio.transcriptions", "usage": {"type": "duration", "seconds": 3}}
    ]


OUTPUT = [
    {"type": "reasoning"},
    {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": SECRET}},  # noqa: E501
    {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "u"}},
    {"type": "web_search_call", "status": "completed", "action": {"type": "find_in_page"}},
    {"type": "web_search_call", "status": "failed", "action": {"type": "search"}},
    {"type": "web_search_call", "status": "completed"},
    {"type": "file_search_call", "queries": [SECRET]},
    {"type": "code_interpreter_call", "container_id": "c1", "code": SECRET},
    {"type": "code_interpreter_call", "container_id": "c1"},
    {"type": "code_interpreter_call", "container_id": "c2"},
    {"type": "image_generation_call", "result": SECRET},
    {"type": "message", "content": [{"text": SECRET}]},
]  # fmt: skip
TOOLS = {"web_searches": 2, "file_searches": 1, "code_sessions": 2, "unmetered_images": 1}


def test_tools_are_counted_among_the_items_of_an_answer():
    assert read({"output": OUTPUT, "usage": {}}).facts == TOOLS
    completed = {"type": "response.completed", "response": {"output": OUTPUT, "usage": {}}}
    items = [{"type": "response.output_item.done", "item": item} for item in OUTPUT]
    assert read({"stream_events": [*items, completed]}).facts == TOOLS
    assert read({"stream_events": items}).facts == TOOLS  # aborted


def test_openais_own_count_of_tools_goes_first():
    tool_usage = {
        "web_search": {"num_requests": 1},
        "image_gen": {"input_tokens": 9, "output_tokens": 90, "total_tokens": 99},
    }
    body = {"output": OUTPUT, "tool_usage": tool_usage, "usage": {},
            "tools": [{"type": "image_generation", "model": "gpt-image-2"}, {"type": "web_search_preview"}]}  # noqa: E501  # fmt: skip
    facts = read(body).facts
    assert facts["web_searches"] == 1
    assert facts["other_usages"] == [
        {"model": "gpt-image-2", "api": "images", "usage": tool_usage["image_gen"]}
    ]
    assert facts["search_tool"] == "preview"
    assert "unmetered_images" not in facts


# name, answer, facts
FACTS_OF = [
    ("an error", {"error": {"code": "rate_limit_exceeded", "message": SECRET}}, {"is_error": True, "error_type": "rate_limit_exceeded"}),  # noqa: E501
    ("google's error", {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": SECRET}}, {"is_error": True, "error_status": 429, "error_type": "RESOURCE_EXHAUSTED"}),  # noqa: E501
    ("anthropic's error", {"type": "error", "error": {"type": "overloaded_error", "message": SECRET}}, {"is_error": True, "error_type": "overloaded_error"}),  # noqa: E501
    ("amazon's error", {"__type": "ThrottlingException", "message": SECRET}, {"is_error": True, "error_type": "ThrottlingException"}),  # noqa: E501
    ("an errored line", {"custom_id": "1", "result": {"type": "errored", "error": {"error": {"type": "invalid_request_error"}}}}, {"batch": True, "status": "errored", "is_error": True, "error_type": "invalid_request_error"}),  # noqa: E501
    ("an expired line", {"custom_id": "1", "result": {"type": "expired"}}, {"batch": True, "status": "expired"}),  # noqa: E501
    ("a failed line", {"custom_id": "1", "response": {"status_code": 400, "body": {"error": {"message": SECRET}}}}, {"batch": True, "http_status": 400, "is_error": True}),  # noqa: E501
    ("a refusal", {"stop_reason": "refusal", "usage": USAGE}, {"refused": True}),
    ("bedrock's tier", {"serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"}, "usage": {}}, {"service_tier": "flex", "latency": "optimized"}),  # noqa: E501
    ("pictures", {"data": [{"b64_json": SECRET}], "quality": "high", "size": "1024x1024"}, {"images": 1, "quality": "high", "size": "1024x1024"}),  # noqa: E501
    ("a text for a name", {"model": SECRET * 20, "service_tier": SECRET, "usage": {}}, {}),
    ("an error in a stream", {"stream_events": [{"choices": [1]}, {"error": {"code": "server_error"}}]}, {"is_error": True, "error_type": "server_error", "partial": True}),  # noqa: E501
    ("a stream that never began", {"stream_events": [{"type": "error", "code": "rate_limit_exceeded"}]}, {"is_error": True, "error_type": "rate_limit_exceeded"}),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "facts"), [c[1:] for c in FACTS_OF], ids=[c[0] for c in FACTS_OF]
)
def test_facts(answer, facts):
    assert read(answer).facts == facts


def test_the_users_own_metadata_is_no_usage():
    assert read({"metadata": {"note": "x"}, "data": {"user": 1}}).usage is None


@pytest.mark.parametrize(
    "body",
    [None, [], "text", 3, {}, {"usage": None}, {"stream_events": []}, {"stream_events": [1, None]},
     {"result": 4}, {"stream_events": 4}],
    ids=repr,
)  # fmt: skip
def test_nothing_is_found_where_nothing_is(body):
    payload = read(body)
    assert (payload.usage, payload.model) == (None, None)
