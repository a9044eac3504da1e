"""Who asks, as the rest of the application sees it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from aihub.kit.errors import Invalid

READ, WRITE, ADMIN, OPERATE = "read", "write", "admin", "operate"
SCOPES = (READ, WRITE, ADMIN)
"""What a key may be given. OPERATE belongs to operators alone."""

ROLE_SCOPES = {
    "owner": frozenset({READ, WRITE, ADMIN}),
    "admin": frozenset({READ, WRITE, ADMIN}),
    "member": frozenset({READ, WRITE}),
    "analyst": frozenset({READ}),
    "viewer": frozenset({READ}),
    "billing": frozenset({READ}),
}
PLANS = ("free", "pro", "business", "enterprise", "paid")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant: `id` as stored, `external_id` as its owner calls it.

    `retention_days` None: kept without limit. Seconds of idleness, 0: never.
    """

    id: UUID
    external_id: str
    name: str
    plan: str = "free"
    timezone: str = "UTC"
    retention_days: int | None = 90
    idle_pause_seconds: int = 1_800
    idle_complete_seconds: int = 86_400
    idle_archive_seconds: int = 2_592_000
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever signed a request, and for which organization.

    `memberships` are the organizations this person may view; for an operator the newest ones only.
    `role` is the one in `organization`; None for keys and operators.
    """

    actor: str
    scopes: frozenset[str]
    organization: Organization | None
    is_operator: bool = False
    account_id: UUID | None = None
    email: str | None = None
    memberships: tuple[Organization, ...] = field(default=())
    role: str | None = None

    @property
    def organization_id(self) -> UUID:
        """The stored id of the organization. Raises Invalid when an operator named none."""
        return self._organization.id

    @property
    def organization_name(self) -> str:
        """The organization's own form of its id, as answers give it back."""
        return self._organization.external_id

    @property
    def plan(self) -> str:
        """The organization's plan. Raises Invalid when an operator named none."""
        return self._organization.plan

    @property
    def _organization(self) -> Organization:
        if self.organization is None:
            raise Invalid.field(
                "X-Organization-Id", "is required: an operator says for which organization"
            )
        return self.organization


@dataclass(frozen=True, slots=True)
class IdentityOptions:
    """What the settings say about signing in. `jwt_issuer` None: any issuer with the right key."""

    jwt_secret: str | None = None
    jwks_url: str | None = None
    jwt_audience: str = "authenticated"
    jwt_issuer: str | None = None
    session_hours: float = 24 * 14


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization that a person may view, and the role there; None for an operator."""

    organization: Organization
    role: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in, by a session or a signed token, until `expires_at`.

    `view_id` is the organization on view. `is_pinned`: the token itself names its organization, so
    nothing else may be viewed with it.
    """

    account_id: UUID
    email: str | None
    is_operator: bool
    expires_at: datetime
    memberships: tuple[Membership, ...]
    view_id: UUID | None = None
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `token` is the cookie's value."""

    token: str
    principal: Principal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. `organization_id` None: an operator's."""

    id: UUID
    organization_id: UUID | None
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `key` is shown this once and stored nowhere."""

    id: UUID
    key: str
    prefix: str


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What a request with a key needs to know of it."""

    id: UUID
    prefix: str
    scopes: frozenset[str]
    expires_at: datetime | None
    organization: Organization | None


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in to the hub itself. `organizations` by `external_id:role`."""

    id: UUID
    email: str
    name: str
    is_operator: bool
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None
    organizations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """An account in an organization; `email` None for one that lives in Supabase alone."""

    account_id: UUID
    email: str | None
    name: str | None
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """A member just added. `sign_in_token` signs in once; only for an account made now."""

    member: Member
    sign_in_token: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A person inside an organization; `external_id` None once it was erased."""

    id: UUID
    external_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, newest first; `next_cursor` None: the last page."""

    items: tuple[T, ...]
    next_cursor: str | None
