"""Stored calls priced again: previewed, changed with an entry each, and never twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.main import Hub
from aihub.repricing import api as repricing
from aihub.repricing import service, store

from .conftest import Cast, Person

USAGE = {"prompt_tokens": 2_000, "completion_tokens": 500, "total_tokens": 2_500}


def only(person: Person, **fields: Any) -> repricing.RepriceFilters:
    return repricing.RepriceFilters(organization_id=person.organization, **fields)


async def put_price(olga: Person, model: str, price: str = "4") -> None:
    body = {
        "provider": "acme",
        "model": model,
        "from": "2020-01-01T00:00:00Z",
        "prices": {"input_text": price, "output_text": "10"},
    }
    assert (await olga.ask("PUT", "/prices", {"prices": [body]})).status == 200


async def test_calls_get_their_price_when_it_arrives(hub: Hub, cast: Cast, connection: Any) -> None:
    ada, olga = cast.ada, cast.olga
    conversation = await ada.converse(module="support")
    said = await ada.say(conversation, provider="acme", model="late-1", usage=USAGE)
    alone = await ada.post(
        "/calls", {"provider": "acme", "model": "late-1", "api": "x", "usage": USAGE}
    )
    assert (said["cost"], alone["cost_status"]) == (None, "unpriced")
    assert (await ada.read(conversation))["unpriced_calls"] == 1

    await put_price(olga, "late-1")
    assert (await ada.get(f"/calls/{alone['id']}"))["cost"] is None  # the book changes no cost
    preview = await repricing.reprice(hub.db, hub.meter, only(ada))
    assert (preview.run_id, preview.calls, preview.changed) == (None, 2, 2)
    assert (await ada.get(f"/calls/{alone['id']}"))["cost"] is None

    seen: list[tuple[int, int]] = []
    result = await repricing.reprice(
        hub.db, hub.meter, only(ada), created_by="a test",
        on_progress=lambda done, all_: seen.append((done, all_)),
    )  # fmt: skip
    [line] = result.lines.values()
    assert (line.unpriced_before, line.unpriced_after) == (2, 0)
    assert (line.cost_before, line.cost_after) == (0, Decimal("0.026"))
    assert seen[-1] == (2, 2)

    call = await ada.get(f"/calls/{said['id']}")
    assert (call["cost"], call["price"], call["cost_status"]) == (
        Decimal("0.013"), Decimal("0.013"), "priced",
    )  # fmt: skip
    assert sum(row["amount"] for row in call["cost_lines"]) == call["cost"]
    [message] = (await ada.get(f"/conversations/{conversation}/messages"))["items"]
    assert (message["cost"], message["cost_status"]) == (call["cost"], "priced")
    told = await ada.read(conversation)
    assert (told["total_cost"], told["unpriced_calls"], told["total_tokens"]) == (
        Decimal("0.013"), 0, 2_500,
    )  # fmt: skip
    [entry] = await repricing.list_adjustments(connection, ada.organization, call_id(said))
    assert (entry.run_id, entry.cost_before, entry.cost_after) == (
        result.run_id, None, Decimal("0.013"),
    )  # fmt: skip
    assert (entry.status_before, entry.status_after) == ("unpriced", "priced")


async def test_a_second_run_finds_nothing_to_do(hub: Hub, cast: Cast, connection: Any) -> None:
    ada, olga = cast.ada, cast.olga
    await ada.post("/calls", {"provider": "acme", "model": "late-2", "api": "x", "usage": USAGE})
    await put_price(olga, "late-2")
    every = only(ada, statuses=())
    first = await repricing.reprice(hub.db, hub.meter, every, created_by="a test")
    second = await repricing.reprice(hub.db, hub.meter, every, created_by="a test")
    assert (first.changed, second.calls, second.changed, second.run_id) == (1, 1, 0, None)


async def test_every_kind_of_call_comes_out_as_it_was_stored(hub: Hub, cast: Cast) -> None:
    """Cost is a function of what is kept: pricing again with the same book changes nothing."""
    ada = cast.ada
    conversation = await ada.converse()
    await ada.say(conversation, model="gpt-4o", tokens=150)
    await ada.say(
        conversation, model="claude-sonnet-4-5", usage={"input_tokens": 5, "output_tokens": 7}
    )
    await ada.say(conversation, model="nobody-knows", usage=USAGE)
    await ada.say(conversation, model="gpt-4o", error="timeout")
    await ada.say(
        conversation, model="gpt-4o", usage=USAGE, usage_source="estimated", usage_method="by hand"
    )
    await ada.say(conversation, model="gpt-4o", usage={"prompt_tokens": -1})
    texts = {"request_messages": [{"role": "user", "content": "Hello"}], "completion_text": "Hi!"}
    search = {"type": "web_search_call", "status": "completed", "action": {"type": "search"}}
    usage = {"input_tokens": 900, "output_tokens": 90, "total_tokens": 990}
    calls: list[dict[str, Any]] = [
        {"model": "gpt-4o", "context": texts},
        {"model": "gpt-4o", "context": {"batch": True}, "usage": USAGE},
        {"model": "gpt-4o", "context": {"http_status": 429}, "response": {"error": {"code": "x"}}},
        {"model": "gpt-5", "api": "responses", "response": {"output": [search], "usage": usage}},
        {"model": "gpt-5", "response": {"service_tier": "flex", "usage": USAGE}},
        {"model": "tts-1", "api": "audio.speech", "context": {"input_characters": 4_095}},
        {"provider": "openrouter", "model": "x/y", "response": {"usage": USAGE | {"cost": 0.0123}}},
        {"provider": "ollama", "model": "llama3.1:8b", "response": {"eval_count": 3}},
        {"provider": "cohere", "model": "rerank-v3.5", "api": "v2/rerank",
         "response": {"meta": {"billed_units": {"search_units": 2}}}},
    ]  # fmt: skip
    for call in calls:
        await ada.post("/calls", {"provider": "openai", "api": "chat.completions"} | call)
    async with hub.db.read() as connection:
        stored = await store.list_calls(
            connection, only(ada, statuses=()), _later(), after=None, limit=100
        )
    assert len(stored) == len(calls) + 6
    again = await repricing.reprice(hub.db, hub.meter, only(ada, statuses=()))
    differing = [
        (old.model, old.cost, old.cost_note, new.cost, new.cost_note)
        for old in stored
        if service._differs(old, new := service.price_again(hub.meter, old))
    ]
    assert differing == []
    assert again.changed == 0


async def test_an_erased_conversation_keeps_what_its_cost_follows_from(
    hub: Hub, cast: Cast
) -> None:
    ada = cast.ada
    conversation = await ada.converse()
    made = await ada.post(
        "/calls",
        {"provider": "openai", "model": "gpt-4o", "api": "x", "usage": USAGE,
         "conversation_id": conversation, "context": {"batch": True, "ticket": "secret-7"}},
    )  # fmt: skip
    assert (await ada.ask("DELETE", f"/conversations/{conversation}")).status == 204
    call = await ada.get(f"/calls/{made['id']}")
    assert (call["context"], call["cost"]) == ({}, made["cost"])
    result = await repricing.reprice(hub.db, hub.meter, only(ada, statuses=()))
    assert (result.calls, result.changed) == (1, 0)


async def test_texts_that_tokens_are_counted_from_are_not_kept(cast: Cast, connection: Any) -> None:
    context = {
        "request_messages": [{"role": "user", "content": "secret-question"}],
        "completion_text": "secret-answer",
        "region": "eu",
    }
    made = await cast.ada.post(
        "/calls", {"provider": "openai", "model": "gpt-4o", "api": "x", "context": context}
    )
    assert (made["context"], made["usage_source"]) == ({"region": "eu"}, "estimated")
    assert made["usage_method"] == "o200k_base/openai-chat"
    assert made["cost_note"].startswith("counted: ")
    row = await connection.fetchval(
        "select k::text from public.ai_calls k where k.id = $1", call_id(made)
    )
    assert "secret" not in row


async def test_a_call_that_changed_meanwhile_is_left_alone(hub: Hub, cast: Cast) -> None:
    ada, olga = cast.ada, cast.olga
    await ada.post("/calls", {"provider": "acme", "model": "late-3", "api": "x", "usage": USAGE})
    async with hub.db.read() as connection:
        [old] = await store.list_calls(connection, only(ada), _later(), after=None, limit=9)
    await put_price(olga, "late-3")
    await repricing.reprice(hub.db, hub.meter, only(ada), created_by="the faster one")
    result = repricing.RepriceResult("x")
    [pair] = service._price(hub.meter, [old], result)
    async with hub.db.write() as connection:
        run = await connection.fetchval("select id from hub.reprice_runs limit 1")
        assert await store.reprice_calls(connection, run, [pair]) == set()


async def test_a_wrong_price_is_taken_back_by_an_entry(
    hub: Hub, cast: Cast, connection: Any
) -> None:
    ada, olga = cast.ada, cast.olga
    conversation = await ada.converse()
    await put_price(olga, "late-4", "4")
    said = await ada.say(conversation, provider="acme", model="late-4", usage=USAGE)
    await put_price(olga, "late-4", "3")
    await repricing.reprice(hub.db, hub.meter, only(ada, statuses=("priced",)), created_by="me")
    [entry] = await repricing.list_adjustments(connection, ada.organization, call_id(said))
    assert (entry.cost_before, entry.cost_after) == (Decimal("0.013"), Decimal("0.011"))
    assert (await ada.read(conversation))["total_cost"] == Decimal("0.011")


async def test_what_has_no_price_is_told_with_its_reason(hub: Hub, cast: Cast) -> None:
    ada = cast.ada
    for model in ("unheard-of", "unheard-of", "gpt-4o"):
        usage = USAGE if model != "gpt-4o" else {"prompt_tokens": "x"}
        await ada.post("/calls", {"provider": "openai", "model": model, "api": "x", "usage": usage})
    async with hub.db.read() as connection:
        found = await repricing.list_unpriced(
            connection, since=_later().replace(year=2020), organization_id=ada.organization
        )
    assert [(u.model, u.reason, u.calls) for u in found] == [
        ("unheard-of", "no_price", 2),
        ("gpt-4o", "invalid_usage", 1),
    ]


def call_id(made: Any) -> UUID:
    return UUID(made["id"])


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
