"""Usage as OpenAI and those who copy its API send it."""

from decimal import Decimal

import pytest
from tests.pricing.measured import codes, measure, measure_answer


def chat(given, made, total=None, **more):
    usage = {"prompt_tokens": given, "completion_tokens": made, **more}
    return usage if total is None else {**usage, "total_tokens": total}


def details(**counts):
    return {"prompt_tokens_details": counts}


def reasoning(count):
    return {"completion_tokens_details": {"reasoning_tokens": count}}


# name, provider, usage, parts, reasoning
CHAT = [
    ("plain", "openai", chat(40, 9, 49), {"input_text": 40, "output_text": 9}, 0),
    ("cached is inside", "openai", chat(40, 9, 49, **details(cached_tokens=32)), {"input_text": 8, "cached_text": 32, "output_text": 9}, 0),  # noqa: E501
    ("details are null", "vllm", chat(40, 9, 49, prompt_tokens_details=None), {"input_text": 40, "output_text": 9}, 0),  # noqa: E501
    ("reasoning is inside", "openai", chat(40, 90, 130, **reasoning(64)), {"input_text": 40, "output_text": 90}, 64),  # noqa: E501
    ("xai counts it beside", "xai", chat(40, 9, 113, **reasoning(64)), {"input_text": 40, "output_text": 73}, 64),  # noqa: E501
    ("xai without a total", "xai", chat(40, 9, **reasoning(64)), {"input_text": 40, "output_text": 73}, 64),  # noqa: E501
    ("grok behind a router has it inside", "openrouter", chat(40, 73, 113, **reasoning(64)), {"input_text": 40, "output_text": 73}, 64),  # noqa: E501
    ("predictions are inside", "openai", chat(40, 30, 70, completion_tokens_details={"accepted_prediction_tokens": 5, "rejected_prediction_tokens": 12}), {"input_text": 40, "output_text": 30}, 0),  # noqa: E501
    ("written to the cache", "openai", chat(100, 4, 104, **details(cached_tokens=10, cache_write_tokens=80)), {"input_text": 10, "cached_text": 10, "cache_write_5m": 80, "output_text": 4}, 0),  # noqa: E501
    ("kept for twelve hours", "openai", chat(100, 4, 104, **details(cache_write_tokens=80, cache_write_tokens_details={"ttl_30m_tokens": 50, "ttl_12h_tokens": 30})), {"input_text": 20, "cache_write_5m": 50, "cache_write_1h": 30, "output_text": 4}, 0),  # noqa: E501
    ("audio in and out", "openai", chat(80, 50, 130, prompt_tokens_details={"audio_tokens": 60, "text_tokens": 20, "cached_tokens": 0}, completion_tokens_details={"audio_tokens": 40, "text_tokens": 10}), {"input_text": 20, "input_audio": 60, "output_text": 10, "output_audio": 40}, 0),  # noqa: E501
    ("the cache holds text first", "openai", chat(80, 1, 81, **details(audio_tokens=60, cached_tokens=30)), {"input_audio": 50, "cached_text": 20, "cached_audio": 10, "output_text": 1}, 0),  # noqa: E501
    ("an embedding has no output", "openai", {"prompt_tokens": 6, "total_tokens": 6}, {"input_text": 6}, 0),  # noqa: E501
    ("what is missing is the rest", None, {"completion_tokens": 6, "total_tokens": 20}, {"input_text": 14, "output_text": 6}, 0),  # noqa: E501
    ("deepseek", "deepseek", chat(90, 5, 95, prompt_cache_hit_tokens=60, prompt_cache_miss_tokens=30), {"input_text": 30, "cached_text": 60, "output_text": 5}, 0),  # noqa: E501
    ("deepseek's halves alone", "deepseek", {"prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 30, "completion_tokens": 5}, {"input_text": 30, "cached_text": 60, "output_text": 5}, 0),  # noqa: E501
    ("together, fireworks", "together", chat(90, 5, 95, cached_tokens=60), {"input_text": 30, "cached_text": 60, "output_text": 5}, 0),  # noqa: E501
    ("mistral", "mistral", chat(90, 5, 95, num_cached_tokens=60, prompt_tokens_details={"cached_tokens": 60}), {"input_text": 30, "cached_text": 60, "output_text": 5}, 0),  # noqa: E501
    ("groq's times are no counts", "groq", chat(42, 8, 50, queue_time=0.14, total_time=Decimal("0.01")), {"input_text": 42, "output_text": 8}, 0),  # noqa: E501
    ("a proxy with the cache beside", None, chat(3, 10, 113, **details(cached_tokens=100)), {"input_text": 3, "cached_text": 100, "output_text": 10}, 0),  # noqa: E501
    ("floats without a fraction", None, chat(12.0, Decimal("3.0")), {"input_text": 12, "output_text": 3}, 0),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "usage", "parts", "thought"), [c[1:] for c in CHAT], ids=[c[0] for c in CHAT]
)
def test_chat_completions_and_their_likenesses(provider, usage, parts, thought):
    measured = measure(usage, provider)
    assert (measured.parts, measured.reasoning_tokens) == (parts, thought)
    assert measured.flags == ()


# name, provider, usage, parts, codes
CONTRADICTIONS = [
    ("total", "openai", chat(40, 9, 60), {"input_text": 40, "output_text": 9}, ["total_mismatch"]),
    ("a replay of a cached answer", "openrouter", chat(10, 2, 12, **details(cached_tokens=500)), {"cached_text": 10, "output_text": 2}, ["cached_above_input"]),  # noqa: E501
    ("a replay that counts nothing", "openrouter", chat(0, 0, 0, **details(cached_tokens=500)), {}, ["cached_above_input"]),  # noqa: E501
    ("more cached, no total", None, chat(10, 2, **details(cached_tokens=500)), {"input_text": 10, "cached_text": 500, "output_text": 2}, ["cache_beside_input"]),  # noqa: E501
    ("more audio than input", "openai", chat(10, 2, 12, **details(audio_tokens=11)), {"input_audio": 10, "output_text": 2}, ["details_mismatch"]),  # noqa: E501
    ("more reasoning than output", "openai", chat(10, 2, 12, **reasoning(9)), {"input_text": 10, "output_text": 2}, ["reasoning_above_output"]),  # noqa: E501
    ("more reasoning, no total", None, chat(10, 2, **reasoning(9)), {"input_text": 10, "output_text": 11}, ["reasoning_beside_output"]),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "usage", "parts", "flags"),
    [case[1:] for case in CONTRADICTIONS],
    ids=[case[0] for case in CONTRADICTIONS],
)
def test_what_contradicts_itself_is_settled_and_flagged(provider, usage, parts, flags):
    measured = measure(usage, provider)
    assert (measured.parts, codes(measured)) == (parts, flags)


RESPONSES = [
    ("responses", {}, {"input_tokens": 90, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 120}, {"input_text": 26, "cached_text": 64, "output_text": 30}),  # noqa: E501
    ("xai, with its tools", {"provider": "xai"}, {"input_tokens": 90, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 120, "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 3, "code_interpreter_calls": 1, "document_search_calls": 4}}, {"input_text": 90, "output_text": 30, "web_search": 5, "file_search": 4, "tool_call": 1}),  # noqa: E501
    ("realtime", {}, {"input_tokens": 300, "output_tokens": 120, "total_tokens": 420, "input_token_details": {"text_tokens": 100, "audio_tokens": 200, "cached_tokens": 160, "cached_tokens_details": {"text_tokens": 32, "audio_tokens": 128}}, "output_token_details": {"text_tokens": 20, "audio_tokens": 100}}, {"input_text": 68, "input_audio": 72, "cached_text": 32, "cached_audio": 128, "output_text": 20, "output_audio": 100}),  # noqa: E501
    ("pictures", {"model": "gpt-image-1"}, {"input_tokens": 350, "input_tokens_details": {"text_tokens": 50, "image_tokens": 300}, "output_tokens": 1056, "total_tokens": 1406}, {"input_text": 50, "input_image": 300, "output_image": 1056}),  # noqa: E501
    ("pictures with their text", {"model": "gpt-image-2"}, {"input_tokens": 50, "input_tokens_details": {"text_tokens": 50, "image_tokens": 0, "cached_tokens": 20, "cached_tokens_details": {"text_tokens": 20}}, "output_tokens": 1100, "output_tokens_details": {"image_tokens": 1056, "text_tokens": 44}, "total_tokens": 1150}, {"input_text": 30, "cached_text": 20, "output_text": 44, "output_image": 1056}),  # noqa: E501
    ("pictures of no named model", {}, {"input_tokens": 50, "input_tokens_details": {"text_tokens": 50, "image_tokens": 0}, "output_tokens": 1056, "total_tokens": 1106}, {"input_text": 50, "output_image": 1056}),  # noqa: E501
    ("a transcript by tokens", {"api": "audio.transcriptions"}, {"type": "tokens", "input_tokens": 140, "input_token_details": {"text_tokens": 10, "audio_tokens": 130}, "output_tokens": 45, "total_tokens": 185}, {"input_text": 10, "input_audio": 130, "output_text": 45}),  # noqa: E501
    ("a transcript by time", {"model": "whisper-1"}, {"type": "duration", "seconds": Decimal("27.5")}, {"audio_second": Decimal("27.5")}),  # noqa: E501
    ("speech by tokens", {"model": "gpt-4o-mini-tts"}, {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}, {"input_text": 14, "output_audio": 101}),  # noqa: E501
    ("a live session", {"model": "gpt-live"}, {"seconds": 95, "active_seconds": 90, "paused_seconds": 5}, {"session_second": 95}),  # noqa: E501
    ("langchain's names", {}, {"input_tokens": 90, "input_token_details": {"cache_read": 40, "ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10, "cache_creation": 0}, "output_tokens": 30, "output_token_details": {"reasoning": 20}, "total_tokens": 120}, {"input_text": 20, "cached_text": 40, "cache_write_5m": 20, "cache_write_1h": 10, "output_text": 30}),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "usage", "parts"), [c[1:] for c in RESPONSES], ids=[c[0] for c in RESPONSES]
)
def test_usage_with_input_tokens_and_details(known, usage, parts):
    measured = measure(usage, **{"provider": "openai", **known})
    assert measured.parts == parts
    assert measured.flags == ()


def test_cached_tokens_of_an_older_example_are_no_more_than_the_input():
    given = {"cached_tokens": 384, "text_tokens": 119, "audio_tokens": 8}
    usage = {"input_tokens": 127, "output_tokens": 148, "total_tokens": 275}
    usage["input_token_details"] = given
    measured = measure(usage, "openai")
    assert (measured.input_tokens, measured.cached_input_tokens) == (127, 127)
    assert codes(measured) == ["cached_above_input"]


def test_a_transcript_without_details_heard_audio():
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59}
    measured = measure(usage, "openai", "gpt-4o-transcribe")
    assert measured.parts == {"input_audio": 14, "output_text": 45}
    assert codes(measured) == ["no_modality"]


def test_a_search_model_searches_once_per_chat_completion():
    usage = chat(40, 9, 49)
    assert measure(usage, "openai", "gpt-4o-search-preview").parts["web_search"] == 1
    assert "web_search" not in measure(usage, "openai", "gpt-4o").parts


@pytest.mark.parametrize(
    ("usage", "api", "parts"),
    [
        # of a transcription only the seconds are billed, of a chat about audio both
        ({**chat(5, 60, 3000), "prompt_audio_seconds": 203}, "audio.transcriptions", {"audio_second": 203}),  # noqa: E501
        ({**chat(50, 6, 56), "prompt_audio_seconds": 30}, "chat.completions", {"input_text": 50, "output_text": 6, "audio_second": 30}),  # noqa: E501
        ({**chat(50, 6, 56), "prompt_audio_seconds": None}, "chat.completions", {"input_text": 50, "output_text": 6}),  # noqa: E501
        ({**chat(50, 6, 76), "connector_tokens": 20, "connectors": {"web_search": 2, "code_interpreter": 1}}, "conversations", {"input_text": 70, "output_text": 6, "web_search": 2, "tool_call": 1}),  # noqa: E501
    ],
    ids=["transcription", "chat", "no audio", "connectors"],
)  # fmt: skip
def test_mistral_beside_tokens(usage, api, parts):
    measured = measure(usage, "mistral", api=api)
    assert (measured.parts, measured.flags) == (parts, ())


def test_perplexity_bills_searches_and_research():
    usage = chat(30, 700, 730, citation_tokens=2000, num_search_queries=18, reasoning_tokens=7000)
    measured = measure(usage, "perplexity", "sonar-deep-research")
    assert measured.parts == {
        "input_text": 30, "output_text": 700, "output_reasoning": 7000, "citation": 2000,
        "web_search": 18,
    }  # fmt: skip
    assert (measured.reasoning_tokens, measured.flags) == (7000, ())
    assert measure(chat(30, 70, 100), "perplexity", "sonar").parts["request"] == 1


def test_what_is_billed_without_tokens():
    verbose = {"task": "transcribe", "text": "…", "duration": Decimal("8.47"), "segments": []}
    assert measure_answer(verbose, "openai", "whisper-1").parts == {"audio_second": Decimal("8.47")}
    pictures = {"created": 1, "data": [{"url": "u"}, {"url": "u"}]}
    assert measure_answer(pictures, "openai", "dall-e-3").parts == {"image": 2}
    assert measure_answer(None, "openai", "tts-1", input_characters=4095).parts == {
        "character": 4095
    }
    video = {"object": "video", "seconds": "8", "size": "1280x720", "status": "completed"}
    assert measure_answer(video, "openai", "sora-2").parts == {"video_second": 8}
    assert measure_answer({"object": "list", "data": [{"embedding": [1]}]}, "openai") is None
