"""From a conversation in a file to the events that store it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aihub.importing.chat_lines import ChatConversation, ChatMessage
from aihub.importing.schedule import plan_offsets
from aihub.kit.ids import derive_uuid7, uuid7
from aihub.pricing.api import PromptCounter, TextCounter, find_count_rule, guess_provider

Event = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the caller says about the conversations of a file beyond what the file says.

    `model` and `provider` replace the file's; `user_id` is everybody's user, and a user of its own
    for each conversation that names none when omitted.
    """

    organization_id: str
    user_id: str | None = None
    module: str | None = None
    model: str | None = None
    provider: str | None = None


def plan_conversation(
    conversation: ChatConversation, *, start_ms: int, options: ImportOptions
) -> Event:
    """The event that creates the conversation, or finds it when its key is known already."""
    body = {
        "user_id": options.user_id or conversation.user_id or _name_user(conversation),
        "source": "api",
        "key": conversation.key,
        "started_at": format_ms(start_ms),
        "metadata": conversation.metadata,
    }
    if options.module:
        body["module"] = options.module
    name = f"{options.organization_id}:{conversation.key}"
    return {"type": "conversation", "id": str(derive_uuid7(start_ms, name)), "body": body}


def plan_messages(
    conversation: ChatConversation,
    *,
    conversation_id: UUID,
    start_ms: int,
    options: ImportOptions,
    texts: TextCounter,
) -> list[Event]:
    """The conversation's messages in order, each assistant turn with its usage.

    Ids and times follow from the conversation's id and start alone: planned a second time they are
    the same, so that what is stored already is recognised.
    """
    model = options.model or conversation.model
    origin: dict[str, Any] = {}
    if model:
        origin["model"] = model
    if provider := options.provider or guess_provider(model):
        origin["provider"] = provider
    rule = find_count_rule(model)
    method = rule.method + _name_uncounted(conversation)
    prompt = PromptCounter(rule, texts)
    events: list[Event] = []
    offsets = plan_offsets(conversation)
    for index, (message, offset) in enumerate(zip(conversation.messages, offsets, strict=True)):
        at_ms = start_ms + offset
        body = {
            "conversation_id": str(conversation_id),
            "created_at": format_ms(at_ms),
            **_describe(message),
        }
        written = (message.content, *message.call_texts)
        if message.role == "assistant":
            body |= origin | _find_usage(message, prompt, method=method)
        name = message.metadata.get("name")
        prompt.add_prompt(
            role=message.role, texts=written, name=name if isinstance(name, str) else None
        )
        message_id = derive_uuid7(at_ms, f"{conversation_id}:{index}")
        events.append({"type": "message", "id": str(message_id), "body": body})
    return events


def plan_transition(conversation_id: UUID, *, action: str, at_ms: int | None = None) -> Event:
    """The event that moves the conversation along its life cycle (`complete`, `reopen`).

    It happened at `at_ms`, or happens now when omitted. Its id is new each time: a move that an
    earlier run has made may be needed again.
    """
    body = {"conversation_id": str(conversation_id), "action": action}
    if at_ms is not None:
        body["at"] = format_ms(at_ms)
    return {"type": "transition", "id": str(uuid7()), "body": body}


def format_ms(ms: int) -> str:
    """ISO 8601 in UTC of milliseconds since 1970, exact to the millisecond."""
    at = _EPOCH + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name_user(conversation: ChatConversation) -> str:
    return f"imported-{conversation.key.removeprefix('import:')[:12]}"


def _describe(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.parts:
        body["parts"] = message.parts
    if message.tool_calls:
        body["tool_calls"] = message.tool_calls
    if message.metadata:
        body["metadata"] = message.metadata
    return body


def _find_usage(message: ChatMessage, prompt: PromptCounter, *, method: str) -> dict[str, Any]:
    """The usage the file states, or else the one counted from the texts, marked as estimated."""
    if message.usage:
        return {"usage": message.usage, "usage_source": "provider"}
    counted = prompt.meter_answer((message.content, *message.call_texts))
    usage = {
        "input_tokens": counted.input_tokens,
        "output_tokens": counted.output_tokens,
        "total_tokens": counted.total_tokens,
    }
    return {"usage": usage, "usage_source": "estimated", "usage_method": method}


def _name_uncounted(conversation: ChatConversation) -> str:
    """What adds tokens that no text shows: said, because it cannot be counted."""
    uncounted = ["tool definitions"] if conversation.has_tool_definitions else []
    parts = (part for message in conversation.messages for part in message.parts or ())
    if any(isinstance(part, dict) and "text" not in part for part in parts):
        uncounted.append("images and files")
    return f"; without {' and '.join(uncounted)}" if uncounted else ""
