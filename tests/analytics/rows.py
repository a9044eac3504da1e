"""Raw rows as writers leave them, of any time."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.kit.ids import uuid7, uuid7_time

MODELS = [
    ("openai", "gpt-4o", "chat.completions"),
    ("azure", "gpt-4o", "chat.completions"),
    ("anthropic", "claude-sonnet-4", "messages"),
    (None, None, None),
]
MODULES = ["support", "checkout", None]
INTENTS = ["refund", "greeting", "=danger"]


async def add_users(connection: Any, organization: UUID, count: int) -> list[UUID]:
    rows = await connection.fetch(
        "insert into public.ai_users (organization_id, external_id) "
        "select $1, 'user-' || n from generate_series(1, $2) n returning id",
        *(organization, count),
    )
    return [row["id"] for row in rows]


async def add_call(
    connection: Any, organization: UUID, at: datetime, chosen: random.Random, **more: Any
) -> UUID:
    provider, model, api = chosen.choice(MODELS)
    status = chosen.choice(["priced", "priced", "priced", "unpriced", "estimated", "free"])
    cost = Decimal(chosen.randrange(10**9)).scaleb(-15) if status != "free" else Decimal(0)
    tokens = chosen.randrange(5000)
    given = {
        "id": uuid7(),
        "occurred_at": at,
        "organization_id": organization,
        "provider": provider,
        "model": model,
        "api": api,
        "input_tokens": tokens,
        "cached_input_tokens": tokens // 3,
        "output_tokens": tokens // 2,
        "reasoning_tokens": tokens // 5,
        "total_tokens": tokens + tokens // 2,
        "cost": None if status == "unpriced" else cost,
        "price": None if status == "unpriced" else cost * Decimal("1.2"),
        "cost_status": status,
        "price_book_version": "1",
        "latency_ms": chosen.choice([None, 0, 1, chosen.randrange(60_000), chosen.randrange(900)]),
        "error": chosen.choice([None] * 9 + ["timeout"]),
    } | more
    words = ", ".join(f"${n}" for n in range(1, len(given) + 1))
    await connection.execute(
        f"insert into public.ai_calls ({', '.join(given)}) values ({words})", *given.values()
    )
    return given["id"]


async def add_conversation(
    connection: Any, organization: UUID, at: datetime, chosen: random.Random, user: UUID | None
) -> UUID:
    """With calls, messages and maybe feedback."""
    id_ = uuid7(int(at.timestamp() * 1000))
    created = uuid7_time(id_)
    module, source = chosen.choice(MODULES), chosen.choice(["web", "api"])
    calls = chosen.randrange(4)
    last = created + timedelta(minutes=30 * calls)
    await connection.execute(
        "insert into public.ai_conversations (id, created_at, organization_id, user_id, source, "
        "module, intent_chain, message_count, started_at, last_activity_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $2, $9)",
        *(id_, created, organization, user, source, module),
        *(chosen.sample(INTENTS, chosen.randrange(3)), 2 * calls, last),
    )
    for n in range(calls):
        at = created + timedelta(minutes=30 * n)
        call = await add_call(
            connection, organization, at, chosen, conversation_id=id_, user_id=user,
            module=module, source=source,
        )  # fmt: skip
        await connection.execute(
            "insert into public.ai_messages (conversation_id, conversation_created_at, "
            "organization_id, seq, id, role, content, intent, created_at) "
            "values ($1, $2, $3, $4, $5, 'assistant', 'a', $6, $7)",
            *(id_, created, organization, n + 1, call, chosen.choice([None, *INTENTS]), at),
        )
    for n in range(chosen.choice([0, 0, 1, 2])):
        score = Decimal(chosen.randrange(501)).scaleb(-2)
        await connection.execute(
            "insert into public.ai_feedback (conversation_id, conversation_created_at, "
            "organization_id, id, score, created_at) values ($1, $2, $3, $4, $5, $6)",
            *(id_, created, organization, uuid7(), score, created + timedelta(hours=7 * n)),
        )
    return id_


async def fill(
    connection: Any, organization: UUID, *, seed: int, days: int = 45, conversations: int = 150
) -> None:
    """Some weeks of an organization's rows, up to now."""
    chosen = random.Random(seed)
    now = datetime.now(UTC)
    await connection.fetchval(
        "select hub.ensure_partitions($1, $2)", now - timedelta(days=days + 1), now
    )
    users = await add_users(connection, organization, 12)
    for _ in range(conversations):
        at = now - timedelta(minutes=chosen.randrange(20, days * 1440))
        await add_conversation(connection, organization, at, chosen, chosen.choice([*users, None]))
    for _ in range(conversations // 2):
        at = now - timedelta(minutes=chosen.randrange(days * 1440))
        await add_call(connection, organization, at, chosen, user_id=chosen.choice([*users, None]))
