"""Stores the conversations of a file, part by part, so that any run can be the second one.

A part is stored in two calls. The first creates its conversations by key and learns their ids: new
ones, or those of an earlier run, whatever its options were. The second stores messages whose ids
follow from these. A run that was cut off anywhere is completed by the next.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from aihub.importing.chat_files import Line, read_lines
from aihub.importing.chat_lines import BadLine, ChatConversation, parse_line
from aihub.importing.planner import (
    Event,
    ImportOptions,
    plan_conversation,
    plan_messages,
    plan_transition,
)
from aihub.importing.schedule import Window, plan_offsets, spread_start
from aihub.kit.ids import uuid7_ms
from aihub.pricing.api import TextCounter

MAX_EVENTS = 1_000
_MAX_PART_BYTES = 8 * 1024 * 1024
_OK, _CREATED, _CONFLICT = 200, 201, 409
_REOPENINGS = {"completed": 1, "archived": 2}


class StoredEvent(Protocol):
    """What became of one event: an HTTP status, the stored object or a problem."""

    @property
    def status(self) -> int:
        """201 stored now, 200 known already, 4xx or 5xx not stored."""
        ...

    @property
    def data(self) -> Mapping[str, Any] | None:
        """The conversation or message as the contract shows it."""
        ...

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The problem document when it was not stored."""
        ...


class StoreEvents(Protocol):
    """Stores up to 1,000 events of one organization and tells of each, in the same order."""

    async def __call__(
        self, organization: str, events: Sequence[Event], /
    ) -> Sequence[StoredEvent]: ...


@dataclass(slots=True)
class Tally:
    """Counts of one kind, of what was stored now (`new`) or by an earlier run (`known`)."""

    new: int = 0
    known: int = 0

    def add(self, *, is_new: bool, amount: int = 1) -> None:
        """Count `amount` more."""
        if is_new:
            self.new += amount
        else:
            self.known += amount


@dataclass(slots=True)
class ImportSummary:
    """What an import did. Costs are in the hub's currency, of the calls that have a price."""

    conversations: Tally = field(default_factory=Tally)
    messages: Tally = field(default_factory=Tally)
    tokens: Tally = field(default_factory=Tally)
    unpriced_calls: Tally = field(default_factory=Tally)
    new_cost: Decimal = Decimal(0)
    known_cost: Decimal = Decimal(0)
    bad_lines: int = 0
    refused_events: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every line of the file is stored now."""
        return not (self.bad_lines or self.refused_events)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A conversation of the file with its line and its place in time."""

    line: Line
    conversation: ChatConversation
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event on its way, with the line it came from."""

    line: Line
    event: Event


class ChatImporter:
    """Imports one file. `report_line` hears of every problem, `report_bytes` of the progress."""

    def __init__(
        self,
        store: StoreEvents,
        *,
        options: ImportOptions,
        window: Window,
        report_line: Callable[[int, str], None],
        report_bytes: Callable[[int], None],
    ) -> None:
        self._store = store
        self._options = options
        self._window = window
        self._report_line = report_line
        self._report_bytes = report_bytes
        self._texts = TextCounter()
        self.summary = ImportSummary()

    async def import_file(self, path: Path) -> ImportSummary:
        """Store every conversation of the file, in parts.

        Raises:
            UnreadableFile: the file cannot be read as lines of text.
        """
        part: list[_Placed] = []
        keys: set[str] = set()
        events = size = 0
        for placed in self._place_lines(path):
            more = len(placed.conversation.messages) + 1
            key = placed.conversation.key
            if part and (events + more > MAX_EVENTS or size > _MAX_PART_BYTES or key in keys):
                await self._store_part(part)
                part, keys, events, size = [], set(), 0, 0
            part.append(placed)
            keys.add(key)
            events += more
            size += len(placed.line.raw or b"")
        if part:
            await self._store_part(part)
        return self.summary

    def _place_lines(self, path: Path) -> Iterator[_Placed]:
        index = 0
        for line in read_lines(path):
            conversation = self._parse(line)
            if conversation is None:
                continue
            duration = plan_offsets(conversation)[-1]
            start = spread_start(
                self._window, index=index, key=conversation.key, duration_ms=duration
            )
            index += 1
            yield _Placed(line, conversation, start, start + duration)

    def _parse(self, line: Line) -> ChatConversation | None:
        problem = line.problem or "not readable"
        try:
            if line.raw is not None:
                return parse_line(line.raw)
        except BadLine as error:
            problem = str(error)
        self.summary.bad_lines += 1
        self._report_line(line.number, problem)
        return None

    async def _store_part(self, part: Sequence[_Placed]) -> None:
        done: set[str] = set()
        conflicts = await self._try_part(part, done, is_last=False)
        if conflicts:
            # the hub's idle rules closed conversations between the two calls
            again = [placed for placed in part if placed.line.number in conflicts]
            await self._try_part(again, done, is_last=True)
        self._report_bytes(part[-1].line.offset)

    async def _try_part(
        self, part: Sequence[_Placed], done: set[str], *, is_last: bool
    ) -> set[int]:
        """Store the part; returns the lines with a conflict that another try may resolve.

        `done` holds the ids of the events that have been counted, and is added to.
        """
        creations = [
            _Entry(
                placed.line,
                plan_conversation(
                    placed.conversation, start_ms=placed.start_ms, options=self._options
                ),
            )
            for placed in part
        ]
        entries: list[_Entry] = []
        for placed, (entry, result) in zip(part, await self._send(creations), strict=True):
            stored = self._count(entry, result, done)
            if stored is not None:
                entries += self._follow_up(placed, stored)
        conflicts: set[int] = set()
        for start in range(0, len(entries), MAX_EVENTS):
            for entry, result in await self._send(entries[start : start + MAX_EVENTS]):
                if result.status == _CONFLICT and not is_last:
                    conflicts.add(entry.line.number)
                else:
                    self._count(entry, result, done)
        return conflicts

    def _follow_up(self, placed: _Placed, stored: Mapping[str, Any]) -> Iterator[_Entry]:
        """The messages of a conversation that exists, and the moves they need.

        An earlier run may have been cut off, and the hub have completed the idle conversation
        since: it is opened again for what is missing.
        """
        conversation_id = UUID(str(stored["id"]))
        start_ms = uuid7_ms(conversation_id)
        end_ms = start_ms + placed.end_ms - placed.start_ms
        reopenings = 0
        if int(stored["message_count"]) < len(placed.conversation.messages):
            reopenings = _REOPENINGS.get(stored["status"], 0)
        events = [plan_transition(conversation_id, action="reopen") for _ in range(reopenings)]
        events += plan_messages(
            placed.conversation,
            conversation_id=conversation_id,
            start_ms=start_ms,
            options=self._options,
            texts=self._texts,
        )
        if reopenings or stored["status"] not in _REOPENINGS:
            events.append(plan_transition(conversation_id, action="complete", at_ms=end_ms))
        return (_Entry(placed.line, event) for event in events)

    async def _send(self, entries: Sequence[_Entry]) -> list[tuple[_Entry, StoredEvent]]:
        events = [entry.event for entry in entries]
        results = await self._store(self._options.organization_id, events)
        return list(zip(entries, results, strict=True))

    def _count(
        self, entry: _Entry, result: StoredEvent, done: set[str]
    ) -> Mapping[str, Any] | None:
        """Count what became of an event, once; the stored object, or None when it was refused."""
        kind, event_id = entry.event["type"], entry.event["id"]
        if result.status not in (_OK, _CREATED) or result.data is None:
            self.summary.refused_events += 1
            self._report_line(entry.line.number, f"{kind} not stored: {_explain(result)}")
            return None
        if event_id in done:
            return result.data
        done.add(event_id)
        is_new = result.status == _CREATED
        if kind == "conversation":
            self.summary.conversations.add(is_new=is_new)
        elif kind == "message":
            self._count_message(result.data, is_new=is_new)
        return result.data

    def _count_message(self, message: Mapping[str, Any], *, is_new: bool) -> None:
        summary = self.summary
        summary.messages.add(is_new=is_new)
        summary.tokens.add(is_new=is_new, amount=message.get("tokens") or 0)
        if message.get("cost_status") == "unpriced":
            summary.unpriced_calls.add(is_new=is_new)
        cost = message.get("cost")
        if cost is None:
            return
        if is_new:
            summary.new_cost += Decimal(str(cost))
        else:
            summary.known_cost += Decimal(str(cost))


def _explain(result: StoredEvent) -> str:
    error = result.error or {}
    fields = "; ".join(f"{e['field']}: {e['message']}" for e in error.get("errors") or ())
    return fields or str(error.get("detail") or error.get("title") or f"status {result.status}")
