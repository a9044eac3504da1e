"""A day's figures once more, in plain Python over the rows: nothing of the hub is used."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .making import Life

SUMS = (
    "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "total_tokens",
)  # fmt: skip
Row = dict[str, Any]


def figures(life: Life, start: datetime, end: datetime) -> dict[str, Any]:
    """All that a report says of a day, without percentiles."""
    calls = [c for c in life.calls if start <= c["occurred_at"] < end]
    started = [c for c in life.conversations if start <= c["created_at"] < end]
    given = [f["score"] for f in life.feedback if start <= f["created_at"] < end]
    rated_ids = {f["conversation_id"] for f in life.feedback}
    rated = sum(c["id"] in rated_ids for c in started)
    return {
        "totals": usage(calls) | people(calls, started),
        "modules": {
            module: usage([c for c in calls if c["module"] == module])
            | people(
                [c for c in calls if c["module"] == module],
                [c for c in started if c["module"] == module],
            )
            for module in {row["module"] for row in (*calls, *started)}
        },
        "models": grouped(calls, lambda c: (c["provider"], c["model"])),
        "billing": grouped(calls, lambda c: (c["module"], c["provider"], c["model"])),
        "satisfaction": {
            "feedback": len(given),
            "mean": six(sum(given), len(given)),
            "scores": tuple(
                sum(1 for s in given if s.quantize(Decimal(1), ROUND_HALF_UP) == n)
                for n in range(6)
            ),
            "rated_conversations": rated,
            "response_rate": six(rated, len(started)),
        },
        "intents": {
            intent: (
                sum(intent in c["intent_chain"] for c in started),
                len(
                    {c["user_id"] for c in started if intent in c["intent_chain"] and c["user_id"]}
                ),
            )
            for intent in {i for c in started for i in c["intent_chain"]}
        },
    }


def usage(calls: Iterable[Row]) -> dict[str, Any]:
    """The sums of some calls."""
    calls = list(calls)
    cost = sum((c["cost"] for c in calls if c["cost"] is not None), Decimal(0))
    price = sum((c["price"] for c in calls if c["price"] is not None), Decimal(0))
    return {
        "calls": len(calls),
        "errors": sum(c["error"] is not None for c in calls),
        "unpriced_calls": sum(c["cost_status"] == "unpriced" for c in calls),
        "estimated_calls": sum(c["cost_status"] == "estimated" for c in calls),
        **{name: sum(c[name] for c in calls) for name in SUMS},
        "cost": cost, "price": price, "margin": price - cost,
    }  # fmt: skip


def people(calls: list[Row], started: list[Row]) -> dict[str, int]:
    """Conversations, their messages, and users."""
    return {
        "conversations": len(started),
        "messages": sum(c["message_count"] for c in started),
        "users": len({row["user_id"] for row in (*calls, *started) if row["user_id"]}),
    }


def grouped(calls: list[Row], key: Callable[[Row], Any]) -> dict[Any, dict[str, Any]]:
    """Sums by a key."""
    groups = defaultdict(list)
    for call in calls:
        groups[key(call)].append(call)
    return {name: usage(rows) for name, rows in groups.items()}


def latency(calls: Iterable[Row], share: float) -> int | None:
    """The exact percentile of those that have a time of answering."""
    values = sorted(c["latency_ms"] for c in calls if c["latency_ms"] is not None)
    return values[max(1, math.ceil(len(values) * share - 1e-9)) - 1] if values else None


def six(part: Any, whole: int) -> Decimal | None:
    """A ratio to six digits."""
    if not whole:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
