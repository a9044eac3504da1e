"""Idempotency-Key: the same request again gets the first answer again."""

import asyncio
from typing import Any

import pytest

from .conftest import Cast, Person

CALL = {"provider": "openai", "model": "gpt-4", "api": "x", "tokens": 100}
REQUESTS: dict[str, tuple[str, Any, int]] = {
    "conversation": ("/conversations", {"user_id": "u"}, 201),
    "message": (
        "/conversations/{id}/messages",
        {"content": "x", "model": "gpt-4", "tokens": 5},
        201,
    ),
    "call": ("/calls", CALL, 201),
    "feedback": ("/conversations/{id}/feedback", {"score": 4}, 201),
    "move": ("/conversations/{id}/pause", {}, 200),
    "move without a body": ("/conversations/{id}/complete", b"", 200),
    "batch": (
        "/batch",
        {"events": [{"type": "call", "body": CALL}, {"type": "bogus", "body": {}}]},
        207,
    ),
    "api key": ("/api-keys", {"name": "n", "scopes": ["read"]}, 201),
}


@pytest.mark.parametrize(("path", "body", "status"), REQUESTS.values(), ids=REQUESTS)
async def test_the_first_answer_comes_again(
    ada: Person, conversation: str, path: str, body: Any, status: int
) -> None:
    keyed = ada.with_headers(Idempotency_Key="k1")
    first, again = [await keyed.ask("POST", path.format(id=conversation), body) for _ in range(2)]
    assert (first.status, again.status) == (status, status)
    assert again.text == first.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]


@pytest.mark.parametrize(("path", "body", "status"), REQUESTS.values(), ids=REQUESTS)
async def test_racing_twins_are_executed_once(
    ada: Person, conversation: str, path: str, body: Any, status: int
) -> None:
    keyed = ada.with_headers(Idempotency_Key="k1")
    url = path.format(id=conversation)
    replies = await asyncio.gather(*(keyed.ask("POST", url, body) for _ in range(16)))
    assert {reply.status for reply in replies} == {status}
    assert len({reply.text for reply in replies}) == 1
    assert sum("idempotent-replayed" in reply.headers for reply in replies) == 15
    calls = await ada.get("/calls", limit=200)
    assert len(calls["items"]) <= 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("/conversations", {"user_id": "v"}), ("/calls", CALL), ("/conversations?", {"user_id": "v"})],
)
async def test_another_request_with_the_key_is_refused(ada: Person, path: str, body: Any) -> None:
    keyed = ada.with_headers(Idempotency_Key="k1")
    await keyed.post("/conversations", {"user_id": "u"})
    reply = await keyed.ask("POST", path, body)
    assert (reply.status, reply.json["code"]) == (409, "idempotency_key_reused")
    assert (await ada.ids("/calls"), len(await ada.ids("/conversations"))) == ([], 1)


async def test_organizations_have_keys_of_their_own(cast: Cast) -> None:
    made = []
    for person in (cast.ada, cast.cleo):
        keyed = person.with_headers(Idempotency_Key="same")
        made.append(await keyed.ask("POST", "/conversations", {"user_id": "u"}))
    assert [reply.status for reply in made] == [201, 201]
    assert made[0].json["id"] != made[1].json["id"]
    assert all("idempotent-replayed" not in reply.headers for reply in made)


async def test_a_failure_is_not_kept(ada: Person, conversation: str) -> None:
    keyed = ada.with_headers(Idempotency_Key="k1")
    path = f"/conversations/{conversation}/messages"
    await ada.post(f"/conversations/{conversation}/complete")
    assert (await keyed.ask("POST", path, {"content": "x"})).status == 409
    assert (await keyed.ask("POST", path, {"contents": "x"})).status == 422
    await ada.post(f"/conversations/{conversation}/reopen")
    reply = await keyed.ask("POST", path, {"content": "x"})
    assert (reply.status, "idempotent-replayed" in reply.headers) == (201, False)


async def test_one_bad_event_does_not_undo_the_batch(ada: Person, conversation: str) -> None:
    for n in range(4):
        entry = {"metadata": {f"k{n}": "x" * 60_000}}
        await ada.ask("PATCH", f"/conversations/{conversation}", entry)
    about = {"conversation_id": conversation}
    events = [
        {"type": "message", "body": {"content": "1"} | about},
        {"type": "update", "body": {"metadata": {"k5": "x" * 60_000}} | about},
        {"type": "message", "body": {"content": "2"} | about},
    ]
    keyed = ada.with_headers(Idempotency_Key="k1")
    first, again = [await keyed.ask("POST", "/batch", {"events": events}) for _ in range(2)]
    assert [result["status"] for result in first.json["results"]] == [201, 422, 201]
    assert again.text == first.text
    assert (await ada.read(conversation))["message_count"] == 2


async def test_kept_answers_cannot_be_read_in_the_table(
    ada: Person, conversation: str, connection: Any
) -> None:
    secret = "a secret that nobody else may read"
    keyed = ada.with_headers(Idempotency_Key="k1-of-nobody")
    path = f"/conversations/{conversation}/messages"
    first = await keyed.ask("POST", path, {"content": secret})
    [row] = await connection.fetch(
        "select i::text as whole, answer from hub.idempotency_keys i where organization_id = $1",
        ada.organization,
    )
    assert len(row["answer"]) > len(first.text)
    assert secret.encode() not in row["answer"]
    assert secret.encode().hex() not in row["whole"]
    assert "k1-of-nobody" not in row["whole"]
    assert (await keyed.ask("POST", path, {"content": secret})).text == first.text


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "long"])
async def test_a_bad_key_is_named(ada: Person, key: str) -> None:
    keyed = ada.with_headers(Idempotency_Key=key)
    reply = await keyed.ask("POST", "/conversations", {"user_id": "u"})
    assert (reply.status, reply.fields) == (422, ["Idempotency-Key"])


async def test_a_key_on_a_known_session_key(ada: Person) -> None:
    known = await ada.converse(key="s1")
    keyed = ada.with_headers(Idempotency_Key="k1")
    replies = [
        await keyed.ask("POST", "/conversations", {"user_id": "u", "key": "s1"}) for _ in "12"
    ]
    assert [reply.status for reply in replies] == [200, 200]
    assert {reply.json["id"] for reply in replies} == {known}


async def test_months_that_have_no_tables_yet(ada: Person) -> None:
    keyed = ada.with_headers(Idempotency_Key="k1")
    body = {"user_id": "u", "started_at": "2023-07-01T00:00:00Z"}
    replies = await asyncio.gather(*(keyed.ask("POST", "/conversations", body) for _ in range(16)))
    assert {reply.status for reply in replies} == {201}
    assert await ada.ids("/conversations", to="2023-08-01") == [replies[0].json["id"]]
