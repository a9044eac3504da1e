"""The queries, with types."""

from datetime import UTC, datetime

from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries
from aihub.monitoring.models import JobState, RollupState
from aihub.reports.api import list_late

_queries = load_queries(__file__)


async def get_rollups(connection: Connection) -> RollupState | None:
    """How far the rollups are; None where nothing says so."""
    row = await _queries.get_rollups(connection)
    return RollupState(**dict(row)) if row is not None else None


async def list_jobs(connection: Connection) -> tuple[JobState, ...]:
    """The jobs by name."""
    return tuple(JobState(**dict(row)) for row in await fetch(_queries.list_jobs(connection)))


async def count_unpriced(connection: Connection) -> int:
    """Calls of the last 24 hours that have no price, of all organizations."""
    return int(await _queries.count_unpriced(connection))


async def count_late_reports(connection: Connection) -> int:
    """Daily reports that are due by now and not there."""
    return len(await list_late(connection, datetime.now(UTC)))
