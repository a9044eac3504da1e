"""Building events: what goes over the wire."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.client import Conversation, Feedback, Invalid, Message
from aihub.client.events import (
    Event,
    as_id,
    call_recorded,
    conversation_created,
    encode_batch,
    feedback_given,
    is_settled_move,
    message_added,
    move_asked,
    pending_object,
    update_asked,
)
from aihub.client.transport import organization_header, query
from aihub.kit.ids import is_uuid7

CONVERSATION_ID = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"
OTHER_ID = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c"


def sent(event: Event, aliases: dict[str, str] | None = None) -> dict[str, Any]:
    """The one event of a batch, as the hub reads it."""
    [found] = msgspec.json.decode(encode_batch([event], aliases or {}))["events"]
    assert found["id"] == event.id
    return found


def test_conversation_gets_its_id_and_time() -> None:
    found = sent(conversation_created("org_123", "user_456", {"module": "support", "key": None}))
    body = found["body"]
    assert found["type"] == "conversation"
    assert set(body) == {"id", "user_id", "module", "started_at"}
    assert is_uuid7(UUID(body["id"]))
    assert datetime.now(UTC) - datetime.fromisoformat(body["started_at"]) < timedelta(minutes=1)


def test_given_id_and_time_are_kept() -> None:
    at = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    body = sent(
        conversation_created(
            "o", "u", {"id": UUID(CONVERSATION_ID), "started_at": at, "wait": False}
        )
    )["body"]
    assert body == {"id": CONVERSATION_ID, "user_id": "u", "started_at": "2026-11-01T09:30:00Z"}


def test_message_carries_its_conversation() -> None:
    fields: Any = {"model": "gpt-4", "tokens": 150, "timeout": 3.0, "organization_id": "org_123"}
    found = sent(message_added("org_123", CONVERSATION_ID, "test message", fields))
    body = found["body"]
    assert found["type"] == "message"
    assert body.pop("conversation_id") == CONVERSATION_ID
    assert is_uuid7(UUID(body.pop("id")))
    assert body.pop("created_at").endswith("Z")
    assert body == {"content": "test message", "model": "gpt-4", "tokens": 150}


def test_alias_replaces_the_id_made_here() -> None:
    aliases = {CONVERSATION_ID: OTHER_ID}
    message = message_added("", CONVERSATION_ID, "x", {})
    assert sent(message, aliases)["body"]["conversation_id"] == OTHER_ID
    created = conversation_created("", "u", {"id": CONVERSATION_ID})
    assert sent(created, aliases)["body"]["id"] == CONVERSATION_ID


def test_call_may_stand_alone() -> None:
    alone = sent(call_recorded("", {"tokens": 5}, provider="openai", model="m", api="embeddings"))
    assert "conversation_id" not in alone["body"]
    fields: Any = {"tokens": 5, "conversation_id": UUID(CONVERSATION_ID)}
    within = sent(call_recorded("", fields, provider="openai", model="m", api="embeddings"))
    assert within["body"]["conversation_id"] == CONVERSATION_ID


def test_update_keeps_none_and_may_be_empty() -> None:
    assert sent(update_asked("", CONVERSATION_ID, {"summary": None, "wait": True}))["body"] == {
        "conversation_id": CONVERSATION_ID,
        "summary": None,
    }
    assert sent(update_asked("", CONVERSATION_ID, {}))["body"] == {
        "conversation_id": CONVERSATION_ID
    }


def test_feedback_has_an_id_of_its_own() -> None:
    body = sent(feedback_given("", CONVERSATION_ID, 4.5, {"comment": "good"}))["body"]
    assert is_uuid7(UUID(body.pop("id")))
    assert body == {"conversation_id": CONVERSATION_ID, "score": 4.5, "comment": "good"}


def test_usage_objects_of_provider_libraries_are_sent_as_they_came() -> None:
    class Usage(msgspec.Struct):
        """The one method that the providers' models share."""

        prompt_tokens: int

        def model_dump(self, **options: object) -> dict[str, int]:
            assert options == {"mode": "json", "by_alias": True, "exclude_unset": True}
            return {"prompt_tokens": self.prompt_tokens}

    class Holder:
        def __init__(self, usage: Usage) -> None:
            self.usage = usage

        def model_dump(self, **options: object) -> dict[str, Any]:
            return {"usage": self.usage.model_dump(**options)}

    body = sent(message_added("", CONVERSATION_ID, "x", {"usage": Holder(Usage(7))}))["body"]
    assert body["usage"] == {"usage": {"prompt_tokens": 7}}


def looped() -> list[Any]:
    """A list that holds itself."""
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    "value",
    [object(), {(1, 2): 3}, "\ud800", looped()],
    ids=["object", "key", "half-a-character", "loop"],
)
def test_what_is_no_json_is_refused_at_once(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        message_added("", CONVERSATION_ID, "x", {"metadata": {"value": value}})
    assert caught.value.code == "not_json"


def test_organization_that_is_no_text_is_refused_at_once() -> None:
    with pytest.raises(Invalid):
        message_added("\ud800", CONVERSATION_ID, "x", {})


@pytest.mark.parametrize("amount", ["0.0045", "12345678901234567890.123456789", "0.1000"])
def test_decimals_go_as_numbers_digit_by_digit(amount: str) -> None:
    event = message_added("", CONVERSATION_ID, "x", {"metadata": {"amount": Decimal(amount)}})
    assert f'"amount":{amount}'.encode() in encode_batch([event], {})


@given(st.text())
def test_any_text_survives(text: str) -> None:
    body = sent(message_added("", CONVERSATION_ID, text, {}))["body"]
    assert body["content"] == text


def test_batch_keeps_the_order() -> None:
    made = [message_added("", CONVERSATION_ID, str(n), {}) for n in range(5)]
    found = msgspec.json.decode(encode_batch(made, {}))["events"]
    assert [e["body"]["content"] for e in found] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("value", "id_"),
    [
        (CONVERSATION_ID, CONVERSATION_ID),
        (CONVERSATION_ID.upper(), CONVERSATION_ID),
        (UUID(CONVERSATION_ID), CONVERSATION_ID),
        ("no id", "no id"),
    ],
    ids=["canonical", "upper-case", "uuid", "left-for-the-hub"],
)
def test_ids_are_made_canonical(value: str | UUID, id_: str) -> None:
    assert as_id(value) == id_


def test_pending_objects_hold_what_is_known() -> None:
    created = conversation_created("org_123", "user_456", {"source": "web", "metadata": {"a": 1}})
    conversation = pending_object(created, Conversation)
    assert conversation.pending
    assert (conversation.organization_id, conversation.user_id) == ("org_123", "user_456")
    assert (conversation.status, conversation.source) == ("active", "web")
    assert conversation.metadata == {"a": 1}
    assert conversation.id == created.conversation_id

    added = message_added("org_123", CONVERSATION_ID, "hi", {"usage": {"total_tokens": 3}})
    message = pending_object(added, Message)
    assert (message.conversation_id, message.content, message.role) == (
        CONVERSATION_ID,
        "hi",
        "user",
    )
    assert (message.seq, message.cost, message.usage) == (None, None, None)

    moved = pending_object(move_asked("", CONVERSATION_ID, "complete", {}), Conversation)
    assert (moved.id, moved.status) == (CONVERSATION_ID, "completed")
    changed = pending_object(update_asked("", CONVERSATION_ID, {"module": "m"}), Conversation)
    assert (changed.id, changed.status, changed.module) == (CONVERSATION_ID, "", "m")
    scored = pending_object(feedback_given("", CONVERSATION_ID, 4, {}), Feedback)
    assert (scored.conversation_id, scored.score) == (CONVERSATION_ID, 4)


def test_wrong_type_is_refused_at_once() -> None:
    fields: Any = {"tokens": "many"}
    with pytest.raises(Invalid, match="tokens") as caught:
        pending_object(message_added("", CONVERSATION_ID, "hi", fields), Message)
    assert caught.value.code == "invalid_type"


@pytest.mark.parametrize(
    ("action", "status", "settled"),
    [
        ("complete", "completed", True),
        ("pause", "paused", True),
        ("resume", "active", True),
        ("archive", "archived", True),
        ("reopen", "active", True),
        ("pause", "completed", False),
        ("archive", "active", False),
        ("complete", None, False),
    ],
)
def test_refused_move_that_had_happened(action: Any, status: str | None, settled: bool) -> None:
    assert is_settled_move(move_asked("", CONVERSATION_ID, action, {}), status) is settled


def test_other_events_are_no_moves() -> None:
    assert not is_settled_move(message_added("", CONVERSATION_ID, "x", {}), "active")


@given(st.text(min_size=1, max_size=255))
def test_organization_survives_the_header(organization_id: str) -> None:
    [(name, value)] = organization_header(organization_id).items()
    assert name == "X-Organization-Id"
    assert value.isascii()
    assert value.isprintable()
    assert " " not in value
    assert unquote(value, errors="strict") == organization_id


def test_plain_organization_is_sent_as_it_is() -> None:
    plain = "org_123:a/b,c;d=e+f@g~h"
    assert organization_header(plain) == {"X-Organization-Id": plain}
    assert organization_header("50%") == {"X-Organization-Id": "50%25"}
    assert organization_header("") == {}


def test_filters_become_parameters() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    assert query({"from_": at, "min_cost": Decimal("1E-7"), "status": None, "limit": 5}) == {
        "from": "2026-11-01T00:00:00+00:00",
        "min_cost": "0.0000001",
        "limit": "5",
    }
