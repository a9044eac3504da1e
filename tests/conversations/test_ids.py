"""Ids of conversations, users and sessions, ours and the callers'."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from aihub.kit.ids import uuid7, uuid7_at, uuid7_time

from .conftest import Cast, Person

MONTHS_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.mark.parametrize(
    "user",
    [
        "user_456",
        "ada@example.org",
        "0191f3c0-7b1a-4d2e-9f00-000000000001",
        "0191F3C0-7B1A-4D2E-9F00-00000000000A",
        "0191f3c07b1a4d2e9f00000000000001",
        "  spaces  ",
        "用户-\u202e-🙂",
        "x" * 255,
    ],
)
async def test_a_users_id_comes_back_as_it_came(ada: Person, user: str) -> None:
    for _ in range(2):
        made = await ada.post("/conversations", {"user_id": user})
        assert made["user_id"] == user
        assert (await ada.read(made["id"]))["user_id"] == user


async def test_a_users_uuid_stays_as_it_is(ada: Person, connection: Any) -> None:
    user = str(uuid4())
    conversation = await ada.converse(user_id=user)
    stored = await connection.fetchval(
        "select user_id from public.ai_conversations where id = $1", conversation
    )
    assert str(stored) == user


async def test_users_of_two_organizations_are_two(cast: Cast, connection: Any) -> None:
    made = [await person.converse(user_id="same") for person in (cast.ada, cast.cleo)]
    rows = await connection.fetch(
        "select distinct user_id from public.ai_conversations where id = any ($1::uuid[])", made
    )
    assert len(rows) == 2


@pytest.mark.parametrize("at", [datetime.now(UTC), MONTHS_AGO], ids=["now", "last year"])
async def test_creating_twice_with_an_id_creates_once(ada: Person, at: datetime) -> None:
    id_ = str(uuid7_at(at))
    first = await ada.ask("POST", "/conversations", {"user_id": "u", "id": id_})
    again = await ada.ask("POST", "/conversations", {"user_id": "somebody else", "id": id_})
    assert (first.status, again.status) == (201, 200)
    assert again.json["id"] == id_
    assert again.json["user_id"] == "u"
    assert datetime.fromisoformat(first.json["created_at"]) == uuid7_time(UUID(id_))
    assert await ada.ids("/conversations") == [id_]


@pytest.mark.parametrize(
    "id_",
    [
        str(uuid4()),
        "00000000-0000-0000-0000-000000000000",
        str(uuid7_at(datetime(2019, 12, 31, tzinfo=UTC))),
        str(uuid7_at(datetime.now(UTC) + timedelta(days=2))),
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        "not-a-uuid",
        7,
    ],
    ids=["v4", "nil", "2019", "in two days", "year 10889", "text", "number"],
)
async def test_other_ids_are_refused(ada: Person, conversation: str, id_: object) -> None:
    for path, body in (
        ("/conversations", {"user_id": "u"}),
        (f"/conversations/{conversation}/messages", {"content": "x"}),
        (f"/conversations/{conversation}/feedback", {"score": 5}),
        ("/calls", {"provider": "openai", "model": "gpt-4", "api": "embeddings", "tokens": 1}),
    ):
        reply = await ada.ask("POST", path, body | {"id": id_})
        assert (reply.status, reply.fields) == (422, ["id"]), path


@pytest.mark.parametrize(
    "id_",
    [str(uuid4()), str(uuid7()), "ffffffff-ffff-7fff-bfff-ffffffffffff", "x", "%00", "a" * 3_000],
    ids=["v4", "unknown", "year 10889", "text", "NUL", "long"],
)
async def test_an_unknown_conversation_is_not_found(ada: Person, id_: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/messages", None),
        ("GET", "/transitions", None),
        ("PATCH", "", {"module": "m"}),
        ("DELETE", "", None),
        ("POST", "/pause", None),
        ("POST", "/messages", {"content": "x"}),
        ("POST", "/feedback", {"score": 5}),
    ):
        reply = await ada.ask(method, f"/conversations/{id_}{path}", body)
        assert (reply.status, reply.json["code"]) == (404, "conversation_not_found"), path


# ---------- keys ----------


async def test_a_known_key_gives_the_existing_conversation(ada: Person) -> None:
    first = await ada.ask("POST", "/conversations", {"user_id": "u", "key": "s1", "module": "m"})
    again = await ada.ask("POST", "/conversations", {"user_id": "v", "key": "s1"})
    assert (first.status, again.status) == (201, 200)
    assert again.json["id"] == first.json["id"]
    assert (again.json["user_id"], again.json["module"], again.json["key"]) == ("u", "m", "s1")


async def test_a_key_belongs_to_its_organization(cast: Cast) -> None:
    made = [await person.converse(key="s1") for person in (cast.ada, cast.cleo)]
    assert made[0] != made[1]
    assert await cast.cleo.ids("/conversations", key="s1") == [made[1]]


async def test_racing_creations_with_one_key_make_one_conversation(ada: Person) -> None:
    body = {"user_id": "u", "key": "raced"}
    replies = await asyncio.gather(*(ada.ask("POST", "/conversations", body) for _ in range(32)))
    assert sorted(reply.status for reply in replies) == [200] * 31 + [201]
    assert len({reply.json["id"] for reply in replies}) == 1
    assert len(await ada.ids("/conversations")) == 1


async def test_racing_creations_with_one_id_make_one_conversation(ada: Person) -> None:
    body = {"user_id": "u", "id": str(uuid7())}
    replies = await asyncio.gather(*(ada.ask("POST", "/conversations", body) for _ in range(32)))
    assert sorted(reply.status for reply in replies) == [200] * 31 + [201]


# ---------- one id, two organizations ----------


async def test_two_organizations_may_use_one_id(cast: Cast) -> None:
    id_, message_id, call_id = str(uuid7()), str(uuid7()), str(uuid7())
    call = {"provider": "openai", "model": "gpt-4", "api": "embeddings", "id": call_id}
    people = {"ours": cast.ada, "theirs": cast.cleo}
    for name, person in people.items():
        await person.post("/conversations", {"user_id": name, "id": id_})
        await person.say(id_, name, id=message_id, model="gpt-4", tokens=10)
        await person.post("/calls", call | {"user_id": name, "tokens": 10})
    for name, person in people.items():
        found = await person.read(id_, include="messages,calls")
        assert (found["user_id"], found["message_count"]) == (name, 1)
        assert [m["content"] for m in found["messages"]] == [name]
        assert found["organization_id"].startswith(name)
        assert (await person.get(f"/calls/{call_id}"))["user_id"] == name
    assert (await cast.ada.ask("DELETE", f"/conversations/{id_}")).status == 204
    assert (await cast.cleo.read(id_))["message_count"] == 1


async def test_retries_that_share_a_transaction_get_their_own_answers(cast: Cast) -> None:
    id_, message_id, call_id = str(uuid7()), str(uuid7()), str(uuid7())
    people = {"ours": cast.ada, "theirs": cast.cleo}

    async def write(name: str, person: Person) -> list[Any]:
        call = {"provider": "openai", "model": "gpt-4", "api": "embeddings", "id": call_id}
        return await asyncio.gather(
            person.post("/conversations", {"user_id": name, "id": id_}),
            person.say(id_, name, id=message_id),
            person.post("/calls", call | {"user_id": name}),
        )

    for name, person in people.items():
        await person.post("/conversations", {"user_id": name, "id": id_})
        await write(name, person)
    turns = list(people.items()) * 8
    for (name, _), (conversation, message, call) in zip(
        turns, await asyncio.gather(*(write(*turn) for turn in turns)), strict=True
    ):
        assert conversation["user_id"] == name
        assert conversation["organization_id"].startswith(name)
        assert message["content"] == name
        assert call["user_id"] == name
