"""One typed function for each query; no decisions."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

from aihub.conversations.models import (
    CallFilters,
    Conversation,
    ConversationFilters,
    Message,
    ModelCall,
    Page,
    Transition,
)
from aihub.kit.db import Connection
from aihub.kit.ids import as_uuid, uuid7_time
from aihub.kit.paging import decode_cursor, encode_cursor
from aihub.kit.sql import fetch, load_queries

# Organizations may use the same ids, and writes of several are stored together.
Owned: TypeAlias = tuple[UUID, UUID]
"""(organization, id)."""

QUERIES = load_queries(__file__)


async def list_conversations(
    connection: Connection,
    organization_id: UUID,
    filters: ConversationFilters,
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Conversation]:
    """One page, newest first. Raises Invalid for a bad cursor."""
    before_at, before_id = decode_cursor(cursor) or (None, None)
    rows = await fetch(
        QUERIES.list_conversations(
            connection,
            organization_id=organization_id,
            **asdict(filters),
            user_uuid=as_uuid(filters.user_id),
            before_at=before_at,
            before_id=before_id,
            limit=limit + 1,
        )
    )
    items = [Conversation(*row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, encode_cursor(items[-1].created_at, items[-1].id) if more else None)


async def get_conversation(
    connection: Connection, organization_id: UUID, conversation_id: UUID
) -> Conversation | None:
    """None where there is none in this organization."""
    row = await QUERIES.get_conversation(
        connection,
        organization_id=organization_id,
        id=conversation_id,
        created_at=uuid7_time(conversation_id),
    )
    return Conversation(*row) if row else None


async def list_messages(
    connection: Connection,
    organization_id: UUID,
    conversation_id: UUID,
    *,
    after_seq: int = 0,
    limit: int = 10_000,
) -> list[Message]:
    """In order of `seq`."""
    rows = await fetch(
        QUERIES.list_messages(
            connection,
            organization_id=organization_id,
            conversation_id=conversation_id,
            created_at=uuid7_time(conversation_id),
            after_seq=after_seq,
            limit=limit,
        )
    )
    return [Message(*row) for row in rows]


async def list_transitions(
    connection: Connection, organization_id: UUID, conversation_id: UUID
) -> list[Transition]:
    """Oldest first."""
    rows = await fetch(
        QUERIES.list_transitions(
            connection,
            organization_id=organization_id,
            conversation_id=conversation_id,
            created_at=uuid7_time(conversation_id),
        )
    )
    return [Transition(*row) for row in rows]


async def list_calls(
    connection: Connection,
    organization_id: UUID,
    filters: CallFilters,
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ModelCall]:
    """One page, newest first. Raises Invalid for a bad cursor."""
    before_at, before_id = decode_cursor(cursor) or (None, None)
    rows = await fetch(
        QUERIES.list_calls(
            connection,
            organization_id=organization_id,
            **asdict(filters),
            user_uuid=as_uuid(filters.user_id),
            before_at=before_at,
            before_id=before_id,
            limit=limit + 1,
        )
    )
    items = [ModelCall(*row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, encode_cursor(items[-1].occurred_at, items[-1].id) if more else None)


async def get_call(
    connection: Connection, organization_id: UUID, call_id: UUID
) -> ModelCall | None:
    """None where there is none in this organization."""
    owned = (organization_id, call_id)
    return (await get_calls(connection, [owned])).get(owned)


# ---------- many at once: answers to writes that were known already ----------


async def get_conversations(
    connection: Connection, wanted: Iterable[Owned]
) -> dict[Owned, Conversation]:
    """Conversations by (organization, id)."""
    pairs = list(wanted)
    rows = await fetch(
        QUERIES.list_conversations_by_id(
            connection,
            organization_ids=[organization for organization, _ in pairs],
            ids=[id_ for _, id_ in pairs],
            created_ats=[uuid7_time(id_) for _, id_ in pairs],
        )
    )
    return {(row[-1], row[0]): Conversation(*row[:-1]) for row in rows}


async def get_messages(
    connection: Connection, wanted: Iterable[tuple[UUID, UUID, int]]
) -> dict[tuple[UUID, UUID, int], Message]:
    """Messages by (organization, conversation, seq)."""
    triples = list(wanted)
    rows = await fetch(
        QUERIES.list_messages_by_seq(
            connection,
            organization_ids=[organization for organization, _, _ in triples],
            conversation_ids=[conversation for _, conversation, _ in triples],
            created_ats=[uuid7_time(conversation) for _, conversation, _ in triples],
            seqs=[seq for _, _, seq in triples],
        )
    )
    messages = [(row[-1], Message(*row[:-1])) for row in rows]
    return {(organization, m.conversation_id, m.seq): m for organization, m in messages}


async def get_calls(connection: Connection, wanted: Iterable[Owned]) -> dict[Owned, ModelCall]:
    """Calls by (organization, id)."""
    pairs = list(wanted)
    rows = await fetch(
        QUERIES.list_calls_by_id(
            connection,
            organization_ids=[organization for organization, _ in pairs],
            ids=[id_ for _, id_ in pairs],
        )
    )
    return {(row[-1], row[0]): ModelCall(*row[:-1]) for row in rows}


async def get_feedback(
    connection: Connection, organization_id: UUID, conversation_id: UUID, feedback_id: UUID
) -> tuple[UUID | None, Decimal, str | None, datetime, Decimal | None] | None:
    """(message, score, comment, time, the conversation's mean) of a stored score."""
    row = await QUERIES.get_feedback(
        connection,
        organization_id=organization_id,
        conversation_id=conversation_id,
        created_at=uuid7_time(conversation_id),
        id=feedback_id,
    )
    return tuple(row) if row else None


# ---------- writes ----------


async def lock_conversations(connection: Connection, wanted: Iterable[Owned]) -> None:
    """Lock conversations by (organization, id) until the end of the transaction."""
    pairs = list(wanted)
    await QUERIES.lock_conversations(
        connection,
        organization_ids=[organization for organization, _ in pairs],
        ids=[id_ for _, id_ in pairs],
        created_ats=[uuid7_time(id_) for _, id_ in pairs],
    )


async def delete_conversation(
    connection: Connection, organization_id: UUID, conversation_id: UUID
) -> bool:
    """Erase content at once, keep the calls as anonymous usage. False where there is none."""
    found = await QUERIES.delete_conversation(
        connection,
        organization_id=organization_id,
        id=conversation_id,
        created_at=uuid7_time(conversation_id),
    )
    return bool(found)


async def ensure_partitions(connection: Connection, times: Sequence[datetime]) -> int:
    """Make the months that hold `times`; how many tables that were."""
    made: int = await QUERIES.ensure_partitions(connection, from_=min(times), to=max(times))
    return made


# ---------- upkeep ----------


async def apply_idle_rules(connection: Connection) -> int:
    """Pause, complete and archive idle conversations; how many moved (1,000 a rule at most)."""
    moved: int = await QUERIES.apply_idle_rules(connection)
    return moved


async def make_coming_partitions(connection: Connection, now: datetime) -> int:
    """Make this month's partitions and those of three months ahead; how many tables were made."""
    made: int = await QUERIES.ensure_partitions(
        connection, from_=now - timedelta(days=31), to=now + timedelta(days=92)
    )
    return made


async def purge_idempotency_keys(connection: Connection, before: datetime) -> None:
    """Forget the answers that were kept for retries before a time."""
    await QUERIES.delete_old_idempotency_keys(connection, before=before)


async def get_modules(
    connection: Connection, wanted: AbstractSet[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], str | None]:
    """The modules of conversations, by organization and id."""
    keys = list(wanted)
    rows = await fetch(
        QUERIES.list_modules(
            connection,
            organization_ids=[organization for organization, _ in keys],
            conversation_ids=[conversation for _, conversation in keys],
            created_ats=[uuid7_time(conversation) for _, conversation in keys],
        )
    )
    return {(row["organization_id"], row["id"]): row["module"] for row in rows}


def columns(rows: Sequence[Any], names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Rows as the arrays that the write functions take."""
    return dict(zip(names, zip(*map(attrgetter(*names), rows), strict=True), strict=True))
