"""What a call costs: exact figures by hand, and what is said where they are not exact."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aihub.pricing.api import CallFacts, is_metered

CHAT = {"prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1920}}  # noqa: E501  # fmt: skip
PLAIN = {"input_tokens": 1000, "output_tokens": 100}
OPENROUTER = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.00123}
WRITES = {"input_tokens": 220, "output_tokens": 410, "cache_creation_input_tokens": 4096, "cache_creation": {"ephemeral_1h_input_tokens": 4096}}  # noqa: E501  # fmt: skip


@pytest.mark.parametrize(
    ("model", "provider", "usage", "expected"),
    [
        ("gpt-4o", "openai", CHAT, "0.005615"),
        ("gpt-4o-mini", "openai", {"prompt_tokens": 50, "completion_tokens": 25}, "0.0000225"),
        ("text-embedding-3-small", "openai", {"prompt_tokens": 4, "total_tokens": 4}, "0.00000008"),
        ("gpt-4", "openai", {"input_tokens": 100, "output_tokens": 50}, "0.006"),
        ("claude-sonnet-4-20250514", "anthropic", WRITES, "0.031386"),
        ("openai/gpt-4o", None, PLAIN, "0.0035"),
        ("gpt-5.4", "openai", {"input_tokens": 272000, "output_tokens": 0}, "0.68"),
        ("gpt-5.4", "openai", {"input_tokens": 272001, "output_tokens": 0}, "1.360005"),
        ("gpt-4o", "OpenAI", {"input_tokens": 0, "output_tokens": 0}, "0"),
    ],
    ids=["cached", "tiny", "embedding", "gpt-4", "1h writes", "guessed", "at the cliff", "above it",
         "nothing used"],
)  # fmt: skip
def test_the_cost_is_exact(price, model, provider, usage, expected):
    call = price(model, provider, usage=usage)
    assert (call.cost, call.cost_status, call.cost_note) == (Decimal(expected), "priced", None)
    assert call.cost == call.computed_cost == sum(line.amount for line in call.cost_lines)


def test_a_total_with_no_split_is_priced_at_the_input_rate(price):
    call = price("gpt-4", tokens=150)
    assert call.cost == Decimal("0.0045")
    assert call.cost_status == "estimated"
    assert call.cost_note == "no_split: a total with no split, priced at the input rate"
    assert call.quantities == {"total_tokens": 150}
    assert call.usage_source is None


def test_the_lines_say_what_was_multiplied(price):
    call = price(usage=CHAT)
    assert [(line.component, line.quantity, line.unit_price) for line in call.cost_lines] == [
        ("input_text", 86, Decimal("0.0000025")),
        ("cached_text", 1920, Decimal("0.00000125")),
        ("output_text", 300, Decimal("0.00001")),
    ]
    assert {line.price_id for line in call.cost_lines} == {"openai/gpt-4o@2024-10-02"}


@pytest.mark.parametrize(
    ("facts", "expected", "note"),
    [
        ({"context": {"batch": True}}, "0.00175", None),
        ({"api": "batch:/v1/chat/completions"}, "0.00175", None),
        ({"context": {"request_service_tier": "priority"}}, "0.00595", None),
        ({"response": {"service_tier": "fast", "usage": PLAIN}}, "0.00595", None),
        ({"response": {"service_tier": "default", "usage": PLAIN}}, "0.0035", None),
        ({"context": {"request_service_tier": "scale"}}, "0.0035", "no_rate: no rate for service_tier scale, taken at the standard one"),  # noqa: E501
        ({"context": {"data_residency": "eu"}}, "0.0035", None),
        ({"usage_source": "estimated", "usage_method": "o200k"}, "0.0035", "counted: the tokens were counted, not reported (o200k)"),  # noqa: E501
        ({"api": "responses", "response": {"output": [{"type": "web_search_call", "action": {"type": "search"}}]}}, "0.0135", None),  # noqa: E501
        ({"tokens": 7}, "0.0035", "total_mismatch: tokens is 7, the usage adds up to 1100"),
        ({"occurred_at": datetime(2024, 5, 12, tzinfo=UTC)}, "0.0065", "early: older than the first known price, taken at that one"),  # noqa: E501
    ],
    ids=["batch flag", "batch api", "tier asked for", "fast is priority", "tier in the body",
         "unknown tier", "region", "counted", "tool fees", "tokens differ", "too early"],
)  # fmt: skip
def test_circumstances_change_the_price_or_are_noted(price, facts, expected, note):
    call = price(**({"usage": PLAIN} | facts))
    assert call.cost == Decimal(expected)
    assert (call.cost_status, call.cost_note) == ("estimated" if note else "priced", note)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (OPENROUTER, "0.00123"),
        (OPENROUTER | {"cost": 0}, "0"),
        (OPENROUTER | {"is_byok": True, "cost": 0.0001, "cost_details": {"upstream_inference_cost": 0.002}}, "0.0021"),  # noqa: E501
        ({"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": 12345678901234}, "1234.5678901234"),  # noqa: E501
        (OPENROUTER | {"cost": 1.234567890123e-07}, "0.000000123456789012"),
    ],
    ids=["cost", "zero", "byok", "ticks", "cut to 18 decimals"],
)  # fmt: skip
def test_a_charge_stated_by_the_provider_wins(price, usage, expected):
    provider = "xai" if "cost_in_usd_ticks" in usage else "openrouter"
    call = price("some/model", provider, usage=usage)
    assert (call.cost, call.cost_status) == (Decimal(expected), "priced" if call.cost else "free")
    assert call.cost_note == "stated: the provider's own charge"
    assert [line.component for line in call.cost_lines] == ["stated"]


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"model": "nimbus-13b", "provider": "kumo", "usage": PLAIN}, "no_price: no price for kumo/nimbus-13b"),  # noqa: E501
        ({"model": "nimbus-13b", "provider": None, "tokens": 5}, "no_price: no price for nimbus-13b"),  # noqa: E501
        ({"model": "gpt-4o"}, "no_usage: no usage was given"),
        ({"model": None, "provider": None, "usage": PLAIN}, "no_model: no model was given"),
        ({"model": "gpt-4o", "usage": {"units": 4}}, "unknown_shape: the shape of the usage is not known"),  # noqa: E501
        ({"model": "text-embedding-3-small", "usage": PLAIN}, "no_price: no price for output_text of openai/text-embedding-3-small"),  # noqa: E501
    ],
    ids=["model", "no provider", "no usage", "no model", "unknown shape", "no output price"],
)  # fmt: skip
def test_unpriced_is_said_and_is_not_zero(price, facts, note):
    call = price(**facts)
    assert (call.cost, call.computed_cost, call.cost_lines) == (None, None, ())
    assert (call.cost_status, call.cost_note) == ("unpriced", note)


@pytest.mark.parametrize("provider", ["ollama", "lmstudio", "vllm", "llamacpp", "local", "Ollama"])
def test_local_models_are_free(price, provider):
    call = price("llama3.2", provider, response={"prompt_eval_count": 26, "eval_count": 4})
    assert (call.cost, call.cost_status) == (Decimal(0), "free")
    assert call.cost_note == "local: a model on one's own machine"
    assert call.total_tokens == 30


def test_a_refused_call_is_free(price):
    call = price(response={"error": {}}, context={"http_status": 429})
    assert (call.cost, call.cost_status) == (Decimal(0), "free")


def test_the_answer_names_the_snapshot_that_is_priced(price):
    body = {"model": "gpt-4o-2024-05-13", "usage": {"prompt_tokens": 1000, "completion_tokens": 0}}
    call = price("gpt-4o", response=body)
    assert (call.model, call.cost) == ("gpt-4o", Decimal("0.005"))
    assert price(None, None, response=body).model == "gpt-4o-2024-05-13"


def test_the_raw_usage_is_kept_as_it_came(price):
    raw = {"billed_units": {"input_tokens": 4}}
    call = price("command-r", "cohere", response={"usage": raw})
    assert call.usage_raw is raw
    assert call.usage_source == "provider"


def test_cache_writes_are_shown_where_there_are_any(price):
    assert price("claude-sonnet-4", "anthropic", usage=WRITES).quantities == {
        "input_tokens": 4316,
        "cached_input_tokens": 0,
        "output_tokens": 410,
        "reasoning_tokens": 0,
        "total_tokens": 4726,
        "cache_write_1h_tokens": 4096,
    }


def test_what_cannot_be_is_named_and_has_no_price(price):
    for facts, named in (
        ({"tokens": -1}, "tokens must be a whole number"),
        ({"usage": {"prompt_tokens": "7"}}, "usage.prompt_tokens must be a whole number"),
        ({"fault": "usage exceeds 9 bytes"}, "usage exceeds 9 bytes"),
    ):
        call = price(**facts)
        assert (call.cost, call.cost_status, call.total_tokens) == (None, "unpriced", 0)
        assert call.cost_note.startswith(f"invalid_usage: {named}")


def test_a_stated_charge_stands_beside_what_the_book_says(price):
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.004}
    call = price("openai/gpt-4o", "openrouter", usage=usage)
    assert (call.cost, call.computed_cost) == (Decimal("0.004"), Decimal("0.0035"))


def test_other_models_of_the_same_answer_are_priced_at_their_own_rates(price):
    own = {"type": "message", "input_tokens": 100, "output_tokens": 50}
    advice = {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 1000, "output_tokens": 100}  # noqa: E501  # fmt: skip
    usage = {"input_tokens": 100, "output_tokens": 50, "iterations": [own, advice]}
    call = price("claude-sonnet-4-6", "anthropic", usage=usage)
    # 100 x $3 + 50 x $15 + 1,000 x $5 + 100 x $25, per million
    assert (call.cost, call.cost_note) == (Decimal("0.00855"), None)
    assert call.total_tokens == 1250
    unknown = advice | {"model": "claude-nobody"}
    call = price("claude-sonnet-4-6", "anthropic", usage=usage | {"iterations": [own, unknown]})
    assert (call.cost_status, call.cost) == ("estimated", Decimal("0.00105"))
    assert call.cost_note == "other_model: without what was used of claude-nobody"


@pytest.mark.parametrize(
    "url", ["http://localhost:11434/v1", "http://127.0.0.1", "http://10.1.2.3/v1"]
)
def test_an_unknown_model_of_ones_own_server_is_free(price, url):
    call = price("my-model", "openai", usage=PLAIN, context={"base_url": url})
    assert (call.cost, call.cost_status) == (Decimal(0), "free")
    known = price("gpt-4o", "openai", usage=PLAIN, context={"base_url": url})
    assert (known.cost, known.cost_status) == (Decimal("0.0035"), "priced")


def test_a_broken_off_stream_is_counted(price):
    start = {"type": "message_start", "message": {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 2000, "output_tokens": 1}}}  # noqa: E501  # fmt: skip
    delta = {
        "type": "content_block_delta",
        "delta": {"type": "text_delta", "text": "one two three"},
    }
    call = price("claude-sonnet-4-5", "anthropic", response={"stream_events": [start, delta]})
    assert (call.input_tokens, call.output_tokens) == (2000, 3)
    assert (call.cost_status, call.usage_source) == ("estimated", "estimated")
    assert call.usage_method == "o200k_base/claude"
    chunk = {"choices": [{"index": 0, "delta": {"content": "one two three"}}]}
    call = price(response={"stream_events": [chunk]})
    assert (call.input_tokens, call.output_tokens, call.cost) == (0, 3, Decimal("0.00003"))
    assert "prompt_unknown: " in call.cost_note


@pytest.mark.parametrize(
    ("facts", "expected"),
    [({}, False), ({"model": "gpt-4o"}, True), ({"tokens": 0}, True), ({"usage": {}}, True),
     ({"response": {}}, True), ({"provider": "openai"}, False), ({"model": ""}, False)],
    ids=repr,
)  # fmt: skip
def test_what_is_a_call(facts, expected):
    given = {"provider": None, "model": None, "occurred_at": datetime(2026, 1, 1, tzinfo=UTC)}
    assert is_metered(CallFacts(**(given | facts))) is expected
