"""What keeps the pages safe: headers, same-origin writes, local redirects, the session cookie."""

from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from aihub.identity.api import SESSION_COOKIE
from aihub.kit.errors import Forbidden

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_ALWAYS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PAGE_HEADERS = {**_ALWAYS, "Cache-Control": "no-store", "Vary": "Cookie"}
STATIC_HEADERS = {**_ALWAYS, "Cache-Control": "public, max-age=31536000, immutable"}


class CrossSiteForm(Forbidden):
    """A form that was not sent by a page of this hub."""

    code = "cross_site"

    def __init__(self) -> None:
        super().__init__("This form was not sent from a page of this hub. Open the page again.")


def require_same_origin(request: Request, public_url: str | None) -> None:
    """Raise CrossSiteForm unless the browser says that one of our own pages sent this."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise CrossSiteForm
    if origin is not None and not _is_own(origin, request, public_url):
        raise CrossSiteForm
    if site is None and origin is None:
        raise CrossSiteForm


def _is_own(origin: str, request: Request, public_url: str | None) -> bool:
    # the scheme is left out: behind a proxy that ends TLS, this process sees http
    host = urlsplit(origin).netloc.lower()
    own = {request.headers.get("host", "").lower()}
    if public_url is not None:
        own.add(urlsplit(public_url).netloc.lower())
    return bool(host) and host in own


def local_path(path: str | None) -> str:
    """`path` when it leads to this hub and nowhere else; Home otherwise."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    if any(ord(sign) <= ord(" ") or sign == "\\" for sign in path):
        return "/"
    parts = urlsplit(path)
    return "/" if parts.scheme or parts.netloc else path


def set_session(
    response: Response, token: str, *, expires_at: datetime, now: datetime, is_secure: bool
) -> None:
    """Give the browser its session, for as long as it lasts."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=max(0, int((expires_at - now).total_seconds())),
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )


def clear_session(response: Response, *, is_secure: bool) -> None:
    """Take it away again."""
    response.delete_cookie(
        SESSION_COOKIE, path="/", secure=is_secure, httponly=True, samesite="lax"
    )
