"""What is done about organizations, keys, accounts and members: functions that take a connection.

None of them commits. The ones that read before they write want a transaction around them.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aihub.identity import people_store, rules, store, tokens
from aihub.identity.errors import AccountExists, AlreadyMember, LastOwner, UnknownOrganization
from aihub.identity.models import (
    PLANS,
    Account,
    ApiKey,
    Invited,
    Member,
    NewKey,
    Organization,
    Page,
)
from aihub.identity.passwords import hash_password
from aihub.kit.db import Connection
from aihub.kit.errors import Conflict, Invalid, NotFound
from aihub.kit.ids import uuid7
from aihub.kit.paging import DEFAULT_LIMIT

LINK_MINUTES = 15
INVITATION_MINUTES = 7 * 24 * 60

# ---------- organizations ----------


async def create_organization(
    connection: Connection,
    *,
    external_id: str,
    name: str | None = None,
    plan: str = "free",
    timezone: str = "UTC",
) -> Organization:
    """The organization called `external_id`, made when there is none.

    An existing one stays as it is. A UUID as external id is the stored id too. The name is the
    external id when omitted. Safe to call many times at once. Raises Invalid.
    """
    made, _ = await ensure_organization(
        connection, external_id=external_id, name=name, plan=plan, timezone=timezone
    )
    return made


async def ensure_organization(
    connection: Connection,
    *,
    external_id: str,
    name: str | None = None,
    plan: str = "free",
    timezone: str = "UTC",
) -> tuple[Organization, bool]:
    """Like `create_organization`; also whether it was made now."""
    rules.check_external_id(external_id, "id")
    if plan not in PLANS:
        raise Invalid.field("plan", f"must be one of {', '.join(PLANS)}")
    if found := await get_organization(connection, external_id):
        return found, False
    made = await store.insert_organization(
        connection,
        uuid=rules.parse_uuid(external_id),
        external_id=external_id,
        name=rules.check_name(external_id if name is None else name),
        plan=plan,
        timezone=rules.check_timezone(timezone),
    )
    if made is not None:
        return made, True
    # made by somebody else just now: the insert waited for them, so it can be seen
    found = await get_organization(connection, external_id)
    if found is None:
        raise Conflict("The organization was made and deleted at the same time. Try again.")
    return found, False


async def get_organization(connection: Connection, external_id: str) -> Organization | None:
    """The organization called `external_id`, its own form or the UUID; None when there is none."""
    if not external_id or "\x00" in external_id or len(external_id) > rules.MAX_ID_LENGTH:
        return None
    return await store.get_organization(connection, external_id, rules.parse_uuid(external_id))


async def find_organization(connection: Connection, name: str) -> Organization:
    """By its own form of the id or by the UUID. Raises UnknownOrganization."""
    found = await get_organization(connection, name)
    if found is None:
        raise UnknownOrganization
    return found


async def list_organizations(
    connection: Connection, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[Organization]:
    """Every organization of the hub, newest first."""
    return await store.list_organizations(connection, limit=limit, cursor=cursor)


async def update_organization(
    connection: Connection, organization_id: UUID, changes: Mapping[str, Any]
) -> Organization:
    """Change settings, by name; `retention_days` None: no limit. Raises Invalid, NotFound."""
    if "name" in changes:
        rules.check_name(changes["name"])
    if "timezone" in changes:
        rules.check_timezone(changes["timezone"])
    found = await store.update_organization(connection, organization_id, changes)
    if found is None:
        raise NotFound
    return found


# ---------- keys ----------


async def create_api_key(
    connection: Connection,
    *,
    organization_id: UUID | None,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    created_by: str,
) -> NewKey:
    """A new key of an organization, or an operator's when None. Raises Invalid.

    `scopes` are some of SCOPES. An operator's key with ADMIN may OPERATE, too.
    """
    if rules.is_over(expires_at, datetime.now(UTC)):
        raise Invalid.field("expires_at", "must be in the future")
    key = tokens.make_key(is_operator=organization_id is None)
    new = NewKey(uuid7(), key, tokens.shown_prefix(key))
    await store.insert_api_key(
        connection,
        key_id=new.id,
        organization_id=organization_id,
        name=rules.check_name(name),
        prefix=new.prefix,
        key_hash=tokens.hash_token(key),
        scopes=rules.check_scopes(scopes),
        created_by=created_by,
        expires_at=expires_at,
    )
    return new


async def list_api_keys(
    connection: Connection,
    organization_id: UUID | None,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ApiKey]:
    """The keys of an organization (None: of operators), newest first, revoked ones too."""
    return await store.list_api_keys(connection, organization_id, limit=limit, cursor=cursor)


async def get_api_key(connection: Connection, key_id: UUID) -> ApiKey:
    """A key, whosever it is. Raises NotFound."""
    found = await store.get_api_key(connection, key_id)
    if found is None:
        raise NotFound("There is no such key.")
    return found


async def revoke_api_key(connection: Connection, key_id: UUID) -> ApiKey:
    """Revoke a key, whosever it is; again changes nothing. Raises NotFound.

    Another process that serves requests may accept it for 5 seconds more.
    """
    found = await store.update_api_key_revoked(
        connection, key_id, organization_id=None, of_any=True
    )
    if found is None:
        raise NotFound("There is no such key.")
    return found


async def revoke_own_api_key(connection: Connection, organization_id: UUID, key_id: UUID) -> ApiKey:
    """Revoke a key of this organization. Raises NotFound for any other."""
    found = await store.update_api_key_revoked(
        connection, key_id, organization_id=organization_id, of_any=False
    )
    if found is None:
        raise NotFound("There is no such key.")
    return found


# ---------- accounts and members ----------


async def create_account(
    connection: Connection,
    *,
    email: str,
    name: str | None = None,
    password: str | None = None,
    is_operator: bool = False,
) -> Account:
    """The account of an address, made when there is none. Raises Invalid.

    For a known address a `name` or `password` that is given replaces what is stored, and
    `is_operator` only ever makes it one; a new password ends all its sessions.
    """
    checked = rules.check_email(email)
    rules.check_name(name or "", least=0)
    hashed = None
    if password is not None:
        hashed = await asyncio.to_thread(hash_password, rules.check_password(password))
    return await people_store.upsert_account(
        connection, email=checked, name=name, password_hash=hashed, is_operator=is_operator
    )


async def add_member(
    connection: Connection, organization_id: UUID, account_id: UUID, role: str
) -> None:
    """Make an account (or a Supabase user) a member; one who is gets the role."""
    await people_store.upsert_member(
        connection, organization_id, account_id, rules.check_role(role)
    )


async def create_sign_in_link(
    connection: Connection, account_id: UUID, *, minutes: float = LINK_MINUTES
) -> str:
    """A token that signs in once, within `minutes`."""
    token = tokens.make_secret()
    await people_store.insert_sign_in_link(
        connection,
        tokens.hash_token(token),
        account_id,
        expires_at=datetime.now(UTC) + timedelta(minutes=minutes),
    )
    return token


async def invite_member(
    connection: Connection,
    organization_id: UUID,
    *,
    email: str,
    role: str,
    name: str = "",
    by_operator: bool,
) -> Invited:
    """Add the account of an address to an organization, made when there is none.

    Whoever invites a new address gets a link that signs in as it, since no mail is sent. So a link
    is never given for an account that exists, and another organization trusts an account only when
    an operator has: by adding it, or by giving it a password. Raises AlreadyMember, AccountExists.
    """
    address, shown = rules.check_email(email), rules.check_name(name, least=0)
    made = await people_store.insert_account(connection, email=address, name=shown)
    account = made or await people_store.get_account(connection, address)
    if account is None:
        raise Conflict("The account was deleted at the same time. Try again.")
    if made is None and await people_store.get_member(connection, organization_id, account.id):
        raise AlreadyMember
    if made is None and not by_operator and not account.has_password:
        raise AccountExists
    since = await people_store.insert_member(
        connection, organization_id, account.id, rules.check_role(role)
    )
    if since is None:
        raise AlreadyMember
    token = None
    if made is not None:
        token = await create_sign_in_link(connection, account.id, minutes=INVITATION_MINUTES)
    return Invited(Member(account.id, account.email, account.name, role, since), token)


async def change_role(
    connection: Connection, organization_id: UUID, account_id: UUID, role: str
) -> Member:
    """Give a member another role; wants a transaction. Raises NotFound, LastOwner."""
    rules.check_role(role)
    await _get_member_who_may_go(connection, organization_id, account_id, stays=role == "owner")
    await people_store.update_member(connection, organization_id, account_id, role)
    found = await people_store.get_member(connection, organization_id, account_id)
    if found is None:
        raise NotFound("There is no such member.")
    return found


async def remove_member(connection: Connection, organization_id: UUID, account_id: UUID) -> None:
    """Take a member out; wants a transaction. Raises NotFound, LastOwner."""
    await _get_member_who_may_go(connection, organization_id, account_id, stays=False)
    await people_store.delete_member(connection, organization_id, account_id)


async def _get_member_who_may_go(
    connection: Connection, organization_id: UUID, account_id: UUID, *, stays: bool
) -> Member:
    owners = await people_store.lock_owners(connection, organization_id)
    member = await people_store.get_member(connection, organization_id, account_id)
    if member is None:
        raise NotFound("There is no such member.")
    if owners == [account_id] and not stays:
        raise LastOwner
    return member


async def purge_expired(connection: Connection) -> int:
    """Delete the sessions and links that have expired; how many there were."""
    return await people_store.delete_expired(connection, now=datetime.now(UTC))
