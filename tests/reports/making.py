"""Raw rows of a made-up life, stored by plain inserts, and the same as Python values."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from aihub.kit.ids import uuid7, uuid7_ms, uuid7_time

MODULES = (None, "support", "checkout")
MODELS = (("openai", "gpt-5"), ("openai", "gpt-5-mini"), ("anthropic", "claude"), (None, "own"))
INTENTS = ("buy", "return", "ask", "=cmd")


@dataclass
class Life:
    """What an organization's users did."""

    organization_id: UUID
    calls: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)


def millisecond(at: datetime) -> datetime:
    return uuid7_time(uuid7(uuid7_ms(uuid7(int(at.timestamp() * 1000)))))


def make_call(organization_id: UUID, at: datetime, seed: random.Random, **more: Any) -> Any:
    """One call."""
    provider, model = seed.choice(MODELS)
    is_priced = seed.random() > 0.1
    cost = Decimal(seed.randrange(10**12)).scaleb(-15) if is_priced else None
    found = {
        "id": uuid4(), "organization_id": organization_id, "occurred_at": millisecond(at),
        "conversation_id": None, "user_id": None, "module": seed.choice(MODULES), "source": "api",
        "provider": provider, "model": model, "api": "chat",
        "input_tokens": seed.randrange(1_000), "cached_input_tokens": seed.randrange(100),
        "output_tokens": seed.randrange(500), "reasoning_tokens": seed.randrange(50),
        "cost": cost, "price": None if cost is None else cost * Decimal("1.2"),
        "cost_status": seed.choice(("priced", "estimated")) if is_priced else "unpriced",
        "latency_ms": seed.choice((None, 0, 1, seed.randrange(1, 60_000))),
        "error": seed.choice((None, None, None, "timeout")), "price_book_version": "1",
    }  # fmt: skip
    found["total_tokens"] = found["input_tokens"] + found["output_tokens"]
    return found | more


def live(
    organization_id: UUID, users: list[UUID], start: datetime, end: datetime, *, seed: int, n: int
) -> Life:
    """`n` conversations with calls and feedback between two times."""
    dice = random.Random(seed)
    found = Life(organization_id)
    seconds = (end - start).total_seconds()
    for _ in range(n):
        at = millisecond(start + timedelta(seconds=dice.random() * seconds))
        user = dice.choice([*users, None])
        module = dice.choice(MODULES)
        intents = dice.sample(INTENTS, dice.randrange(3))
        made = uuid7(int(at.timestamp() * 1000))
        messages = dice.randrange(1, 9)
        scores = [Decimal(dice.randrange(11)) / 2 for _ in range(dice.choice((0, 0, 1, 2)))]
        mean = (sum(scores) / len(scores)).quantize(Decimal("0.01")) if scores else None
        found.conversations.append({
            "id": made, "created_at": uuid7_time(made), "organization_id": organization_id,
            "user_id": user, "module": module, "intent_chain": intents, "message_count": messages,
            "satisfaction_score": mean, "started_at": at, "last_activity_at": at,
        })  # fmt: skip
        for score in scores:
            later = millisecond(at + timedelta(hours=dice.random() * 30))
            found.feedback.append({
                "conversation_id": made, "conversation_created_at": uuid7_time(made),
                "organization_id": organization_id, "id": uuid4(), "score": score,
                "created_at": later,
            })  # fmt: skip
        for _ in range(dice.randrange(4)):
            found.calls.append(make_call(organization_id, at, dice, conversation_id=made,
                                         user_id=user, module=module))  # fmt: skip
        if dice.random() < 0.2:
            found.calls.append(make_call(organization_id, at, dice, user_id=user))
    return found


async def store(connection: Any, life: Life) -> None:
    """Insert it all."""
    await insert(connection, "public.ai_calls", life.calls)
    await insert(connection, "public.ai_conversations", life.conversations)
    await insert(connection, "public.ai_feedback", life.feedback)


async def insert(connection: Any, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows of one shape."""
    if not rows:
        return
    names = list(rows[0])
    places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    await connection.executemany(
        f"insert into {table} ({', '.join(names)}) values ({places})",
        [[row[name] for name in names] for row in rows],
    )
