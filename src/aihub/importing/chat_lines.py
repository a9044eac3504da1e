"""One line of a chat file as a conversation: checked, tidied, with nothing thrown away silently.

The format is OpenAI's chat format, as logged, exported or made for fine-tuning:
`{"id"?, "model"?, "messages": [{"role", "content", "tool_calls"?, …}], "user"?, "metadata"?, …}`.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_MAX_METADATA_BYTES = 16_384
_MAX_OMITTED_NAMES = 50
_MAX_PART_STRING = 65_536  # characters of one image or file inside a message
_MAX_USER_ID = 255
_USAGE_TOTALS = ("input_tokens", "prompt_tokens", "output_tokens", "completion_tokens")


class BadLine(Exception):
    """A line that is no conversation; the text says why, for the one who made the file."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn. `content` is its text, `parts` and `tool_calls` are as they came."""

    role: str
    content: str
    parts: list[Any] | None
    tool_calls: list[dict[str, Any]] | None
    usage: dict[str, Any] | None
    metadata: dict[str, Any]

    @property
    def call_texts(self) -> tuple[str, ...]:
        """The names and arguments of the tool calls: what of them the model has written."""
        texts: list[str] = []
        for call in self.tool_calls or ():
            for kind, written in (("function", "arguments"), ("custom", "input")):
                body = call.get(kind)
                if isinstance(body, dict):
                    texts += [_as_text(body.get("name")), _as_text(body.get(written))]
        return tuple(text for text in texts if text)


@dataclass(frozen=True, slots=True)
class ChatConversation:
    """One line. `key` is its identity: the same id and the same messages are the same one."""

    key: str
    source_id: str | None
    model: str | None
    user_id: str | None
    messages: tuple[ChatMessage, ...]
    metadata: dict[str, Any]
    has_tool_definitions: bool


def parse_line(raw: bytes) -> ChatConversation:
    """The conversation in one line of JSON.

    Raises:
        BadLine: it is not JSON, not an object, has no messages, or one of a wrong type.
    """
    try:
        return _build_conversation(_decode(raw))
    except RecursionError as error:
        raise BadLine("not usable: nested too deeply") from error


def _build_conversation(line: Any) -> ChatConversation:
    if isinstance(line, list):
        _refuse("a JSON array; expected one conversation (an object) a line")
    if not isinstance(line, dict):
        _refuse("not a JSON object")
    items = line.pop("messages", None)
    if items is None:
        _refuse("no messages")
    if not isinstance(items, list):
        _refuse("messages: must be a list")
    if not items:
        _refuse("messages: must not be empty")
    source_id = _take_text(line, "id")
    key = _identify(source_id, items)
    model = _take_text(line, "model")
    user = line.pop("user", None)
    user_id = _as_user_id(user)
    if user_id is None and user is not None:
        line["user"] = user
    messages = tuple(_parse_message(item, f"messages[{i}]") for i, item in enumerate(items))
    has_tools = bool(line.get("tools") or line.get("functions"))
    own = line.pop("metadata", None)
    entries = {**line, **own} if isinstance(own, dict) else {**line, "metadata": own}
    if source_id is not None:
        entries = {"import_id": source_id, **entries}
    return ChatConversation(
        key=key,
        source_id=source_id,
        model=model,
        user_id=user_id,
        messages=messages,
        metadata=_bound_metadata(entries),
        has_tool_definitions=has_tools,
    )


def _decode(raw: bytes) -> Any:
    try:
        line = json.loads(raw.decode(), parse_constant=_refuse_number, parse_float=_parse_float)
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error.msg} (column {error.colno})") from error
    except ValueError as error:  # an integer of thousands of digits
        raise BadLine(f"not usable: {error}") from error
    # both can only have come as escapes; PostgreSQL stores neither
    return _replace_unstorable(line) if rb"\u0000" in raw or rb"\ud" in raw.lower() else line


def _refuse_number(text: str) -> NoReturn:
    _refuse(f"not JSON: {text[:20]} is no number")


def _parse_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _replace_unstorable(value: Any) -> Any:
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_replace_unstorable(item) for item in value]
    if isinstance(value, dict):
        return {_replace_unstorable(k): _replace_unstorable(v) for k, v in value.items()}
    return value


def _refuse(reason: str) -> NoReturn:
    raise BadLine(reason)


def _take_text(line: dict[str, Any], name: str) -> str | None:
    value = line.pop(name, None)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        _refuse(f"{name}: must be text")
    return value or None


def _as_user_id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    usable = isinstance(value, str) and value.strip() and len(value) <= _MAX_USER_ID
    return value if usable else None


def _identify(source_id: str | None, messages: list[Any]) -> str:
    canonical = json.dumps([source_id, messages], sort_keys=True, separators=(",", ":"))
    return f"import:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _parse_message(item: Any, where: str) -> ChatMessage:
    if not isinstance(item, dict):
        _refuse(f"{where}: must be an object")
    entries = dict(item)
    given_role = entries.pop("role", None)
    role = _ROLES.get(given_role) if isinstance(given_role, str) else None
    if role is None:
        _refuse(f"{where}.role: must be one of {', '.join(_ROLES)}")
    content, parts = _parse_content(entries.pop("content", None), f"{where}.content")
    tool_calls = _parse_tool_calls(entries, where)
    refusal = entries.get("refusal")
    if not content and isinstance(refusal, str):
        content = refusal
    usage = entries.pop("usage", None)
    if not _is_usage(usage):
        if usage is not None:
            entries["usage"] = usage
        usage = None
    if given_role != role:
        entries["original_role"] = given_role
    kept = {name: value for name, value in entries.items() if value is not None}
    return ChatMessage(
        role=role,
        content=content,
        parts=parts,
        tool_calls=tool_calls,
        usage=usage,
        metadata=_bound_metadata(kept),
    )


def _parse_content(content: Any, where: str) -> tuple[str, list[Any] | None]:
    if content is None:
        return "", None
    if isinstance(content, str):
        return content, None
    if not isinstance(content, list):
        _refuse(f"{where}: must be text, null or a list of parts")
    texts = []
    for i, part in enumerate(content):
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            texts.append(text)
        elif not isinstance(part, dict):
            _refuse(f"{where}[{i}]: must be text or an object")
    return "\n".join(texts), [_shorten_part(part) for part in content] or None


def _shorten_part(part: Any, *, is_text: bool = False) -> Any:
    """The part with any embedded file (an image as base64) replaced by its size."""
    if isinstance(part, dict):
        return {k: _shorten_part(v, is_text=k == "text") for k, v in part.items()}
    if isinstance(part, list):
        return [_shorten_part(item) for item in part]
    if isinstance(part, str) and not is_text and len(part) > _MAX_PART_STRING:
        return f"{part[:64]}… ({len(part)} characters not imported)"
    return part


def _parse_tool_calls(entries: dict[str, Any], where: str) -> list[dict[str, Any]] | None:
    calls = entries.pop("tool_calls", None)
    if calls is not None and not (
        isinstance(calls, list) and all(isinstance(call, dict) for call in calls)
    ):
        _refuse(f"{where}.tool_calls: must be a list of objects")
    older = entries.pop("function_call", None)
    if isinstance(older, dict):  # the form before tools: one call, without an id
        calls = [*(calls or []), {"type": "function", "function": older}]
    return calls or None


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _is_usage(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(value.get(name), int) and not isinstance(value.get(name), bool)
        for name in _USAGE_TOTALS
    )


def _bound_metadata(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that fit in 16 KiB of JSON, in order; the rest is named, not kept."""
    kept: dict[str, Any] = {}
    omitted, room = [], _MAX_METADATA_BYTES
    for name, value in entries.items():
        if value is None:
            continue
        size = len(json.dumps({name: value}))
        if size <= room:
            kept[name] = value
            room -= size
        else:
            omitted.append(name[:100])
    if omitted:
        kept["import_omitted"] = omitted[:_MAX_OMITTED_NAMES]
    return kept
