"""One typed function for each query of the pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from aihub.dashboards.models import HomeNumbers, KnownValues
from aihub.dashboards.rules import Periods
from aihub.kit.db import Connection
from aihub.kit.sql import load_queries

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
