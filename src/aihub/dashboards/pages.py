"""All pages as routes that the root mounts, with one way to answer errors."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aihub.dashboards.api_docs import Endpoint as DescribedEndpoint
from aihub.dashboards.api_docs import list_endpoints
from aihub.dashboards.conversation_list import send_csv, show_list
from aihub.dashboards.home import show_home
from aihub.dashboards.one_conversation import show_conversation
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.security import require_same_origin
from aihub.dashboards.sign_in import SignInPages, see_other, sign_in_url
from aihub.dashboards.static_files import StaticFiles
from aihub.dashboards.visits import Visit, base_url_of, now_in_utc
from aihub.identity.api import SESSION_COOKIE, Identity
from aihub.kit.db import Database
from aihub.kit.errors import AppError

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
    ) -> None:
        self._db = db
        self._api_document = api_document
        self._identity = identity
        self._public_url = public_url
        self._clock = clock
        self._static = StaticFiles()
        self._renderer = Renderer(self._static)
        self._sign_in = SignInPages(identity, self._renderer, public_url=public_url)

    def routes(self) -> list[BaseRoute]:
        """To be mounted at the root path."""
        sign_in, db, renderer = self._sign_in, self._db, self._renderer
        get, post = self._get, self._post
        return [
            get("/", self._signed_in(lambda visit: show_home(visit, db, renderer))),
            get("/conversations", self._signed_in(lambda visit: show_list(visit, db, renderer))),
            get("/conversations.csv", self._signed_in(lambda visit: send_csv(visit, db))),
            get(
                "/conversations/{id}",
                self._signed_in(lambda visit: show_conversation(visit, db, renderer)),
            ),
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
                _log.exception("page %s failed", request.url.path)
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
