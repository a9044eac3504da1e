"""Use cases. Each takes an open connection where the caller has a transaction of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any, Protocol
from uuid import UUID

import msgspec

from aihub.conversations import preparing, rendering
from aihub.conversations import schemas as s
from aihub.conversations.applying import Feedback, Outcome
from aihub.conversations.commands import Command
from aihub.conversations.metering import Meter
from aihub.conversations.models import Conversation, Message, ModelCall
from aihub.conversations.preparing import Clock, Context, utc_now
from aihub.conversations.writer import Writer
from aihub.kit.db import Connection
from aihub.kit.decoding import encode_json, invalid, raw_fields, refuse_unstorable
from aihub.kit.errors import AppError, Invalid
from aihub.kit.ids import is_uuid7
from aihub.kit.money import json_number

_BODIES: dict[str, type[Any]] = {
    "conversation": s.NewConversation,
    "message": s.MessageEvent,
    "call": s.NewCall,
    "feedback": s.FeedbackEvent,
    "transition": s.TransitionEvent,
    "update": s.UpdateEvent,
}


class Owner(Protocol):
    """For whom and by whom."""

    @property
    def organization_id(self) -> UUID:
        """The stored id."""
        ...

    @property
    def organization_name(self) -> str:
        """The caller's form."""
        ...

    @property
    def actor(self) -> str:
        """Who does it."""
        ...

    @property
    def plan(self) -> str:
        """The organization's plan, by which markup rules may go."""
        ...


@dataclass(frozen=True, slots=True)
class SystemOwner:
    """An organization for which the hub itself writes: `actor` names the part of it."""

    organization_id: UUID
    organization_name: str
    actor: str
    plan: str = "free"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a write: its HTTP status, and the object or the error."""

    status: int
    data: Any = None
    error: AppError | None = None
    id: str | None = None


class Conversations:
    """Writes of conversations and what belongs to them."""

    def __init__(
        self, writer: Writer, *, meter: Meter | None = None, clock: Clock = utc_now
    ) -> None:
        self._writer = writer
        self._meter = meter or preparing.METER
        self._clock = clock

    def context(self, owner: Owner, name: str | None = None, at: datetime | None = None) -> Context:
        """Who writes, when. `name`, `at`: see preparing.Context."""
        now = at or self._clock()
        return Context(
            owner.organization_id, owner.actor, now, name, plan=owner.plan, meter=self._meter
        )

    async def write(
        self, owner: Owner, command: Command, connection: Connection | None = None
    ) -> Result:
        """Store one command. Raises what hinders it."""
        (outcome,) = await self._writer.write([command], connection)
        if outcome.error is not None:
            raise outcome.error
        return Result(outcome.status, _render(outcome, owner.organization_name))

    async def write_batch(
        self,
        owner: Owner,
        events: Sequence[Any],
        context: Context,
        connection: Connection | None = None,
    ) -> list[Result]:
        """Store events (JSON text each, or decoded), good ones though others fail.

        Raises:
            DiskFull, DatabaseAway: none of them may be taken as stored.
        """
        results: list[Result | None] = []
        commands: list[Command] = []
        ids = [_id_of(event) for event in events]
        for index, event in enumerate(events):
            try:
                commands.append(await _prepare(event, index, context))
                results.append(None)
            except AppError as error:
                results.append(Result(error.status, error=error, id=ids[index]))
        outcomes = iter(await self._writer.write(commands, connection) if commands else ())
        finished = []
        for event_id, result in zip(ids, results, strict=True):
            finished.append(result or _result(next(outcomes), owner, event_id))
        return finished


class EventStore:
    """Stores events of organizations by name: what imports and the demo write through."""

    def __init__(self, conversations: Conversations, owners: Mapping[str, Owner]) -> None:
        self._conversations = conversations
        self._owners = owners

    async def __call__(
        self, organization: str, events: Sequence[Mapping[str, Any]], /
    ) -> list["StoredEvent"]:
        """An answer each, in order."""
        owner = self._owners[organization]
        context = self._conversations.context(owner)
        results = await self._conversations.write_batch(owner, events, context)
        return [_stored(result) for result in results]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What became of an event: the object as the contract shows it, or the problem document."""

    status: int
    data: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None


def _stored(result: Result) -> StoredEvent:
    if result.error is not None:
        return StoredEvent(result.status, error=result.error.problem())
    return StoredEvent(result.status, data=msgspec.json.decode(encode_json(result.data)))


def _result(outcome: Outcome, owner: Owner, event_id: str | None) -> Result:
    if outcome.error is not None:
        return Result(outcome.status, error=outcome.error, id=event_id)
    return Result(outcome.status, _render(outcome, owner.organization_name), id=event_id)


def _render(outcome: Outcome, organization: str) -> Any:
    row = outcome.row
    if isinstance(row, Message):
        return rendering.render_message(row)
    if isinstance(row, Conversation):
        return rendering.render_conversation(row, organization)
    if isinstance(row, ModelCall):
        return rendering.render_call(row)
    assert isinstance(row, Feedback)
    return s.FeedbackOut(
        id=row.id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        score=json_number(row.score),
        comment=row.comment,
        satisfaction_score=json_number(row.satisfaction_score),
        created_at=row.created_at,
    )


# ---------- events ----------


_decode_event = msgspec.json.Decoder(s.BatchEvent).decode
_passed_on = {name: raw_fields(kind) for name, kind in _BODIES.items()}
_decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in _BODIES.items()}


class _Identified(msgspec.Struct):
    id: Any = None


_decode_identified = msgspec.json.Decoder(_Identified).decode


def _id_of(event: Any) -> str | None:
    """The id that a result names; None where the event has none that can be read."""
    if isinstance(event, msgspec.Raw | bytes):
        try:
            found = _decode_identified(event).id
        except msgspec.MsgspecError:
            return None
    else:
        found = event.get("id") if isinstance(event, Mapping) else None
    return found if isinstance(found, str) else None


async def _prepare(event: Any, index: int, context: Context) -> Command:
    raw = event if isinstance(event, bytes | msgspec.Raw) else encode_json(event)
    if preparing.may_count(bytes(raw)):
        return await asyncio.to_thread(_prepare_event, raw, index, context)
    return _prepare_event(raw, index, context)


def _prepare_event(raw: bytes | msgspec.Raw, index: int, context: Context) -> Command:
    at = f"events[{index}]"
    place = at
    try:
        envelope = _decode_event(raw)
        place = f"{at}.body"
        body = _decoders[envelope.type](envelope.body)
    except msgspec.ValidationError as error:
        raise invalid(error, at=place) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid.field(at, "is not JSON") from error
    refuse_unstorable(bytes(raw), at, body=body, passed_on=_passed_on[envelope.type])
    id_ = _usable_id(envelope.id)
    if getattr(body, "id", None) is None and hasattr(body, "id"):
        body.id = id_
    own = context
    if context.name is not None:
        own = replace(context, name=f"{context.name}:{index}")
    try:
        return _prepare_body(envelope.type, body, own, id_)
    except Invalid as error:
        errors = [type(e)(f"{at}.body.{e.field}", e.message) for e in error.errors]
        raise Invalid(error.detail, errors=errors) from error


def _prepare_body(kind: str, body: Any, context: Context, id_: UUID | None) -> Command:
    match kind:
        case "conversation":
            return preparing.prepare_conversation(body, context)
        case "message":
            return preparing.prepare_message(
                body.conversation_id, body, context, reopen=body.reopen
            )
        case "call":
            return preparing.prepare_call(body, context)
        case "feedback":
            return preparing.prepare_feedback(body.conversation_id, body, context)
        case "update":
            return preparing.prepare_update(body.conversation_id, body, context)
        case _:
            return preparing.prepare_move(body.conversation_id, body.action, body, context, id_=id_)


def _usable_id(text: str | None) -> UUID | None:
    try:
        found = UUID(text or "")
    except ValueError:
        return None
    return found if is_uuid7(found) else None


# ---------- filters ----------


def parse_bound(text: str | None, field: str) -> datetime | None:
    """A bound of a list: an ISO 8601 time with offset, or a date (midnight in UTC)."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
        at = at if at.tzinfo else datetime.combine(at.date(), at.time() or time(), tzinfo=UTC)
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid.field(
            field, "must be a date or a time such as 2026-01-31T12:00:00Z"
        ) from error
