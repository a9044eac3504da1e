"""The endpoints: translate, call one function, translate back."""

import asyncio
from dataclasses import fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.conversations import preparing, rendering, store
from aihub.conversations import schemas as s
from aihub.conversations.errors import CallNotFound, ConversationNotFound
from aihub.conversations.models import CallFilters, ConversationFilters
from aihub.conversations.preparing import Context, key_name
from aihub.conversations.rules import ACTIONS, find_time
from aihub.conversations.service import Conversations, Result, parse_bound
from aihub.kit.db import Database
from aihub.kit.errors import Invalid
from aihub.kit.http import MAX_BODY_BYTES, Answer, Call, Operation

_TAG = "Conversations"
_CALLS_TAG = "Model calls"
_MAX_BODY_BYTES = 16 * 1024 * 1024  # what providers answer can be long
_MAX_MESSAGES = 10_000
_MAX_DECIMALS = 100


class ConversationRoutes:
    """The handlers, with what they need."""

    def __init__(self, db: Database, conversations: Conversations) -> None:
        self._db = db
        self._conversations = conversations

    def operations(self) -> list[Operation]:
        """Every endpoint of this slice; the most frequent first."""
        one = "/v1/conversations/{id}"
        found = [
            self._write("/{id}/messages", self.add_message, s.NewMessage, s.MessageOut,
                        query=s.MessageOptions, errors=(404, 409),
                        max_body_bytes=_MAX_BODY_BYTES),
            self._write("", self.create_conversation, s.NewConversation, s.ConversationOut),
            Operation(method="POST", path="/v1/batch", handler=self.store_batch, scope="write",
                      tag=_TAG, body=s.Batch, answers={207: s.BatchOut},
                      max_body_bytes=_MAX_BODY_BYTES, is_body_in_parts=True),
            Operation(method="POST", path="/v1/calls", handler=self.record_call, scope="write",
                      tag=_CALLS_TAG, body=s.NewCall, answers={201: s.CallOut, 200: s.CallOut},
                      errors=(404, 409), max_body_bytes=_MAX_BODY_BYTES),
            self._read("/v1/conversations", self.list_conversations, s.ConversationQuery,
                       s.ConversationList),
            self._read(one, self.get_conversation, s.GetOptions, s.ConversationOut, errors=(404,)),
            self._read(one + "/messages", self.list_messages, s.PageQuery, s.MessageList,
                       errors=(404,)),
            self._read(one + "/transitions", self.list_transitions, None, s.TransitionList,
                       errors=(404,)),
            self._read("/v1/calls", self.list_calls, s.CallQuery, s.CallList, tag=_CALLS_TAG),
            self._read("/v1/calls/{id}", self.get_call, None, s.CallOut, tag=_CALLS_TAG,
                       errors=(404,)),
            self._write("/{id}/feedback", self.add_feedback, s.NewFeedback, s.FeedbackOut,
                        errors=(404,)),
            Operation(method="PATCH", path=one, handler=self.update_conversation, scope="write",
                      tag=_TAG, body=s.ConversationPatch, answers={200: s.ConversationOut},
                      errors=(404,)),
            Operation(method="DELETE", path=one, handler=self.delete_conversation, scope="write",
                      tag=_TAG, answers={204: None}, errors=(404,)),
        ]  # fmt: skip
        return found + [self._move(action) for action in ACTIONS]

    # ---------- writes ----------

    async def create_conversation(self, call: Call) -> Answer:
        """Create a conversation: 201. A known `id` or `key` gives the existing one: 200."""
        command = preparing.prepare_conversation(call.body, self._context(call))
        return await self._write_one(call, command)

    async def add_message(self, call: Call) -> Answer:
        """Add a message: 201, or 200 with the stored one where its id is known already.

        A paused conversation is resumed by it; one that is completed or archived refuses it
        (409 `conversation_closed`) unless `reopen=true`.
        """
        command = preparing.prepare_message(
            _conversation_id(call), call.body, self._context(call), reopen=call.query.reopen
        )
        return await self._write_one(call, command)

    async def record_call(self, call: Call) -> Answer:
        """Record a model call that comes with no message: 201, or 200 where its id is known.

        The answer explains the cost line by line; sums are in USD and exact.
        """
        context = self._context(call)
        if preparing.may_count(call.raw_body):
            command = await asyncio.to_thread(preparing.prepare_call, call.body, context)
        else:
            command = preparing.prepare_call(call.body, context)
        return await self._write_one(call, command)

    async def add_feedback(self, call: Call) -> Answer:
        """Score a conversation, or one of its messages, from 0 to 5."""
        command = preparing.prepare_feedback(_conversation_id(call), call.body, self._context(call))
        return await self._write_one(call, command)

    async def update_conversation(self, call: Call) -> Answer:
        """Change module, intents, summary or metadata (merged; null removes an entry)."""
        command = preparing.prepare_update(_conversation_id(call), call.body, self._context(call))
        return await self._write_one(call, command)

    async def store_batch(self, call: Call) -> Answer:
        """Store up to 1,000 writes: 207 with a result each, good ones though others fail.

        Events of one conversation take effect in their order.
        """
        results = await self._conversations.write_batch(
            call.caller, call.body.events, self._context(call), call.connection
        )
        return Answer({"results": [_batch_result(result) for result in results]}, 207)

    async def delete_conversation(self, call: Call) -> Answer:
        """Erase a conversation's content at once; its calls stay as anonymous usage."""
        conversation_id = _conversation_id(call)
        async with self._db.write() as connection:
            found = await store.delete_conversation(
                connection, call.caller.organization_id, conversation_id
            )
        if not found:
            raise ConversationNotFound(conversation_id)
        return Answer(b"", 204)

    # ---------- reads ----------

    async def list_conversations(self, call: Call) -> Answer:
        """Conversations, newest first."""
        async with self._db.read() as connection:
            page = await store.list_conversations(
                connection,
                call.caller.organization_id,
                _filters(ConversationFilters, call.query),
                limit=call.query.limit,
                cursor=call.query.cursor,
            )
        name = call.caller.organization_name
        items = [rendering.render_conversation(c, name) for c in page.items]
        return Answer({"items": items, "next_cursor": page.next_cursor})

    async def get_conversation(self, call: Call) -> Answer:
        """One conversation; `include` adds up to 10,000 messages and 200 calls."""
        conversation_id = _conversation_id(call)
        include = _parse_include(call.query.include)
        organization = call.caller.organization_id
        messages = calls = None
        async with self._db.read() as connection:
            found = await store.get_conversation(connection, organization, conversation_id)
            if found is None:
                raise ConversationNotFound(conversation_id)
            if "messages" in include:
                messages = await store.list_messages(
                    connection, organization, conversation_id, limit=_MAX_MESSAGES
                )
            if "calls" in include:
                page = await store.list_calls(
                    connection,
                    organization,
                    CallFilters(conversation_id=conversation_id),
                    limit=200,
                )
                calls = page.items
        name = call.caller.organization_name
        return Answer(rendering.render_conversation(found, name, messages=messages, calls=calls))

    async def list_messages(self, call: Call) -> Answer:
        """The messages of a conversation, in order."""
        conversation_id = _conversation_id(call)
        organization, limit = call.caller.organization_id, call.query.limit
        after = _parse_seq(call.query.cursor)
        async with self._db.read() as connection:
            rows = await store.list_messages(
                connection, organization, conversation_id, after_seq=after, limit=limit + 1
            )
            if not rows and not await store.get_conversation(
                connection, organization, conversation_id
            ):
                raise ConversationNotFound(conversation_id)
        items = [rendering.render_message(m) for m in rows[:limit]]
        more = len(rows) > limit
        return Answer({"items": items, "next_cursor": str(rows[limit - 1].seq) if more else None})

    async def list_transitions(self, call: Call) -> Answer:
        """The recorded moves of a conversation's life cycle: who, when and why."""
        conversation_id = _conversation_id(call)
        organization = call.caller.organization_id
        async with self._db.read() as connection:
            moves = await store.list_transitions(connection, organization, conversation_id)
            if not moves and not await store.get_conversation(
                connection, organization, conversation_id
            ):
                raise ConversationNotFound(conversation_id)
        items = [rendering.render_transition(move) for move in moves]
        return Answer({"items": items, "next_cursor": None})

    async def list_calls(self, call: Call) -> Answer:
        """Model calls, newest first, those behind messages and those that stand alone."""
        async with self._db.read() as connection:
            page = await store.list_calls(
                connection,
                call.caller.organization_id,
                _filters(CallFilters, call.query),
                limit=call.query.limit,
                cursor=call.query.cursor,
            )
        items = [rendering.render_call(k) for k in page.items]
        return Answer({"items": items, "next_cursor": page.next_cursor})

    async def get_call(self, call: Call) -> Answer:
        """One model call, its cost explained line by line."""
        call_id = call.id()
        async with self._db.read() as connection:
            found = await store.get_call(connection, call.caller.organization_id, call_id)
        if found is None:
            raise CallNotFound(call_id)
        return Answer(rendering.render_call(found))

    # ---------- how ----------

    def _context(self, call: Call) -> Context:
        if call.idempotency is None:
            return self._conversations.context(call.caller)
        key, first_at = call.idempotency
        return self._conversations.context(call.caller, key_name(key), first_at)

    async def _write_one(self, call: Call, command: Any) -> Answer:
        result = await self._conversations.write(call.caller, command, call.connection)
        return Answer(result.data, result.status)

    def _write(
        self, path: str, handler: Any, body: type, answer: type, *,
        query: type | None = None, errors: tuple[int, ...] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> Operation:  # fmt: skip
        return Operation(
            method="POST", path="/v1/conversations" + path, handler=handler, scope="write",
            tag=_TAG, body=body, query=query, answers={201: answer, 200: answer}, errors=errors,
            max_body_bytes=max_body_bytes,
        )  # fmt: skip

    def _read(
        self, path: str, handler: Any, query: type | None, answer: type, *,
        tag: str = _TAG, errors: tuple[int, ...] = (),
    ) -> Operation:  # fmt: skip
        return Operation(
            method="GET", path=path, handler=handler, scope="read", tag=tag, query=query,
            answers={200: answer}, errors=errors,
        )  # fmt: skip

    def _move(self, action: str) -> Operation:
        async def move(call: Call) -> Answer:
            command = preparing.prepare_move(
                _conversation_id(call), action, call.body or s.Move(), self._context(call)
            )
            return await self._write_one(call, command)

        move.__name__ = f"{action}_conversation"
        targets = " or ".join(f"{a} → {b}" for a, b in ACTIONS[action].items())
        move.__doc__ = (
            f"{action.capitalize()} a conversation ({targets}). Another status is refused with 409 "
            "`illegal_transition`, which names the legal actions."
        )
        return Operation(
            method="POST", path=f"/v1/conversations/{{id}}/{action}", handler=move, scope="write",
            tag=_TAG, body=s.Move, is_body_optional=True, answers={200: s.ConversationOut},
            errors=(404, 409),
        )  # fmt: skip


def _conversation_id(call: Call) -> UUID:
    """The id in the path. One that can be nobody's is not found, like any other."""
    try:
        found = call.id()
    except Invalid as error:
        raise ConversationNotFound(call.path["id"]) from error
    if find_time(found) is None:
        raise ConversationNotFound(found)
    return found


def _batch_result(result: Result) -> dict[str, Any]:
    if result.error is not None:
        return {"id": result.id, "status": result.status, "error": result.error.problem()}
    return {"id": result.id, "status": result.status, "data": result.data}


def _filters(kind: type[Any], query: Any) -> Any:
    given: dict[str, Any] = {f.name: getattr(query, f.name) for f in fields(kind)}
    given["from_"] = parse_bound(query.from_, "from")
    given["to"] = parse_bound(query.to, "to")
    for name in ("min_cost", "max_cost", "min_satisfaction"):
        value = given.get(name)
        if value is not None and not _is_amount(value):
            raise Invalid.field(name, "must be an amount")
    return kind(**given)


def _is_amount(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_MAX_DECIMALS and abs(value) <= 10**15


def _parse_include(text: str) -> set[str]:
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    unknown = wanted - {"messages", "calls"}
    if unknown:
        raise Invalid.field("include", f"{sorted(unknown)[0]!r} is neither messages nor calls")
    return wanted


def _parse_seq(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 9:  # noqa: PLR2004
        raise Invalid.field("cursor", "is not a cursor that this list has given")
    return int(cursor)
