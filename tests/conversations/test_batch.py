"""Batches: results in order, good ones stored though others fail."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from aihub.kit.ids import uuid7

from .conftest import Cast, Person


def event(kind: str, body: dict[str, Any], id_: str | None = None) -> dict[str, Any]:
    return {"type": kind, "body": body} | ({} if id_ is None else {"id": id_})


def say(conversation: str, content: str = "x", **fields: Any) -> dict[str, Any]:
    return event("message", {"conversation_id": conversation, "content": content} | fields)


async def send(person: Person, *events: dict[str, Any]) -> list[Any]:
    reply = await person.ask("POST", "/batch", {"events": events})
    assert reply.status == 207, reply.text
    results: list[Any] = reply.json["results"]
    assert len(results) == len(events)
    return results


def statuses(results: list[Any]) -> list[int]:
    return [result["status"] for result in results]


async def test_every_kind_of_event(ada: Person) -> None:
    id_ = str(uuid7())
    about = {"conversation_id": id_}
    call = {"provider": "openai", "model": "gpt-4", "api": "x", "tokens": 100}
    results = await send(
        ada,
        event("conversation", {"user_id": "u", "id": id_}, "e1"),
        say(id_, model="gpt-4", tokens=150),
        event("call", call | about, "e3"),
        event("feedback", {"score": 4} | about),
        event("update", {"module": "m"} | about),
        event("transition", {"action": "complete", "reason": "r"} | about),
    )
    assert statuses(results) == [201, 201, 201, 201, 200, 200]
    assert [result["id"] for result in results] == ["e1", None, "e3", None, None, None]
    found = await ada.read(id_)
    assert found == results[-1]["data"]
    assert (found["status"], found["module"], found["satisfaction_score"]) == ("completed", "m", 4)
    assert (found["total_tokens"], found["total_cost"]) == (250, Decimal("0.0075"))


async def test_events_of_one_conversation_take_effect_in_their_order(
    ada: Person, conversation: str
) -> None:
    complete = event("transition", {"conversation_id": conversation, "action": "complete"})
    results = await send(
        ada,
        say(conversation, "1"),
        complete,
        say(conversation, "refused"),
        say(conversation, "2", reopen=True),
        say(conversation, "3"),
        complete,
        complete,
    )
    assert statuses(results) == [201, 200, 409, 201, 201, 200, 409]
    found = await ada.read(conversation, include="messages")
    assert [m["content"] for m in found["messages"]] == ["1", "2", "3"]
    assert found["status"] == "completed"


async def test_good_ones_are_stored_though_others_fail(ada: Person, conversation: str) -> None:
    results = await send(
        ada,
        say(conversation, "1"),
        say(str(uuid7()), "of nobody"),
        event("message", {"conversation_id": conversation}),
        event("bogus", {}),
        event("feedback", {"conversation_id": conversation, "score": 9}),
        say(conversation, "2"),
    )
    assert statuses(results) == [201, 404, 422, 422, 422, 201]
    named = [[e["field"] for e in r["error"].get("errors", [])] for r in results if "error" in r]
    assert named == [[], ["events[2].body.content"], ["events[3].type"], ["events[4].body.score"]]
    assert (await ada.read(conversation))["message_count"] == 2


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"body": {}}, "events[3].type"),
        ({"type": "message"}, "events[3].body"),
        ({"type": "message", "body": [], "id": "x"}, "events[3].body"),
        ({"type": "message", "body": {}, "kind": 1}, "events[3].kind"),
        ({"type": "message", "body": {}, "id": 1}, "events[3].id"),
        ([], "events[3]"),
        (None, "events[3]"),
        (say("x"), "events[3].body.conversation_id"),
        (say(str(uuid7()), role="robot"), "events[3].body.role"),
        (
            event("transition", {"conversation_id": str(uuid7()), "action": "x"}),
            "events[3].body.action",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_bad_events_are_named(ada: Person, conversation: str, bad: Any, named: str) -> None:
    good = say(conversation)
    results = await send(ada, good, good, good, bad, good)
    assert statuses(results) == [201, 201, 201, 422, 201]
    assert [error["field"] for error in results[3]["error"]["errors"]] == [named]


async def test_a_known_key_leads_the_rest_of_the_batch(ada: Person) -> None:
    known = await ada.converse(key="s1")
    made = str(uuid7())
    about = {"conversation_id": made}
    results = await send(
        ada,
        event("conversation", {"user_id": "u", "key": "s1", "id": made}),
        say(made, "1", model="gpt-4", tokens=150),
        event("update", {"module": "m"} | about),
        event("feedback", {"score": 5} | about),
        event("call", {"provider": "openai", "model": "gpt-4", "api": "x", "tokens": 1} | about),
        event("transition", {"action": "pause"} | about),
    )
    assert statuses(results) == [200, 201, 200, 201, 201, 200]
    assert results[0]["data"]["id"] == known
    found = await ada.read(known, include="messages,calls")
    assert (len(found["messages"]), len(found["calls"]), found["module"]) == (1, 2, "m")
    assert found["status"] == "paused"
    assert (await ada.ask("GET", f"/conversations/{made}")).status == 404


async def test_a_known_key_leads_on_when_another_event_is_refused(ada: Person) -> None:
    known = await ada.converse(key="s1")
    made, other = str(uuid7()), await ada.converse()
    for n in range(4):
        entry = {"metadata": {f"k{n}": "x" * 60_000}}
        await ada.ask("PATCH", f"/conversations/{other}", entry)
    too_much = {"conversation_id": other, "metadata": {"k5": "x" * 60_000}}
    results = await send(
        ada,
        event("conversation", {"user_id": "u", "key": "s1", "id": made}),
        event("update", too_much),
        say(made),
    )
    assert statuses(results) == [200, 422, 201]
    assert (await ada.read(known))["message_count"] == 1


async def test_the_events_id_becomes_the_objects(ada: Person, conversation: str) -> None:
    ids = [str(uuid7()) for _ in range(4)]
    about = {"conversation_id": conversation}
    events = [
        event("conversation", {"user_id": "u"}, ids[0]),
        event("message", {"content": "x"} | about, ids[1]),
        event("call", {"provider": "openai", "model": "gpt-4", "api": "x"}, ids[2]),
        event("feedback", {"score": 1} | about, ids[3]),
        event("transition", {"action": "pause"} | about, str(uuid7())),
    ]
    first = await send(ada, *events)
    assert [result["data"]["id"] for result in first] == [*ids, conversation]
    assert statuses(first) == [201, 201, 201, 201, 200]
    again = await send(ada, *events)
    assert statuses(again) == [200] * 5
    moves = await ada.get(f"/conversations/{conversation}/transitions")
    assert len(moves["items"]) == 1
    assert (await ada.read(conversation))["message_count"] == 1


async def test_a_thousand_events(ada: Person, conversation: str) -> None:
    results = await send(ada, *(say(conversation, f"{n}") for n in range(1_000)))
    assert [result["data"]["seq"] for result in results] == list(range(1, 1_001))
    reply = await ada.ask("POST", "/batch", {"events": [say(conversation)] * 1_001})
    assert (reply.status, reply.fields) == (422, ["events"])
    assert (await ada.read(conversation))["message_count"] == 1_000


async def test_the_same_id_twice_in_a_batch_is_stored_once(ada: Person, conversation: str) -> None:
    id_ = str(uuid7())
    results = await send(ada, *(say(conversation, f"{n}", id=id_) for n in range(3)))
    assert statuses(results) == [201, 200, 200]
    assert {result["data"]["content"] for result in results} == {"0"}


async def test_anothers_conversation_is_nobodys(cast: Cast, conversation: str) -> None:
    results = await send(
        cast.cleo,
        say(conversation),
        event("update", {"conversation_id": conversation, "module": "m"}),
        event("transition", {"conversation_id": conversation, "action": "pause"}),
        event("feedback", {"conversation_id": conversation, "score": 1}),
    )
    assert statuses(results) == [404] * 4
    assert (await cast.ada.read(conversation))["status"] == "active"


async def test_what_one_sender_gets_wrong_hurts_nobody_else(cast: Cast, conversation: str) -> None:
    """Requests that arrive together share a transaction."""
    crowded = await cast.cleo.converse()
    for n in range(4):
        entry = {"metadata": {f"k{n}": "x" * 60_000}}
        await cast.cleo.ask("PATCH", f"/conversations/{crowded}", entry)
    bad = {"metadata": {"k5": "x" * 60_000}}
    replies = await asyncio.gather(
        *(
            request
            for n in range(8)
            for request in (
                cast.ada.ask(
                    "POST", f"/conversations/{conversation}/messages", {"content": f"{n}"}
                ),
                cast.cleo.ask("PATCH", f"/conversations/{crowded}", bad),
            )
        )
    )
    assert [reply.status for reply in replies] == [201, 422] * 8
    assert (await cast.ada.read(conversation))["message_count"] == 8
