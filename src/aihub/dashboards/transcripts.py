"""Messages as they are shown: code apart, the long ones folded, tool calls readable. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

MAX_LINES, MAX_SIGNS = 40, 6_000
_FENCE = re.compile(r"^[ \t]{0,3}```[^`\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text as typed, or of code."""

    is_code: bool
    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """What is shown at once, and what only on request."""

    head: tuple[Block, ...]
    rest: tuple[Block, ...]
    hidden_lines: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model asked for; `arguments` as pretty JSON."""

    id: str | None
    name: str
    arguments: str


def split_code(content: str) -> list[Block]:
    """Text and what stands between two lines of ```; a fence without its end is text."""
    fences = list(_FENCE.finditer(content))
    blocks: list[Block] = []
    at = 0
    for opening, closing in zip(fences[::2], fences[1::2], strict=False):
        blocks.append(Block(is_code=False, text=content[at : opening.start()].strip("\n")))
        code = content[opening.end() : closing.start()].strip("\n")
        blocks.append(Block(is_code=True, text=code))
        at = closing.end()
    rest = content[at:]
    blocks.append(Block(is_code=False, text=rest.lstrip("\n") if at else rest))
    return [block for block in blocks if block.text]


def fold(content: str) -> Folded:
    """The first 40 lines (or 6,000 characters), and the rest when it is worth hiding."""
    blocks = split_code(content)
    if len(content) <= MAX_SIGNS and content.count("\n") < MAX_LINES:
        return Folded(tuple(blocks), (), 0)
    head: list[Block] = []
    lines, signs = MAX_LINES, MAX_SIGNS
    for number, block in enumerate(blocks):
        cut = _cut(block.text, lines, signs)
        if cut < len(block.text):
            if cut:
                head.append(Block(block.is_code, block.text[:cut].rstrip("\n")))
            left = Block(block.is_code, block.text[cut:].lstrip("\n"))
            rest = tuple(b for b in (left, *blocks[number + 1 :]) if b.text)
            return Folded(tuple(head), rest, _count_lines(rest))
        head.append(block)
        lines -= block.text.count("\n") + 1
        signs -= len(block.text)
    return Folded(tuple(head), (), 0)


def read_tool_calls(tool_calls: str | None) -> list[ToolCall]:
    """The calls in a message, whichever provider's shape they have."""
    if not tool_calls:
        return []
    try:
        found = msgspec.json.decode(tool_calls)
    except msgspec.DecodeError:
        return [ToolCall(None, "tool call", tool_calls)]
    entries = found if isinstance(found, list) else [found]
    return [_read_tool_call(entry) for entry in entries]


def _read_tool_call(entry: Any) -> ToolCall:
    if not isinstance(entry, dict):
        return ToolCall(None, "tool call", _pretty(entry))
    # OpenAI nests under `function`; Anthropic says `input`, Gemini `args`
    function = entry.get("function")
    inner = function if isinstance(function, dict) else entry
    name = inner.get("name") or (function if isinstance(function, str) else None) or "tool call"
    arguments: Any = next(
        (inner[key] for key in ("arguments", "input", "args") if inner.get(key) is not None), None
    )
    call_id = entry.get("id") or entry.get("tool_call_id")
    return ToolCall(str(call_id) if call_id else None, str(name), _pretty(arguments))


def read_tool_name(metadata: str) -> str | None:
    """The tool that answered, where the message's metadata tell."""
    try:
        found = msgspec.json.decode(metadata)
    except msgspec.DecodeError:
        return None
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None


def pretty_if_json(content: str) -> str | None:
    """A tool's answer over several lines when it is a JSON object or list; None when it is not."""
    if not content.lstrip().startswith(("{", "[")):
        return None
    try:
        return msgspec.json.format(content, indent=2)
    except msgspec.DecodeError:
        return None


def _pretty(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return pretty_if_json(value) or value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _cut(text: str, lines: int, signs: int) -> int:
    """How much of `text` fits into so many lines and characters."""
    if lines <= 0 or signs <= 0:
        return 0
    end = len(text)
    at = -1
    for _ in range(lines):
        at = text.find("\n", at + 1)
        if at < 0:
            break
    else:
        end = at
    return end if end <= signs else signs


def _count_lines(blocks: Sequence[Block]) -> int:
    return sum(block.text.count("\n") + 1 for block in blocks)
