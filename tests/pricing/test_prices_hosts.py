"""Shipped prices of DeepSeek, Mistral, Cohere, Groq, xAI and hosts of open models."""

from datetime import UTC, datetime

import pytest
from tests.pricing.priced import Bill, check

from aihub.pricing.shipped import load_book

_CHAT = "4000 input_text @{}, 6000 cached_text @{}, 1500 output_text @{}"


def _deepseek(model, day, *prices):
    return Bill("deepseek", model, day, _CHAT.format(*prices))


_DEEPSEEK = [
    _deepseek("deepseek-chat", "2025-01-15", "0.14", "0.014", "0.28"),
    _deepseek("deepseek-chat", "2025-02-10", "0.27", "0.07", "1.1"),
    # nights were cheaper from 16:30 to 00:30 UTC, by the time of completion
    _deepseek("deepseek-chat", "2025-06-10T16:29:59+00:00", "0.27", "0.07", "1.1"),
    _deepseek("deepseek-chat", "2025-06-10T16:30:00+00:00", "0.135", "0.035", "0.55"),
    _deepseek("deepseek-chat", "2025-06-11T00:29:59+00:00", "0.135", "0.035", "0.55"),
    _deepseek("deepseek-chat", "2025-06-11T00:30:00+00:00", "0.27", "0.07", "1.1"),
    _deepseek("deepseek-reasoner", "2025-01-25", "0.55", "0.14", "2.19"),
    _deepseek("deepseek-reasoner", "2025-06-10T20:00:00+00:00", "0.135", "0.035", "0.55"),
    _deepseek("deepseek-reasoner", "2025-06-10T12:00:00+00:00", "0.55", "0.14", "2.19"),
    # one list for both from V3.1 on, no nights any more
    _deepseek("deepseek-chat", "2025-09-05T15:59:00+00:00", "0.27", "0.07", "1.1"),
    _deepseek("deepseek-chat", "2025-09-05T20:00:00+00:00", "0.56", "0.07", "1.68"),
    _deepseek("deepseek-reasoner", "2025-09-20T20:00:00+00:00", "0.56", "0.07", "1.68"),
    _deepseek("deepseek-reasoner", "2025-12-10T20:00:00+00:00", "0.28", "0.028", "0.42"),
    _deepseek("deepseek-chat", "2026-06-10", "0.14", "0.0028", "0.28"),
    _deepseek("deepseek-v4-flash", "2026-04-25", "0.14", "0.028", "0.28"),
    _deepseek("deepseek-v4-flash", "2026-07-01", "0.14", "0.0028", "0.28"),
    _deepseek("deepseek-v4-pro", "2026-07-01T02:00:00+00:00", "0.435", "0.003625", "0.87"),
    # working hours in Beijing cost double since 2026-08-16 16:00 UTC
    _deepseek("deepseek-v4-flash", "2026-08-25T05:00:00+00:00", "0.22", "0.007", "0.66"),
    _deepseek("deepseek-v4-flash", "2026-08-25T09:59:59+00:00", "0.44", "0.014", "1.32"),
    _deepseek("deepseek-flash", "2026-11-20T00:59:59+00:00", "0.15", "0.003", "0.6"),
    _deepseek("deepseek-flash", "2026-11-20T01:00:00+00:00", "0.3", "0.006", "1.2"),
    _deepseek("deepseek-flash", "2026-11-20T04:00:00+00:00", "0.15", "0.003", "0.6"),
    _deepseek("deepseek-flash", "2026-11-20T06:00:00+00:00", "0.3", "0.006", "1.2"),
    _deepseek("deepseek-flash", "2026-11-20T10:00:00+00:00", "0.15", "0.003", "0.6"),
    _deepseek("deepseek-flash", "2026-11-21T02:00:00+00:00", "0.15", "0.003", "0.6"),  # Saturday
    _deepseek("deepseek-flash", "2026-10-05T02:00:00+00:00", "0.15", "0.003", "0.6"),  # holiday
    _deepseek("deepseek-flash", "2026-10-08T02:00:00+00:00", "0.3", "0.006", "1.2"),
    _deepseek("deepseek-v4-flash", "2026-11-20T02:30:00+00:00", "0.3", "0.006", "1.2"),
    _deepseek("deepseek-v4-pro", "2026-11-20T02:30:00+00:00", "1.32", "0.044", "3.96"),
    _deepseek("deepseek-v4-pro", "2026-11-20T12:30:00+00:00", "0.66", "0.022", "1.98"),
]
_MISTRAL = [
    # the aliases moved
    ("mistral-large-latest", "2025-11-01", "7000 input_text @2, 1100 output_text @6"),
    ("mistral-large-latest", "2026-05-06", "7000 input_text @0.5, 1100 output_text @1.5"),
    ("mistral-large-2411", "2026-05-06", "7000 input_text @2, 1100 output_text @6"),
    ("mistral-large-2407", "2024-08-01", "7000 input_text @3, 1100 output_text @9"),
    ("mistral-large-2512", "2026-05-06", "90 input_text @0.5, 10 cached_text @0.05"),
    (
        "mistral-large-4",
        "2026-10-25",
        "9 input_text @1.36, 1 cached_text @0.14, 1 output_text @4.18",
    ),
    ("mistral-large-4", "2026-11-20", "9 input_text @0.7, 1 cached_text @0.07, 1 output_text @2.1"),
    ("mistral-small-latest", "2025-06-01", "7000 input_text @0.1, 1100 output_text @0.3"),
    ("mistral-small-latest", "2026-05-01", "7000 input_text @0.15, 1100 output_text @0.6"),
    ("mistral-small-2506", "2026-05-01", "7000 input_text @0.1, 1100 output_text @0.3"),
    ("mistral-medium-latest", "2026-01-01", "7000 input_text @0.4, 1100 output_text @2"),
    ("mistral-medium-latest", "2026-08-01", "7000 input_text @1.5, 1100 output_text @7.5"),
    ("mistral-medium-2508", "2026-08-01", "7000 input_text @0.4, 1100 output_text @2"),
    ("codestral-latest", "2025-06-01", "7000 input_text @0.3, 1100 output_text @0.9"),
    ("codestral-2405", "2024-08-01", "7000 input_text @1, 1100 output_text @3"),
    ("open-mistral-nemo", "2025-01-01", "7000 input_text @0.15, 1100 output_text @0.15"),
    ("ministral-8b-latest", "2025-06-01", "7000 input_text @0.1"),
    ("ministral-8b-latest", "2026-06-01", "7000 input_text @0.15"),
    ("pixtral-large-latest", "2025-06-01", "7000 input_text @2, 1100 output_text @6"),
    ("magistral-medium-2506", "2025-08-01", "7000 input_text @2, 1100 output_text @5"),
    ("devstral-2512", "2026-06-01", "7000 input_text @0.4, 1100 output_text @2"),
    ("mistral-embed", "2026-04-07", "15000 input_text @0.1"),
    ("mistral-moderation-latest", "2025-06-01", "15000 input_text @0.1"),
    # pages and speech
    ("mistral-ocr-latest", "2025-06-01", "12 page @1, 3 annotated_page @3"),
    ("mistral-ocr-2512", "2026-03-01", "12 page @2"),
    ("mistral-ocr-latest", "2026-07-01", "12 page @4, 3 annotated_page @5"),
    ("mistral-ocr-latest", "2026-07-01", "12 page @2", "processing=batch"),
    ("voxtral-mini-latest", "2025-09-01", "90 audio_second @0.002/60"),
    ("voxtral-mini-2602", "2026-03-01", "90 audio_second @0.003/60"),
    ("voxtral-small-2507", "2026-03-01", "30 input_text @0.1, 90 audio_second @0.004/60"),
    ("mistral-large-latest", "2026-05-06", "7000 input_text @0.25", "processing=batch"),
]
_COHERE = [
    ("command-r-plus-08-2024", "2026-02-04", "431 input_text @2.5, 661 output_text @10"),
    ("command-r-plus-04-2024", "2024-12-04", "431 input_text @3, 661 output_text @15"),
    ("command-r-08-2024", "2025-02-04", "431 input_text @0.15, 661 output_text @0.6"),
    ("command-r-03-2024", "2025-02-04", "431 input_text @0.5, 661 output_text @1.5"),
    ("command-r7b-12-2024", "2025-02-04", "431 input_text @0.0375, 661 output_text @0.15"),
    ("command-a-03-2025", "2026-02-04", "431 input_text @2.5, 661 output_text @10"),
    ("embed-v4.0", "2026-02-04", "431 input_text @0.12, 500 input_image @0.47"),
    ("embed-english-v3.0", "2025-02-04", "431 input_text @0.1"),
    ("rerank-v3.5", "2026-02-06", "1 search_unit @2"),
    ("rerank-v4.0-pro", "2026-02-06", "4 search_unit @2.5"),
    ("classify", "2025-02-06", "20 classification @0.05"),
]
_GROQ = [
    ("llama-3.1-8b-instant", "2026-03-01", "42 input_text @0.05, 8 output_text @0.08"),
    ("llama-3.3-70b-versatile", "2026-03-01", "42 input_text @0.59, 8 output_text @0.79"),
    (
        "openai/gpt-oss-120b",
        "2026-03-01",
        "42 input_text @0.15, 9 cached_text @0.075, 8 output_text @0.6",
    ),
    ("openai/gpt-oss-120b", "2025-09-01", "42 input_text @0.15, 8 output_text @0.75"),
    ("moonshotai/kimi-k2-instruct-0905", "2025-11-01", "42 input_text @1, 9 cached_text @0.5"),
    # at least ten seconds a request
    ("whisper-large-v3", "2026-03-01", "90.5 audio_second @0.111/3600"),
    ("whisper-large-v3-turbo", "2026-03-01", "90 audio_second @0.04/3600"),
    ("llama-3.3-70b-versatile", "2026-03-01", "42 input_text @0.295", "processing=batch"),
    ("llama-3.3-70b-versatile", "2026-03-01", "42 input_text @0.59", "service_tier=flex"),
    (
        "openai/gpt-oss-20b",
        "2026-03-01",
        "42 input_text @0.0375, 9 cached_text @0.0375, 8 output_text @0.15",
        "processing=batch",
    ),
]
_XAI = [
    ("grok-4-0709", "2025-10-02", "5 input_text @3, 682 cached_text @0.75, 240 output_text @15"),
    ("grok-3-mini", "2025-10-02", "5 input_text @0.3, 9 cached_text @0.075, 240 output_text @0.5"),
    ("grok-3", "2025-10-02", "5 input_text @3, 240 output_text @15"),
    (
        "grok-code-fast-1",
        "2025-10-02",
        "5 input_text @0.2, 9 cached_text @0.02, 24 output_text @1.5",
    ),
    # the threshold itself is dear
    ("grok-4.20-0309-reasoning", "2026-04-01", "199999 input_text @2, 7 output_text @6"),
    ("grok-4.20-0309-reasoning", "2026-04-01", "200000 input_text @4, 7 output_text @12"),
    ("grok-4.20", "2026-08-01", "200000 input_text @2.5, 7 output_text @5"),
    ("grok-4.3", "2026-11-01", "150000 input_text @2.5, 50000 cached_text @0.4, 7 output_text @5"),
    ("grok-4.5", "2026-07-15", "10 input_text @2, 9 cached_text @0.5, 7 output_text @6"),
    ("grok-4.5", "2026-08-15", "10 input_text @2, 9 cached_text @0.3, 7 output_text @6"),
    ("grok-4.7", "2026-11-15", "10 input_text @2, 9 cached_text @0.5, 7 output_text @6"),
    ("grok-4-fast", "2025-10-15", "127999 input_text @0.2, 7 output_text @0.5"),
    ("grok-4-fast-reasoning", "2025-10-15", "128000 input_text @0.4, 7 output_text @1"),
    ("grok-4", "2026-09-01", "10 input_text @1.25, 9 cached_text @0.2, 7 output_text @2.5"),
    (
        "grok-4.3",
        "2026-11-01",
        "10 input_text @1, 9 cached_text @0.16, 7 output_text @2",
        "processing=batch",
    ),
    ("grok-4.3", "2026-11-01", "10 input_text @1.375, 8 output_text @2.75", "residency=us"),
    (
        "grok-4.3",
        "2026-11-01",
        "10 input_text @1.25, 3 web_search @5, 2 file_search @2.5, 1 tool_call @5",
    ),
    ("grok-4-0709", "2025-09-01", "10 input_text @3, 4 search_source @25"),
    ("grok-imagine-image", "2026-09-01", "2 image @0.02"),
]
_HOSTS = [
    (
        "together",
        "openai/gpt-oss-120b",
        "2026-03-10",
        "3100 input_text @0.15, 820 output_text @0.6",
    ),
    ("together", "deepseek-ai/DeepSeek-R1", "2025-06-10", "31 input_text @3, 82 output_text @7"),
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "2025-06-10", "31 input_text @0.88"),
    ("together", "mistralai/Mixtral-8x7B-Instruct-v0.1", "2025-06-10", "31 input_text @0.6"),
    ("together", "openai/gpt-oss-120b", "2026-03-10", "31 input_text @0.075", "processing=batch"),
    (
        "fireworks",
        "accounts/fireworks/models/gpt-oss-120b",
        "2026-11-05",
        "4000 input_text @0.15, 8000 cached_text @0.015, 700 output_text @0.6",
    ),
    ("fireworks", "accounts/fireworks/models/deepseek-v3-0324", "2025-06-05", "4 input_text @0.9"),
    (
        "fireworks",
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "2025-06-05",
        "4 input_text @0.2",
    ),
    (
        "fireworks",
        "accounts/fireworks/models/mixtral-8x22b-instruct-hf",
        "2025-06-05",
        "4 input_text @1.2",
    ),
    (
        "fireworks",
        "accounts/fireworks/models/kimi-k3",
        "2026-11-05",
        "4 input_text @3.75",
        "service_tier=priority",
    ),
    (
        "fireworks",
        "glm-5p3",
        "2026-11-05",
        "4 input_text @0.7, 2 output_text @2.2",
        "processing=batch",
    ),
    # a fee a request, by the size of the search context
    ("perplexity", "sonar", "2026-03-05", "40 input_text @1, 70 output_text @1, 1 request @5/1000"),
    (
        "perplexity",
        "sonar-pro",
        "2026-03-05",
        "40 input_text @3, 1 request @14/1000",
        "",
        "search_context=high",
    ),
    (
        "perplexity",
        "sonar-deep-research",
        "2026-03-05",
        "40 input_text @2, 7 output_text @8, 9 output_reasoning @3, 5 citation @2, 8 web_search @5",
    ),
    ("voyageai", "voyage-3.5", "2026-03-05", "40 input_text @0.06"),
    ("voyageai", "rerank-2.5", "2026-03-05", "4000 input_text @0.05"),
    (
        "moonshot",
        "kimi-k2-0905-preview",
        "2025-10-05",
        "40 input_text @0.6, 4 cached_text @0.15, 7 output_text @2.5",
    ),
    ("moonshot", "kimi-k2.5", "2026-04-05", "40 input_text @0.36", "processing=batch"),
    ("zai", "glm-4.6", "2026-01-05", "40 input_text @0.6, 4 cached_text @0.11, 7 output_text @2.2"),
    (
        "openrouter",
        "anthropic/claude-sonnet-4.6",
        "2026-05-20",
        "3 input_text @3, 53 output_text @15",
    ),
]


@pytest.mark.parametrize("bill", _DEEPSEEK, ids=str)
def test_deepseek_goes_by_day_and_hour(bill):
    check(bill)


@pytest.mark.parametrize(
    "bill",
    [
        *(Bill("mistral", *bill) for bill in _MISTRAL),
        *(Bill("cohere", *bill) for bill in _COHERE),
        *(Bill("groq", *bill) for bill in _GROQ),
        *(Bill("xai", *bill) for bill in _XAI),
        *(Bill(*bill) for bill in _HOSTS),
    ],
    ids=str,
)
def test_a_bill_is_right(bill):
    check(bill)


@pytest.mark.parametrize("model", ["whisper-large-v3", "whisper-large-v3-turbo"])
def test_speech_on_groq_counts_for_ten_seconds(model):
    chain = load_book().find("groq", model)
    assert chain is not None
    day = datetime(2026, 3, 1, tzinfo=UTC)
    rates = load_book().resolve(chain, day, required={}, optional={}, prompt_tokens=0)
    assert rates.minimum == {"audio_second": 10}


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("google", "gemini-9-flash"),
        ("google", "gemini-3.9-flash"),
        ("mistral", "mistral-large-9"),
        ("deepseek", "deepseek-v9"),
        ("xai", "grok-9"),
        ("groq", "llama-9-70b"),
        ("cohere", "command-z"),
        ("fireworks", "accounts/fireworks/models/llama-v9-70b-instruct"),
        ("together", "meta-llama/Llama-9-70B"),
        ("perplexity", "sonar-ultra"),
    ],
)
def test_an_unknown_model_of_a_known_family_has_no_price(provider, model):
    assert load_book().find(provider, model) is None
