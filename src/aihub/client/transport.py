"""HTTP as the client speaks it: where the hub is, who asks, how an answer is read."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from aihub.client.errors import HubError, HubUnavailable, Invalid, NotFound, error_from_answer

_REQUEST_SECONDS = 30.0  # a batch may wait for a busy database
_CONNECT_SECONDS = 5.0
# What a header may hold as it is: visible ASCII but for %, which starts an escape.
_HEADER_SAFE = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}~"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the hub is and who asks. Nothing is taken from the environment, proxies included."""

    base_url: str
    api_key: str | None = None
    verify: bool | ssl.SSLContext = True
    proxy: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Invalid(f"base_url {self.base_url!r} is no http(s) URL", code="base_url")

    @property
    def acts_for_any_organization(self) -> bool:
        """Whether the key is an operator's, which names the organization with each request."""
        return (self.api_key or "").startswith("aho_")

    def open_client(self) -> httpx.Client:
        """A pool of connections for threads."""
        return httpx.Client(**self._options())

    def open_async_client(self) -> httpx.AsyncClient:
        """A pool of connections for one event loop."""
        return httpx.AsyncClient(**self._options())

    def _options(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {
            "base_url": self.base_url,
            "headers": headers,
            "timeout": httpx.Timeout(_REQUEST_SECONDS, connect=_CONNECT_SECONDS),
            "verify": self.verify,
            "proxy": self.proxy,
            "trust_env": False,
        }


def organization_header(organization_id: str) -> dict[str, str]:
    """`X-Organization-Id` in visible ASCII: anything else, and %, as percent-escaped UTF-8. Empty
    where the key alone decides."""
    if not organization_id:
        return {}
    return {"X-Organization-Id": quote(organization_id, safe=_HEADER_SAFE)}


def query(filters: Mapping[str, object]) -> dict[str, str]:
    """Filters as query parameters; `from_` becomes `from`, what is None is left out."""
    return {name.rstrip("_"): _text(value) for name, value in filters.items() if value is not None}


def read_answer(response: httpx.Response, kind: type[T]) -> T:
    """The object in a good answer; the typed error of any other."""
    if not response.is_success:
        raise error_from_answer(response.status_code, response.headers, response.content)
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.MsgspecError as error:
        raise HubUnavailable(f"the answer is not a hub's: {error}", code="bad_answer") from error


def read_or_none(response: httpx.Response, kind: type[T]) -> T | None:
    """As `read_answer`, None where there is no such object for the asker."""
    try:
        return read_answer(response, kind)
    except NotFound:
        return None


def unavailable(error: httpx.HTTPError) -> HubError:
    """No answer: what the connection died of."""
    return HubUnavailable(f"no answer: {error or type(error).__name__}", code="no_answer")


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
