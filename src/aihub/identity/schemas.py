"""What comes in and goes out by HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from aihub.identity.models import ApiKey, Member, NewKey, Organization, Page, User
from aihub.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

ExternalId = Annotated[
    str, Meta(min_length=1, max_length=255, description="Your own id, or a UUID")
]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Email = Annotated[str, Meta(min_length=3, max_length=320)]
Plan = Literal["free", "pro", "business", "enterprise", "paid"]
Role = Literal["owner", "admin", "analyst", "member", "viewer", "billing"]
Scope = Literal["read", "write", "admin"]
Timezone = Annotated[str, Meta(min_length=1, max_length=100, description="Of the IANA database")]
Idle = Annotated[int, Meta(ge=0, le=315_360_000, description="0: never")]
Retention = Annotated[int, Meta(ge=1, le=36_500)]
Future = Annotated[datetime, Meta(tz=True)]


class ListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Paging."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class OrganizationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new organization; the name is the id when omitted."""

    id: ExternalId
    name: Name | None = None
    plan: Plan = "free"
    timezone: Timezone = "UTC"


class OrganizationChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is not sent stays. `retention_days` null: kept without limit."""

    name: Name | UnsetType = UNSET
    plan: Plan | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    idle_pause_seconds: Idle | UnsetType = UNSET
    idle_complete_seconds: Idle | UnsetType = UNSET
    idle_archive_seconds: Idle | UnsetType = UNSET
    retention_days: Retention | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """The changes that were sent, by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class OrganizationOut(Struct, frozen=True, kw_only=True):
    """An organization: `id` in your own form, `uuid` as it is stored."""

    id: str
    uuid: UUID
    name: str
    plan: str
    timezone: str
    retention_days: int | None
    idle_pause_seconds: int
    idle_complete_seconds: int
    idle_archive_seconds: int
    created_at: datetime | None


class MemberIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who becomes a member. An address without an account gets one."""

    email: Email
    role: Role = "member"
    name: Annotated[str, Meta(max_length=255)] = ""


class RoleIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another role."""

    role: Role


class MemberOut(Struct, frozen=True, kw_only=True):
    """A member; `email` is null for one whose account is in Supabase alone."""

    account_id: UUID
    email: str | None
    name: str | None
    role: str
    created_at: datetime


class NewMemberOut(MemberOut, frozen=True, kw_only=True):
    """A new member. `sign_in_token` signs in once, within a week: pass it on in private.

    It is null for an account that existed before.
    """

    sign_in_token: str | None


class ApiKeyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key; without `expires_at` it works until it is revoked."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=3)]
    expires_at: Future | None = None


class ApiKeyOut(Struct, frozen=True, kw_only=True):
    """A key, by its `prefix`; its text is not stored."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewApiKeyOut(ApiKeyOut, frozen=True, kw_only=True):
    """A key just made: `key` is shown this once."""

    key: str


class UserOut(Struct, frozen=True, kw_only=True):
    """A user: `id` in your own form (null once it was erased), `uuid` as it is stored."""

    id: str | None
    uuid: UUID
    first_seen_at: datetime


class OrganizationList(Struct, frozen=True):
    """One page."""

    items: list[OrganizationOut]
    next_cursor: str | None


class MemberList(Struct, frozen=True):
    """One page."""

    items: list[MemberOut]
    next_cursor: str | None


class ApiKeyList(Struct, frozen=True):
    """One page."""

    items: list[ApiKeyOut]
    next_cursor: str | None


class UserList(Struct, frozen=True):
    """One page."""

    items: list[UserOut]
    next_cursor: str | None


def to_organization(found: Organization) -> OrganizationOut:
    """As it is shown."""
    return OrganizationOut(
        id=found.external_id,
        uuid=found.id,
        name=found.name,
        plan=found.plan,
        timezone=found.timezone,
        retention_days=found.retention_days,
        idle_pause_seconds=found.idle_pause_seconds,
        idle_complete_seconds=found.idle_complete_seconds,
        idle_archive_seconds=found.idle_archive_seconds,
        created_at=found.created_at,
    )


def to_member(found: Member) -> MemberOut:
    """As it is shown."""
    return MemberOut(**_member_fields(found))


def to_new_member(found: Member, sign_in_token: str | None) -> NewMemberOut:
    """As it is shown once."""
    return NewMemberOut(**_member_fields(found), sign_in_token=sign_in_token)


def to_api_key(found: ApiKey) -> ApiKeyOut:
    """As it is shown."""
    return ApiKeyOut(**_key_fields(found))


def to_new_api_key(found: ApiKey, new: NewKey) -> NewApiKeyOut:
    """As it is shown once."""
    return NewApiKeyOut(**_key_fields(found), key=new.key)


def to_user(found: User) -> UserOut:
    """As it is shown."""
    return UserOut(id=found.external_id, uuid=found.id, first_seen_at=found.created_at)


def to_organizations(page: Page[Organization]) -> OrganizationList:
    """One page as it is shown."""
    return OrganizationList([to_organization(item) for item in page.items], page.next_cursor)


def to_members(page: Page[Member]) -> MemberList:
    """One page as it is shown."""
    return MemberList([to_member(item) for item in page.items], page.next_cursor)


def to_api_keys(page: Page[ApiKey]) -> ApiKeyList:
    """One page as it is shown."""
    return ApiKeyList([to_api_key(item) for item in page.items], page.next_cursor)


def to_users(page: Page[User]) -> UserList:
    """One page as it is shown."""
    return UserList([to_user(item) for item in page.items], page.next_cursor)


def _member_fields(found: Member) -> dict[str, Any]:
    return {
        "account_id": found.account_id,
        "email": found.email,
        "name": found.name,
        "role": found.role,
        "created_at": found.created_at,
    }


def _key_fields(found: ApiKey) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "prefix": found.prefix,
        "scopes": list(found.scopes),
        "created_by": found.created_by,
        "created_at": found.created_at,
        "expires_at": found.expires_at,
        "revoked_at": found.revoked_at,
        "last_used_at": found.last_used_at,
    }
