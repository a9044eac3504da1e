"""Usage as Anthropic sends it: the cache is beside the input, turns of the server may be too."""

import pytest
from tests.pricing.measured import call_of, codes, measure, measure_answer

from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import Payload
from aihub.pricing.usage import measure_others, measure_usage


def turn(given, made, cached=0, written=0, **more):
    return {
        "input_tokens": given,
        "output_tokens": made,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        **more,
    }


def split(short, long):
    return {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}


TURNS = [
    ("the cache is beside", turn(3, 33, 1000, 400), {"input_text": 3, "cached_text": 1000, "cache_write_5m": 400, "output_text": 33}),  # noqa: E501
    ("written by lifetime", turn(3, 33, 0, 418, cache_creation=split(400, 18)), {"input_text": 3, "cache_write_5m": 400, "cache_write_1h": 18, "output_text": 33}),  # noqa: E501
    ("the split alone", {"input_tokens": 3, "output_tokens": 1, "cache_creation": split(7, 9)}, {"input_text": 3, "cache_write_5m": 7, "cache_write_1h": 9, "output_text": 1}),  # noqa: E501
    ("the split is null", turn(3, 33, 0, 4, cache_creation=None), {"input_text": 3, "cache_write_5m": 4, "output_text": 33}),  # noqa: E501
    ("thinking is inside", turn(3, 90, output_tokens_details={"thinking_tokens": 80}), {"input_text": 3, "output_text": 90}),  # noqa: E501
    ("searches cost, fetches do not", turn(3, 9, server_tool_use={"web_search_requests": 2, "web_fetch_requests": 5}), {"input_text": 3, "output_text": 9, "web_search": 2}),  # noqa: E501
    ("a session's runtime", {**turn(3, 9), "active_seconds": 12.5}, {"input_text": 3, "output_text": 9, "session_second": 12.5}),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "parts"), [case[1:] for case in TURNS], ids=[case[0] for case in TURNS]
)
def test_one_turn(usage, parts):
    measured = measure(usage, "anthropic")
    assert (measured.parts, measured.flags) == (parts, ())
    assert measure(usage).parts == parts  # by its keys alone


def kind(name, usage, model=None):
    return {**usage, "type": name, **({} if model is None else {"model": model})}


ITERATIONS = [
    ("compaction is outside", turn(180, 8), [kind("compaction", turn(100, 80, 0, 5000)), kind("message", turn(180, 8))], {"input_text": 280, "cache_write_5m": 5000, "output_text": 88}, []),  # noqa: E501
    ("a top that has it all", turn(280, 88, 0, 5000), [kind("compaction", turn(100, 80, 0, 5000)), kind("message", turn(180, 8))], {"input_text": 280, "cache_write_5m": 5000, "output_text": 88}, []),  # noqa: E501
    ("messages are inside", turn(30, 9, 500), [kind("message", turn(10, 4, 200)), kind("message", turn(20, 5, 300))], {"input_text": 30, "cached_text": 500, "output_text": 9}, []),  # noqa: E501
    ("a top with the last message alone", turn(20, 5, 300), [kind("message", turn(10, 4, 200)), kind("message", turn(20, 5, 300))], {"input_text": 30, "cached_text": 500, "output_text": 9}, []),  # noqa: E501
    ("an advisor is another model", turn(20, 5), [kind("message", turn(20, 5)), kind("advisor_message", turn(900, 70), "claude-opus-5")], {"input_text": 20, "output_text": 5}, ["other_model"]),  # noqa: E501
    ("an advisor of the same model", turn(20, 5), [kind("message", turn(20, 5)), kind("advisor_message", turn(900, 70), "claude-sonnet-5-20260901")], {"input_text": 920, "output_text": 75}, []),  # noqa: E501
    ("a decline without output", turn(20, 5), [kind("message", turn(18, 0), "claude-fable-5"), kind("fallback_message", turn(20, 5), "claude-opus-5")], {"input_text": 20, "output_text": 5}, []),  # noqa: E501
    ("a decline after output", turn(20, 5), [kind("message", turn(18, 7), "claude-fable-5"), kind("fallback_message", turn(20, 5), "claude-opus-5")], {"input_text": 20, "output_text": 5}, ["other_model"]),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("top", "iterations", "parts", "flags"),
    [case[1:] for case in ITERATIONS],
    ids=[case[0] for case in ITERATIONS],
)
def test_turns_of_the_server(top, iterations, parts, flags):
    measured = measure({**top, "iterations": iterations}, "anthropic", "claude-sonnet-5")
    assert (measured.parts, codes(measured)) == (parts, flags)


def test_what_other_models_did_is_listed_by_model():
    usage = {
        **turn(20, 5),
        "iterations": [
            kind("message", turn(20, 5)),
            kind("advisor_message", turn(900, 70, 30), "claude-opus-5"),
        ],
    }
    call = call_of("anthropic", "claude-sonnet-5")
    [(model, other)] = measure_others(call, Payload(usage=usage))
    assert model == "claude-opus-5"
    assert other.parts == {"input_text": 900, "cached_text": 30, "output_text": 70}


def test_a_redeemed_credit_is_flagged():
    credit = {"status": {"type": "redeemed"}}
    assert codes(measure(turn(3, 9, fallback_credit=credit), "anthropic")) == ["fallback_credit"]


def test_deltas_overwrite_the_start_and_zeros_do_not():
    start = {"type": "message_start", "message": {"model": "claude-x", "usage": turn(9, 1, 70)}}
    deltas = [
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "…"}},
        {"type": "message_delta", "usage": {"output_tokens": 300, "input_tokens": None}},
        {"type": "message_delta", "usage": {"output_tokens": 512, "input_tokens": 0}},
    ]
    measured = measure_answer({"stream_events": [start, *deltas]}, "anthropic")
    assert measured.parts == {"input_text": 9, "cached_text": 70, "output_text": 512}
    restated = {"type": "message_delta", "usage": {"output_tokens": 600, "input_tokens": 4000}}
    measured = measure_answer({"stream_events": [start, *deltas, restated]}, "anthropic")
    assert measured.parts == {"input_text": 4000, "cached_text": 70, "output_text": 600}


def test_messages_that_follow_one_another_add_up():
    events = [
        {"type": "message_start", "message": {"model": "claude-x", "usage": turn(9, 1)}},
        {"type": "message_delta", "usage": {"output_tokens": 30}},
        {"type": "message_start", "message": {"model": "claude-x", "usage": turn(50, 1)}},
        {"type": "message_delta", "usage": {"output_tokens": 12}},
    ]
    assert measure_answer({"stream_events": events}).parts == {"input_text": 59, "output_text": 42}


@pytest.mark.parametrize(
    ("usage", "field"),
    [
        (turn(-1, 2), "usage.input_tokens"),
        (turn(1, 2, cache_creation=[1]), "usage.cache_creation"),
        (turn(1, 2, cache_creation=split(1, "2")), "usage.cache_creation.ephemeral_1h_input_tokens"),  # noqa: E501
        (turn(1, 2, iterations=[turn(1, True)]), "usage.iterations[0].output_tokens"),
        (turn(1, 2, iterations={"0": 1}), "usage.iterations"),
        (turn(1, 2, server_tool_use={"web_search_requests": 1.5}), "usage.server_tool_use.web_search_requests"),  # noqa: E501
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_error_names_the_field(usage, field):
    with pytest.raises(InvalidUsage) as caught:
        measure_usage(call_of("anthropic"), Payload(usage=usage))
    assert caught.value.field == field
