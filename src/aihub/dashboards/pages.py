"""All pages as routes that the root mounts, with one way to answer errors."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aihub.conversations.api import Meter
from aihub.dashboards.api_docs import Endpoint as DescribedEndpoint
from aihub.dashboards.api_docs import list_endpoints
from aihub.dashboards.board_pages import PAGES, BoardPages
from aihub.dashboards.board_pages import Page as BoardPage
from aihub.dashboards.calls import CallPages
from aihub.dashboards.conversation_list import send_csv, show_list
from aihub.dashboards.job_pages import JobPages
from aihub.dashboards.markup_pages import MarkupPages
from aihub.dashboards.one_conversation import show_conversation
from aihub.dashboards.price_list import PriceListPages
from aihub.dashboards.price_page import PricePages
from aihub.dashboards.provider_pages import ProviderPages
from aihub.dashboards.reconciliation_pages import ReconciliationPages
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.report_pages import ReportPages
from aihub.dashboards.repricing_pages import RepricingPages
from aihub.dashboards.security import require_same_origin
from aihub.dashboards.sign_in import SignInPages, see_other, sign_in_url
from aihub.dashboards.static_files import StaticFiles
from aihub.dashboards.visits import Visit, base_url_of, now_in_utc
from aihub.dashboards.what_if_pages import WhatIfPages
from aihub.identity.api import SESSION_COOKIE, Identity
from aihub.kit import logs
from aihub.kit.db import Database
from aihub.kit.errors import AppError
from aihub.markup.api import MarkupRules
from aihub.prices.api import PriceBook

_log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
Show = Callable[[Visit], Awaitable[Response]]


class Pages:
    """The pages. `public_url` is how people reach the hub, where that is not how requests look;
    `api_document` gives the OpenAPI document, for the page about the API."""

    def __init__(
        self,
        db: Database,
        identity: Identity,
        *,
        public_url: str | None = None,
        api_document: Callable[[], Mapping[str, Any]] | None = None,
        clock: Callable[[], datetime] = now_in_utc,
        markup_rules: MarkupRules | None = None,
        secret_key: bytes | None = None,
        price_book: PriceBook | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._db = db
        self._api_document = api_document
        self._identity = identity
        self._public_url = public_url
        self._clock = clock
        self._static = StaticFiles()
        self._renderer = Renderer(self._static)
        book = price_book or PriceBook(db)
        self._boards = BoardPages(db, self._renderer)
        self._jobs = JobPages(db, self._renderer)
        self._reports = ReportPages(db, self._renderer)
        self._calls = CallPages(db, self._renderer, book)
        self._price_list = PriceListPages(db, self._renderer, book)
        self._price = PricePages(db, self._renderer, book)
        self._repricing = RepricingPages(
            db, self._renderer, meter or Meter(book=lambda: book.current)
        )
        self._sign_in = SignInPages(identity, self._renderer, public_url=public_url)
        self._what_if = WhatIfPages(db, self._renderer)
        self._markup = MarkupPages(db, self._renderer, self._what_if, markup_rules)
        self._reconciliation = ReconciliationPages(db, self._renderer)
        self._providers = ProviderPages(db, self._renderer, secret_key)

    def routes(self) -> list[BaseRoute]:
        """To be mounted at the root path."""
        sign_in, db, renderer = self._sign_in, self._db, self._renderer
        get, post = self._get, self._post
        return [
            *self._board_routes(),
            get("/conversations", self._signed_in(lambda visit: show_list(visit, db, renderer))),
            get("/conversations.csv", self._signed_in(lambda visit: send_csv(visit, db))),
            get(
                "/conversations/{id}",
                self._signed_in(lambda visit: show_conversation(visit, db, renderer)),
            ),
            *self._price_routes(),
            *self._markup_routes(),
            *self._reconciliation_routes(),
            get("/sign-in", sign_in.show),
            post("/sign-in", lambda request: sign_in.sign_in(request, self._clock())),
            get("/sign-in/link/{token}", sign_in.show_link),
            post(
                "/sign-in/link/{token}",
                lambda request: sign_in.follow_link(request, self._clock()),
            ),
            post("/sign-out", sign_in.sign_out),
            post("/organization", sign_in.switch_organization),
            *([get("/docs", self._show_api_docs)] if self._api_document else []),
            get("/static/{hash}/{name}", self._static.serve),
        ]

    def _board_routes(self) -> list[Route]:
        get, post, signed_in = self._get, self._post, self._signed_in
        jobs, reports = self._jobs, self._reports
        return [
            *(get(page.path, signed_in(self._show_board(page))) for page in PAGES),
            *(
                get(f"{page.path.rstrip('/') or '/home'}/{{table}}.csv",
                    signed_in(self._send_board(page)))
                for page in PAGES
            ),
            get("/finance/alarms", signed_in(self._boards.show_alarms)),
            get("/reports", signed_in(reports.show_list)),
            get("/reports.csv", signed_in(reports.send_list)),
            get("/reports/{id}", signed_in(reports.show)),
            get("/reports/{id}/{table}.csv", signed_in(reports.send_table)),
            get("/jobs", signed_in(jobs.show)),
            get("/jobs/runs.csv", signed_in(jobs.send_runs)),
            get("/jobs/queue.csv", signed_in(jobs.send_queue)),
            get("/jobs/schedules.csv", signed_in(jobs.send_schedules)),
            post("/jobs/{id}", signed_in(jobs.change)),
        ]  # fmt: skip

    def _show_board(self, page: BoardPage) -> Show:
        return lambda visit: self._boards.show(visit, page)

    def _send_board(self, page: BoardPage) -> Show:
        return lambda visit: self._boards.send(visit, page)

    def _price_routes(self) -> list[Route]:
        get, post, signed_in = self._get, self._post, self._signed_in
        calls, prices, price, repricing = (
            self._calls, self._price_list, self._price, self._repricing
        )  # fmt: skip
        return [
            get("/calls", signed_in(calls.show_list)),
            get("/calls.csv", signed_in(calls.send_list)),
            get("/calls/{id}.csv", signed_in(calls.send_lines)),
            get("/calls/{id}/adjustments.csv", signed_in(calls.send_adjustments)),
            get("/calls/{id}", signed_in(calls.show_call)),
            get("/prices", signed_in(prices.show_list)),
            get("/prices.csv", signed_in(prices.send_list)),
            get("/prices/unpriced.csv", signed_in(prices.send_unpriced)),
            get("/prices/versions", signed_in(prices.show_versions)),
            get("/prices/versions.csv", signed_in(prices.send_versions)),
            get("/prices/history.csv", signed_in(price.send_history)),
            get("/prices/{provider}/{model:path}", signed_in(price.show)),
            post("/prices/{provider}/{model:path}", signed_in(price.change)),
            get("/repricing", signed_in(repricing.show)),
            get("/repricing.csv", signed_in(repricing.send_preview)),
            post("/repricing", signed_in(repricing.run)),
        ]

    def _markup_routes(self) -> list[Route]:
        get, post, signed_in = self._get, self._post, self._signed_in
        markup, what_if = self._markup, self._what_if
        return [
            get("/markup", signed_in(markup.show_list)),
            get("/markup.csv", signed_in(markup.send_csv)),
            get("/markup/rules/new", signed_in(markup.show_form)),
            post("/markup/rules/new", signed_in(markup.take_form)),
            post("/markup/what-if", signed_in(what_if.ask_without)),
            get("/markup/what-if/{id}", signed_in(what_if.show)),
            get("/markup/what-if/{id}/result.csv", signed_in(what_if.send_csv)),
            get("/markup/what-if/{id}/months.csv", signed_in(what_if.send_months)),
            get("/markup/{rule_key}", signed_in(markup.show_rule)),
            get("/markup/{rule_key}/versions.csv", signed_in(markup.send_versions)),
            post("/markup/{rule_key}/end", signed_in(markup.end_rule)),
        ]

    def _reconciliation_routes(self) -> list[Route]:
        get, post, signed_in = self._get, self._post, self._signed_in
        report, providers = self._reconciliation, self._providers
        return [
            get("/reconciliation", signed_in(report.show)),
            get("/reconciliation.csv", signed_in(report.send_csv)),
            get("/reconciliation/totals.csv", signed_in(report.send_totals)),
            get("/reconciliation/accounts", signed_in(providers.show)),
            get("/reconciliation/accounts.csv", signed_in(providers.send_csv)),
            post("/reconciliation/accounts", signed_in(providers.add)),
            post("/reconciliation/accounts/{id}/fetch", signed_in(providers.fetch)),
            post("/reconciliation/accounts/{id}/remove", signed_in(providers.remove)),
            post("/reconciliation/bills", signed_in(providers.upload)),
        ]

    async def stop(self) -> None:
        """End what pages have started and is under way."""
        await self._what_if.jobs.stop()
        await self._providers.jobs.stop()

    @cached_property
    def _described(self) -> tuple[str, dict[str, list[DescribedEndpoint]]]:
        assert self._api_document is not None
        document = self._api_document()
        return document["info"]["version"], list_endpoints(document)

    async def _show_api_docs(self, request: Request) -> Response:
        version, tags = self._described
        return self._renderer.page(request, "api_docs.html", {"version": version, "tags": tags})

    def error_page(self, request: Request, error: AppError) -> Response:
        """A page for people about an error; also for paths that the root does not know."""
        kept = {k: v for k, v in error.headers.items() if k == "Retry-After"}
        return self._renderer.page(
            request,
            "error.html",
            {
                "error": error,
                "is_passing": error.status in (429, 503, 507),
                "is_signed_in": SESSION_COOKIE in request.cookies,
                "retry_url": _address(request) if request.method == "GET" else "/",
            },
            status=error.status,
            headers=kept,
        )

    def _get(self, path: str, endpoint: Endpoint) -> Route:
        return Route(path, self._guarded(endpoint), methods=["GET"])

    def _post(self, path: str, endpoint: Endpoint) -> Route:
        async def answer(request: Request) -> Response:
            require_same_origin(request, self._public_url)
            return await endpoint(request)

        return Route(path, self._guarded(answer), methods=["POST"])

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except AppError as error:
                return self.error_page(request, error)
            except ClientDisconnect:
                raise
            except Exception:  # noqa: BLE001 - told as a 500, logged whole
                _log.exception("a page failed")  # the line names the route; a path may be secret
                return self.error_page(request, AppError())

        return answer

    def _signed_in(self, show: Show) -> Endpoint:
        async def answer(request: Request) -> Response:
            token = request.cookies.get(SESSION_COOKIE)
            principal = await self._identity.session(token) if token else None
            if principal is None:
                return see_other(sign_in_url(_address(request)))
            if principal.organization is None:
                return self._renderer.page(
                    request, "choose_organization.html", {"principal": principal}
                )
            logs.note(organization_id=str(principal.organization.id))
            visit = Visit(
                request=request,
                principal=principal,
                organization=principal.organization,
                now=self._clock(),
                base_url=base_url_of(request, self._public_url),
            )
            return await show(visit)

        return answer


def _address(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
