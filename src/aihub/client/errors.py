"""What can go wrong, as a tree.

HubError
├── HubUnavailable   no answer, a time-out, or a 5xx: try again later
├── Unauthorized     401: no key, or one that is unknown, expired or revoked
├── Forbidden        403: the key may not do this
├── NotFound         404: not there, or another organization's
├── Conflict         409: an illegal move, a closed conversation, an id that is taken
├── Invalid          400, 422: `errors` names the fields
├── TooLarge         413
├── RateLimited      429: `retry_after` seconds
└── SpoolError       the spool file cannot be read or written: nothing was accepted
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

_MEMBERS = {"type", "title", "status", "detail", "code", "errors", "request_id"}
_SERVER_ERROR = 500
_TEXT_SHOWN = 200  # characters of an answer that is no problem document


class HubError(Exception):
    """Something the hub, or the way to it, refused.

    `code` is the stable word of the problem document, `status` the HTTP status (None when there was
    no answer), `errors` the fields at fault as `{"field", "message"}`, `request_id` what the hub's
    operator finds in the log, `extensions` the document's further members.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        errors: list[dict[str, str]] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.errors = errors or []
        self.request_id = request_id
        self.retry_after = retry_after
        self.extensions = extensions or {}

    def __str__(self) -> str:
        fields = "; ".join(f"{e.get('field')}: {e.get('message')}" for e in self.errors)
        return f"{self.args[0]} ({fields})" if fields else str(self.args[0])


class HubUnavailable(HubError):
    """No answer from the hub, or a 5xx."""


class Unauthorized(HubError):
    """401."""


class Forbidden(HubError):
    """403."""


class NotFound(HubError):
    """404."""


class Conflict(HubError):
    """409."""


class Invalid(HubError):
    """400 or 422: `errors` names the fields."""


class TooLarge(HubError):
    """413."""


class RateLimited(HubError):
    """429: try again after `retry_after` seconds."""


class SpoolError(HubError):
    """The spool file cannot be read or written."""


_BY_STATUS: dict[int, type[HubError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
}


def error_from_answer(status: int, headers: Mapping[str, str], body: bytes) -> HubError:
    """The typed error of an HTTP answer; a body that is no problem document is quoted in part."""
    problem: Any = None
    with suppress(msgspec.DecodeError, UnicodeDecodeError):  # a proxy's page is quoted below
        problem = msgspec.json.decode(body)
    if not isinstance(problem, dict):
        text = body[:_TEXT_SHOWN].decode(errors="replace").strip()
        problem = {"detail": f"HTTP {status}: {text}" if text else f"HTTP {status}"}
    problem.setdefault("request_id", headers.get("x-request-id"))
    return error_from_problem(status, problem, retry_after=parse_retry_after(headers))


def error_from_problem(
    status: int, problem: Mapping[str, Any], *, retry_after: float | None = None
) -> HubError:
    """The typed error of a problem document (RFC 9457)."""
    kind = HubUnavailable if status >= _SERVER_ERROR else _BY_STATUS.get(status, HubError)
    message = problem.get("detail") or problem.get("title") or f"HTTP {status}"
    return kind(
        str(message),
        code=str(problem.get("code") or ""),
        status=status,
        errors=[e for e in problem.get("errors") or [] if isinstance(e, dict)],
        request_id=problem.get("request_id"),
        retry_after=retry_after,
        extensions={k: v for k, v in problem.items() if k not in _MEMBERS},
    )


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, given as seconds or as a date; None without a usable one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
