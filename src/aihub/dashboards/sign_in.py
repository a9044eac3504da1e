"""Signing in and out, and choosing the organization on view."""

from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aihub.dashboards import security
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import is_secure, read_form
from aihub.identity.api import SESSION_COOKIE, Identity, SignedIn
from aihub.kit.errors import AppError, Invalid

_SEE_OTHER = 303


class SignInPages:
    """The pages for people who are not signed in (yet, or any longer)."""

    def __init__(self, identity: Identity, renderer: Renderer, *, public_url: str | None) -> None:
        self._identity = identity
        self._renderer = renderer
        self._public_url = public_url

    async def show(self, request: Request) -> Response:
        """The form; those who are signed in go on."""
        query = request.query_params
        target = security.local_path(query.get("next"))
        token = request.cookies.get(SESSION_COOKIE)
        if token and await self._identity.session(token) is not None:
            return see_other(target)
        return self._form(request, target, with_token=query.get("with") == "token")

    async def sign_in(self, request: Request, now: datetime) -> Response:
        """E-mail and password, or a token of Supabase; what is wrong is told above the form."""
        form = await read_form(request)
        target = security.local_path(form.get("next"))
        with_token = form.get("with") == "token"
        email = form.get("email", "").strip()
        try:
            signed_in = await self._check(request, form, email, with_token=with_token)
        except AppError as error:
            return self._form(request, target, with_token=with_token, email=email, error=error)
        return self._welcome(request, signed_in, target, now)

    async def show_link(self, request: Request) -> Response:
        """A button: scanners of mail follow links, but they send no forms."""
        return self._renderer.page(request, "sign_in_link.html", {})

    async def follow_link(self, request: Request, now: datetime) -> Response:
        """Sign in by a link, which works once."""
        try:
            signed_in = await self._identity.sign_in_by_link(request.path_params["token"])
        except AppError as error:
            return self._form(request, "/", with_token=False, error=error)
        return self._welcome(request, signed_in, "/", now)

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            await self._identity.sign_out(token)
        response = see_other("/sign-in")
        security.clear_session(response, is_secure=is_secure(request, self._public_url))
        return response

    async def switch_organization(self, request: Request) -> Response:
        """Put another organization on view. Raises NotFound for one that is not theirs."""
        form = await read_form(request)
        token = request.cookies.get(SESSION_COOKIE)
        if not token or await self._identity.session(token) is None:
            return see_other("/sign-in")
        await self._identity.switch_organization(token, form.get("organization", "").strip())
        return see_other("/")

    async def _check(
        self, request: Request, form: dict[str, str], email: str, *, with_token: bool
    ) -> SignedIn:
        if with_token:
            jwt = form.get("token", "").strip()
            if not jwt:
                raise Invalid("Paste the token first.")
            return await self._identity.sign_in_by_jwt(jwt)
        password = form.get("password", "")
        if not email or not password:
            raise Invalid("Both the e-mail address and the password are needed.")
        client = request.client.host if request.client else ""
        return await self._identity.sign_in(email, password, client=client)

    def _welcome(
        self, request: Request, signed_in: SignedIn, target: str, now: datetime
    ) -> Response:
        response = see_other(target)
        security.set_session(
            response,
            signed_in.token,
            expires_at=signed_in.expires_at,
            now=now,
            is_secure=is_secure(request, self._public_url),
        )
        return response

    def _form(
        self,
        request: Request,
        target: str,
        *,
        with_token: bool,
        email: str = "",
        error: AppError | None = None,
    ) -> Response:
        onward = {"next": target} if target != "/" else {}
        retry = {} if error is None else error.headers
        return self._renderer.page(
            request,
            "sign_in.html",
            {
                "next": target,
                "email": email,
                "with_token": with_token,
                "problem": None if error is None else _explain(error),
                "password_url": _with_query(onward),
                "token_url": _with_query({**onward, "with": "token"}),
            },
            status=200 if error is None else error.status,
            headers={k: v for k, v in retry.items() if k == "Retry-After"},
        )


def see_other(path: str) -> Response:
    """Go on with GET. `path` is local."""
    return RedirectResponse(path, _SEE_OTHER, headers=security.PAGE_HEADERS)


def sign_in_url(path: str) -> str:
    """The form, which leads back to `path`."""
    return _with_query({"next": path} if path != "/" else {})


def _with_query(query: dict[str, str]) -> str:
    return f"/sign-in?{urlencode(query)}" if query else "/sign-in"


def _explain(error: AppError) -> str:
    text = error.detail
    return text if text.endswith((".", "!", "?")) else f"{text}."
