"""One typed function for each query on accounts, members, sessions and links; no decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from aihub.identity.models import Account, Member, Membership, Page, Person
from aihub.identity.store import Row, read_place, to_organization, to_page
from aihub.kit.db import Connection
from aihub.kit.sql import load_queries

_queries: Any = load_queries(__file__)


# ---------- accounts and members ----------


async def upsert_account(
    connection: Connection,
    *,
    email: str,
    name: str | None,
    password_hash: str | None,
    is_operator: bool,
) -> Account:
    """What is None or False stays as it was."""
    row = await _queries.upsert_account(
        connection, email=email, name=name, password_hash=password_hash, is_operator=is_operator
    )
    return _account(row)


async def insert_account(connection: Connection, *, email: str, name: str) -> Account | None:
    """None when the address has an account."""
    row = await _queries.insert_account(connection, email=email, name=name)
    return _account(row) if row else None


async def get_account(connection: Connection, email: str) -> Account | None:
    """By address."""
    row = await _queries.get_account(connection, email=email)
    return _account(row) if row else None


async def list_accounts(connection: Connection) -> list[Account]:
    """All of them, by address, with their organizations."""
    return [
        _account(row, tuple(row["organizations"]))
        async for row in _queries.list_accounts(connection)
    ]


async def upsert_member(
    connection: Connection, organization_id: UUID, account_id: UUID, role: str
) -> None:
    """Add a member, or change the role of one."""
    await _queries.upsert_member(
        connection, organization_id=organization_id, account_id=account_id, role=role
    )


async def insert_member(
    connection: Connection, organization_id: UUID, account_id: UUID, role: str
) -> datetime | None:
    """Since when the new member is one; None for one who was before."""
    found: datetime | None = await _queries.insert_member(
        connection, organization_id=organization_id, account_id=account_id, role=role
    )
    return found


async def list_members(
    connection: Connection, organization_id: UUID, *, limit: int, cursor: str | None
) -> Page[Member]:
    """Newest first."""
    at, row_id = read_place(cursor)
    rows = [
        Member(**row)
        async for row in _queries.list_members(
            connection, organization_id=organization_id, at=at, id=row_id, limit=limit + 1
        )
    ]
    return to_page(rows, limit, lambda row: (row.created_at, row.account_id))


async def get_member(
    connection: Connection, organization_id: UUID, account_id: UUID
) -> Member | None:
    """None for who is no member here."""
    row = await _queries.get_member(
        connection, organization_id=organization_id, account_id=account_id
    )
    return Member(**row) if row else None


async def lock_owners(connection: Connection, organization_id: UUID) -> list[UUID]:
    """The accounts of the owners, locked until the transaction ends."""
    return [
        row["account_id"]
        async for row in _queries.lock_owners(connection, organization_id=organization_id)
    ]


async def update_member(
    connection: Connection, organization_id: UUID, account_id: UUID, role: str
) -> None:
    """Change a role."""
    await _queries.update_member(
        connection, organization_id=organization_id, account_id=account_id, role=role
    )


async def delete_member(connection: Connection, organization_id: UUID, account_id: UUID) -> None:
    """Take somebody out of an organization; the account stays."""
    await _queries.delete_member(connection, organization_id=organization_id, account_id=account_id)


# ---------- signing in ----------


async def list_places_of_token(
    connection: Connection,
    account_id: UUID,
    *,
    claimed: str | None,
    claimed_uuid: UUID | None,
    claimed_role: str,
) -> list[Membership]:
    """Where the subject of a signed token is a member, and what the token itself claims."""
    rows = [
        row
        async for row in _queries.list_places_of_token(
            connection,
            account_id=account_id,
            claimed=claimed,
            claimed_uuid=claimed_uuid,
            claimed_role=claimed_role,
        )
    ]
    return _memberships(rows)


async def get_person_of_session(
    connection: Connection, token_hash: bytes, *, now: datetime
) -> Person | None:
    """Whose session it is, with the memberships of this moment."""
    rows = [
        row
        async for row in _queries.list_places_of_session(connection, token_hash=token_hash, now=now)
    ]
    if not rows:
        return None
    first = rows[0]
    return Person(
        account_id=first["account_id"],
        email=first["email"],
        is_operator=first["is_operator"],
        expires_at=first["expires_at"],
        memberships=tuple(_memberships([row for row in rows if row["id"] is not None])),
        view_id=first["view_id"],
    )


async def claim_sign_in(
    connection: Connection, email: str, *, now: datetime, locks: Sequence[int]
) -> Row | None:
    """Count an attempt; `id, password_hash, disabled_at`. None: no such account, or locked."""
    row: Row | None = await _queries.claim_sign_in(
        connection, email=email, now=now, locks=list(locks)
    )
    return row


async def get_lock(connection: Connection, email: str) -> Row | None:
    """The account's `locked_until`; None when there is no such account."""
    row: Row | None = await _queries.get_lock(connection, email=email)
    return row


async def update_account_signed_in(connection: Connection, account_id: UUID) -> None:
    """Forget failed attempts."""
    await _queries.update_account_signed_in(connection, account_id=account_id)


async def insert_session(
    connection: Connection, token_hash: bytes, account_id: UUID, *, expires_at: datetime
) -> None:
    """A session of an account of the hub, viewing its oldest membership."""
    await _queries.insert_session(
        connection, token_hash=token_hash, account_id=account_id, expires_at=expires_at
    )


async def insert_session_of_token(
    connection: Connection,
    token_hash: bytes,
    *,
    account_id: UUID,
    email: str,
    organization_id: UUID,
    claimed_role: str | None,
    expires_at: datetime,
) -> None:
    """A session of somebody known by a signed token."""
    await _queries.insert_session_of_token(
        connection,
        token_hash=token_hash,
        account_id=account_id,
        email=email,
        organization_id=organization_id,
        claimed_role=claimed_role,
        expires_at=expires_at,
    )


async def update_session_view(
    connection: Connection, token_hash: bytes, organization_id: UUID
) -> None:
    """View another organization."""
    await _queries.update_session_view(
        connection, token_hash=token_hash, organization_id=organization_id
    )


async def delete_session(connection: Connection, token_hash: bytes) -> None:
    """End a session."""
    await _queries.delete_session(connection, token_hash=token_hash)


async def delete_sessions(connection: Connection, account_id: UUID) -> None:
    """End every session of an account, and its links."""
    await _queries.delete_sessions(connection, account_id=account_id)


async def insert_sign_in_link(
    connection: Connection, token_hash: bytes, account_id: UUID, *, expires_at: datetime
) -> None:
    """Store a link by its digest."""
    await _queries.insert_sign_in_link(
        connection, token_hash=token_hash, account_id=account_id, expires_at=expires_at
    )


async def delete_sign_in_link(
    connection: Connection, token_hash: bytes, *, now: datetime
) -> UUID | None:
    """Use a link up: the account, or None when the link is not valid."""
    found: UUID | None = await _queries.delete_sign_in_link(
        connection, token_hash=token_hash, now=now
    )
    return found


async def delete_expired(connection: Connection, *, now: datetime) -> int:
    """Delete expired sessions and links; how many."""
    count: int = await _queries.delete_expired(connection, now=now)
    return count


# ---------- rows to values ----------


def _account(row: Row, organizations: tuple[str, ...] = ()) -> Account:
    return Account(**{**row, "organizations": organizations})


def _memberships(rows: list[Row]) -> list[Membership]:
    found: dict[UUID, Membership] = {}
    for row in rows:
        found.setdefault(row["id"], Membership(to_organization(row), row["role"]))
    return list(found.values())
