"""Commands against the database, within a transaction: in stages, each kind by one statement."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import fields

from aihub.conversations import commands as c
from aihub.conversations import metering, rules, store
from aihub.conversations.errors import (
    ConversationClosed,
    ConversationNotFound,
    IdTaken,
    IllegalTransition,
    MessageNotFound,
)
from aihub.conversations.models import Conversation, Message, ModelCall
from aihub.kit.db import Connection
from aihub.kit.errors import AppError, Invalid
from aihub.kit.ids import uuid7_time
from aihub.kit.sql import fetch

CREATED, KNOWN = 201, 200
_MAX_MERGED_BYTES = 4 * 65_536

Q = store.QUERIES


@dataclass(frozen=True, slots=True)
class Feedback:
    """A stored score with the conversation's mean."""

    id: UUID
    conversation_id: UUID
    message_id: UUID | None
    score: Decimal
    comment: str | None
    satisfaction_score: Decimal | None
    created_at: Any


class Outcome(msgspec.Struct):
    """What became of a command: `row` as it is stored now, or `error`.

    `status` is 201 stored by this command, 200 known already (or changed). `row` None with a good
    status: the conversation is to be read (`conversation`).
    """

    status: int
    row: Conversation | Message | ModelCall | Feedback | None = None
    error: AppError | None = None
    conversation: UUID | None = None

    @classmethod
    def of_error(cls, error: AppError) -> "Outcome":
        """Nothing was stored."""
        return cls(error.status, error=error)


async def apply(connection: Connection, commands: Sequence[c.Command]) -> list[Outcome]:
    """Store the commands of any organizations; an outcome each, in order.

    Those of one conversation take effect in their order. A conversation whose key is known already
    has another id than its command: what follows for it in the same call is led there.
    """
    stages = rules.plan_stages(
        ((command.organization, c.conversation_of(command) or command.id), command.rank)
        for command in commands
    )
    if len(set(stages)) > 1 or isinstance(commands[0], c.MoveConversation | c.UpdateConversation):
        await _lock(connection, commands)
    outcomes: list[Outcome | None] = [None] * len(commands)
    by_stage: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, stage in enumerate(stages):
        by_stage[stage].append(index)
    known_as: dict[tuple[UUID, UUID], UUID] = {}
    for stage in sorted(by_stage):
        indexes = by_stage[stage]
        chosen = [redirect(commands[i], known_as) for i in indexes]
        for index, outcome in zip(indexes, await _run(connection, chosen), strict=True):
            outcomes[index] = outcome
            note_alias(commands[index], outcome, known_as)
    await _read_conversations(connection, commands, outcomes)
    return [outcome for outcome in outcomes if outcome is not None]


async def _lock(connection: Connection, commands: Sequence[c.Command]) -> None:
    """Lock at once what several statements will: two groups never wait for each other in turn."""
    wanted = {
        (command.organization, about)
        for command in commands
        if not isinstance(command, c.CreateConversation)
        and (about := c.conversation_of(command)) is not None
    }
    if wanted:
        await store.lock_conversations(connection, wanted)


def redirect(command: c.Command, known_as: Mapping[tuple[UUID, UUID], UUID]) -> c.Command:
    """Lead a command for an id that was not used to the conversation that has the key."""
    about = c.conversation_of(command)
    if not known_as or about is None or isinstance(command, c.CreateConversation):
        return command
    real = known_as.get((command.organization, about))
    if real is None:
        return command
    if isinstance(command, c.UpdateConversation):
        command.id = real
    elif isinstance(command, c.AddMessage | c.RecordCall | c.AddFeedback):
        command.conversation, command.conversation_at = real, uuid7_time(real)
    elif isinstance(command, c.MoveConversation):
        command.conversation = real
    return command


def note_alias(
    command: c.Command, outcome: Outcome, known_as: dict[tuple[UUID, UUID], UUID]
) -> None:
    """Remember where a conversation is that came with a known key."""
    if isinstance(command, c.CreateConversation) and outcome.conversation not in (None, command.id):
        assert outcome.conversation is not None
        known_as[command.organization, command.id] = outcome.conversation


async def _run(connection: Connection, chosen: Sequence[Any]) -> list[Outcome]:
    kind = type(chosen[0])
    many = _MANY.get(kind)
    if many is not None:
        outcomes: list[Outcome] = await many(connection, chosen)
        return outcomes
    one = _ONE[kind]
    return [await one(connection, command) for command in chosen]


# ---------- each kind ----------

_CONVERSATION = [
    f.name for f in fields(c.CreateConversation) if f.name != "intents"
]  # the columns of the write function
_MESSAGE = [f.name for f in fields(c.AddMessage) if f.name != "charge"]
_CALL = [f.name for f in fields(c.RecordCall) if f.name != "charge"]
_FEEDBACK = [f.name for f in fields(c.AddFeedback)]


async def _create_conversations(
    connection: Connection, chosen: Sequence[c.CreateConversation]
) -> list[Outcome]:
    rows = await fetch(Q.create_conversations(connection, **store.columns(chosen, _CONVERSATION)))
    outcomes = []
    for command, row in zip(chosen, rows, strict=True):
        if row["outcome"] == "created":
            stored = _new_conversation(command, row["updated_at"])
            outcome = Outcome(CREATED, stored, conversation=command.id)
        else:
            outcome = Outcome(KNOWN, conversation=row["conversation_id"])
        outcomes.append(outcome)
    return outcomes


def _new_conversation(command: c.CreateConversation, updated_at: datetime) -> Conversation:
    return Conversation(
        id=command.id,
        key=command.key,
        user_id=command.user,
        status="active",
        source=command.source,
        module=command.module,
        intent_chain=command.intents,
        models=[],
        satisfaction_score=None,
        metadata=command.metadata,
        summary=None,
        sentiment=None,
        message_count=0,
        total_tokens=0,
        total_cost=Decimal(0),
        total_price=Decimal(0),
        unpriced_calls=0,
        error_count=0,
        started_at=command.started_at,
        ended_at=None,
        last_activity_at=command.started_at,
        created_at=command.created_at,
        updated_at=updated_at,
    )


async def _add_messages(connection: Connection, chosen: Sequence[c.AddMessage]) -> list[Outcome]:
    await _settle_charges(connection, chosen)
    rows = await fetch(Q.add_messages(connection, **store.columns(chosen, _MESSAGE)))
    known = {
        (command.organization, command.conversation, row["seq"])
        for command, row in zip(chosen, rows, strict=True)
        if row["outcome"] == "existing" and row["seq"] is not None
    }
    stored = await store.get_messages(connection, known) if known else {}
    return [_message_outcome(*pair, stored) for pair in zip(chosen, rows, strict=True)]


async def _settle_charges(
    connection: Connection, chosen: Sequence[c.AddMessage | c.RecordCall]
) -> None:
    """Price what waits for the module of its conversation."""
    waiting = [command for command in chosen if command.charge is not None]
    if not waiting:
        return
    wanted = {(w.organization, w.conversation) for w in waiting if w.conversation is not None}
    modules = await store.get_modules(connection, wanted)
    for command in waiting:
        assert command.charge is not None
        assert command.conversation is not None
        module = modules.get((command.organization, command.conversation))
        metering.settle(command, command.charge, module)


def _message_outcome(
    command: c.AddMessage, row: Any, stored: Mapping[tuple[UUID, UUID, int], Message]
) -> Outcome:
    place = (command.organization, command.conversation, row["seq"])
    match row["outcome"]:
        case "created":
            return Outcome(CREATED, _new_message(command, row["seq"]))
        case "existing" if place in stored:
            return Outcome(KNOWN, stored[place])
        case "closed":
            return Outcome.of_error(ConversationClosed(row["status"]))
        case "not_found":
            return Outcome.of_error(ConversationNotFound(command.conversation))
        case _:
            return Outcome.of_error(IdTaken(command.id))


def _new_message(command: c.AddMessage, seq: int) -> Message:
    return Message(
        id=command.id,
        conversation_id=command.conversation,
        seq=seq,
        role=command.role,
        content=command.content,
        parts=command.parts,
        tool_calls=command.tool_calls,
        model=command.model,
        provider=command.provider,
        usage=command.quantities,
        tokens=command.tokens,
        cost=command.cost,
        price=command.price,
        cost_status=command.cost_status,
        cost_note=command.cost_note,
        latency_ms=command.latency_ms,
        error=command.error,
        intent=command.intent,
        sentiment=None,
        metadata=command.metadata,
        created_at=command.created_at,
    )


async def _record_calls(connection: Connection, chosen: Sequence[c.RecordCall]) -> list[Outcome]:
    await _settle_charges(connection, chosen)
    rows = await fetch(Q.record_calls(connection, **store.columns(chosen, _CALL)))
    # read back also when new: user and module may come from the conversation
    wanted = {
        (command.organization, command.id)
        for command, row in zip(chosen, rows, strict=True)
        if row["outcome"] in ("created", "existing")
    }
    stored = await store.get_calls(connection, wanted) if wanted else {}
    outcomes = []
    for command, row in zip(chosen, rows, strict=True):
        if row["outcome"] == "not_found":
            outcome = Outcome.of_error(ConversationNotFound(command.conversation or ""))
        elif (command.organization, command.id) not in stored:
            outcome = Outcome.of_error(IdTaken(command.id))
        else:
            status = CREATED if row["outcome"] == "created" else KNOWN
            outcome = Outcome(status, stored[command.organization, command.id])
        outcomes.append(outcome)
    return outcomes


async def _add_feedback(connection: Connection, chosen: Sequence[c.AddFeedback]) -> list[Outcome]:
    rows = await fetch(Q.add_feedback(connection, **store.columns(chosen, _FEEDBACK)))
    outcomes = []
    for command, row in zip(chosen, rows, strict=True):
        match row["outcome"]:
            case "created":
                outcome = Outcome(CREATED, _new_feedback(command, row["satisfaction_score"]))
            case "existing":
                outcome = Outcome(KNOWN, await _stored_feedback(connection, command))
            case "message_not_found":
                outcome = Outcome.of_error(MessageNotFound(command.message_id))
            case _:
                outcome = Outcome.of_error(ConversationNotFound(command.conversation))
        outcomes.append(outcome)
    return outcomes


def _new_feedback(command: c.AddFeedback, mean: Decimal) -> Feedback:
    return Feedback(
        id=command.id,
        conversation_id=command.conversation,
        message_id=command.message_id,
        score=command.score,
        comment=command.comment,
        satisfaction_score=mean,
        created_at=command.created_at,
    )


async def _stored_feedback(connection: Connection, command: c.AddFeedback) -> Feedback:
    found = await store.get_feedback(
        connection, command.organization, command.conversation, command.id
    )
    assert found is not None  # its row was locked with the conversation's
    message_id, score, comment, created_at, mean = found
    return Feedback(command.id, command.conversation, message_id, score, comment, mean, created_at)


async def _update(connection: Connection, command: c.UpdateConversation) -> Outcome:
    size = await Q.update_conversation(
        connection,
        organization_id=command.organization,
        id=command.id,
        created_at=uuid7_time(command.id),
        has_module=command.has_module,
        module=command.module,
        has_intent_chain=command.has_intent_chain,
        intent_chain=command.intent_chain,
        has_summary=command.has_summary,
        summary=command.summary,
        metadata=command.metadata,
    )
    if size is None:
        return Outcome.of_error(ConversationNotFound(command.id))
    if size > _MAX_MERGED_BYTES:
        # told as an exception, so that the change is rolled back
        raise Invalid.field("metadata", f"exceeds {_MAX_MERGED_BYTES:,} bytes with what is stored")
    return Outcome(KNOWN, conversation=command.id)


async def _move(connection: Connection, command: c.MoveConversation) -> Outcome:
    moves = rules.ACTIONS[command.action]
    row = await Q.move_conversation(
        connection,
        organization_id=command.organization,
        id=command.conversation,
        created_at=uuid7_time(command.conversation),
        from_statuses=list(moves),
        to_statuses=list(moves.values()),
        actor=command.actor,
        reason=command.reason,
        at=command.at,
        transition_id=command.id,
    )
    if row["was"] is None:
        return Outcome.of_error(ConversationNotFound(command.conversation))
    if not row["moved"]:
        return Outcome.of_error(IllegalTransition(command.action, row["was"]))
    return Outcome(KNOWN, conversation=command.conversation)


_MANY: dict[type, Callable[..., Any]] = {
    c.CreateConversation: _create_conversations,
    c.AddMessage: _add_messages,
    c.RecordCall: _record_calls,
    c.AddFeedback: _add_feedback,
}
_ONE: dict[type, Callable[..., Any]] = {
    c.UpdateConversation: _update,
    c.MoveConversation: _move,
}


async def _read_conversations(
    connection: Connection, commands: Sequence[c.Command], outcomes: Sequence[Outcome | None]
) -> None:
    """Complete the outcomes that answer a conversation as it is stored now."""
    open_ = [
        (command, outcome)
        for command, outcome in zip(commands, outcomes, strict=True)
        if outcome is not None and outcome.row is None and outcome.error is None
    ]
    if not open_:
        return
    found = await store.get_conversations(
        connection,
        {(command.organization, o.conversation) for command, o in open_ if o.conversation},
    )
    for command, outcome in open_:
        row = found.get((command.organization, outcome.conversation or command.id))
        if row is None:
            # its id belongs to another organization, or it was erased a moment ago
            outcome.error = IdTaken(command.id)
            outcome.status = outcome.error.status
        else:
            outcome.row = row
