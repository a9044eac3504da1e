"""Where the usage is in bodies, batch lines and streams."""

import pytest

from aihub.pricing.responses import find_usage, name_model

USAGE = {"prompt_tokens": 4, "completion_tokens": 2}
BODY = {"model": "gpt-4o-2024-08-06", "usage": USAGE, "service_tier": "flex"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (BODY, "response.usage"),
        ({"custom_id": "1", "response": {"body": BODY}}, "response.response.body.usage"),
        ({"result": {"type": "succeeded", "message": BODY}}, "response.result.message.usage"),
        ({"type": "response.completed", "response": BODY}, "response.response.usage"),
        ({"stream_events": [{"usage": None}, BODY]}, "response.stream_events[1].usage"),
    ],
    ids=["plain", "openai batch", "anthropic batch", "responses event", "stream"],
)
def test_the_usage_is_found_with_its_model_and_tier(body, path):
    found = find_usage(body)
    assert (found.usage, found.path) == (USAGE, path)
    assert (found.model, found.service_tier) == ("gpt-4o-2024-08-06", "flex")


def test_the_deltas_of_anthropic_overwrite_its_start():
    events = [
        {"type": "message_start", "message": {"model": "claude-sonnet-4", "usage": {"input_tokens": 9, "output_tokens": 1}}},  # noqa: E501
        {"type": "message_delta", "usage": {"output_tokens": 300, "input_tokens": None}},
        {"type": "message_delta", "usage": {"output_tokens": 512}},
    ]  # fmt: skip
    found = find_usage({"stream_events": events})
    assert found.usage == {"input_tokens": 9, "output_tokens": 512}
    assert found.model == "claude-sonnet-4"


def test_in_a_stream_the_last_usage_wins():
    chunks = [{"usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": n}} for n in (1, 5)]
    assert find_usage({"stream_events": chunks}).usage["candidatesTokenCount"] == 5


@pytest.mark.parametrize(
    "body",
    [None, [], "text", 3, {}, {"usage": None}, {"stream_events": []}, {"stream_events": [1, None]},
     {"result": 4}, {"error": {"code": "rate_limit_exceeded"}}],
    ids=repr,
)  # fmt: skip
def test_nothing_is_found_where_nothing_is(body):
    assert find_usage(body) is None
    assert name_model(body) is None
