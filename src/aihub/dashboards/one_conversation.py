"""One conversation: its facts, its states, its transcript."""

from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response

from aihub.conversations.api import (
    CallFilters,
    Conversation,
    Message,
    ModelCall,
    get_conversation,
    list_calls,
    list_messages,
    list_transitions,
)
from aihub.dashboards import transcripts
from aihub.dashboards.filters import list_url
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import Visit
from aihub.kit.db import Database
from aihub.kit.errors import Invalid, NotFound
from aihub.kit.http import parse_id
from aihub.kit.ids import uuid7_time

MESSAGES_A_PAGE = 200
_MOST_SEQ = 2**31 - 1
_MOST_CALLS = 50
_ROLE_NAMES = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}


@dataclass(frozen=True, slots=True)
class Turn:
    """A message as it is shown. `json` is a tool's answer made readable, if it is JSON."""

    message: Message
    speaker: str
    body: transcripts.Folded
    json: str | None
    tool_name: str | None
    tool_calls: list[transcripts.ToolCall]


async def show_conversation(visit: Visit, db: Database, renderer: Renderer) -> Response:
    """The page of a conversation. Raises NotFound for a missing and for a foreign one alike."""
    conversation_id = _read_id(visit)
    after = _read_after(visit)
    organization = visit.organization_id
    async with db.read() as connection:
        conversation = await get_conversation(connection, organization, conversation_id)
        if conversation is None:
            raise _missing()
        messages = await list_messages(
            connection, organization, conversation_id, after_seq=after, limit=MESSAGES_A_PAGE + 1
        )
        transitions = await list_transitions(connection, organization, conversation_id)
        calls = await list_calls(
            connection, organization, CallFilters(conversation_id=conversation_id), limit=200
        )
    shown = messages[:MESSAGES_A_PAGE]
    return renderer.page(
        visit.request,
        "conversation.html",
        {
            "c": conversation,
            "duration_ms": _duration_ms(conversation),
            "turns": [_to_turn(message) for message in shown],
            "transitions": transitions,
            "side_calls": _side_calls(calls.items),
            "after": after,
            "more_after": shown[-1].seq if len(messages) > MESSAGES_A_PAGE else None,
            "user_url": list_url({"user": conversation.user_id}),
            "module_url": list_url({"module": conversation.module}),
            "key_url": list_url({"key": conversation.key}),
            "model_urls": {m: list_url({"model": m}) for m in conversation.models},
        },
        visit=visit,
    )


def _to_turn(message: Message) -> Turn:
    is_tool = message.role == "tool"
    return Turn(
        message=message,
        speaker=_ROLE_NAMES[message.role],
        body=transcripts.fold(message.content),
        json=transcripts.pretty_if_json(message.content) if is_tool else None,
        tool_name=transcripts.read_tool_name(message.metadata) if is_tool else None,
        tool_calls=transcripts.read_tool_calls(message.tool_calls),
    )


def _side_calls(calls: list[ModelCall]) -> list[ModelCall]:
    """Calls that come with no message, such as embeddings, oldest first."""
    return [call for call in reversed(calls) if call.message_id is None][:_MOST_CALLS]


def _duration_ms(conversation: Conversation) -> int:
    until = conversation.ended_at or conversation.last_activity_at
    return max(0, int((until - conversation.started_at).total_seconds() * 1000))


def _read_id(visit: Visit) -> UUID:
    try:
        found = parse_id(visit.request.path_params["id"])
        uuid7_time(found)
    except (Invalid, OverflowError):  # no UUID, or one whose time is after the year 9999
        raise _missing() from None
    return found


def _read_after(visit: Visit) -> int:
    given = visit.request.query_params.get("after", "")
    return min(int(given), _MOST_SEQ) if given.isascii() and given.isdecimal() else 0


def _missing() -> NotFound:
    return NotFound("There is no such conversation in this organization.")
