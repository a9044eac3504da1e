"""One typed function for each query of the pages."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from aihub.dashboards.models import KnownValues, LatestConversation, UsedModel
from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries

_queries: Any = load_queries(__file__)


async def list_latest(
    connection: Connection, organization_id: UUID, *, since: datetime, until: datetime, limit: int
) -> list[LatestConversation]:
    """The conversations that were made last."""
    rows = await fetch(
        _queries.list_latest(
            connection, organization_id=organization_id, since=since, until=until, n=limit
        )
    )
    return [LatestConversation(**{**row, "models": list(row["models"])}) for row in rows]


async def get_known_values(
    connection: Connection, organization_id: UUID, *, since: datetime
) -> KnownValues:
    """Modules and models of the latest conversations after `since`."""
    row = await _queries.get_known_values(connection, organization_id=organization_id, since=since)
    return KnownValues(modules=list(row["modules"]), models=list(row["models"]))


async def get_call_facts(
    connection: Connection, organization_id: UUID, call_id: UUID, occurred_at: datetime
) -> str:
    """What decided a call's cost beside its usage, as JSON text."""
    found = await _queries.get_call_facts(
        connection, organization_id=organization_id, id=call_id, occurred_at=occurred_at
    )
    return found or "{}"


async def list_used_models(
    connection: Connection, organization_id: UUID, *, since: datetime
) -> list[UsedModel]:
    """The models an organization has called since then, with what they cost."""
    rows = await fetch(
        _queries.list_used_models(connection, organization_id=organization_id, since=since)
    )
    return [UsedModel(**dict(row)) for row in rows]


async def has_bills(connection: Connection, first: date, last: date) -> bool:
    """Whether there are bills, or days without one, to compare the days of these with."""
    return bool(await _queries.has_bills(connection, first=first, last=last))
