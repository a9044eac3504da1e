"""What answers have to say, computed in plain Python from exported rows: no SQL, no rollups."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

TABLES = {
    "calls": "public.ai_calls",
    "conversations": "public.ai_conversations",
    "feedback": "public.ai_feedback",
    "messages": "public.ai_messages",
    "users": "public.ai_users",
    "organizations": "public.ai_organizations",
}
SUMS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "total_tokens")


@dataclass
class Raw:
    """Exported rows, as dictionaries."""

    calls: list[Any] = field(default_factory=list)
    conversations: list[Any] = field(default_factory=list)
    feedback: list[Any] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    users: list[Any] = field(default_factory=list)
    organizations: list[Any] = field(default_factory=list)

    def of(self, organization: UUID) -> "Raw":
        """The rows of one organization."""
        return Raw(
            **{
                name: [
                    row
                    for row in getattr(self, name)
                    if row["id" if name == "organizations" else "organization_id"] == organization
                ]
                for name in TABLES
            }
        )

    def by_id(self) -> dict[UUID, Any]:
        """The conversations by id."""
        return {row["id"]: row for row in self.conversations}


async def export(connection: Any) -> Raw:
    """All raw rows."""
    return Raw(
        **{
            name: [dict(row) for row in await connection.fetch(f"select * from {table}")]
            for name, table in TABLES.items()
        }
    )


def within(row: Any, column: str, from_: datetime, to: datetime) -> bool:
    return bool(from_ <= row[column] < to)


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def time_key(at: datetime, grain: str, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    if grain == "hour":
        begun = at - timedelta(minutes=local.minute, seconds=at.second, microseconds=at.microsecond)
        return f"{begun.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    day = local.date()
    if grain == "week":
        day -= timedelta(days=day.weekday())
    if grain == "month":
        day = day.replace(day=1)
    return day.isoformat()


def usage(
    raw: Raw, from_: datetime, to: datetime, zone: str, groups: Iterable[str]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The sums by key of `groups`; `latencies` are all of them, in order."""
    users = {row["id"]: row["external_id"] for row in raw.users}
    names = {row["id"]: row["external_id"] for row in raw.organizations}

    def key(row: Any, column: str) -> tuple[Any, ...]:
        values = {
            **{g: time_key(row[column], g, zone) for g in ("hour", "day", "week", "month")},
            "organization": names[row["organization_id"]],
            "user": users.get(row["user_id"]) if row["user_id"] else None,
            "module": row["module"],
            "source": row["source"],
            "provider": row.get("provider"),
            "model": row.get("model"),
        }
        return tuple(values[name] for name in groups)

    def empty() -> dict[str, Any]:
        sums = dict.fromkeys(
            ("calls", "errors", "unpriced", "estimated", "conversations", *SUMS), 0
        )
        return sums | {"cost": Decimal(0), "price": Decimal(0), "latencies": []}

    found: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(empty)
    pairs: dict[UUID, set[tuple[Any, Any]]] = defaultdict(set)
    for call in raw.calls:
        if call["conversation_id"]:
            pairs[call["conversation_id"]].add((call["provider"], call["model"]))
        if not within(call, "occurred_at", from_, to):
            continue
        group = found[key(call, "occurred_at")]
        group["calls"] += 1
        group["errors"] += call["error"] is not None
        group["unpriced"] += call["cost_status"] == "unpriced"
        group["estimated"] += call["cost_status"] == "estimated"
        for name in SUMS:
            group[name] += call[name]
        group["cost"] += call["cost"] or 0
        group["price"] += call["price"] or 0
        if call["latency_ms"] is not None:
            group["latencies"].append(call["latency_ms"])
    for row in raw.conversations:
        if not within(row, "created_at", from_, to):
            continue
        used = pairs[row["id"]] if {"model", "provider"} & set(groups) else {(None, None)}
        keys = {key(row | {"provider": p, "model": m}, "created_at") for p, m in used}
        for each in keys:
            found[each]["conversations"] += 1
    for group in found.values():
        group["latencies"].sort()
    return dict(found)


def nearest_rank(latencies: list[int], share: float) -> int | None:
    if not latencies:
        return None
    return latencies[max(1, math.ceil(round(share * len(latencies), 6))) - 1]


def is_near(found: Any, exact: int | None) -> bool:
    """Within 1 % of the exact latency; 0 counts as 1 ms."""
    if exact is None or found is None:
        return found is None and exact is None
    return abs(Decimal(found) - max(exact, 1)) <= Decimal(max(exact, 1)) / 100


def scores(raw: Raw, from_: datetime, to: datetime) -> list[Decimal]:
    return [row["score"] for row in raw.feedback if within(row, "created_at", from_, to)]


def active_users(raw: Raw, from_: datetime, to: datetime) -> set[tuple[UUID, UUID]]:
    found = set()
    for rows, column in ((raw.calls, "occurred_at"), (raw.conversations, "created_at")):
        for row in rows:
            if row["user_id"] and within(row, column, from_, to):
                found.add((row["organization_id"], row["user_id"]))
    return found


def people_by(
    raw: Raw, from_: datetime, to: datetime, names_of: Callable[[Any], set[Any]]
) -> dict[Any, tuple[int, int]]:
    """(users, conversations) by what `names_of` a conversation says."""
    users: dict[Any, set[Any]] = defaultdict(set)
    counts: dict[Any, int] = defaultdict(int)
    for row in raw.conversations:
        if within(row, "created_at", from_, to):
            for name in names_of(row):
                counts[name] += 1
                if row["user_id"]:
                    users[name].add((row["organization_id"], row["user_id"]))
    return {name: (len(users[name]), counts[name]) for name in counts}
