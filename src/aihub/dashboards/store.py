"""One typed function for each query of the pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from aihub.dashboards.models import HomeNumbers, KnownValues, UsedModel
from aihub.dashboards.rules import Periods
from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries

_queries: Any = load_queries(__file__)
_decode_home = msgspec.json.Decoder(HomeNumbers).decode


async def get_home(
    connection: Connection, organization_id: UUID, periods: Periods, *, zone: str
) -> HomeNumbers:
    """What happened in `periods`; `zone` is the organization's time zone."""
    text = await _queries.get_home(
        connection,
        organization_id=organization_id,
        zone=zone,
        since=periods.since,
        previous_since=periods.previous_since,
        recent_since=periods.recent_since,
        until=periods.until,
        month_start=periods.month_start,
        time_of_day=periods.time_of_day,
    )
    return _decode_home(text)


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
