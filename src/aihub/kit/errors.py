"""The tree of errors: each carries its HTTP status, a stable code and facts; the edge renders it.

Rendered as RFC 9457 problem documents by `kit.http`. A slice adds a class with its own `code`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `field` is a path such as `events[3].body.role`."""

    field: str
    message: str


class AppError(Exception):
    """Something a caller can be told. `detail` is a sentence for people."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong here"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions

    def problem(self, request_id: str | None = None) -> dict[str, Any]:
        """The members of the problem document."""
        found: dict[str, Any] = {
            "type": f"urn:aihub:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            found["errors"] = [{"field": e.field, "message": e.message} for e in self.errors]
        found |= self.extensions
        if request_id is not None:
            found["request_id"] = request_id
        return found


class Invalid(AppError):
    """The input is not acceptable; `errors` name the fields."""

    status, code, title = 422, "invalid", "The input is not valid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """Exactly one field is wrong."""
        return cls(f"{field}: {message}", errors=[FieldError(field, message)])


class Malformed(AppError):
    """The body is not JSON at all."""

    status, code, title = 400, "malformed_json", "The body is not JSON"


class Unauthorized(AppError):
    """Nobody is signed in, or the token is not (any more) valid."""

    status, code, title = 401, "unauthorized", "Sign in first"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(AppError):
    """Signed in, but not allowed to do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(AppError):
    """No such object for this caller; another organization's is the same as none."""

    status, code, title = 404, "not_found", "There is no such object"


class MethodNotAllowed(AppError):
    """The path exists, not with this method."""

    status, code, title = 405, "method_not_allowed", "This method is not allowed here"


class Conflict(AppError):
    """The request does not fit the present state."""

    status, code, title = 409, "conflict", "This conflicts with what is stored"


class TooLarge(AppError):
    """The body exceeds the limit."""

    status, code, title = 413, "too_large", "The body is too large"


class UnsupportedMediaType(AppError):
    """The body is of a type this endpoint does not read."""

    status, code, title = 415, "unsupported_media_type", "Send application/json"


class RateLimited(AppError):
    """Too many requests; `Retry-After` says when to come back."""

    status, code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_s: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class DatabaseAway(AppError):
    """The database does not answer: nothing of this request is acknowledged."""

    status, code, title = 503, "database_unavailable", "The database is not available"

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            detail or "The database does not answer. Try again with the same ids.",
            headers={"Retry-After": "1"},
        )


class DiskFull(AppError):
    """No room left: writes are refused, reads go on."""

    status, code, title = 507, "disk_full", "The disk is full"

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            detail or "The disk is full: nothing new can be stored until there is room.",
            headers={"Retry-After": "5"},
        )
