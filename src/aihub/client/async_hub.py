"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator
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


class AsyncHub(HubCore):
    """`Hub` for asyncio: the same methods, as coroutines; lists are asynchronous iterators.

    The spool and the sending are the same too, in threads of their own: the event loop never waits
    for a disk.
    """

    _reader: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None

    async def create_conversation(
        self, *, user_id: str, **fields: Unpack[ConversationFields]
    ) -> Conversation:
        """Start a conversation; with a `key` that is known, the existing one is returned."""
        return await self._send(self.conversation_write(user_id, fields))

    async def add_message(
        self, conversation_id: str | UUID, *, content: str, **fields: Unpack[MessageFields]
    ) -> Message:
        """Add a turn to a conversation; with `model` and `tokens` or `usage` it is priced."""
        return await self._send(self.message_write(conversation_id, content, fields))

    async def record_call(
        self, *, provider: str, model: str, api: str, **fields: Unpack[CallFields]
    ) -> Call:
        """Record a model call that comes with no message: an embedding, an image, a rerank."""
        return await self._send(self.call_write(fields, provider=provider, model=model, api=api))

    async def add_feedback(
        self, conversation_id: str | UUID, *, score: float, **fields: Unpack[FeedbackFields]
    ) -> Feedback:
        """Score a conversation, or one of its messages, from 0 to 5."""
        return await self._send(self.feedback_write(conversation_id, score, fields))

    async def update_conversation(
        self, conversation_id: str | UUID, **fields: Unpack[UpdateFields]
    ) -> Conversation:
        """Change `module`, `intent_chain` or `summary`, merge `metadata`."""
        return await self._send(self.update_write(conversation_id, fields))

    async def pause(
        self, conversation_id: str | UUID, **options: Unpack[MoveOptions]
    ) -> Conversation:
        """Pause a conversation."""
        return await self._send(self.move_write(conversation_id, "pause", options))

    async def resume(
        self, conversation_id: str | UUID, **options: Unpack[MoveOptions]
    ) -> Conversation:
        """Go on with a paused conversation."""
        return await self._send(self.move_write(conversation_id, "resume", options))

    async def complete(
        self, conversation_id: str | UUID, **options: Unpack[MoveOptions]
    ) -> Conversation:
        """Complete a conversation."""
        return await self._send(self.move_write(conversation_id, "complete", options))

    async def archive(
        self, conversation_id: str | UUID, **options: Unpack[MoveOptions]
    ) -> Conversation:
        """Archive a completed conversation."""
        return await self._send(self.move_write(conversation_id, "archive", options))

    async def reopen(
        self, conversation_id: str | UUID, **options: Unpack[MoveOptions]
    ) -> Conversation:
        """Reopen a completed or archived conversation."""
        return await self._send(self.move_write(conversation_id, "reopen", options))

    async def get_conversation(
        self,
        conversation_id: str | UUID,
        organization_id: str | None = None,
        *,
        include: Include = ("messages", "calls"),
    ) -> Conversation | None:
        """A conversation with its totals; None for one that is not there or another's."""
        read = self.conversation_read(conversation_id, organization_id, include)
        return self.seen(read_or_none(await self._get(read), read.kind), read.organization_id)

    async def get_messages(
        self, conversation_id: str | UUID, organization_id: str | None = None
    ) -> list[Message]:
        """All messages of a conversation, in order. Raises NotFound."""
        pages = self._pages(self.messages_read(conversation_id, organization_id))
        return [message async for page in pages for message in page.items]

    async def list_conversations(
        self,
        *,
        organization_id: str | None = None,
        page_size: int = 50,
        **filters: Unpack[ConversationFilters],
    ) -> AsyncIterator[Conversation]:
        """Conversations, newest first; further pages are fetched as they are needed."""
        read = self.conversations_read(organization_id, page_size, filters)
        async for page in self._pages(read):
            for conversation in page.items:
                self.seen(conversation, read.organization_id)
                yield conversation

    async def list_calls(
        self,
        *,
        organization_id: str | None = None,
        page_size: int = 50,
        **filters: Unpack[CallFilters],
    ) -> AsyncIterator[Call]:
        """Model calls, newest first; further pages are fetched as they are needed."""
        async for page in self._pages(self.calls_read(organization_id, page_size, filters)):
            for call in page.items:
                yield call

    async def get_call(
        self, call_id: str | UUID, organization_id: str | None = None
    ) -> Call | None:
        """A model call; None for one that is not there or another's."""
        read = self.call_read(call_id, organization_id)
        return read_or_none(await self._get(read), read.kind)

    async def failed(self) -> list[FailedEvent]:
        """Writes that the hub refused for good, oldest first."""
        return [failed_event(rejected) for rejected in await asyncio.to_thread(self.engine.failed)]

    async def retry_failed(self, *event_ids: str) -> int:
        """Send refused writes again (all, when none is named): how many."""
        return await asyncio.to_thread(self.engine.retry_failed, event_ids)

    async def discard_failed(self, *event_ids: str) -> int:
        """Delete refused writes for ever (all, when none is named): how many."""
        return await asyncio.to_thread(self.engine.discard_failed, event_ids)

    async def flush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - as in Hub
        """Wait until the hub has every write of this client; False when it takes longer than
        `timeout` seconds (the client's own when omitted)."""
        patience = self.timeout if timeout is None else timeout
        return await asyncio.to_thread(self.engine.flush, patience)

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as in Hub
        """Flush, then stop. What the hub has not got stays in the spool file for the next client;
        with a spool in memory it is lost."""
        patience = self.timeout if timeout is None else timeout
        await asyncio.to_thread(self.engine.close, patience)
        if self._reader is not None:
            await self._reader[1].aclose()
            self._reader = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _send(self, write: Write[T]) -> T:
        ticket = self.engine.enqueue(write.event, is_awaited=write.patience is not None)
        await asyncio.to_thread(self.engine.commit, ticket)
        if write.patience is None:
            return write.pending
        try:
            data = await asyncio.wait_for(
                asyncio.wrap_future(ticket.answer), self.engine.lanes.patience(write.patience)
            )
        except TimeoutError:
            return self.unanswered(write, ticket)
        if not data:
            read = self.read_instead(write)
            return read_answer(await self._get(read), read.kind)
        return self.answered(write, data)

    def _client(self) -> httpx.AsyncClient:
        """The connections of the running loop; those of a loop that is gone cannot be used."""
        loop = asyncio.get_running_loop()
        if self._reader is None or self._reader[0] is not loop:
            self._reader = loop, self.address.open_async_client()
        return self._reader[1]

    async def _get(self, read: Read[R]) -> httpx.Response:
        try:
            return await self._client().get(
                read.path,
                params=query(read.params),
                headers=organization_header(read.organization_id),
                timeout=self.timeout,
            )
        except httpx.HTTPError as error:
            raise unavailable(error) from error

    async def _pages(self, read: Read[P]) -> AsyncIterator[P]:
        while True:
            page = read_answer(await self._get(read), read.kind)
            yield page
            if page.next_cursor is None:
                return
            read = read.after(page.next_cursor)
