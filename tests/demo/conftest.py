"""A double of the event store that checks the order and the ids of what it is given."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from aihub.kit.ids import is_uuid7, uuid7_time

TIMES = {
    "conversation": "started_at",
    "message": "created_at",
    "call": "occurred_at",
    "feedback": "at",
    "transition": "at",
}
LEGAL = {
    ("active", "pause"): "paused",
    ("active", "complete"): "completed",
    ("paused", "complete"): "completed",
    ("completed", "archive"): "archived",
}


@dataclass(frozen=True, slots=True)
class Result:
    status: int
    error: dict[str, Any] | None = None


class CheckingStore:
    """Plays the events by the contract's life cycle; anything out of order fails at once."""

    def __init__(self) -> None:
        self.status: dict[str, str] = {}
        self.last: dict[str, datetime] = {}
        self.organizations: dict[str, str] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.first_types: set[str] = set()
        self.fail_with: list[Exception | int] = []

    async def __call__(self, organization: str, events: Any, /) -> list[Result]:
        assert 1 <= len(events) <= 1_000
        self.first_types.add(events[0]["type"])
        if self.fail_with:
            fault = self.fail_with.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return [Result(fault, {"title": "away"}) for _ in events]
        return [
            self._store(organization, json.loads(json.dumps(event, allow_nan=False)))
            for event in events
        ]

    def list_bodies(self, kind: str) -> list[dict[str, Any]]:
        return [event["body"] for event in self.events.values() if event["type"] == kind]

    def _store(self, organization: str, event: dict[str, Any]) -> Result:
        kind, body = event["type"], event["body"]
        known = self.events.get(event["id"])
        if known is not None:
            assert known == event
            return Result(200)
        self.events[event["id"]] = event
        at = datetime.fromisoformat(body[TIMES[kind]])
        assert is_uuid7(UUID(event["id"]))
        assert uuid7_time(UUID(event["id"])) == at
        if kind == "conversation":
            self.status[event["id"]] = "active"
            self.organizations[event["id"]] = organization
            self.last[event["id"]] = at
            return Result(201)
        owner = body["conversation_id"]
        assert self.organizations[owner] == organization
        assert self.last[owner] <= at
        self.last[owner] = at
        if kind == "transition":
            self.status[owner] = LEGAL[self.status[owner], body["action"]]
        else:
            assert self.status[owner] == "active"
        return Result(201)


@pytest.fixture
def store() -> CheckingStore:
    return CheckingStore()
