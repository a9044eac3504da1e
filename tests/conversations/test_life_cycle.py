"""Status, moves, their record, and what happens to idle conversations."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aihub.conversations.api import apply_idle_rules
from aihub.conversations.rules import ACTIONS, legal_actions

from .conftest import Cast, Person

WAY = {
    "active": (),
    "paused": ("pause",),
    "completed": ("complete",),
    "archived": ("complete", "archive"),
}
RESULTS = {
    ("active", "pause"): "paused",
    ("active", "complete"): "completed",
    ("paused", "resume"): "active",
    ("paused", "complete"): "completed",
    ("completed", "archive"): "archived",
    ("completed", "reopen"): "active",
    ("archived", "reopen"): "completed",
}
EVERY_MOVE = [(status, action) for status in WAY for action in ACTIONS]


async def _bring(person: Person, status: str) -> str:
    conversation = await person.converse()
    for action in WAY[status]:
        await person.post(f"/conversations/{conversation}/{action}")
    return conversation


async def _moves(person: Person, conversation: str) -> list[tuple[str, str]]:
    found = await person.get(f"/conversations/{conversation}/transitions")
    return [(move["from_status"], move["to_status"]) for move in found["items"]]


@pytest.mark.parametrize(
    ("status", "action"), EVERY_MOVE, ids=[f"{status}-{action}" for status, action in EVERY_MOVE]
)
async def test_every_move(ada: Person, status: str, action: str) -> None:
    conversation = await _bring(ada, status)
    reply = await ada.ask("POST", f"/conversations/{conversation}/{action}")
    becomes = RESULTS.get((status, action))
    if becomes is None:
        assert (reply.status, reply.json["code"]) == (409, "illegal_transition")
        assert reply.json["legal"] == [a for s, a in RESULTS if s == status]
        assert reply.json["current"] == status
    else:
        assert (reply.status, reply.json["status"]) == (200, becomes)
    assert (await ada.read(conversation))["status"] == (becomes or status)


@pytest.mark.parametrize("status", WAY)
def test_legal_actions_are_those_of_the_contract(status: str) -> None:
    assert legal_actions(status) == [a for s, a in RESULTS if s == status]


async def test_moves_are_recorded_with_who_when_and_why(ada: Person, conversation: str) -> None:
    at = (datetime.now(UTC) - timedelta(minutes=5)).replace(microsecond=0)
    body = {"reason": "solved", "at": at.isoformat()}
    done = await ada.post(f"/conversations/{conversation}/complete", body)
    [move] = (await ada.get(f"/conversations/{conversation}/transitions"))["items"]
    assert (move["from_status"], move["to_status"]) == ("active", "completed")
    assert move["actor"].startswith("key:")
    assert move["reason"] == "solved"
    assert datetime.fromisoformat(move["at"]) == at == datetime.fromisoformat(done["ended_at"])


async def test_completing_sets_the_end_and_reopening_clears_it(
    ada: Person, conversation: str
) -> None:
    done = await ada.post(f"/conversations/{conversation}/complete")
    assert done["ended_at"] is not None
    archived = await ada.post(f"/conversations/{conversation}/archive")
    half = await ada.post(f"/conversations/{conversation}/reopen")
    assert done["ended_at"] == archived["ended_at"] == half["ended_at"]
    again = await ada.post(f"/conversations/{conversation}/reopen")
    assert (again["status"], again["ended_at"]) == ("active", None)


async def test_a_message_resumes_a_paused_conversation(ada: Person) -> None:
    conversation = await _bring(ada, "paused")
    await ada.say(conversation)
    assert (await ada.read(conversation))["status"] == "active"
    assert await _moves(ada, conversation) == [("active", "paused"), ("paused", "active")]


@pytest.mark.parametrize("status", ["completed", "archived"])
async def test_a_closed_conversation_takes_no_message(ada: Person, status: str) -> None:
    conversation = await _bring(ada, status)
    reply = await ada.ask("POST", f"/conversations/{conversation}/messages", {"content": "x"})
    assert (reply.status, reply.json["code"]) == (409, "conversation_closed")
    assert reply.json["current"] == status
    found = await ada.read(conversation)
    assert (found["status"], found["message_count"]) == (status, 0)


@pytest.mark.parametrize(
    ("status", "moves"),
    [
        ("active", []),
        ("completed", [("completed", "active")]),
        ("archived", [("archived", "completed"), ("completed", "active")]),
    ],
)
async def test_a_message_may_reopen(ada: Person, status: str, moves: list[tuple[str, str]]) -> None:
    conversation = await _bring(ada, status)
    before = await _moves(ada, conversation)
    path = f"/conversations/{conversation}/messages"
    assert (await ada.ask("POST", path, {"content": "more"}, reopen="true")).status == 201
    found = await ada.read(conversation)
    assert (found["status"], found["ended_at"]) == ("active", None)
    assert await _moves(ada, conversation) == before + moves


async def test_a_retried_message_does_not_reopen(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation)
    await ada.post(f"/conversations/{conversation}/complete")
    path = f"/conversations/{conversation}/messages"
    retry = await ada.ask("POST", path, {"content": "hello", "id": message["id"]}, reopen="true")
    assert (retry.status, retry.json) == (200, message)
    assert (await ada.read(conversation))["status"] == "completed"


# ---------- idle rules ----------


async def _idle(person: Person, status: str, **idle: Any) -> str:
    """A conversation of that status in which nothing has happened for so long."""
    then = datetime.now(UTC) - timedelta(**idle)
    at = {"at": then.isoformat()}
    conversation = await person.converse(started_at=then.isoformat())
    for action in WAY[status]:
        await person.post(f"/conversations/{conversation}/{action}", at)
    return conversation


async def _set_rules(connection: Any, person: Person, *seconds: int) -> None:
    await connection.execute(
        "update public.ai_organizations set idle_pause_seconds = $2, idle_complete_seconds = $3, "
        "idle_archive_seconds = $4 where id = $1",
        person.organization,
        *seconds,
    )


DAY = 86_400
BY_DEFAULT = (1_800, DAY, 30 * DAY)


@pytest.mark.parametrize(
    ("rules", "status", "idle", "becomes"),
    [
        (BY_DEFAULT, "active", {"minutes": 29}, "active"),
        (BY_DEFAULT, "active", {"minutes": 31}, "paused"),
        (BY_DEFAULT, "paused", {"hours": 23}, "paused"),
        (BY_DEFAULT, "paused", {"hours": 25}, "completed"),
        (BY_DEFAULT, "completed", {"days": 29}, "completed"),
        (BY_DEFAULT, "completed", {"days": 31}, "archived"),
        ((60, DAY, 30 * DAY), "active", {"minutes": 2}, "paused"),
        ((0, DAY, 0), "active", {"hours": 23}, "active"),
        ((0, DAY, 0), "active", {"hours": 25}, "completed"),
        ((0, 0, 0), "active", {"days": 60}, "active"),
        ((60, 0, 0), "paused", {"days": 60}, "paused"),
        ((60, 60, 0), "completed", {"days": 60}, "completed"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple | dict) else value,
)
async def test_idle_rules(
    ada: Person, connection: Any, rules: tuple[int, ...], status: str, idle: Any, becomes: str
) -> None:
    await _set_rules(connection, ada, *rules)
    conversation = await _idle(ada, status, **idle)
    moves = await _moves(ada, conversation)
    await apply_idle_rules(connection)
    found = await ada.read(conversation)
    assert found["status"] == becomes
    assert (found["ended_at"] is not None) == (becomes in ("completed", "archived"))
    expected = [] if becomes == status else [(status, becomes)]
    assert await _moves(ada, conversation) == moves + expected


async def test_idle_moves_are_the_systems(ada: Person, connection: Any) -> None:
    conversation = await _idle(ada, "active", hours=1)
    await apply_idle_rules(connection)
    [move] = (await ada.get(f"/conversations/{conversation}/transitions"))["items"]
    assert (move["actor"], move["reason"]) == ("system", "idle")


async def test_idle_rules_are_each_organizations_own(cast: Cast, connection: Any) -> None:
    await _set_rules(connection, cast.ada, 0, 0, 0)
    ours, theirs = [await _idle(p, "active", hours=1) for p in (cast.ada, cast.cleo)]
    await apply_idle_rules(connection)
    assert (await cast.ada.read(ours))["status"] == "active"
    assert (await cast.cleo.read(theirs))["status"] == "paused"
