"""A double of the event store: the contract's rules in memory, with faults on order."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aihub.kit.ids import is_uuid7, uuid7_time


class StoreAway(Exception):
    """The store stopped in the middle."""


@dataclass(frozen=True, slots=True)
class Result:
    status: int
    data: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class MemoryStore:
    """Keeps what it is told. `stop_after` events it raises, as a hub that was killed would."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.conversations: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[int] = []
        self.transitions: list[dict[str, Any]] = []
        self.stop_after = stop_after
        self.refuse_roles: set[str] = set()
        self.close_after_calls: dict[int, str] = {}

    async def __call__(self, organization: str, events: Any, /) -> list[Result]:
        assert 1 <= len(events) <= 1_000
        self.calls.append(len(events))
        results = []
        # each event must survive the wire
        for event in map(json.loads, map(json.dumps, events)):
            if self.stop_after is not None:
                if self.stop_after == 0:
                    raise StoreAway
                self.stop_after -= 1
            UUID(event["id"])
            results.append(getattr(self, f"_store_{event['type']}")(organization, **event))
        closing = self.close_after_calls.get(len(self.calls))
        if closing:
            getattr(self, closing)()
        return results

    def messages_of(self, conversation: dict[str, Any]) -> list[dict[str, Any]]:
        return [m for m in self.messages.values() if m["conversation_id"] == conversation["id"]]

    def complete_idle(self) -> None:
        """What the hub does by itself with conversations that nobody continues."""
        for conversation in self.conversations.values():
            conversation["status"] = "completed"

    def archive_idle(self) -> None:
        for conversation in self.conversations.values():
            conversation["status"] = "archived"

    def snapshot(self) -> str:
        return json.dumps([self.conversations, self.messages], sort_keys=True)

    def _store_conversation(self, organization: str, *, id: str, body: Any, type: str) -> Result:  # noqa: A002
        assert is_uuid7(UUID(id))
        assert uuid7_time(UUID(id)) == datetime.fromisoformat(body["started_at"])
        for known in self.conversations.values():
            if (known["organization_id"], known["key"]) == (organization, body["key"]):
                return Result(200, dict(known))
        stored = {
            "organization_id": organization,
            "status": "active",
            "message_count": 0,
            "ended_at": None,
            **body,
            "id": id,
        }
        self.conversations[id] = stored
        return Result(201, dict(stored))

    def _store_message(self, organization: str, *, id: str, body: Any, type: str) -> Result:  # noqa: A002
        assert uuid7_time(UUID(id)) == datetime.fromisoformat(body["created_at"])
        conversation = self.conversations[body["conversation_id"]]
        assert conversation["organization_id"] == organization
        if id in self.messages:
            return Result(200, self.messages[id])
        if body["role"] in self.refuse_roles:
            errors = [{"field": "content", "message": "is too long"}]
            return Result(422, error={"title": "Invalid", "errors": errors})
        if conversation["status"] in ("completed", "archived"):
            return Result(409, error={"title": "Conflict", "detail": "the conversation is closed"})
        conversation["message_count"] += 1
        usage = body.get("usage") or {}
        is_priced = body.get("model", "").startswith("gpt")
        cost = usage["total_tokens"] * 0.000001 if usage and is_priced else None
        status = None if not usage else "estimated" if is_priced else "unpriced"
        self.messages[id] = {
            **body,
            "id": id,
            "seq": conversation["message_count"],
            "tokens": usage.get("total_tokens"),
            "cost": cost,
            "cost_status": status,
        }
        return Result(201, self.messages[id])

    def _store_transition(self, organization: str, *, id: str, body: Any, type: str) -> Result:  # noqa: A002
        conversation = self.conversations[body["conversation_id"]]
        legal = {
            ("active", "complete"): "completed",
            ("completed", "reopen"): "active",
            ("archived", "reopen"): "completed",
        }
        move = (conversation["status"], body["action"])
        if move not in legal:
            return Result(409, error={"title": "Illegal transition", "detail": str(move)})
        conversation["status"] = legal[move]
        conversation["ended_at"] = body.get("at")
        self.transitions.append(body)
        return Result(201, dict(conversation))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def new_store() -> type[MemoryStore]:
    return MemoryStore


@pytest.fixture
def store_away() -> type[Exception]:
    return StoreAway


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines (text, or objects as JSON) to a file and returns its path."""

    def write(*lines: Any, name: str = "chat.jsonl") -> Path:
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path = tmp_path / name
        path.write_text("\n".join(texts) + "\n")
        return path

    return write
