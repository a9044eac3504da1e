"""Messages: their fields, what they cost, their order, retries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aihub.kit.ids import uuid7

from .conftest import Cast, Person


async def test_every_field_comes_back(ada: Person, conversation: str) -> None:
    at = datetime.now(UTC) - timedelta(minutes=1)
    sent = {
        "role": "assistant",
        "content": 'Grüße 🙂 \u202e \\ " \t\n',
        "parts": [{"type": "text", "text": "x"}, {"type": "image", "n": 0.1}],
        "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}],
        "model": "gpt-4o",
        "provider": "openai",
        "latency_ms": 1_234,
        "intent": "refund",
        "id": str(uuid7()),
        "created_at": at.isoformat(),
        "metadata": {"a": [1, {"b": None}], "ü": "🙂"},
    }
    usage = {"prompt_tokens": 1_000, "completion_tokens": 500}
    made = await ada.say(conversation, **sent | {"usage": usage})
    [read] = (await ada.get(f"/conversations/{conversation}/messages"))["items"]
    for found in (made, read):
        back = {name: found[name] for name in sent if name != "created_at"}
        assert back == {k: v for k, v in sent.items() if k != "created_at"} | {
            "parts": [{"type": "text", "text": "x"}, {"type": "image", "n": Decimal("0.1")}]
        }
        assert datetime.fromisoformat(found["created_at"]) == at
        assert (found["seq"], found["conversation_id"]) == (1, conversation)
        assert (found["tokens"], found["cost"]) == (1_500, Decimal("0.0075"))


USAGES = {
    "OpenAI chat": (
        {
            "model": "gpt-4o",
            "usage": {
                "prompt_tokens": 1_000,
                "completion_tokens": 500,
                "total_tokens": 1_500,
                "prompt_tokens_details": {"cached_tokens": 200},
            },
        },
        {"input_tokens": 1_000, "cached_input_tokens": 200, "output_tokens": 500},
        1_500,
        "priced",
    ),
    "Anthropic": (
        {
            "model": "claude-sonnet-4-5",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 50},
        },
        {"input_tokens": 110, "cached_input_tokens": 100, "output_tokens": 50},
        160,
        "priced",
    ),
    "normalised": (
        {"model": "gpt-4o", "usage": {"input_tokens": 10, "output_tokens": 5}},
        {"input_tokens": 10, "output_tokens": 5},
        15,
        "priced",
    ),
    "counted by the caller": (
        {
            "model": "gpt-4o",
            "usage": {"input_tokens": 10, "output_tokens": 5},
            "usage_source": "estimated",
            "usage_method": "tiktoken",
        },
        {"input_tokens": 10, "output_tokens": 5},
        15,
        "estimated",
    ),
    "a total": ({"model": "gpt-4", "tokens": 150}, {"total_tokens": 150}, 150, "estimated"),
}


@pytest.mark.parametrize(("sent", "usage", "tokens", "status"), USAGES.values(), ids=USAGES)
async def test_usage_of_any_shape(
    ada: Person, conversation: str, sent: Any, usage: Any, tokens: int, status: str
) -> None:
    message = await ada.say(conversation, **sent)
    assert message["usage"] == message["usage"] | usage
    assert (message["tokens"], message["cost_status"]) == (tokens, status)
    assert message["cost"] == message["price"] > 0
    assert ("cost_note" in message) == (status != "priced")
    found = await ada.read(conversation, include="calls")
    assert (found["total_tokens"], found["total_cost"]) == (tokens, message["cost"])
    [call] = found["calls"]
    assert (call["id"], call["message_id"]) == (message["id"], message["id"])


async def test_the_method_of_an_estimate_is_told(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation, **USAGES["counted by the caller"][0])
    assert "tiktoken" in message["cost_note"]


async def test_what_has_no_price_costs_null(ada: Person, conversation: str) -> None:
    await ada.say(conversation, model="gpt-4", tokens=150)
    message = await ada.say(conversation, model="of our own", tokens=7)
    assert (message["cost"], message["price"]) == (None, None)
    assert message["cost_status"] == "unpriced"
    assert "of our own" in message["cost_note"]
    found = await ada.read(conversation)
    assert (found["total_cost"], found["unpriced_calls"]) == (Decimal("0.0045"), 1)
    assert found["total_tokens"] == 157


async def test_what_is_no_model_call_has_no_cost(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation)
    assert (message["cost"], message["cost_status"], message["usage"]) == (None, None, None)
    found = await ada.read(conversation, include="calls")
    assert (found["calls"], found["unpriced_calls"], found["message_count"]) == ([], 0, 1)


async def test_a_failed_call_is_recorded(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation, "", role="assistant", model="gpt-4", error="timeout")
    assert (message["error"], message["cost"], message["cost_status"]) == (
        "timeout",
        0,
        "estimated",
    )
    [call] = (await ada.get("/calls"))["items"]
    assert call["error"] == "timeout"


async def test_content_may_be_null_beside_tool_calls(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation, None, role="assistant", tool_calls=[{"id": "c1"}])
    assert (message["content"], message["tool_calls"]) == ("", [{"id": "c1"}])


async def test_costs_are_never_written_with_an_exponent(ada: Person, conversation: str) -> None:
    path = f"/conversations/{conversation}/messages"
    body = {"content": "x", "model": "text-embedding-3-small", "tokens": 1}
    reply = await ada.ask("POST", path, body)
    assert '"cost":0.00000002,' in reply.text
    assert (
        '"total_cost":0.00000002,' in (await ada.ask("GET", f"/conversations/{conversation}")).text
    )


async def test_seq_follows_the_order_of_arrival(ada: Person, conversation: str) -> None:
    for number in range(1, 6):
        assert (await ada.say(conversation, f"{number}"))["seq"] == number
    seen = [
        [(m["seq"], m["content"]) for m in page]
        async for page in ada.pages(f"/conversations/{conversation}/messages", limit=2)
    ]
    assert seen == [[(1, "1"), (2, "2")], [(3, "3"), (4, "4")], [(5, "5")]]


# ---------- retries ----------


async def test_a_retry_with_the_id_changes_nothing(ada: Person, conversation: str) -> None:
    body = {"content": "x", "id": str(uuid7()), "model": "gpt-4", "tokens": 150}
    path = f"/conversations/{conversation}/messages"
    first = await ada.ask("POST", path, body)
    before = await ada.read(conversation, include="messages,calls")
    again = await ada.ask("POST", path, body | {"content": "other", "tokens": 9})
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert await ada.read(conversation, include="messages,calls") == before


@pytest.mark.parametrize("first", ["message", "call"])
async def test_an_id_of_something_else_is_taken(ada: Person, conversation: str, first: str) -> None:
    id_ = str(uuid7())
    if first == "message":
        await ada.say(await ada.converse(), id=id_, model="gpt-4", tokens=1)
    else:
        await ada.post("/calls", {"provider": "openai", "model": "gpt-4", "api": "x", "id": id_})
    reply = await ada.ask(
        "POST",
        f"/conversations/{conversation}/messages",
        {"content": "x", "id": id_, "model": "gpt-4", "tokens": 1},
    )
    assert (reply.status, reply.json["code"]) == (409, "id_taken")
    assert (await ada.read(conversation))["message_count"] == 0


# ---------- feedback ----------


async def test_satisfaction_is_the_mean_of_the_scores(ada: Person, conversation: str) -> None:
    path = f"/conversations/{conversation}/feedback"
    means = [(await ada.post(path, {"score": score}))["satisfaction_score"] for score in (5, 4, 4)]
    assert means == [5, Decimal("4.5"), Decimal("4.33")]
    found = await ada.read(conversation)
    assert found["satisfaction_score"] == Decimal("4.33")
    assert found["metadata"]["satisfaction_score"] == Decimal("4.33")


async def test_feedback_on_a_message(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation)
    body = {"score": 4.25, "comment": "ok", "message_id": message["id"], "id": str(uuid7())}
    path = f"/conversations/{conversation}/feedback"
    first, again = [await ada.ask("POST", path, body) for _ in range(2)]
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert (first.json["score"], first.json["comment"]) == (Decimal("4.25"), "ok")
    missing = await ada.ask("POST", path, {"score": 1, "message_id": str(uuid7())})
    assert (missing.status, missing.json["code"]) == (404, "message_not_found")
    assert (await ada.read(conversation))["satisfaction_score"] == Decimal("4.25")


@pytest.mark.parametrize(
    "score",
    ["-0.01", "5.01", "4.999", "1e-99999999", "1e400000", "4." + "9" * 40, '"NaN"', '"Infinity"'],
)
async def test_other_scores_are_refused(ada: Person, conversation: str, score: str) -> None:
    body = f'{{"score": {score}}}'.encode()
    reply = await ada.ask("POST", f"/conversations/{conversation}/feedback", body)
    assert (reply.status, reply.fields) == (422, ["score"])


@pytest.mark.parametrize("score", ["0", "5", "5.00", "4.500000", "0.01", "4.25e0"])
async def test_scores_of_two_decimals_are_taken(ada: Person, conversation: str, score: str) -> None:
    body = f'{{"score": {score}}}'.encode()
    reply = await ada.ask("POST", f"/conversations/{conversation}/feedback", body)
    assert (reply.status, reply.json["score"]) == (201, Decimal(score))


# ---------- changes ----------


PATCHES = {
    "nothing": ({}, {}, {}),
    "module": ({"module": "n"}, {"module": "n"}, {}),
    "module away": ({"module": None}, {"module": None}, {}),
    "intents": ({"intent_chain": ["b"]}, {"intent_chain": ["b"]}, {}),
    "no intents": ({"intent_chain": []}, {"intent_chain": []}, {}),
    "summary": ({"summary": "s"}, {"summary": "s"}, {}),
    "summary away": ({"summary": None}, {"summary": None}, {}),
    "an entry more": ({"metadata": {"c": 3}}, {}, {"c": 3}),
    "an entry changed": ({"metadata": {"a": [2]}}, {}, {"a": [2]}),
    "an entry away": ({"metadata": {"a": None, "no": None}}, {}, {"a": None}),
    "null metadata": ({"metadata": None}, {}, {}),
}


@pytest.mark.parametrize(("patch", "fields", "entries"), PATCHES.values(), ids=PATCHES)
async def test_a_patch_changes_what_it_names(
    ada: Person, patch: Any, fields: Any, entries: Any
) -> None:
    made = await ada.post(
        "/conversations",
        {"user_id": "u", "module": "m", "intent_chain": ["a"], "metadata": {"a": 1, "b": {"x": 1}}},
    )
    reply = await ada.ask("PATCH", f"/conversations/{made['id']}", patch)
    assert reply.status == 200
    expected = made | fields
    own = {name: expected[name] for name in ("source", "module", "intent_chain")}
    metadata = {**made["metadata"], **own, **entries}
    expected["metadata"] = {
        k: v for k, v in metadata.items() if v is not None or k in ("module", "satisfaction_score")
    }
    for found in (reply.json, await ada.read(made["id"])):
        assert found | {"updated_at": None} == expected | {"updated_at": None}


async def test_metadata_grows_to_a_bound(ada: Person, conversation: str) -> None:
    path = f"/conversations/{conversation}"
    replies = [
        await ada.ask("PATCH", path, {"metadata": {f"k{n}": "x" * 60_000}}) for n in range(5)
    ]
    assert [reply.status for reply in replies] == [200, 200, 200, 200, 422]
    assert replies[-1].fields == ["metadata"]
    assert "k4" not in (await ada.read(conversation))["metadata"]


# ---------- erasure ----------


async def test_erasure_takes_all_content(ada: Person, connection: Any) -> None:
    keyed = ada.with_headers(Idempotency_Key="k1")
    made = await keyed.post("/conversations", {"user_id": "u", "key": "s1", "module": "m"})
    path = f"/conversations/{made['id']}"
    await keyed.with_headers(Idempotency_Key="k2").post(
        f"{path}/messages", {"content": "secret", "model": "gpt-4", "tokens": 10}
    )
    about = {"conversation_id": made["id"], "content": "secret"}
    await keyed.with_headers(Idempotency_Key="k3").post(
        "/batch", {"events": [{"type": "message", "body": about}]}
    )
    await ada.post(f"{path}/feedback", {"score": 1, "comment": "secret"})
    await ada.post(f"{path}/complete", {"reason": "secret"})
    assert (await ada.ask("DELETE", path)).status == 204
    for name in ("ai_messages", "ai_feedback", "ai_transitions"):
        left = f"select count(*) from public.{name} where conversation_id = $1"
        assert await connection.fetchval(left, made["id"]) == 0, name
    kept = "select count(*) from hub.idempotency_keys where organization_id = $1"
    assert await connection.fetchval(kept, ada.organization) == 0
    for method, rest in (("GET", ""), ("GET", "/messages"), ("DELETE", ""), ("POST", "/pause")):
        assert (await ada.ask(method, path + rest)).status == 404
    assert await ada.ids("/conversations") == []
    again = await ada.ask("POST", "/conversations", {"user_id": "u", "key": "s1"})
    assert (again.status, again.json["id"] == made["id"]) == (201, False)


async def test_erasure_keeps_anonymous_usage(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation, model="gpt-4", tokens=150, error="secret")
    await ada.ask("DELETE", f"/conversations/{conversation}")
    [call] = (await ada.get("/calls"))["items"]
    assert (call["id"], call["cost"]) == (message["id"], Decimal("0.0045"))
    for name in ("conversation_id", "message_id", "user_id"):
        assert call[name] is None
    assert call["error"] == "erased"


async def test_erasure_stays_within_the_organization(cast: Cast, conversation: str) -> None:
    assert (await cast.cleo.ask("DELETE", f"/conversations/{conversation}")).status == 404
    assert (await cast.ada.read(conversation))["id"] == conversation
