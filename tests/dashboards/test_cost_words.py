"""Why a cost is what it is: notes in plain words, and the story of a call."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.conversations.api import ModelCall
from aihub.dashboards import call_story, cost_words, price_words
from aihub.kit.money import plain
from aihub.pricing import api as pricing

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
BOOK = pricing.load_book()
CODES_OF_PRICING = [
    pricing.CallFacts(provider="openai", model="gpt-4o", occurred_at=AT, tokens=10),
    pricing.CallFacts(provider="openai", model="gpt-4o", occurred_at=AT),
    pricing.CallFacts(provider="openai", model="none-such", occurred_at=AT, tokens=10),
    pricing.CallFacts(provider=None, model=None, occurred_at=AT, tokens=10),
    pricing.CallFacts(provider="ollama", model="llama3", occurred_at=AT, tokens=10),
    pricing.CallFacts(provider="openai", model="gpt-4o", occurred_at=AT, usage=[1]),
    pricing.CallFacts(
        provider="openai", model="gpt-4o", occurred_at=AT, usage={"prompt_tokens": -1}
    ),
    pricing.CallFacts(
        provider="openai", model="gpt-4o", occurred_at=AT, context={"http_status": 429}
    ),
    pricing.CallFacts(
        provider="openai",
        model="gpt-4o",
        occurred_at=datetime(2020, 1, 1, tzinfo=UTC),
        usage={"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 11},
    ),
]


@pytest.mark.parametrize("facts", CODES_OF_PRICING)
def test_what_pricing_says_is_explained(facts):
    note = pricing.price_call(facts, BOOK).cost_note
    reasons = cost_words.read_note(note)
    assert reasons
    for reason in reasons:
        assert reason.code, note
        assert reason.meaning
        assert reason.detail


def test_all_reasons_of_a_note_are_told_apart():
    note = "early: older than the first known price; a: b; no_split: a total; with no split"
    assert [r.code for r in cost_words.read_note(note)] == ["early", "", "no_split"]
    assert cost_words.read_note(note)[2].detail == "a total; with no split"
    assert cost_words.read_note(None) == []
    (free_text,) = cost_words.read_note("Only a total was given.")
    assert (free_text.code, free_text.detail) == ("", "Only a total was given.")


def call_of(facts, **changes):
    priced = pricing.price_call(facts, BOOK)
    lines = [
        {
            "component": line.component,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "amount": line.amount,
            "price_id": line.price_id,
        }
        for line in priced.cost_lines
    ]
    text = msgspec.json.Encoder(decimal_format="number").encode(lines).decode()
    made = ModelCall(
        id=UUID(int=1), conversation_id=None, message_id=None, user_id=None, module=None,
        source=None, provider=priced.provider, model=priced.model, api=None, quantities=None,
        usage=None, usage_source=None, usage_method=None, context="{}",
        total_tokens=priced.total_tokens, cost=priced.cost, price=priced.cost,
        computed_cost=priced.computed_cost, cost_status=priced.cost_status,
        cost_note=priced.cost_note, cost_lines=text, markup=None,
        price_book_version=priced.price_book_version, latency_ms=None, error=None,
        occurred_at=AT, created_at=AT,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def tell(facts, **changes):
    return call_story.tell(call_of(facts, **changes), BOOK, "")


USUAL = pricing.CallFacts(
    provider="openai",
    model="gpt-4o",
    occurred_at=AT,
    usage={
        "prompt_tokens": 1200,
        "completion_tokens": 300,
        "total_tokens": 1500,
        "prompt_tokens_details": {"cached_tokens": 200},
    },
)


def test_the_answer_is_one_sentence():
    assert tell(USUAL).sentence == (
        "This call costs $0.00575: 1,000 tokens of input at $2.50 per million, "
        "200 tokens of cached input at $1.25 per million and "
        "300 tokens of output at $10.00 per million."
    )


def test_each_line_leads_to_the_price_of_its_model():
    lines = tell(USUAL).lines
    assert {line.url for line in lines} == {"/prices/openai/gpt-4o"}
    batch = msgspec.structs.replace(USUAL, context={"batch": True})
    assert all("/batch" in line.price_id for line in tell(batch).lines)
    assert {line.url for line in tell(batch).lines} == {"/prices/openai/gpt-4o"}


@pytest.mark.parametrize(
    ("price_id", "url"),
    [
        ("openai/gpt-4o@2024-10-02", "/prices/openai/gpt-4o"),
        ("openai/gpt-4o@2024-10-02#override×0.9", "/prices/openai/gpt-4o"),
        ("openai/gpt-4o@2026-08-31T15:00:00+00:00#contract/batch", "/prices/openai/gpt-4o"),
        ("openai/*/x", "/prices/openai/*"),
        ("openai/none-such@2024-10-02", None),
        ("stated", None),
        ("", None),
    ],
)
def test_price_ids_lead_to_their_page(price_id, url):
    assert price_words.price_url(price_id, BOOK, None) == url


def test_a_stated_charge_stands_beside_what_the_book_says():
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000, "cost": 0.0026}
    story = tell(
        pricing.CallFacts(provider="openrouter", model="openai/gpt-4o", occurred_at=AT, usage=usage)
    )
    assert story.is_stated
    assert story.computed == Decimal("0.0025")
    assert story.difference == Decimal("0.0001")
    assert story.share == "4%"
    assert "the provider itself says" in story.sentence
    assert story.reasons == []


def test_an_unpriced_call_is_never_free():
    story = tell(pricing.CallFacts(provider="p", model="none-such", occurred_at=AT, tokens=7))
    assert "not known" in story.sentence
    assert story.margin is None
    assert not story.is_exact
    assert story.reasons[0].code == "no_price"


def test_the_margin_and_the_rule_are_told():
    markup = (
        '{"rule_id":null,"rule_key":"default","version":3,"has_negative_margin":false,"lines":['
        '{"kind":"cost","description":"the provider\'s cost","quantity":1,'
        '"unit_price":0.00575,"amount":0.00575},'
        '{"kind":"percentage","description":"20% of it","quantity":0.00575,'
        '"unit_price":0.2,"amount":0.00115}]}'
    )
    story = tell(USUAL, price=Decimal("0.0069"), markup=markup)
    assert story.margin == Decimal("0.00115")
    assert (story.markup.rule_key, story.markup.version) == ("default", 3)
    assert [(line.counted, line.rate) for line in story.markup.lines] == [
        ("1", "$0.00575"),
        ("$0.00575", "20 %"),
    ]


@given(
    st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**9), st.sampled_from(
        ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "none-such"]
    )
)  # fmt: skip
def test_the_lines_add_up_to_the_last_digit(prompt, completion, cached, model):
    facts = pricing.CallFacts(
        provider="openai" if model.startswith("gpt") else "anthropic",
        model=model,
        occurred_at=AT,
        usage={"prompt_tokens": prompt, "completion_tokens": completion,
               "prompt_tokens_details": {"cached_tokens": min(cached, prompt)}},
    )  # fmt: skip
    call = call_of(facts)
    story = call_story.tell(call, BOOK, "")
    assert story.is_exact == (call.cost is not None)
    if call.cost is not None:
        assert plain(story.total) == plain(call.cost)
        off = call_story.tell(
            msgspec.structs.replace(call, cost=call.cost + Decimal("1e-18")), BOOK, ""
        )
        assert not off.is_exact


@given(st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=12))
def test_prices_keep_every_digit(usd):
    shown = price_words.format_rate(usd)
    assert Decimal(shown.replace(",", "").removeprefix("$")) == usd
    assert len(shown.partition(".")[2]) >= 2
