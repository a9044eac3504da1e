"""One request for a page: who looks, at which organization, in which time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request

from aihub.identity.api import Organization, Principal
from aihub.kit.errors import Invalid
from aihub.kit.http import read_body

_MAX_FORM_BYTES = 64 * 1024
_MAX_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in person's request. `organization` is the one on view."""

    request: Request
    principal: Principal
    organization: Organization
    now: datetime
    base_url: str

    @property
    def organization_id(self) -> UUID:
        """The stored id of the organization on view."""
        return self.organization.id

    @property
    def zone(self) -> ZoneInfo:
        """The organization's time zone."""
        return find_zone(self.organization.timezone)

    def local(self, at: datetime) -> datetime:
        """`at` in the organization's zone."""
        return at.astimezone(self.zone)


def find_zone(name: str) -> ZoneInfo:
    """The zone of that name; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def now_in_utc() -> datetime:
    """The present time."""
    return datetime.now(UTC)


async def read_form(request: Request, *, most_fields: int = _MAX_FIELDS) -> dict[str, str]:
    """The fields of a form sent as application/x-www-form-urlencoded."""
    raw = await read_body(request, _MAX_FORM_BYTES)
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=most_fields)
    except ValueError as error:
        raise Invalid("This form cannot be read.") from error
    return dict(fields)


def base_url_of(request: Request, public_url: str | None) -> str:
    """How people reach this hub, without a slash at the end."""
    return (public_url or str(request.base_url)).rstrip("/")


def is_secure(request: Request, public_url: str | None) -> bool:
    """Whether the browser came by https."""
    return request.url.scheme == "https" or (
        public_url is not None and urlsplit(public_url).scheme == "https"
    )
