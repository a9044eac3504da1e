"""Stores events of the demo through the hub's own functions, with round prices."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.kit.ids import uuid7_at, uuid7_time

Event = dict[str, Any]
_MOVES = {
    "pause": (["active"], ["paused"]),
    "complete": (["active", "paused"], ["completed", "completed"]),
    "archive": (["completed"], ["archived"]),
}
_PRICES = {"gpt-4o": "0.0000051", "gpt-4o-mini": "0.00000022", "claude-sonnet-4-5": "0.0000061"}


@dataclass(frozen=True)
class Stored:
    status: int = 201
    error: None = None


@dataclass(frozen=True)
class Cost:
    status: str | None = None
    tokens: int = 0
    cost: Decimal | None = None
    note: str | None = None


class SampleStore:
    """Implements the demo's StoreEvents for organizations that exist."""

    def __init__(self, connection: Any, ids: dict[str, UUID]) -> None:
        self._connection = connection
        self._ids = ids

    async def __call__(self, organization: str, events: Sequence[Event], /) -> list[Stored]:
        org = self._ids[organization]
        by_type: dict[str, list[Event]] = {}
        for event in events:
            by_type.setdefault(event["type"], []).append(event)
        async with self._connection.transaction():
            await self._store_conversations(org, by_type.get("conversation", []))
            await self._store_messages(org, by_type.get("message", []))
            await self._store_calls(org, by_type.get("call", []))
            await self._store_feedback(org, by_type.get("feedback", []))
            for event in by_type.get("transition", []):
                await self._move(org, event)
        return [Stored() for _ in events]

    async def _call(self, function: str, *columns: list[Any]) -> None:
        words = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        rows = await self._connection.fetch(f"select * from hub.{function}({words})", *columns)
        refused = [row for row in rows if row["outcome"] not in ("created", "existing")]
        assert not refused, refused[:3]

    async def _store_conversations(self, org: UUID, events: list[Event]) -> None:
        ids = [UUID(e["id"]) for e in events]
        bodies = [e["body"] for e in events]
        await self._call(
            "create_conversations_v1",
            [org] * len(ids),
            ids,
            [uuid7_time(i) for i in ids],
            [b["user_id"] for b in bodies],
            [None] * len(ids),
            [b.get("key") for b in bodies],
            [b.get("source", "api") for b in bodies],
            [b.get("module") for b in bodies],
            [json.dumps(b.get("intent_chain", [])) for b in bodies],
            [json.dumps(b.get("metadata", {})) for b in bodies],
            [datetime.fromisoformat(b["started_at"]) for b in bodies],
        )

    async def _store_messages(self, org: UUID, events: list[Event]) -> None:
        bodies = [e["body"] for e in events]
        owners = [UUID(b["conversation_id"]) for b in bodies]
        costs = [_price(b) for b in bodies]
        n = len(events)
        await self._call(
            "add_messages_v1",
            [org] * n,
            owners,
            [uuid7_time(i) for i in owners],
            [UUID(e["id"]) for e in events],
            [b["role"] for b in bodies],
            [b["content"] for b in bodies],
            [None] * n,
            [json.dumps(b["tool_calls"]) if "tool_calls" in b else None for b in bodies],
            [b.get("model") for b in bodies],
            [b.get("provider") for b in bodies],
            ["chat.completions" if c.status else None for c in costs],
            *([c.tokens for c in costs], [0] * n, [0] * n, [0] * n, [c.tokens for c in costs]),
            *([None] * n, [None] * n, [None] * n),
            *([c.cost for c in costs], [c.cost for c in costs]),
            *([c.status for c in costs], [c.note for c in costs]),
            ["[]"] * n,
            ["test"] * n,
            [b.get("latency_ms") for b in bodies],
            [b.get("error") for b in bodies],
            [b.get("intent") for b in bodies],
            [json.dumps(b.get("metadata", {})) for b in bodies],
            [datetime.fromisoformat(b["created_at"]) for b in bodies],
            [False] * n,
            ["key:ahk_demo"] * n,
        )

    async def _store_calls(self, org: UUID, events: list[Event]) -> None:
        bodies = [e["body"] for e in events]
        owners = [UUID(b["conversation_id"]) for b in bodies]
        n = len(events)
        if not n:
            return
        costs = [_price(b) for b in bodies]
        await self._call(
            "record_calls_v1",
            [org] * n,
            [UUID(e["id"]) for e in events],
            [datetime.fromisoformat(b["occurred_at"]) for b in bodies],
            owners,
            [uuid7_time(i) for i in owners],
            [b["user_id"] for b in bodies],
            [None] * n,
            *([b.get(name) for b in bodies] for name in ("module", "provider", "model", "api")),
            *([c.tokens for c in costs], [0] * n, [0] * n, [0] * n, [c.tokens for c in costs]),
            *([None] * n, [None] * n, [None] * n, ["{}"] * n),
            *([c.cost for c in costs], [c.cost for c in costs]),
            *([c.status for c in costs], [c.note for c in costs]),
            ["[]"] * n,
            ["test"] * n,
            [b.get("latency_ms") for b in bodies],
            [b.get("error") for b in bodies],
            [False] * n,
        )

    async def _store_feedback(self, org: UUID, events: list[Event]) -> None:
        bodies = [e["body"] for e in events]
        owners = [UUID(b["conversation_id"]) for b in bodies]
        await self._call(
            "add_feedback_v1",
            [org] * len(events),
            owners,
            [uuid7_time(i) for i in owners],
            [UUID(e["id"]) for e in events],
            [Decimal(str(b["score"])) for b in bodies],
            [b.get("comment") for b in bodies],
            [None] * len(events),
            [datetime.fromisoformat(b["at"]) for b in bodies],
        )

    async def _move(self, org: UUID, event: Event) -> None:
        body = event["body"]
        owner = UUID(body["conversation_id"])
        source, target = _MOVES[body["action"]]
        await self._connection.execute(
            "select * from hub.move_conversation_v1($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *(org, owner, uuid7_time(owner), source, target),
            *(body.get("actor", "system"), body.get("reason", "idle")),
            *(datetime.fromisoformat(body["at"]), UUID(event["id"])),
        )


def _price(body: Event) -> Cost:
    model = body.get("model")
    if model is None:
        return Cost()
    usage = body.get("usage", {})
    tokens = body.get("tokens") or sum(
        usage.get(name, 0)
        for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")
    )
    if model.startswith("nimbus"):
        return Cost("unpriced", tokens, None, f"No price is known for {model} of kumo-inference.")
    cost = tokens * Decimal(_PRICES.get(model, "0.0000013"))
    if "tokens" in body:
        note = "Only a total was given: all tokens are counted as input, so this is a lower bound."
        return Cost("estimated", tokens, cost, note)
    return Cost("priced", tokens, cost)


def conversation(at: datetime, **body: Any) -> Event:
    """A conversation at `at` (whole milliseconds)."""
    started = {"user_id": "user_1", "started_at": at.isoformat()}
    return {"type": "conversation", "id": str(uuid7_at(at)), "body": started | body}


def message(
    owner: Event, content: str, *, role: str = "user", after_s: float = 1, **body: Any
) -> Event:
    """A message in it, `after_s` seconds after its start."""
    at = datetime.fromisoformat(owner["body"]["started_at"]) + timedelta(seconds=after_s)
    given = {"conversation_id": owner["id"], "role": role, "content": content}
    return {
        "type": "message",
        "id": str(uuid7_at(at)),
        "body": given | body | {"created_at": at.isoformat()},
    }


def feedback(owner: Event, score: float) -> Event:
    """A score for it."""
    at = datetime.fromisoformat(owner["body"]["started_at"]) + timedelta(seconds=90)
    body = {"conversation_id": owner["id"], "score": score, "at": at.isoformat()}
    return {"type": "feedback", "id": str(uuid7_at(at)), "body": body}
