"""Model calls that come with no message."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aihub.kit.ids import uuid7, uuid7_at

from .conftest import Cast, Person

EMBEDDING = {
    "provider": "openai",
    "model": "text-embedding-3-small",
    "api": "embeddings",
    "tokens": 1_000,
}
RESPONSES: dict[str, tuple[dict[str, Any], int]] = {
    "chat.completions": (
        {
            "provider": "openai",
            "model": "gpt-4o",
            "api": "chat.completions",
            "response": {
                "model": "gpt-4o-2024-08-06",
                "choices": [{"message": {"content": "secret words"}}],
                "usage": {"prompt_tokens": 1_000, "completion_tokens": 500, "total_tokens": 1_500},
            },
        },
        1_500,
    ),
    "messages": (
        {
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "api": "messages",
            "response": {
                "model": "claude-sonnet-4-5-20250929",
                "content": [{"type": "text", "text": "secret words"}],
                "usage": {"input_tokens": 10, "output_tokens": 50},
            },
        },
        60,
    ),
    "chat.completions.stream": (
        {
            "provider": "openai",
            "model": "gpt-4o",
            "api": "chat.completions.stream",
            "response": {
                "stream_events": [
                    {"model": "gpt-4o", "choices": [{"delta": {"content": "secret words"}}]},
                    {
                        "model": "gpt-4o",
                        "choices": [],
                        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
                    },
                ]
            },
        },
        15,
    ),
}


async def test_a_call_that_stands_alone(ada: Person) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    sent = EMBEDDING | {
        "user_id": "user_456",
        "module": "search",
        "latency_ms": 12,
        "context": {"region": "eu", "n": 1},
        "occurred_at": at.isoformat(),
        "id": str(uuid7()),
    }
    reply = await ada.ask("POST", "/calls", sent)
    assert reply.status == 201
    assert '"cost":0.00002,' in reply.text
    made = reply.json
    for name in ("provider", "model", "api", "user_id", "module", "latency_ms", "context", "id"):
        assert made[name] == sent[name]
    assert datetime.fromisoformat(made["occurred_at"]) == at
    assert (made["conversation_id"], made["message_id"]) == (None, None)
    [line] = made["cost_lines"]
    assert line["quantity"] * line["unit_price"] == line["amount"] == made["cost"]
    assert made["price_book_version"]
    assert await ada.get(f"/calls/{made['id']}") == made
    again = await ada.ask("POST", "/calls", sent | {"tokens": 9})
    assert (again.status, again.json) == (200, made)


@pytest.mark.parametrize(("sent", "tokens"), RESPONSES.values(), ids=RESPONSES)
async def test_the_providers_own_answer_is_understood(
    ada: Person, connection: Any, sent: dict[str, Any], tokens: int
) -> None:
    made = await ada.post("/calls", sent)
    assert (made["total_tokens"], made["cost_status"]) == (tokens, "priced")
    assert sum(line["amount"] for line in made["cost_lines"]) == made["cost"] > 0
    for line in made["cost_lines"]:
        assert line["quantity"] * line["unit_price"] == line["amount"]
    kept = await connection.fetchval(
        "select k::text from public.ai_calls k where id = $1", made["id"]
    )
    assert "secret words" not in kept


async def test_a_call_of_a_conversation_moves_its_totals(ada: Person) -> None:
    conversation = await ada.converse(module="m", source="web")
    await ada.say(conversation, model="gpt-4", tokens=150)
    made = await ada.post("/calls", EMBEDDING | {"conversation_id": conversation})
    assert (made["user_id"], made["module"], made["source"]) == ("user_456", "m", "web")
    await ada.post("/calls", {**EMBEDDING, "model": "ours", "conversation_id": conversation})
    found = await ada.read(conversation, include="calls")
    assert (found["total_tokens"], found["total_cost"]) == (2_150, Decimal("0.00452"))
    assert (found["message_count"], found["unpriced_calls"]) == (1, 1)
    assert len(found["calls"]) == 3
    assert await ada.ids("/calls", conversation_id=conversation, model=EMBEDDING["model"]) == [
        made["id"]
    ]


@pytest.mark.parametrize(
    "id_", [str(uuid7()), "0191f3c0-7b1a-4d2e-9f00-000000000001"], ids=["unknown", "v4"]
)
async def test_a_call_of_no_conversation_is_not_stored(ada: Person, id_: str) -> None:
    reply = await ada.ask("POST", "/calls", EMBEDDING | {"conversation_id": id_})
    assert (reply.status, reply.json["code"]) == (404, "conversation_not_found")
    assert await ada.ids("/calls") == []


async def test_a_retried_call_counts_once(ada: Person, conversation: str) -> None:
    then = datetime.now(UTC) - timedelta(days=40)
    sent = EMBEDDING | {
        "conversation_id": conversation,
        "id": str(uuid7()),
        "occurred_at": then.isoformat(),
    }
    statuses = [(await ada.ask("POST", "/calls", sent)).status for _ in range(3)]
    # a retry that has lost its time is known by the id all the same
    later = sent | {"occurred_at": datetime.now(UTC).isoformat()}
    statuses.append((await ada.ask("POST", "/calls", later)).status)
    assert statuses == [201, 200, 200, 200]
    assert (await ada.read(conversation))["total_tokens"] == 1_000


async def test_usage_tokens_and_response_exclude_one_another(ada: Person) -> None:
    reply = await ada.ask("POST", "/calls", EMBEDDING | {"usage": {"input_tokens": 1}})
    assert (reply.status, reply.fields) == (422, ["tokens"])


async def test_a_calls_id_is_known_to_its_organization_alone(cast: Cast) -> None:
    made = await cast.ada.post("/calls", EMBEDDING)
    reply = await cast.cleo.ask("GET", f"/calls/{made['id']}")
    assert (reply.status, reply.json["code"]) == (404, "call_not_found")


async def test_filters_of_calls(ada: Person) -> None:
    days_ago = [datetime.now(UTC) - timedelta(days=n) for n in range(3)]
    conversation = await ada.converse(
        source="web", user_id="eva", started_at=days_ago[2].isoformat()
    )
    sent: list[dict[str, Any]] = [
        EMBEDDING | {"user_id": "adam", "module": "a"},
        {
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "api": "messages",
            "tokens": 9,
            "error": "timeout",
        },
        {"provider": "openai", "model": "ours", "api": "x", "conversation_id": conversation},
    ]
    made = []
    for body, at in zip(sent, days_ago, strict=True):
        id_ = str(uuid7_at(at))
        made.append((await ada.post("/calls", body | {"id": id_}))["id"])
    cases: list[tuple[dict[str, str], list[int]]] = [
        ({}, [0, 1, 2]),
        ({"user_id": "adam"}, [0]),
        ({"user_id": "eva"}, [2]),
        ({"module": "a"}, [0]),
        ({"source": "web"}, [2]),
        ({"provider": "openai"}, [0, 2]),
        ({"model": "ours"}, [2]),
        ({"cost_status": "unpriced"}, [2]),
        ({"cost_status": "estimated"}, [0, 1]),
        ({"conversation_id": conversation}, [2]),
        ({"api": "messages"}, [1]),
        ({"is_failed": "true"}, [1]),
        ({"is_failed": "false"}, [0, 2]),
        ({"min_cost": "0.000021"}, [1]),
        ({"max_cost": "0.00002"}, [0]),
        ({"from_": days_ago[1].date().isoformat()}, [0, 1]),
        ({"to": days_ago[0].date().isoformat()}, [1, 2]),
        ({"provider": "openai", "cost_status": "estimated"}, [0]),
        ({"limit": "1"}, [0]),
    ]
    for params, expected in cases:
        assert await ada.ids("/calls", **params) == [made[n] for n in expected], params
    paged = [item["id"] async for page in ada.pages("/calls", limit=2) for item in page]
    assert paged == made


@pytest.mark.parametrize(
    ("at", "cost"),
    # 10,000 x $0.75 + 2,000 x $3.75 until the end of 2026, twice as much from then on
    [("2026-11-10T10:00:00Z", "0.015"), ("2027-01-01T00:00:00Z", "0.03")],
    ids=["now", "as announced"],
)
async def test_a_planned_call_costs_what_was_announced_for_its_day(
    ada: Person, at: str, cost: str
) -> None:
    usage = {"promptTokenCount": 10_000, "candidatesTokenCount": 2_000, "totalTokenCount": 12_000}
    body = {"modelVersion": "gemini-3.8-flash", "usageMetadata": usage}
    told = {"provider": "google", "model": "gemini-3.8-flash", "api": "generateContent"}
    made = await ada.post("/calls", told | {"occurred_at": at, "response": body})
    assert (made["cost"], made["cost_status"]) == (Decimal(cost), "priced")
    assert (await ada.get(f"/calls/{made['id']}"))["occurred_at"] == at
    assert made["id"] in await ada.ids("/calls")


async def test_a_call_is_not_planned_for_ever(ada: Person) -> None:
    told = {"provider": "openai", "model": "gpt-4o", "api": "x", "tokens": 1}
    reply = await ada.ask("POST", "/calls", told | {"occurred_at": "2099-01-01T00:00:00Z"})
    assert (reply.status, reply.fields) == (422, ["occurred_at"])
