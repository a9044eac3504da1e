"""Lists: every filter, and pages that show each row once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aihub.kit.ids import uuid7_at

from .conftest import Cast, Person, fixture

DAYS_AGO = [
    datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days)
    for days in (1, 2, 3, 400)
]
SAMPLE: list[dict[str, Any]] = [
    {"user_id": "adam", "source": "web", "module": "a", "metadata": {"tags": ["vip", "new"]}},
    {"user_id": "eva", "source": "mobile", "module": "b", "metadata": {"tags": "vip"}},
    {"user_id": "eva", "source": "api", "module": "a", "key": "s1", "metadata": {"tags": {}}},
    {"user_id": "0191f3c0-7b1a-4d2e-9f00-000000000001", "metadata": {"tag": "vip"}},
]
FILTERS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "none": ({}, [0, 1, 2, 3]),
    "status": ({"status": "completed"}, [1]),
    "user": ({"user_id": "eva"}, [1, 2]),
    "user by UUID": ({"user_id": "0191f3c0-7b1a-4d2e-9f00-000000000001"}, [3]),
    "unknown user": ({"user_id": "eve"}, []),
    "module": ({"module": "a"}, [0, 2]),
    "source": ({"source": "web"}, [0]),
    "model": ({"model": "gpt-4"}, [0]),
    "from a date": ({"from": DAYS_AGO[1].date()}, [0, 1]),
    "to a date": ({"to": DAYS_AGO[1].date()}, [2, 3]),
    "from a time": ({"from": DAYS_AGO[1].isoformat()}, [0, 1]),
    "to a time": ({"to": DAYS_AGO[1].isoformat()}, [2, 3]),
    "from a time elsewhere": ({"from": DAYS_AGO[1].strftime("%Y-%m-%dT13:00:00+01:00")}, [0, 1]),
    "from and to": ({"from": DAYS_AGO[2].date(), "to": DAYS_AGO[0].date()}, [1, 2]),
    "from after to": ({"from": DAYS_AGO[0].date(), "to": DAYS_AGO[2].date()}, []),
    "empty months": ({"from": "2021-01-01", "to": "2021-06-01"}, []),
    "all months": ({"from": "0001-01-01", "to": "9999-12-31"}, [0, 1, 2, 3]),
    "min_cost": ({"min_cost": "0.0045"}, [0]),
    "min_cost above": ({"min_cost": "0.00450000000000000001"}, []),
    "max_cost": ({"max_cost": "0.0044"}, [1, 2, 3]),
    "sentiment": ({"sentiment": "positive"}, [2]),
    "min_satisfaction": ({"min_satisfaction": "4.5"}, [1]),
    "key": ({"key": "s1"}, [2]),
    "unknown key": ({"key": "s2"}, []),
    "tag": ({"tag": "vip"}, [0, 1]),
    "intent, of a message and in the chain": ({"intent": "refund"}, [0, 2]),
    "two": ({"user_id": "eva", "module": "a"}, [2]),
    "many": ({"user_id": "adam", "source": "web", "model": "gpt-4", "tag": "new"}, [0]),
    "contradictory": ({"user_id": "adam", "key": "s1"}, []),
    "empty": ({"status": ""}, [0, 1, 2, 3]),
}


@fixture
async def sample(ada: Person, connection: Any) -> list[str]:
    made = []
    for fields, at in zip(SAMPLE, DAYS_AGO, strict=True):
        made.append(await ada.converse(id=str(uuid7_at(at)), **fields))
    await ada.say(made[0], model="gpt-4", tokens=150, intent="refund")
    await connection.execute(
        "update public.ai_conversations set intent_chain = '{refund}' where id = $1", made[2]
    )
    await ada.post(f"/conversations/{made[1]}/feedback", {"score": 4.5})
    await ada.post(f"/conversations/{made[1]}/complete")
    await connection.execute(
        "update public.ai_conversations set sentiment = 'positive' where id = $1", made[2]
    )
    return made


async def test_every_filter(cast: Cast, sample: list[str]) -> None:
    wrong = {}
    for name, (params, expected) in FILTERS.items():
        found = await cast.vera.ids("/conversations", **params)
        if found != [sample[n] for n in expected]:
            wrong[name] = [sample.index(id_) for id_ in found]
        assert await cast.cleo.ids("/conversations", **params) == []
    assert wrong == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 200])
async def test_pages_of_any_size_show_each_once(ada: Person, sample: list[str], limit: int) -> None:
    sizes = [
        [item["id"] for item in page] async for page in ada.pages("/conversations", limit=limit)
    ]
    assert [id_ for page in sizes for id_ in page] == sample
    assert all(len(page) == limit for page in sizes[:-1])


async def test_pages_keep_their_filter(ada: Person, sample: list[str]) -> None:
    pages = ada.pages("/conversations", limit=1, user_id="eva")
    assert [[item["id"] for item in page] async for page in pages] == [[sample[1]], [sample[2]]]


async def test_rows_of_one_millisecond_are_told_apart(ada: Person) -> None:
    made = {await ada.converse(id=str(uuid7_at(DAYS_AGO[0]))) for _ in range(7)}
    seen = [item["id"] async for page in ada.pages("/conversations", limit=2) for item in page]
    assert (len(seen), set(seen)) == (7, made)


async def _each(pages: AsyncIterator[list[Any]]) -> AsyncIterator[str]:
    async for page in pages:
        for item in page:
            yield item["id"]


@pytest.mark.parametrize("path", ["/conversations", "/calls"])
async def test_pages_show_each_once_while_rows_arrive(ada: Person, path: str) -> None:
    call = {"provider": "openai", "model": "gpt-4", "api": "x", "tokens": 1}
    body = {"user_id": "u"} if path == "/conversations" else call

    async def make() -> str:
        return str((await ada.post(path, body))["id"])

    old = await asyncio.gather(*(make() for _ in range(30)))
    seen: list[str] = []
    async for id_ in _each(ada.pages(path, limit=4)):
        seen.append(id_)
        if len(seen) % 4 == 0:
            await asyncio.gather(*(make() for _ in range(3)))
    assert len(seen) == len(set(seen))
    assert set(old) <= set(seen)


async def test_a_list_of_calls_takes_no_cursor_of_another_size(ada: Person) -> None:
    reply = await ada.ask("GET", "/calls", cursor="AAAA")
    assert (reply.status, reply.fields) == (422, ["cursor"])


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 10])
async def test_a_bad_cursor_of_messages_is_named(
    ada: Person, conversation: str, cursor: str
) -> None:
    reply = await ada.ask("GET", f"/conversations/{conversation}/messages", cursor=cursor)
    assert (reply.status, reply.fields) == (422, ["cursor"])


async def test_included_parts(ada: Person, sample: list[str]) -> None:
    plain = await ada.read(sample[0])
    assert {"messages", "calls"} & set(plain) == set()
    found = await ada.read(sample[0], include="messages, calls")
    assert (len(found["messages"]), len(found["calls"])) == (1, 1)
