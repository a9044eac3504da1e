"""Answers as plain rows: the same for JSON, for CSV and for the command line. Money in full."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from aihub.analytics.models import (
    AdoptionAnswer,
    Cohort,
    EngagementAnswer,
    Executive,
    Financial,
    LiveNumbers,
    Operational,
    Period,
    Projection,
    Satisfaction,
    SatisfactionTrend,
    Usage,
    UsageAnswer,
    UsageRow,
)
from aihub.kit.money import json_number, plain

Table = tuple[Sequence[str], list[dict[str, Any]]]

USAGE_COLUMNS = (
    "calls",
    "errors",
    "conversations",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_tokens",
    "cost",
    "price",
    "response_time_p50",
    "response_time_p95",
    "response_time_p99",
    "unpriced",
    "estimated",
)
ENGAGEMENT_COLUMNS = (
    "organization",
    "last_day",
    "active_days",
    "conversations",
    "messages",
    "calls",
    "cost",
    "feedbacks",
    "mean_score",
    "recency",
    "frequency",
    "depth",
    "feedback",
    "score",
)
ADOPTION_COLUMNS = (
    "kind",
    "name",
    "users",
    "share",
    "conversations",
    "previous_users",
    "growth",
)
TOKEN_COLUMNS = (
    "hour",
    "calls",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_tokens",
)
ENDPOINT_COLUMNS = ("endpoint", "calls", "errors", "error_rate")
LATENCY_COLUMNS = (
    "provider",
    "model",
    "calls",
    "response_time_p50",
    "response_time_p95",
    "response_time_p99",
)
ORGANIZATION_COLUMNS = (
    "organization",
    "calls",
    "conversations",
    "total_tokens",
    "cost",
    "price",
    "margin",
    "unpriced",
    "estimated",
)
SATISFACTION_COLUMNS = (
    "feedbacks",
    "mean",
    "deviation",
    *(f"distribution.{score}" for score in range(6)),
    "conversations",
    "rated_conversations",
    "response_rate",
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def usage(found: Usage | None) -> dict[str, Any] | None:
    """The sums of one group."""
    if found is None:
        return None
    return {name: getattr(found, name) for name in USAGE_COLUMNS}


def period(found: Period | None) -> dict[str, Any] | None:
    """`from` until before `to`; `timezone` is that of the days."""
    if found is None:
        return None
    return {"from": found.from_, "to": found.to, "timezone": found.timezone}


def usage_rows(rows: Iterable[UsageRow], *, compares: bool = False) -> list[dict[str, Any]]:
    """Keys first, then the sums; `compares`: with `previous`."""
    found = []
    for row in rows:
        made = dict(row.keys) | (usage(row.usage) or {})
        if compares:
            made["previous"] = usage(row.previous)
        found.append(made)
    return found


def usage_answer(found: UsageAnswer) -> dict[str, Any]:
    """The whole answer."""
    compares = found.previous_period is not None
    made = {
        "period": period(found.period),
        "rows": usage_rows(found.rows, compares=compares),
        "total": usage(found.total),
    }
    if compares:
        made |= {
            "previous_period": period(found.previous_period),
            "previous_total": usage(found.previous_total),
        }
    return made


def _satisfaction(found: Satisfaction) -> dict[str, Any]:
    return {
        "feedbacks": found.feedbacks,
        "mean": found.mean,
        "deviation": None if found.deviation is None else round(found.deviation, 6),
        "distribution": {str(score): n for score, n in enumerate(found.distribution)},
        "conversations": found.conversations,
        "rated_conversations": found.rated,
        "response_rate": found.response_rate,
    }


def satisfaction(found: SatisfactionTrend, grain: str) -> dict[str, Any]:
    """The trend by `grain`, and the change against before with its uncertainty."""
    return {
        "period": period(found.period),
        "rows": [{grain: at} | _satisfaction(one) for at, one in found.rows],
        "total": _satisfaction(found.total),
        "previous": _satisfaction(found.previous),
        "change": found.change,
        "change_low": found.change_low,
        "change_high": found.change_high,
    }


def engagement(found: EngagementAnswer) -> dict[str, Any]:
    """People by score."""
    return {
        "period": period(found.period),
        "users": found.users,
        "mean_score": found.mean_score,
        "rows": [
            {"user": one.user or str(one.user_id)}
            | {name: getattr(one, name) for name in ENGAGEMENT_COLUMNS}
            for one in found.rows
        ],
    }


def retention(cohorts: Iterable[Cohort]) -> dict[str, Any]:
    """A row for each cohort: how many came, and the share, 0, 1, 2… weeks later."""
    return {
        "rows": [
            {
                "week": one.week,
                "users": one.users,
                "active": list(one.active),
                "shares": [
                    (Decimal(n) / one.users).quantize(Decimal("0.0001")) for n in one.active
                ],
            }
            for one in cohorts
        ]
    }


def adoption(found: AdoptionAnswer) -> dict[str, Any]:
    """Modules and intents by users."""
    return {
        "period": period(found.period),
        "users": found.users,
        "previous_users": found.previous_users,
        "rows": [{name: getattr(one, name) for name in ADOPTION_COLUMNS} for one in found.rows],
    }


def live(found: LiveNumbers) -> dict[str, Any]:
    """The tiles, by the names of the contract."""
    names = (
        "active_sessions_count",
        "tokens_per_minute",
        "error_rate",
        "response_time_p95",
        "as_of",
    )
    made: dict[str, Any] = numbers({name: getattr(found, name) for name in names})
    return made


def executive(found: Executive) -> dict[str, Any]:
    """Home, by the names of the contract; `previous` by the same names."""
    return {
        "as_of": found.as_of,
        "timezone": found.timezone,
        "total_conversations_today": found.total_conversations_today,
        "average_satisfaction_score": found.average_satisfaction_score,
        "feedbacks": found.feedbacks,
        "cost_per_conversation": found.cost_per_conversation,
        "top_modules_by_usage": usage_rows(found.top_modules_by_usage, compares=True),
        "previous": {
            "total_conversations_today": found.previous_conversations,
            "average_satisfaction_score": found.previous_satisfaction_score,
            "cost_per_conversation": found.previous_cost_per_conversation,
            "top_modules_by_usage": [
                dict(row.keys) | (usage(row.previous) or {}) for row in found.top_modules_by_usage
            ],
        },
        "periods": {
            "total_conversations_today": period(found.today),
            "previous_total_conversations_today": period(found.yesterday),
            "others": period(found.period),
            "previous_others": period(found.previous_period),
        },
    }


def operational(found: Operational) -> dict[str, Any]:
    """Operations, by the names of the contract."""
    return {
        "as_of": found.as_of,
        "timezone": found.timezone,
        "active_sessions_count": found.live.active_sessions_count,
        "realtime": live(found.live),
        "token_usage_by_hour": _pick(found.token_usage_by_hour, TOKEN_COLUMNS),
        "error_rate_by_endpoint": [
            dict(row.keys)
            | {"calls": row.usage.calls, "errors": row.usage.errors, "error_rate": _rate(row.usage)}
            for row in found.error_rate_by_endpoint
        ],
        "p95_response_times": _pick(found.p95_response_times, LATENCY_COLUMNS),
        "total": _with_rate(found.total),
        "previous": _with_rate(found.previous_total),
        "period": period(found.period),
        "previous_period": period(found.previous_period),
    }


def financial(found: Financial) -> dict[str, Any]:
    """Finance, by the names of the contract."""
    rows = [
        dict(row.keys) | (usage(row.usage) or {}) | {"margin": row.usage.price - row.usage.cost}
        for row in found.cost_by_organization
    ]
    return {
        "as_of": found.as_of,
        "timezone": found.timezone,
        "currency": "USD",
        "total_cost_mtd": found.total.cost,
        "total_price_mtd": found.total.price,
        "margin_mtd": found.total.price - found.total.cost,
        "cost_by_organization": [
            {name: row[name] for name in ORGANIZATION_COLUMNS} for row in rows
        ],
        "projected_monthly_cost": found.projection.amount,
        "projected_monthly_cost_range": projection(found.projection),
        "cost_per_user": found.cost_per_user,
        "users_mtd": found.users,
        "unpriced_calls": found.total.unpriced,
        "estimated_calls": found.total.estimated,
        "previous": {
            "total_cost_mtd": found.previous_total.cost,
            "total_price_mtd": found.previous_total.price,
            "cost_per_user": found.previous_cost_per_user,
            "users_mtd": found.previous_users,
            "total_monthly_cost": found.previous_month_cost,
        },
        "period": period(found.period),
        "previous_period": period(found.previous_period),
    }


def projection(found: Projection) -> dict[str, Any]:
    """Four times of five between `low` and `high`."""
    return {
        "low": found.low,
        "high": found.high,
        "probability": Decimal("0.8"),
        "based_on_days": found.based_on_days,
    }


def _rate(found: Usage) -> Decimal | None:
    return found.error_rate


def _with_rate(found: Usage) -> dict[str, Any]:
    return (usage(found) or {}) | {"error_rate": _rate(found)}


def _pick(rows: Iterable[UsageRow], columns: Sequence[str]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in columns} for row in usage_rows(rows)]


# ---------- JSON and CSV ----------


def numbers(value: Any) -> Any:
    """The same with every Decimal as a JSON number in full."""
    kind = type(value)  # not isinstance: there are thousands in an answer
    if kind is Decimal:
        return json_number(value)
    if kind is dict:
        return {name: numbers(item) for name, item in value.items()}
    if kind is list or kind is tuple:
        return [numbers(item) for item in value]
    return value


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> bytes:
    """RFC 4180, UTF-8. Parts of a row become columns with a dot; what a spreadsheet would take
    for a formula gets an apostrophe. `columns` come first, and are there without any row."""
    flat = [dict(_flatten(row)) for row in rows]
    names = list(dict.fromkeys([*columns, *(name for row in flat for name in row)]))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in flat)
    return out.getvalue().encode()


def _flatten(row: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield from ((f"{before}{name}.{n}", item) for n, item in enumerate(value))
        else:
            yield f"{before}{name}", value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_DANGEROUS) else text
