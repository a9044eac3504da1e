"""One typed function for each query on calls to price again; no decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from aihub.conversations.api import RecordCall
from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries
from aihub.repricing.models import Adjustment, CallToPrice, RepriceFilters

_queries: Any = load_queries(__file__)

_COLUMNS = (
    "id",
    "occurred_at",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "tokens",
    "quantities",
    "cost",
    "price",
    "computed_cost",
    "cost_status",
    "cost_note",
    "cost_lines",
    "markup",
    "price_book_version",
)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Calls of one model that have no cost, and why; `reason` is a code of the guide."""

    provider: str | None
    model: str | None
    reason: str
    calls: int
    first_at: datetime
    last_at: datetime


async def count_calls(connection: Connection, filters: RepriceFilters, to: datetime) -> int:
    """How many calls the filters let through."""
    found: int = await _queries.count_calls(connection, **_where(filters, to))
    return found


async def list_calls(
    connection: Connection,
    filters: RepriceFilters,
    to: datetime,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[CallToPrice]:
    """The next calls by time."""
    rows = await fetch(
        _queries.list_calls(
            connection,
            **_where(filters, to),
            after_at=after[0] if after else None,
            after_id=after[1] if after else None,
            limit=limit,
        )
    )
    return [CallToPrice(**dict(row)) for row in rows]


async def insert_run(
    connection: Connection,
    run_id: UUID,
    *,
    created_by: str,
    filters: RepriceFilters,
    price_book_version: str,
) -> None:
    """A run begins."""
    await _queries.insert_run(
        connection,
        id=run_id,
        created_by=created_by,
        filters=msgspec.json.encode(filters).decode(),
        price_book_version=price_book_version,
    )


async def reprice_calls(
    connection: Connection, run_id: UUID, changed: Sequence[tuple[CallToPrice, RecordCall]]
) -> set[tuple[UUID, UUID]]:
    """Store new costs with an adjustment each; the organizations and ids of those that were."""
    columns = {name: [getattr(new, name) for _, new in changed] for name in _COLUMNS}
    rows = await fetch(
        _queries.reprice_calls(
            connection,
            run_id=run_id,
            organization_id=[old.organization_id for old, _ in changed],
            xid=[old.xid for old, _ in changed],
            **columns,
        )
    )
    return {(row["organization_id"], row["call_id"]) for row in rows}


async def list_adjustments(
    connection: Connection, organization_id: UUID, call_id: UUID
) -> list[Adjustment]:
    """How a call's cost has changed, oldest first."""
    rows = await fetch(
        _queries.list_adjustments(connection, organization_id=organization_id, call_id=call_id)
    )
    return [Adjustment(**dict(row)) for row in rows]


async def list_unpriced(
    connection: Connection, *, since: datetime, organization_id: UUID | None = None
) -> list[Unpriced]:
    """The models without a price, those with most calls first."""
    rows = await fetch(
        _queries.list_unpriced(connection, organization_id=organization_id, since=since)
    )
    return [Unpriced(**dict(row)) for row in rows]


def _where(filters: RepriceFilters, to: datetime) -> dict[str, Any]:
    return {
        "organization_id": filters.organization_id,
        "provider": filters.provider,
        "model": filters.model,
        "from_": filters.from_,
        "to": to,
        "statuses": list(filters.statuses) or None,
    }
