"""Token counts: each family's rule, the whole prompt of each turn, and no text counted twice."""

import random

import pytest

from aihub.pricing import token_counts
from aihub.pricing.api import guess_provider
from aihub.pricing.token_counts import PromptCounter, TextCounter, find_count_rule


@pytest.mark.parametrize(
    ("model", "method"),
    [
        ("gpt-4o", "o200k_base/openai-chat"),
        ("gpt-4o-mini-2024-07-18", "o200k_base/openai-chat"),
        ("gpt-4.1", "o200k_base/openai-chat"),
        ("gpt-4.5-preview", "o200k_base/openai-chat"),
        ("chatgpt-4o-latest", "o200k_base/openai-chat"),
        ("ft:gpt-4o-mini:acme::7", "o200k_base/openai-chat"),
        ("openai/gpt-4o", "o200k_base/openai-chat"),
        ("gpt-4", "cl100k_base/openai-chat"),
        ("gpt-4-turbo", "cl100k_base/openai-chat"),
        ("gpt-4-0613", "cl100k_base/openai-chat"),
        ("gpt-3.5-turbo", "cl100k_base/openai-chat"),
        ("gpt-35-turbo", "cl100k_base/openai-chat"),
        ("o1", "o200k_base/openai-reasoning"),
        ("o4-mini", "o200k_base/openai-reasoning"),
        ("gpt-5", "o200k_base/openai-reasoning"),
        ("gpt-5.6-mini", "o200k_base/openai-reasoning"),
        ("claude-2.1", "o200k_base/claude"),
        ("claude-3-5-sonnet-20241022", "o200k_base/claude"),
        ("claude-sonnet-4-20250514", "o200k_base/claude"),
        ("claude-opus-4-1", "o200k_base/claude"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "o200k_base/claude"),
        ("claude-opus-4-7", "o200k_base/claude-x1.35"),
        ("claude-opus-4.8", "o200k_base/claude-x1.35"),
        ("anthropic/claude-sonnet-5", "o200k_base/claude-x1.35"),
        ("gemini-2.5-pro", "o200k_base/gemini"),
        ("google/gemini-3-flash", "o200k_base/gemini"),
        ("llama-3.3-70b", "o200k_base/other"),
        (None, "o200k_base/other"),
    ],
)
def test_each_family_has_its_rule(model, method):
    assert find_count_rule(model).method == method


@pytest.mark.parametrize(
    ("model", "input_tokens", "output_tokens"),
    [
        # "hello world" is 2 tokens in both encodings, each role is 1
        pytest.param("gpt-4o", (3 + 1 + 2) * 2 + 3, 2, id="openai"),
        pytest.param("gpt-4", (3 + 1 + 2) * 2 + 3, 2, id="cl100k"),
        pytest.param("gpt-5", (3 + 1 + 2) * 2 + 2, 2, id="reasoning"),
        pytest.param("claude-opus-4-1", (3 + 2) * 2 + 4, 2, id="claude"),
        pytest.param("claude-opus-4-7", round(((3 + 2) * 2 + 4) * 1.35), 3, id="newer claude"),
        pytest.param("gemini-2.5-pro", 4, 2, id="gemini"),
    ],
)
def test_a_prompt_of_two_messages(model, input_tokens, output_tokens):
    prompt = PromptCounter(find_count_rule(model), TextCounter())
    for role in ("system", "user"):
        prompt.add_prompt(role=role, texts=("hello world",))
    counted = prompt.meter_answer(("hello world",))
    assert (counted.input_tokens, counted.output_tokens) == (input_tokens, output_tokens)
    assert counted.total_tokens == input_tokens + output_tokens


def test_every_turn_is_metered_with_all_that_came_before():
    prompt = PromptCounter(find_count_rule("gpt-4o"), TextCounter())
    prompt.add_prompt(role="user", texts=("hello world",))
    assert prompt.meter_answer(("hello world",)).input_tokens == 6 + 3
    prompt.add_prompt(role="assistant", texts=("hello world",))
    prompt.add_prompt(role="user", texts=("hello world",), name="Alice")
    assert prompt.meter_answer(("ok",)).input_tokens == 6 * 3 + 2 + 3


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [
        # counts published for these encodings by their maker
        pytest.param("antidisestablishmentarianism", 6, 6, id="long word"),
        pytest.param("2 + 2 = 4", 7, 7, id="sum"),
        pytest.param("お誕生日おめでとう", 8, 9, id="Japanese"),
        pytest.param("", 0, 0, id="empty"),
        pytest.param("<|endoftext|>", 7, 7, id="a special token is plain text"),
    ],
)
def test_known_counts(text, o200k, cl100k):
    counter = TextCounter()
    assert counter.count_text(text, "o200k_base") == o200k
    assert counter.count_text(text, "cl100k_base") == cl100k


def test_a_text_is_counted_once_and_forgotten_when_others_came(monkeypatch):
    counted = []
    encode = token_counts._encode_length
    monkeypatch.setattr(token_counts, "_encode_length", lambda *a: counted.append(a) or encode(*a))
    counter = TextCounter(cached_texts=2)
    texts = [f"{name} " * 40 for name in ("one", "two", "three")]
    for text in (texts[0], texts[0], texts[1], texts[0], texts[2]):
        counter.count_text(text, "o200k_base")
    assert [text for text, _ in counted] == texts
    counter.count_text(texts[1], "o200k_base")  # the one used longest ago made room
    assert len(counted) == 4
    counter.count_text(texts[2], "cl100k_base")
    assert len(counted) == 5


@pytest.mark.parametrize("unit", ["a", "ab", " ", "\n", "ก", "!"])
def test_an_endless_word_is_cut_and_nothing_is_lost(unit):
    text = f"see {unit * 5_000} there"
    pieces = token_counts._split_long_runs(text)
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 610
    assert TextCounter().count_text(text, "o200k_base") > 0


def test_cutting_changes_the_count_by_less_than_a_hundredth():
    words = ["delivery", "invoice", "Müller", "42", "refund", "please", "the", "a"]
    rng = random.Random(1)
    text = "".join(rng.choice(words).title() for _ in range(3_000))
    assert " " not in text
    whole = len(token_counts._load_encoder("o200k_base")(text))
    assert abs(TextCounter().count_text(text, "o200k_base") - whole) <= whole / 100


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o", "openai"),
        ("o3-mini", "openai"),
        ("ft:gpt-4o-mini:acme::7", "openai"),
        ("claude-haiku-4-5", "anthropic"),
        ("gemini-2.5-flash", "google"),
        ("mistral-large-latest", "mistral"),
        ("command-r-plus", "cohere"),
        ("deepseek-chat", "deepseek"),
        ("grok-4", "xai"),
        ("groq/llama-3.3-70b", "groq"),
        ("vertex_ai/gemini-2.5-pro", "google"),
        ("x-ai/grok-4", "xai"),
        ("acme/gpt-4o", "openai"),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock"),
        ("llama-3.3-70b", None),
        ("", None),
        (None, None),
    ],
)
def test_the_provider_is_guessed_only_where_the_name_tells(model, provider):
    assert guess_provider(model) == provider
