"""Input that is refused, with the field named, and bodies that are bounded."""

import json
from typing import Any

import pytest

from .conftest import Person

MIB = 1 << 20


def _json(fields: str) -> bytes:
    return f'{{"content": "x", {fields}}}'.encode()


FIELDS: dict[str, tuple[str, str]] = {
    "unknown": ('"contents": "x"', "contents"),
    "role": ('"role": "robot"', "role"),
    "role null": ('"role": null', "role"),
    "role number": ('"role": 1', "role"),
    "content array": ('"content": ["x"]', "content"),
    "content NUL": ('"content": "a\\u0000b"', "content"),
    "model empty": ('"model": ""', "model"),
    "model long": (f'"model": "{"m" * 256}"', "model"),
    "tokens text": ('"tokens": "150"', "tokens"),
    "tokens negative": ('"tokens": -1', "tokens"),
    "tokens fraction": ('"tokens": 1.5', "tokens"),
    "tokens true": ('"tokens": true', "tokens"),
    "tokens beyond": ('"tokens": 1e400000', "tokens"),
    "tokens huge": (f'"tokens": {"9" * 5_000}', "tokens"),
    "latency": ('"latency_ms": 2147483648', "latency_ms"),
    "tokens and usage": ('"tokens": 1, "usage": {"input_tokens": 1}', "tokens"),
    "parts object": ('"parts": {}', "parts"),
    "parts NUL": ('"parts": [{"text": "\\u0000"}]', "parts[0].text"),
    "tool_calls text": ('"tool_calls": "x"', "tool_calls"),
    "metadata array": ('"metadata": []', "metadata"),
    "metadata long": (f'"metadata": {{"x": "{"x" * 66_000}"}}', "metadata"),
    "metadata NUL": ('"metadata": {"a": [0, {"b": "\\u0000"}]}', "metadata.a[1].b"),
    "metadata NUL name": ('"metadata": {"a": {"b\\u0000": 1}}', "metadata.a.b"),
    "metadata beyond": ('"metadata": {"a": [1e400000]}', "metadata.a[0]"),
    "metadata tiny": ('"metadata": {"a": 1e-400000}', "metadata.a"),
    "metadata huge": (f'"metadata": {{"a": {"9" * 5_000}}}', "metadata.a"),
    "metadata NUL, beyond": ('"metadata": {"a": "\\u0000", "b": 1e400000}', "metadata.a"),
    "created_at date": ('"created_at": "2026-01-01"', "created_at"),
    "created_at naive": ('"created_at": "2026-01-01T00:00:00"', "created_at"),
    "created_at 1999": ('"created_at": "1999-01-01T00:00:00Z"', "created_at"),
    "created_at 2999": ('"created_at": "2999-01-01T00:00:00Z"', "created_at"),
    "usage_source": ('"usage_source": "guess"', "usage_source"),
}


@pytest.mark.parametrize(("fields", "named"), FIELDS.values(), ids=FIELDS)
async def test_a_bad_field_is_named(
    ada: Person, conversation: str, fields: str, named: str
) -> None:
    reply = await ada.ask("POST", f"/conversations/{conversation}/messages", _json(fields))
    assert (reply.status, reply.json["code"], reply.fields) == (422, "invalid", [named])
    assert reply.headers["content-type"] == "application/problem+json"
    assert (await ada.read(conversation))["message_count"] == 0


@pytest.mark.parametrize(("fields", "named"), FIELDS.values(), ids=FIELDS)
async def test_a_bad_field_of_an_event_is_named(
    ada: Person, conversation: str, fields: str, named: str
) -> None:
    bad = _json(f'"conversation_id": "{conversation}", {fields}').decode()
    good = json.dumps({"content": "good", "conversation_id": conversation})
    events = ", ".join(f'{{"type": "message", "body": {body}}}' for body in (good, bad, good))
    reply = await ada.ask("POST", "/batch", f'{{"events": [{events}]}}'.encode())
    assert reply.status == 207, reply.text
    assert [result["status"] for result in reply.json["results"]] == [201, 422, 201]
    [error] = reply.json["results"][1]["error"]["errors"]
    assert error["field"] == f"events[1].body.{named}"


HOSTILE = {
    "array": ("[1]", "usage"),
    "text": ('"x"', "usage"),
    "negative": ('{"prompt_tokens": -1}', "usage.prompt_tokens"),
    "fraction": ('{"prompt_tokens": 1.5}', "usage.prompt_tokens"),
    "number as text": ('{"prompt_tokens": "12"}', "usage.prompt_tokens"),
    "true": ('{"prompt_tokens": true}', "usage.prompt_tokens"),
    "NaN": ('{"prompt_tokens": NaN}', "usage.prompt_tokens"),
    "infinity": ('{"prompt_tokens": 5, "completion_tokens": -Infinity}', "usage.completion_tokens"),
    "beyond": ('{"prompt_tokens": 1e400000}', "usage.prompt_tokens"),
    "huge": (f'{{"prompt_tokens": {"9" * 5_000}}}', "usage.prompt_tokens"),
    "nested": (
        '{"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": -1}}',
        "usage.prompt_tokens_details.cached_tokens",
    ),
    "NUL": ('{"prompt_tokens": "\\u0000"}', "usage.prompt_tokens"),
    "10 MB": (f'{{"prompt_tokens": 1, "x": "{"x" * 10_000_000}"}}', "usage"),
    "deep": ("[" * 500 + "]" * 500, "usage"),
}


@pytest.mark.parametrize(("usage", "named"), HOSTILE.values(), ids=HOSTILE)
async def test_the_message_of_a_hostile_usage_is_kept(
    ada: Person, conversation: str, usage: str, named: str
) -> None:
    body = f'{{"content": "kept", "model": "gpt-4o", "usage": {usage}}}'.encode()
    reply = await ada.ask("POST", f"/conversations/{conversation}/messages", body)
    assert reply.status == 201, reply.text
    message = reply.json
    assert (message["content"], message["cost"], message["cost_status"]) == (
        "kept", None, "unpriced",
    )  # fmt: skip
    assert message["cost_note"].startswith(f"invalid_usage: {named} ")
    stored = await ada.get(f"/calls/{message['id']}")
    assert (stored["cost"], stored["cost_note"]) == (None, message["cost_note"])


@pytest.mark.parametrize(("usage", "named"), HOSTILE.values(), ids=HOSTILE)
async def test_the_call_of_a_hostile_usage_is_kept(ada: Person, usage: str, named: str) -> None:
    told = '"provider": "openai", "model": "gpt-4o", "api": "chat.completions"'
    own = await ada.ask("POST", "/calls", f'{{{told}, "usage": {usage}}}'.encode())
    body = f'{{{told}, "response": {{"model": "gpt-4o", "usage": {usage}}}}}'.encode()
    inside = await ada.ask("POST", "/calls", body)
    assert (own.status, inside.status) == (201, 201)
    assert own.json["cost_status"] == "unpriced"
    assert own.json["cost_note"].startswith(f"invalid_usage: {named} ")
    if len(usage) < 1_000_000:  # a body may be long: what it says of its tokens is read
        assert inside.json["cost_status"] == "unpriced"


async def test_hostile_usages_do_not_hinder_a_batch(ada: Person, conversation: str) -> None:
    bodies = [
        f'{{"content": "{n}", "conversation_id": "{conversation}", "usage": {usage}}}'
        for n, (usage, _) in enumerate(HOSTILE.values())
        if len(usage) < 1_000_000
    ]
    events = ", ".join(f'{{"type": "message", "body": {body}}}' for body in bodies)
    reply = await ada.ask("POST", "/batch", f'{{"events": [{events}]}}'.encode())
    assert reply.status == 207, reply.text
    assert {result["status"] for result in reply.json["results"]} == {201}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
async def test_no_number_anywhere_else_is_refused_by_name(
    ada: Person, conversation: str, word: str
) -> None:
    for field, named in (
        (f'"metadata": {{"a": {word}}}', "metadata.a"),
        (f'"tokens": {word}', "tokens"),
    ):
        body = f'{{"content": "x", {field}}}'.encode()
        reply = await ada.ask("POST", f"/conversations/{conversation}/messages", body)
        assert (reply.status, reply.fields) == (422, [named])


MALFORMED = {
    "nothing": b"",
    "text": b"x",
    "cut off": b'{"content": "x"',
    "trailing": b'{"content": "x"} y',
    "invalid UTF-8": b'{"content": "\xff"}',
    "invalid UTF-8 inside": b'{"content": "x", "metadata": {"a": "\xc3\x28"}}',
    "UTF-16": '{"content": "x"}'.encode("utf-16"),
    "lone surrogate": b'{"content": "\\ud800"}',
    "lone surrogate inside": b'{"content": "x", "metadata": {"a": "\\udc00"}}',
    "control character": b'{"content": "a\x00b"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_not_json_is_refused(ada: Person, conversation: str, body: bytes) -> None:
    reply = await ada.ask("POST", f"/conversations/{conversation}/messages", body)
    assert (reply.status, reply.json["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1"])
async def test_what_is_no_object_is_refused(ada: Person, conversation: str, body: bytes) -> None:
    reply = await ada.ask("POST", f"/conversations/{conversation}/messages", body)
    assert (reply.status, reply.fields) == (422, ["body"])


@pytest.mark.parametrize("depth", [2_000, 100_000])
async def test_deep_nesting_is_refused(ada: Person, conversation: str, depth: int) -> None:
    body = _json('"metadata": ' + '{"a":' * depth + "1" + "}" * depth)
    reply = await ada.ask("POST", f"/conversations/{conversation}/messages", body)
    assert (reply.status, reply.fields) == (422, ["body"])


async def test_some_nesting_is_fine(ada: Person, conversation: str) -> None:
    parts: list[Any] = ["x"]
    for _ in range(200):
        parts = [parts]
    assert (await ada.say(conversation, parts=parts))["parts"] == parts


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/conversations", {}, "user_id"),
        ("/conversations", {"user_id": ""}, "user_id"),
        ("/conversations", {"user_id": None}, "user_id"),
        ("/conversations", {"user_id": "u" * 256}, "user_id"),
        ("/conversations", {"user_id": "a\0"}, "user_id"),
        ("/conversations", {"user_id": "u", "source": "fax"}, "source"),
        ("/conversations", {"user_id": "u", "intent_chain": "x"}, "intent_chain"),
        ("/conversations", {"user_id": "u", "intent_chain": ["x", 1]}, "intent_chain[1]"),
        ("/conversations", {"user_id": "u", "intent_chain": ["x"] * 101}, "intent_chain"),
        ("/conversations", {"user_id": "u", "key": ""}, "key"),
        ("/conversations", {"user_id": "u", "started_at": "yesterday"}, "started_at"),
        ("/conversations/{id}/messages", {}, "content"),
        ("/conversations/{id}/feedback", {}, "score"),
        ("/conversations/{id}/feedback", {"score": 1, "comment": "x" * 10_001}, "comment"),
        ("/conversations/{id}/pause", {"reason": 1}, "reason"),
        ("/conversations/{id}/pause", {"why": "x"}, "why"),
        ("/conversations/{id}/pause", {"at": "2019-01-01T00:00:00Z"}, "at"),
        ("/calls", {"model": "m", "api": "a"}, "provider"),
        ("/calls", {"provider": "p", "api": "a"}, "model"),
        ("/calls", {"provider": "p", "model": "m"}, "api"),
        ("/calls", {"provider": "p", "model": "m", "api": "a", "context": []}, "context"),
        ("/batch", {}, "events"),
        ("/batch", {"events": []}, "events"),
        ("/batch", {"events": {}}, "events"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_is_missing_or_wrong_is_named(
    ada: Person, conversation: str, path: str, body: Any, named: str
) -> None:
    reply = await ada.ask("POST", path.format(id=conversation), body)
    assert (reply.status, reply.fields) == (422, [named])


@pytest.mark.parametrize(
    ("path", "mib", "status"),
    [("/conversations/{id}/messages", 17, 413), ("/batch", 10, 422), ("/batch", 17, 413)],
)
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "streamed"])
async def test_bodies_are_bounded(
    ada: Person, conversation: str, path: str, mib: int, status: int, is_declared: bool
) -> None:
    part = b'{"content": "' + b"x" * (MIB - 13)

    async def stream() -> Any:
        for _ in range(mib):
            yield part

    response = await ada.client.post(
        "/v1" + path.format(id=conversation),
        content=part * mib if is_declared else stream(),
        headers={"Authorization": f"Bearer {ada.key}"},
    )
    assert response.status_code == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("application/cloudevents+json", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
async def test_content_types(ada: Person, kind: str, status: int) -> None:
    reply = await ada.with_headers(Content_Type=kind).ask(
        "POST", "/conversations", {"user_id": "u"}
    )
    assert reply.status == status


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%F0%9F%99%82", "cursor"),
        ("cursor=" + "A" * 10_000, "cursor"),
        ("cursor=f____________________________________w==", "cursor"),
        ("status=open", "status"),
        ("source=fax", "source"),
        ("sentiment=sad", "sentiment"),
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("to=9999-12-31T23:59:59-23:00", "to"),
        ("min_cost=x", "min_cost"),
        ("min_cost=NaN", "min_cost"),
        ("max_cost=1e400000", "max_cost"),
        ("max_cost=1e-20000", "max_cost"),
        ("min_satisfaction=Infinity", "min_satisfaction"),
        ("colour=red", "colour"),
        ("key=a%00b", "key"),
        ("user_id=" + "u" * 256, "user_id"),
    ],
    ids=lambda value: value[:30],
)
async def test_a_bad_filter_is_named(ada: Person, query: str, named: str) -> None:
    reply = await ada.ask("GET", f"/conversations?{query}")
    assert (reply.status, reply.fields) == (422, [named])


@pytest.mark.parametrize(
    ("query", "named"),
    [("include=costs", "include"), ("included=calls", "included")],
)
async def test_a_bad_inclusion_is_named(
    ada: Person, conversation: str, query: str, named: str
) -> None:
    reply = await ada.ask("GET", f"/conversations/{conversation}?{query}")
    assert (reply.status, reply.fields) == (422, [named])


async def test_methods_and_paths_that_are_not_there(ada: Person) -> None:
    reply = await ada.ask("PUT", "/conversations", {})
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (await ada.ask("GET", "/nothing")).json["code"] == "not_found"


async def test_a_problem_names_its_request(ada: Person) -> None:
    reply = await ada.ask("GET", "/conversations/x")
    problem = reply.json
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert set(problem) >= {"type", "title", "status", "detail", "code"}
    assert problem["status"] == 404
