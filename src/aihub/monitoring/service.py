"""The state of this hub: asked for by checks and by Prometheus."""

import asyncio
from typing import Any

import asyncpg
from starlette.requests import Request

from aihub.kit import logs
from aihub.kit.db import Database
from aihub.kit.errors import DatabaseAway
from aihub.kit.grouping import GroupCommit
from aihub.kit.http import Authenticate
from aihub.kit.metrics import Metrics
from aihub.monitoring import rules
from aihub.monitoring.collecting import HubCollector
from aihub.monitoring.models import MonitoringOptions, Verdict, WriterState
from aihub.monitoring.sampling import Sampler


class Monitoring:
    """Watches one hub's database and writer; `metrics` are the figures of this process."""

    def __init__(
        self, db: Database, writer: GroupCommit[Any, Any], options: MonitoringOptions
    ) -> None:
        self._db = db
        self._writer = writer
        self.options = options
        self.metrics = Metrics(options.version)
        self.metrics.watch_pool(db)
        self.metrics.watch_writer(writer)
        self._sampler = Sampler(db)
        self.metrics.registry.register(
            HubCollector(options, lambda: self._sampler.latest, self._judge)
        )

    async def check(self) -> Verdict:
        """Whether requests can be served. Raises DatabaseAway at once when it is away."""
        try:
            async with self._db.read() as connection:
                await connection.fetchval("select 1")
        except asyncpg.PostgresError as error:  # it lets nobody in, for example
            raise DatabaseAway from error
        await self._sampler.sample()
        return self._judge()

    async def render(self) -> bytes:
        """All figures as text; also while the database is away."""
        await self._sampler.sample()
        # tens of milliseconds with many routes, for which requests need not wait
        return await asyncio.to_thread(self.metrics.render)

    def _judge(self) -> Verdict:
        figures = self._writer.figures()
        writer = WriterState(
            has_room=self.options.has_room(),
            is_running=figures.is_running,
            oldest_flush_seconds=figures.oldest_seconds,
        )
        return rules.judge(self._sampler.latest, writer)


def noting(authenticate: Authenticate) -> Authenticate:
    """`authenticate`, after which every log line names the organization's id."""

    async def authenticate_and_note(request: Request, scope: str, *, is_write: bool) -> Any:
        found = await authenticate(request, scope, is_write=is_write)
        if found.organization is not None:
            logs.note(organization_id=str(found.organization.id))
        return found

    return authenticate_and_note
