"""The root of the HTTP side: every slice assembled into one ASGI application."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from aihub import __version__
from aihub.analytics import api as analytics
from aihub.conversations import api as conversations
from aihub.dashboards.api import Pages
from aihub.hosting import Hosting
from aihub.identity import api as identity
from aihub.jobs import api as jobs
from aihub.kit import logs
from aihub.kit.decoding import encode_json
from aihub.kit.errors import AppError, MethodNotAllowed, NotFound
from aihub.kit.http import PROBLEM, Answer, Call, Operation, build_routes
from aihub.kit.idempotency import Idempotency
from aihub.kit.observing import Observing
from aihub.kit.openapi import describe
from aihub.markup import api as markup
from aihub.monitoring import api as monitoring
from aihub.prices import api as prices
from aihub.reconciliation import api as reconciliation
from aihub.reports import api as reports
from aihub.repricing import api as repricing
from aihub.settings import Settings

_log = logging.getLogger(__name__)

_IDLE_SECONDS, _UPKEEP_SECONDS, _REFRESH_SECONDS, _BILLS_SECONDS = 20.0, 600.0, 2.0, 3_600.0
_TICK_SECONDS = 0.25
_IDEMPOTENCY_HOURS = 48
_API_PATHS = ("/v1/", "/health/", "/metrics", "/openapi.json")


class Hub:
    """All parts of a running hub. `Hosting` has to be started before `start`."""

    def __init__(self, settings: Settings, hosting: Hosting) -> None:
        self.settings = settings
        self.hosting = hosting
        self.db = hosting.database()
        self.identity = identity.Identity(self.db, _identity_options(settings))
        self.price_book = prices.PriceBook(self.db)
        self.markup_rules = markup.MarkupRules()
        self.meter = conversations.Meter(
            book=lambda: self.price_book.current, rules=self.markup_rules.current
        )
        self.writer = conversations.Writer(self.db, has_room=lambda: hosting.has_room)
        self.monitoring = monitoring.Monitoring(
            self.db,
            self.writer.group,
            monitoring.MonitoringOptions(
                version=__version__,
                token=settings.metrics_token,
                database_folder=settings.home_dir if hosting.url is None else None,
                price_book_version=lambda: self.price_book.current.version,
                has_room=lambda: hosting.has_room,
            ),
        )
        self.conversations = conversations.Conversations(self.writer, meter=self.meter)
        self.live = analytics.Live(self.db)
        self.live_stream = analytics.LiveStream(self.live, self.identity)
        self.ticker = analytics.Ticker(self.db)
        self.worker: jobs.Worker | None = None
        self.secret = _derive_secret(settings.secret_key)
        self.bill_fetcher = reconciliation.Fetcher(self.db, reconciliation.Sealer(self.secret))
        self.pages = Pages(
            self.db,
            self.identity,
            public_url=settings.public_url,
            api_document=self.document,
            price_book=self.price_book,
            meter=self.meter,
            markup_rules=self.markup_rules,
            secret_key=self.secret,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *, does_upkeep: bool = True) -> None:
        """Open the pool and begin to work. `does_upkeep`: rollups, jobs, idle rules, purging."""
        self.hosting.start_watching()
        await self.db.open()
        await self.identity.start()
        await self.price_book.start()
        await self.markup_rules.refresh(self.db)
        self.writer.start()
        await self.live.start()
        self._tasks = [asyncio.create_task(_repeat(_REFRESH_SECONDS, self._refresh_rates))]
        if does_upkeep:
            self.worker = jobs.Worker(self.db, reports.handlers(), reports.SCHEDULES)
            self.worker.start()
            self._tasks += [
                asyncio.create_task(_repeat(_TICK_SECONDS, self.ticker.step)),
                asyncio.create_task(_repeat(_IDLE_SECONDS, self._apply_idle_rules)),
                asyncio.create_task(_repeat(_UPKEEP_SECONDS, self._keep_up)),
                asyncio.create_task(_repeat(_BILLS_SECONDS, self._fetch_bills)),
                asyncio.create_task(_repeat(_UPKEEP_SECONDS, self._tell_unpriced)),
            ]

    async def stop(self) -> None:
        """Finish what is under way, then close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.worker is not None:
            await self.worker.stop()
        await self.live.stop()
        await self.pages.stop()
        await self.writer.stop()
        await self.identity.stop()
        await self.db.close()
        await self.hosting.stop()

    def operations(self) -> list[Operation]:
        """Every endpoint of the API; the most frequent first."""
        return [
            *conversations.ConversationRoutes(self.db, self.conversations).operations(),
            *self.identity.operations(),
            *prices.PriceRoutes(self.db, self.price_book).operations(),
            *markup.MarkupRoutes(self.db, self.markup_rules).operations(),
            *reconciliation.ReconciliationRoutes(self.db, self.secret).operations(),
            *analytics.AnalyticsRoutes(self.db).operations(),
            *reports.ReportRoutes(self.db).operations(),
            *monitoring.MonitoringRoutes(self.monitoring).operations(),
            Operation(
                method="GET", path="/openapi.json", handler=self.show_openapi, scope=None,
                tag="Operations", answers={200: None},
            ),
        ]  # fmt: skip

    async def show_openapi(self, _: Call) -> Answer:
        """This document."""
        return Answer(self.document())

    def document(self) -> dict[str, Any]:
        """The OpenAPI document: every operation, and the stream, which has no end."""
        operations = [*self.operations(), self.live_stream.operation()]
        return describe(operations, title="AI Hub", version=__version__)

    async def _tell_unpriced(self) -> None:
        """The operator learns of models without a price from the log, too."""
        since = datetime.now(UTC) - timedelta(seconds=_UPKEEP_SECONDS)
        async with self.db.read() as connection:
            for found in await repricing.list_unpriced(connection, since=since):
                _log.warning(
                    "%d calls of %s/%s have no price (%s)",
                    found.calls, found.provider, found.model, found.reason,
                )  # fmt: skip

    async def _refresh_rates(self) -> None:
        """What another process has changed holds here, too, within two seconds."""
        await self.price_book.refresh()
        await self.markup_rules.refresh(self.db)

    async def _fetch_bills(self) -> None:
        """What providers bill, for the accounts whose bills were fetched some hours ago."""
        if self.secret is not None:
            await self.bill_fetcher.fetch_due()

    async def _apply_idle_rules(self) -> None:
        moved = 1
        while moved:
            async with self.db.write() as connection:
                moved = await conversations.apply_idle_rules(connection)
            if moved:
                _log.info("idle rules moved %d conversations", moved)

    async def _keep_up(self) -> None:
        now = datetime.now(UTC)
        async with self.db.write() as connection:
            await conversations.make_coming_partitions(connection, now)
        async with self.db.write() as connection:
            before = now - timedelta(hours=_IDEMPOTENCY_HOURS)
            await conversations.purge_idempotency_keys(connection, before)
            await identity.purge_expired(connection)


def create_app(hub: Hub, *, does_upkeep: bool = True) -> Starlette:
    """The ASGI application of a hub; starting and stopping it starts and stops the hub."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await hub.start(does_upkeep=does_upkeep)
        try:
            yield
        finally:
            await hub.stop()

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _refuse(hub.pages, request, error)

    app = Starlette(
        routes=[
            *build_routes(
                hub.operations(),
                monitoring.noting(hub.identity.authenticate),
                Idempotency(hub.db),
            ),
            *hub.live_stream.routes(),
            *hub.pages.routes(),
        ],
        middleware=[Middleware(Observing, metrics=hub.monitoring.metrics.http)],
        lifespan=lifespan,
        exception_handlers={HTTPException: refuse},
    )
    app.state.hub = hub
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of this version, without a database."""
    settings = Settings(database_url="postgresql://nowhere/")
    return Hub(settings, Hosting(settings)).document()


def _refuse(pages: Pages, request: Request, error: HTTPException) -> Response:
    """A path or method that nobody serves, told in the caller's language."""
    told: AppError = NotFound() if error.status_code == 404 else MethodNotAllowed()  # noqa: PLR2004
    if not request.url.path.startswith(_API_PATHS):
        return pages.error_page(request, told)
    return Response(
        encode_json(told.problem(logs.request_id())),
        status_code=told.status,
        media_type=PROBLEM.decode(),
    )


def _derive_secret(secret_key: str | None) -> bytes | None:
    """The key that credentials of providers are encrypted with; None without a setting."""
    if secret_key is None:
        return None
    return hashlib.sha256(b"aihub provider credentials:" + secret_key.encode()).digest()


def _identity_options(settings: Settings) -> identity.IdentityOptions:
    return identity.IdentityOptions(
        jwt_secret=settings.jwt_secret,
        jwks_url=settings.jwks_url,
        jwt_audience=settings.jwt_audience,
        jwt_issuer=settings.jwt_issuer,
        session_hours=settings.session_hours,
    )


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except AppError as error:
            _log.warning("%s: %s", work.__name__, error)
        except Exception:  # noqa: BLE001 - one failure must not end the work for ever
            _log.exception("%s failed", work.__name__)
        await asyncio.sleep(seconds)
