"""The client for threads."""

from collections.abc import Iterator
from typing import Self, Unpack
from uuid import UUID

import httpx

from aihub.client.core import FailedEvent, HubCore, Write, failed_event
from aihub.client.events import (
    CallFields,
    ConversationFields,
    FeedbackFields,
    MessageFields,
    MoveOptions,
    T,
    UpdateFields,
)
from aihub.client.models import Call, Conversation, Feedback, Message
from aihub.client.reads import CallFilters, ConversationFilters, Include, P, R, Read
from aihub.client.transport import (
    organization_header,
    query,
    read_answer,
    read_or_none,
    unavailable,
)


class Hub(HubCore):
    """Records conversations in an AI Hub. Safe for threads; one per process is enough.

    Every write goes into the spool first and from there, in batches, to the hub. It returns the
    hub's answer; when the hub is away for longer than `timeout` seconds, an object with `pending`
    True: the write is safe and follows by itself. `wait=False` returns that object at once. Raises
    a HubError when the hub refuses.
    """

    def create_conversation(
        self, *, user_id: str, **fields: Unpack[ConversationFields]
    ) -> Conversation:
        """Start a conversation; with a `key` that is known, the existing one is returned."""
        return self._send(self.conversation_write(user_id, fields))

    def add_message(
        self, conversation_id: str | UUID, *, content: str, **fields: Unpack[MessageFields]
    ) -> Message:
        """Add a turn to a conversation; with `model` and `tokens` or `usage` it is priced."""
        return self._send(self.message_write(conversation_id, content, fields))

    def record_call(
        self, *, provider: str, model: str, api: str, **fields: Unpack[CallFields]
    ) -> Call:
        """Record a model call that comes with no message: an embedding, an image, a rerank."""
        return self._send(self.call_write(fields, provider=provider, model=model, api=api))

    def add_feedback(
        self, conversation_id: str | UUID, *, score: float, **fields: Unpack[FeedbackFields]
    ) -> Feedback:
        """Score a conversation, or one of its messages, from 0 to 5."""
        return self._send(self.feedback_write(conversation_id, score, fields))

    def update_conversation(
        self, conversation_id: str | UUID, **fields: Unpack[UpdateFields]
    ) -> Conversation:
        """Change `module`, `intent_chain` or `summary`, merge `metadata`."""
        return self._send(self.update_write(conversation_id, fields))

    def pause(self, conversation_id: str | UUID, **options: Unpack[MoveOptions]) -> Conversation:
        """Pause a conversation."""
        return self._send(self.move_write(conversation_id, "pause", options))

    def resume(self, conversation_id: str | UUID, **options: Unpack[MoveOptions]) -> Conversation:
        """Go on with a paused conversation."""
        return self._send(self.move_write(conversation_id, "resume", options))

    def complete(self, conversation_id: str | UUID, **options: Unpack[MoveOptions]) -> Conversation:
        """Complete a conversation."""
        return self._send(self.move_write(conversation_id, "complete", options))

    def archive(self, conversation_id: str | UUID, **options: Unpack[MoveOptions]) -> Conversation:
        """Archive a completed conversation."""
        return self._send(self.move_write(conversation_id, "archive", options))

    def reopen(self, conversation_id: str | UUID, **options: Unpack[MoveOptions]) -> Conversation:
        """Reopen a completed or archived conversation."""
        return self._send(self.move_write(conversation_id, "reopen", options))

    def get_conversation(
        self,
        conversation_id: str | UUID,
        organization_id: str | None = None,
        *,
        include: Include = ("messages", "calls"),
    ) -> Conversation | None:
        """A conversation with its totals; None for one that is not there or another's."""
        read = self.conversation_read(conversation_id, organization_id, include)
        return self.seen(read_or_none(self._get(read), read.kind), read.organization_id)

    def get_messages(
        self, conversation_id: str | UUID, organization_id: str | None = None
    ) -> list[Message]:
        """All messages of a conversation, in order. Raises NotFound."""
        pages = self._pages(self.messages_read(conversation_id, organization_id))
        return [message for page in pages for message in page.items]

    def list_conversations(
        self,
        *,
        organization_id: str | None = None,
        page_size: int = 50,
        **filters: Unpack[ConversationFilters],
    ) -> Iterator[Conversation]:
        """Conversations, newest first; further pages are fetched as they are needed."""
        read = self.conversations_read(organization_id, page_size, filters)
        for page in self._pages(read):
            for conversation in page.items:
                self.seen(conversation, read.organization_id)
                yield conversation

    def list_calls(
        self,
        *,
        organization_id: str | None = None,
        page_size: int = 50,
        **filters: Unpack[CallFilters],
    ) -> Iterator[Call]:
        """Model calls, newest first; further pages are fetched as they are needed."""
        for page in self._pages(self.calls_read(organization_id, page_size, filters)):
            yield from page.items

    def get_call(self, call_id: str | UUID, organization_id: str | None = None) -> Call | None:
        """A model call; None for one that is not there or another's."""
        read = self.call_read(call_id, organization_id)
        return read_or_none(self._get(read), read.kind)

    def failed(self) -> list[FailedEvent]:
        """Writes that the hub refused for good, oldest first."""
        return [failed_event(rejected) for rejected in self.engine.failed()]

    def retry_failed(self, *event_ids: str) -> int:
        """Send refused writes again (all, when none is named): how many."""
        return self.engine.retry_failed(event_ids)

    def discard_failed(self, *event_ids: str) -> int:
        """Delete refused writes for ever (all, when none is named): how many."""
        return self.engine.discard_failed(event_ids)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until the hub has every write of this client; False when it takes longer than
        `timeout` seconds (the client's own when omitted)."""
        return self.engine.flush(self.timeout if timeout is None else timeout)

    def close(self, timeout: float | None = None) -> None:
        """Flush, then stop. What the hub has not got stays in the spool file for the next client;
        with a spool in memory it is lost."""
        self.engine.close(self.timeout if timeout is None else timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _send(self, write: Write[T]) -> T:
        ticket = self.engine.enqueue(write.event, is_awaited=write.patience is not None)
        self.engine.commit(ticket)
        if write.patience is None:
            return write.pending
        try:
            data = ticket.answer.result(self.engine.lanes.patience(write.patience))
        except TimeoutError:
            return self.unanswered(write, ticket)
        if not data:
            read = self.read_instead(write)
            return read_answer(self._get(read), read.kind)
        return self.answered(write, data)

    def _get(self, read: Read[R]) -> httpx.Response:
        try:
            return self.engine.client.get(
                read.path,
                params=query(read.params),
                headers=organization_header(read.organization_id),
                timeout=self.timeout,
            )
        except httpx.HTTPError as error:
            raise unavailable(error) from error

    def _pages(self, read: Read[P]) -> Iterator[P]:
        while True:
            page = read_answer(self._get(read), read.kind)
            yield page
            if page.next_cursor is None:
                return
            read = read.after(page.next_cursor)
