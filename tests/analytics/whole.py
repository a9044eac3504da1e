"""Every row of every rollup, and what each has to be: computed here from exported raw rows."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

TABLES = {
    "public.ai_usage_slots": "slot, provider, model, module, source, endpoint",
    "public.ai_conversation_slots": "kind, slot, module, source, provider, model",
    "public.ai_usage_days": "day, provider, model, module, source, endpoint",
    "hub.usage_sum_days": "detail, day, provider, model, endpoint",
    "public.ai_conversation_days": "kind, day, module, source, provider, model",
    "public.ai_user_days": "day, user_id, module",
    "public.ai_user_intents": "day, user_id, intent",
    "hub.user_months": "month, user_id",
}
RAW = ("ai_calls", "ai_conversations", "ai_feedback", "ai_messages", "ai_transitions")
NOBODY = UUID(int=0)
TOKENS = (
    "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "total_tokens",
)  # fmt: skip
_PARTS = ("provider", "model", "module", "source", "api")
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)

Rows = dict[tuple[Any, ...], dict[str, Any]]
Raw = dict[str, list[Any]]
When = Callable[[datetime], Any]


async def texts(connection: Any, organization: UUID) -> dict[str, list[str]]:
    """Every row as PostgreSQL writes it, in order."""
    return {
        table: [
            row[0]
            for row in await connection.fetch(
                f"select t::text from {table} t where organization_id = $1 order by {key}",
                organization,
            )
        ]
        for table, key in TABLES.items()
    }


async def check(connection: Any, organization: UUID) -> dict[str, int]:
    """All tables beside plain Python, days that hold; how many rows each had."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        raw: Raw = {
            table: await connection.fetch(
                f"select * from public.{table} where organization_id = $1", organization
            )
            for table in RAW
        }
        stored = {
            table: _read(
                await connection.fetch(
                    f"select * from {table} where organization_id = $1", organization
                ),
                key.split(", "),
            )
            for table, key in TABLES.items()
        }
        zone = await connection.fetchval(
            "select timezone from public.ai_organizations where id = $1", organization
        )
        open_days = {
            row["day"]
            for row in await connection.fetch(
                "select day from hub.rollup_days where organization_id = $1", organization
            )
        }
    assert stored["hub.user_months"] == _months(stored["public.ai_user_days"])
    for table, rows in expect(raw, zone).items():
        found = stored[table]
        if "day" in TABLES[table]:
            at = TABLES[table].split(", ").index("day")
            rows = {key: row for key, row in rows.items() if key[at] not in open_days}  # noqa: PLW2901
            found = {key: row for key, row in found.items() if key[at] not in open_days}
        assert found.keys() == rows.keys(), (table, *sorted(found.keys() ^ rows.keys())[:3])
        for key, row in rows.items():
            assert found[key] == row, (table, key)
    return {table: len(rows) for table, rows in stored.items()}


def _read(rows: Iterable[Any], key: list[str]) -> Rows:
    found: Rows = {}
    for row in rows:
        values = dict(row)
        name = tuple(values.pop(column) for column in key)
        del values["organization_id"]
        if "latency_buckets" in values:
            buckets, counts = values.pop("latency_buckets"), values.pop("latency_counts")
            assert buckets == sorted(set(buckets))
            values["latencies"] = dict(zip(buckets, counts, strict=True))
        found[name] = values
    return found


def expect(raw: Raw, zone: str) -> dict[str, Rows]:
    """The rows of each table; those by day also of days that are not over."""

    def day(at: datetime) -> Any:
        return at.astimezone(ZoneInfo(zone)).date()

    return {
        "public.ai_usage_slots": _usage(raw, _slot, _PARTS),
        "public.ai_usage_days": _usage(raw, day, _PARTS),
        "hub.usage_sum_days": _sum_up(raw, day),
        "public.ai_conversation_slots": _conversations(raw, _slot),
        "public.ai_conversation_days": _with_sums(_conversations(raw, day)),
        "public.ai_user_days": _people(raw, day),
        "public.ai_user_intents": _intents(raw, day),
    }


def _slot(at: datetime) -> datetime:
    return at - (at - _FIRST) % timedelta(minutes=15)


def _bucket(latency: int) -> int:
    return math.ceil(math.log(max(latency, 1)) / math.log(1.02))


def _add_call(row: dict[str, Any], call: Any) -> None:
    row["calls"] += 1
    row["errors"] += call["error"] is not None
    row["unpriced"] += call["cost_status"] == "unpriced"
    row["estimated"] += call["cost_status"] == "estimated"
    for name in TOKENS:
        row[name] += call[name]
    row["cost"] += call["cost"] or 0
    row["price"] += call["price"] or 0
    if call["latency_ms"] is not None:
        row["latencies"][_bucket(call["latency_ms"])] += 1


def _nothing(*names: str) -> dict[str, Any]:
    counts = dict.fromkeys(("calls", "errors", "unpriced", "estimated", *TOKENS, *names), 0)
    return counts | {"cost": Decimal(0), "price": Decimal(0), "latencies": Counter()}


def _sum_up(raw: Raw, when: When) -> Rows:
    fine = _usage(raw, when, ("provider", "model", "api"))
    all_ = _usage(raw, when, ())
    return {(1, *key): row for key, row in fine.items()} | {
        (0, *key, "", "", ""): row for key, row in all_.items()
    }


def _with_sums(found: Rows) -> Rows:
    """And each kind again without module and source."""
    made: Rows = {}
    for (kind, at, _, _, provider, model), row in found.items():
        total = made.setdefault(
            (kind + 4, at, "", "", provider, model), dict.fromkeys(row, 0) | {"scores": [0] * 6}
        )
        for name, value in row.items():
            if name == "scores":
                total[name] = [one + other for one, other in zip(total[name], value, strict=True)]
            else:
                total[name] += value
    return found | made


def _months(user_days: Rows) -> Rows:
    found: Rows = {}
    for (day, user, _), row in user_days.items():
        if user != NOBODY and (row["calls"] or row["conversations"]):
            first = found.setdefault((day.replace(day=1), user), {"first_day": day})
            first["first_day"] = min(first["first_day"], day)
    return found


def _usage(raw: Raw, when: When, names: tuple[str, ...]) -> Rows:
    found: Rows = defaultdict(_nothing)
    for call in raw["ai_calls"]:
        row = found[when(call["occurred_at"]), *(call[name] or "" for name in names)]
        _add_call(row, call)
    return dict(found)


def _conversations(raw: Raw, when: When) -> Rows:
    def nothing() -> dict[str, Any]:
        names = ("conversations", "messages", "rated", "completed", "feedbacks")
        sums = {"score_sum": Decimal(0), "score_squares": Decimal(0)}
        return {**dict.fromkeys(names, 0), **sums, "scores": [0] * 6}

    found: Rows = defaultdict(nothing)
    pairs = defaultdict(set)
    for call in raw["ai_calls"]:
        pairs[call["conversation_id"]].add((call["provider"] or "", call["model"] or ""))
    rated = {row["conversation_id"] for row in raw["ai_feedback"]}
    whose = {row["id"]: (row["module"] or "", row["source"]) for row in raw["ai_conversations"]}
    for row in raw["ai_conversations"]:
        at, own = when(row["created_at"]), whose[row["id"]]
        start = found[0, at, *own, "", ""]
        start["conversations"] += 1
        start["messages"] += row["message_count"]
        start["rated"] += row["id"] in rated
        keys = {(1, at, *own, p, "") for p, _ in pairs[row["id"]]}
        keys |= {(2, at, *own, p, m) for p, m in pairs[row["id"]]}
        keys |= {(3, at, *own, "", m) for _, m in pairs[row["id"]]}
        for key in keys:
            found[key]["conversations"] += 1
    for row in raw["ai_transitions"]:
        if row["to_status"] == "completed" and row["from_status"] != "archived":
            found[0, when(row["at"]), *whose[row["conversation_id"]], "", ""]["completed"] += 1
    for row in raw["ai_feedback"]:
        given = found[0, when(row["created_at"]), *whose[row["conversation_id"]], "", ""]
        given["feedbacks"] += 1
        given["score_sum"] += row["score"]
        given["score_squares"] += row["score"] ** 2
        given["scores"][int(row["score"] + Decimal("0.5"))] += 1
    return dict(found)


def _people(raw: Raw, when: When) -> Rows:
    def nothing() -> dict[str, Any]:
        return _nothing("conversations", "messages", "feedbacks") | {"score_sum": Decimal(0)}

    found: Rows = defaultdict(nothing)
    whose = {}
    for row in raw["ai_conversations"]:
        who = whose[row["id"]] = (row["user_id"] or NOBODY, row["module"] or "")
        started = found[when(row["created_at"]), *who]
        started["conversations"] += 1
        started["messages"] += row["message_count"]
    for call in raw["ai_calls"]:
        who = (call["user_id"] or NOBODY, call["module"] or "")
        _add_call(found[when(call["occurred_at"]), *who], call)
    for row in raw["ai_feedback"]:
        given = found[when(row["created_at"]), *whose[row["conversation_id"]]]
        given["feedbacks"] += 1
        given["score_sum"] += row["score"]
    return dict(found)


def _intents(raw: Raw, when: When) -> Rows:
    found: Rows = defaultdict(lambda: {"conversations": 0})
    said = defaultdict(set)
    for row in raw["ai_messages"]:
        if row["intent"] is not None:
            said[row["conversation_id"]].add(row["intent"])
    for row in raw["ai_conversations"]:
        for intent in {*row["intent_chain"], *said[row["id"]]}:
            key = (when(row["created_at"]), row["user_id"] or NOBODY, intent)
            found[key]["conversations"] += 1
    return dict(found)
