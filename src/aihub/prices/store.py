"""One typed function for each query on the price book; no decisions."""

import base64
import binascii
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec

from aihub.kit.db import Connection
from aihub.kit.errors import Invalid
from aihub.kit.sql import fetch, load_queries
from aihub.prices.models import BookVersion, PriceFilters, StoredPrice
from aihub.pricing import api as pricing

_queries: Any = load_queries(__file__)
_read_terms = msgspec.json.Decoder(pricing.PriceRow).decode
_write_terms = msgspec.json.Encoder().encode

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price with the end of its time: when the next row of its model and layer begins."""

    price: StoredPrice
    valid_to: datetime | None
    place: str


async def lock_book(connection: Connection) -> None:
    """Nobody else changes the book until the transaction ends."""
    await _queries.lock_book(connection)


async def get_latest_version(connection: Connection) -> BookVersion | None:
    """None while the book is empty."""
    row = await _queries.get_latest_version(connection)
    return _to_version(row) if row else None


async def get_version(connection: Connection, version_id: int) -> BookVersion | None:
    """One version."""
    row = await _queries.get_version(connection, id=version_id)
    return _to_version(row) if row else None


async def get_latest_id(connection: Connection) -> int | None:
    """The number of the newest version: all that a refresh has to ask."""
    found: int | None = await _queries.get_latest_id(connection)
    return found


async def get_taken_in(connection: Connection) -> tuple[int | None, str | None]:
    """The newest release whose prices were taken in, and the origin of the base."""
    row = await _queries.get_taken_in(connection)
    return row["release"], row["origin"]


async def list_versions(connection: Connection, *, limit: int) -> list[BookVersion]:
    """Newest first."""
    return [
        _to_version(row) for row in await fetch(_queries.list_versions(connection, limit=limit))
    ]


async def insert_version(connection: Connection, version: Mapping[str, Any]) -> BookVersion:
    """`version` by column; `settings` as an object."""
    settings = msgspec.json.encode(version["settings"]).decode()
    row = await _queries.insert_version(connection, **{**version, "settings": settings})
    return _to_version(row)


async def insert_prices(
    connection: Connection, prices: Sequence[StoredPrice], version_id: int
) -> None:
    """Any number of rows in one statement."""
    await _queries.insert_prices(
        connection,
        ids=[price.id for price in prices],
        layers=[price.layer for price in prices],
        organization_ids=[price.organization_id for price in prices],
        providers=[price.provider for price in prices],
        models=[price.model for price in prices],
        names=[msgspec.json.encode(price.names).decode() for price in prices],
        valid_froms=[price.valid_from for price in prices],
        terms=[_write_terms(price.terms).decode() for price in prices],
        added_in=version_id,
    )


async def retire_prices(connection: Connection, price_ids: Iterable[UUID], version_id: int) -> None:
    """From this version on they are not in the book."""
    await _queries.retire_prices(connection, ids=list(price_ids), removed_in=version_id)


async def list_book(
    connection: Connection, version_id: int, layers: Sequence[pricing.Layer] | None = None
) -> list[StoredPrice]:
    """Every row of a version, of all layers unless some are named."""
    rows = await fetch(
        _queries.list_book(connection, version=version_id, layers=list(layers) if layers else None)
    )
    return [_to_price(row) for row in rows]


async def list_entries(connection: Connection, version_id: int) -> list[pricing.Entry]:
    """Every row of a version as the book takes it, its terms as the text they are stored as."""
    rows = await fetch(_queries.list_book(connection, version=version_id, layers=None))
    return [
        pricing.Entry(
            cast(pricing.Layer, sys.intern(row["layer"])),
            sys.intern(row["provider"]),
            row["model"],
            tuple(row["names"]),
            row["terms"],
            str(row["organization_id"]) if row["organization_id"] else None,
        )
        for row in rows
    ]


async def get_price(connection: Connection, price_id: UUID) -> StoredPrice | None:
    """One row, in force or retired."""
    row = await _queries.get_price(connection, id=price_id)
    return _to_price(row) if row else None


async def list_prices(
    connection: Connection, filters: PriceFilters, *, limit: int, cursor: str | None
) -> tuple[list[ListedPrice], str | None]:
    """One page by provider, model and time, and the cursor of the next."""
    rows = await fetch(
        _queries.list_prices(
            connection,
            provider=filters.provider,
            model=filters.model,
            layer=filters.layer,
            search=filters.search.lower() if filters.search else None,
            organization_id=filters.organization_id,
            sees_all_contracts=filters.sees_all_contracts,
            with_retired=filters.with_retired,
            current_at=filters.current_at,
            after=_read_cursor(cursor),
            limit=limit + 1,
        )
    )
    listed = [ListedPrice(_to_price(row), row["valid_to"], row["place"]) for row in rows[:limit]]
    return listed, _write_cursor(listed[-1].place) if len(rows) > limit else None


async def list_models(
    connection: Connection,
    organization_id: UUID | None,
    *,
    at: datetime,
    provider: str | None = None,
    layer: pricing.Layer | None = None,
    search: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> tuple[list[StoredPrice], str | None]:
    """One page of models by provider and name, each with its row of the highest layer that holds
    `at`, contracts of `organization_id` included; and the cursor of the next page.

    `search`: every word of it is part of provider, model or another name. Raises Invalid for a bad
    cursor.
    """
    rows = await fetch(
        _queries.list_models(
            connection,
            provider=provider,
            layer=layer,
            words=(search or "").lower().split(),
            organization_id=organization_id,
            at=at,
            after=_read_cursor(cursor),
            limit=limit + 1,
        )
    )
    listed = [_to_price(row) for row in rows[:limit]]
    return listed, _write_cursor(rows[limit - 1]["place"]) if len(rows) > limit else None


async def list_providers(connection: Connection) -> list[tuple[str, int]]:
    """Every provider in the book with the number of its models."""
    return [(r["provider"], r["models"]) for r in await fetch(_queries.list_providers(connection))]


def _to_price(row: Row) -> StoredPrice:
    return StoredPrice(
        id=row["id"],
        layer=row["layer"],
        organization_id=row["organization_id"],
        provider=row["provider"],
        model=row["model"],
        names=tuple(row["names"]),
        valid_from=row["valid_from"],
        terms=_read_terms(row["terms"]),
        added_in=row["added_in"],
        removed_in=row["removed_in"],
        added_at=row.get("added_at"),
        added_by=row.get("added_by") or "",
    )


def _to_version(row: Row) -> BookVersion:
    return BookVersion(**{**dict(row), "settings": msgspec.json.decode(row["settings"])})


def _write_cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def _read_cursor(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        return base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise Invalid.field("cursor", "is not a cursor that this list has given") from error
