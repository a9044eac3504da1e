"""Times for conversations that have none: spread over a window, with gaps as people leave them.

Where a conversation lies in the window depends on the options of the run. Its inner rhythm depends
on the conversation alone: a second run that finds the conversation already there starts from the
time it was given first, and comes to the same times and ids for all of its messages.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from aihub.importing.chat_lines import ChatConversation, ChatMessage
from aihub.kit.ids import datetime_ms

_FIRST_YEAR = 2000
_READING_CHARS_PER_SECOND = 60
_TYPING_CHARS_PER_SECOND = 6
_LONGEST_TYPING_SECONDS = 90
_ANSWER_CHARS_PER_SECOND = 250
_LONGEST_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Window:
    """Where conversations are laid: `count` of them, evenly, from `start` up to `end` (aware)."""

    start: datetime
    end: datetime
    count: int


def spread_start(window: Window, *, index: int, key: str, duration_ms: int) -> int:
    """When conversation `index` (from 0) starts, in milliseconds since 1970.

    It ends by the window's end, so that nothing lies in the future; one that is longer than the
    window starts before it.
    """
    start_ms, end_ms = datetime_ms(window.start), datetime_ms(window.end)
    slot_ms = (end_ms - start_ms) / max(window.count, 1)
    jitter = Random(key).random()  # noqa: S311 - the same for the same conversation, for ever
    wanted = start_ms + int((min(index, window.count) + jitter) * slot_ms)
    return min(wanted, end_ms - duration_ms)


def plan_offsets(conversation: ChatConversation) -> list[int]:
    """Milliseconds from the conversation's start to each message, strictly growing from 0."""
    random = Random(f"{conversation.key}:gaps")  # noqa: S311 - repeatable on purpose
    offsets, now_ms, previous = [], 0, 0
    for index, message in enumerate(conversation.messages):
        length = _count_characters(message)
        if index:
            seconds = _pause_seconds(message.role, length, previous_length=previous)
            now_ms += max(1, int(1000 * seconds * (0.6 + 0.8 * random.random())))
        offsets.append(now_ms)
        # nobody reads system prompts and the answers of tools
        previous = length if message.role == "assistant" else 0
    return offsets


def resolve_window(
    *, start: datetime | None, end: datetime | None, days: float, now: datetime, count: int
) -> Window:
    """The window of a run: `start` and `end` as given, else the `days` before the end, now.

    Raises:
        ValueError: the window is empty, reaches into the future or starts before 2000.
    """
    end = end or now
    start = start or end - timedelta(days=days)
    if end > now:
        raise ValueError("the end of the window lies in the future")
    if start.year < _FIRST_YEAR:
        raise ValueError(f"the window starts before the year {_FIRST_YEAR}")
    if start >= end:
        raise ValueError("the window is empty: its start must lie before its end")
    return Window(start=start, end=end, count=count)


def _pause_seconds(role: str, length: int, *, previous_length: int) -> float:
    """The time before a message of this role: reading and typing, or the model's own time."""
    if role == "user":
        typing = min(length / _TYPING_CHARS_PER_SECOND, _LONGEST_TYPING_SECONDS)
        return 3 + min(previous_length / _READING_CHARS_PER_SECOND, 60) + typing
    if role == "assistant":
        return 0.7 + min(length / _ANSWER_CHARS_PER_SECOND, _LONGEST_ANSWER_SECONDS)
    return 0.4 if role == "tool" else 0.01


def _count_characters(message: ChatMessage) -> int:
    return len(message.content) + sum(len(text) for text in message.call_texts)
