"""One typed function for each query on organizations, keys and users; no decisions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from aihub.identity.models import (
    ApiKey,
    KeyHolder,
    Organization,
    Page,
    User,
)
from aihub.kit.db import Connection
from aihub.kit.errors import Invalid
from aihub.kit.paging import decode_cursor, encode_cursor
from aihub.kit.sql import load_queries

_queries: Any = load_queries(__file__)

Row = Mapping[str, Any]


# ---------- organizations ----------


async def get_organization(
    connection: Connection, name: str, uuid: UUID | None
) -> Organization | None:
    """By its own form of the id, or by the UUID."""
    row = await _queries.get_organization(connection, name=name, uuid=uuid)
    return to_organization(row) if row else None


async def insert_organization(
    connection: Connection,
    *,
    uuid: UUID | None,
    external_id: str,
    name: str,
    plan: str,
    timezone: str,
) -> Organization | None:
    """None when it exists already. Raises Invalid for a time zone the database does not know."""
    with _timezone_checked():
        row = await _queries.insert_organization(
            connection, id=uuid, external_id=external_id, name=name, plan=plan, timezone=timezone
        )
    return to_organization(row) if row else None


async def list_organizations(
    connection: Connection, *, limit: int, cursor: str | None
) -> Page[Organization]:
    """Newest first."""
    at, row_id = read_place(cursor)
    rows = [
        to_organization(row)
        async for row in _queries.list_organizations(connection, at=at, id=row_id, limit=limit + 1)
    ]
    return to_page(rows, limit, lambda row: (row.created_at, row.id))


async def update_organization(
    connection: Connection, organization_id: UUID, changes: Mapping[str, Any]
) -> Organization | None:
    """`changes` by column; what is not in it stays. Raises Invalid for an unknown time zone."""
    columns = ("name", "plan", "timezone", "idle_pause_seconds", "idle_complete_seconds")
    with _timezone_checked():
        row = await _queries.update_organization(
            connection,
            id=organization_id,
            **{column: changes.get(column) for column in columns},
            idle_archive_seconds=changes.get("idle_archive_seconds"),
            sets_retention="retention_days" in changes,
            retention_days=changes.get("retention_days"),
        )
    return to_organization(row) if row else None


# ---------- keys ----------


async def get_key_holder(connection: Connection, key_hash: bytes) -> KeyHolder | None:
    """The key of this digest unless it was revoked."""
    row = await _queries.get_key_holder(connection, key_hash=key_hash)
    if row is None:
        return None
    return KeyHolder(
        id=row["key_id"],
        prefix=row["prefix"],
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
        organization=to_organization(row) if row["organization_id"] is not None else None,
    )


async def insert_api_key(
    connection: Connection,
    *,
    key_id: UUID,
    organization_id: UUID | None,
    name: str,
    prefix: str,
    key_hash: bytes,
    scopes: list[str],
    created_by: str,
    expires_at: datetime | None,
) -> None:
    """Store a key by its digest."""
    await _queries.insert_api_key(
        connection,
        id=key_id,
        organization_id=organization_id,
        name=name,
        prefix=prefix,
        key_hash=key_hash,
        scopes=scopes,
        created_by=created_by,
        expires_at=expires_at,
    )


async def list_api_keys(
    connection: Connection, organization_id: UUID | None, *, limit: int, cursor: str | None
) -> Page[ApiKey]:
    """Newest first, revoked ones too; None: those of operators."""
    at, row_id = read_place(cursor)
    rows = [
        _api_key(row)
        async for row in _queries.list_api_keys(
            connection, organization_id=organization_id, at=at, id=row_id, limit=limit + 1
        )
    ]
    return to_page(rows, limit, lambda row: (row.created_at, row.id))


async def get_api_key(connection: Connection, key_id: UUID) -> ApiKey | None:
    """Whosever it is."""
    row = await _queries.get_api_key(connection, id=key_id)
    return _api_key(row) if row else None


async def update_api_key_revoked(
    connection: Connection, key_id: UUID, *, organization_id: UUID | None, of_any: bool
) -> ApiKey | None:
    """Revoke it, once and for all; None when there is none (of the organization)."""
    row = await _queries.update_api_key_revoked(
        connection, id=key_id, organization_id=organization_id, of_any=of_any
    )
    return _api_key(row) if row else None


async def update_api_keys_used(connection: Connection, used: Mapping[UUID, datetime]) -> None:
    """Note the last use of many keys at once."""
    await _queries.update_api_keys_used(
        connection, ids=list(used.keys()), times=list(used.values())
    )


# ---------- users ----------


async def list_users(
    connection: Connection, organization_id: UUID, *, limit: int, cursor: str | None
) -> Page[User]:
    """Newest first."""
    at, row_id = read_place(cursor)
    rows = [
        User(**row)
        async for row in _queries.list_users(
            connection, organization_id=organization_id, at=at, id=row_id, limit=limit + 1
        )
    ]
    return to_page(rows, limit, lambda row: (row.created_at, row.id))


# ---------- rows to values ----------


def to_organization(row: Row) -> Organization:
    """Of a row that has an organization's columns."""
    return Organization(
        id=row["id"],
        external_id=row["external_id"],
        name=row["name"],
        plan=row["plan"],
        timezone=row["timezone"],
        retention_days=row["retention_days"],
        idle_pause_seconds=row["idle_pause_seconds"],
        idle_complete_seconds=row["idle_complete_seconds"],
        idle_archive_seconds=row["idle_archive_seconds"],
        created_at=row["created_at"],
    )


def _api_key(row: Row) -> ApiKey:
    return ApiKey(**{**row, "scopes": tuple(row["scopes"])})


def read_place(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """Where a page begins. Raises Invalid."""
    return decode_cursor(cursor) or (None, None)


def to_page(rows: list[Any], limit: int, place: Any) -> Page[Any]:
    """A page of `limit` rows; `rows` holds one more where there is a next page."""
    shown = tuple(rows[:limit])
    is_last = len(rows) <= limit
    return Page(shown, None if is_last else encode_cursor(*place(shown[-1])))


class _timezone_checked:  # noqa: N801 - used as a statement: `with _timezone_checked():`
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        # PostgreSQL keeps a list of time zones of its own, and it is the one that computes days
        if isinstance(error, asyncpg.InvalidParameterValueError):
            raise Invalid.field("timezone", "is not known to the database") from error
