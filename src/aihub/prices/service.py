"""Changing the book: every change is a new version; and taking in what a release brings."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from aihub.kit.db import Connection
from aihub.kit.ids import uuid7
from aihub.prices import store
from aihub.prices.errors import PriceNotFound
from aihub.prices.genai_prices import Imported
from aihub.prices.models import BookVersion, Change, StoredPrice
from aihub.pricing import api as pricing

_LISTS: tuple[pricing.Layer, ...] = ("base", "corrections")
_canonical = msgspec.json.Encoder(order="deterministic").encode


async def take_in_release(connection: Connection, shipped: pricing.Shipped) -> BookVersion | None:
    """Take in the prices of this release where the database has older ones; else None.

    A base that was imported later than the release was made stays.
    """
    await store.lock_book(connection)
    release, origin = await store.get_taken_in(connection)
    if release is not None and release >= shipped.release.number:
        return None
    keeps_base = origin is not None and _read_version(origin) > _read_version(shipped.origin)
    layers: tuple[pricing.Layer, ...] = ("corrections",) if keeps_base else _LISTS
    wanted = [store_entry(e) for e in shipped.entries if e.layer in layers]
    change = await _compare(connection, wanted, layers)
    return await _add_version(
        connection,
        change,
        by="release",
        reason=f"prices of release {shipped.release.number}",
        release=shipped.release.number,
        origin=None if keeps_base else shipped.origin,
        settings=_settings(shipped),
    )


async def preview_import(connection: Connection, imported: Imported) -> Change:
    """How the base would change."""
    return await _compare(connection, _entries_of(imported), ("base",))


async def take_import(connection: Connection, imported: Imported, *, by: str) -> BookVersion | None:
    """Replace the base by an imported one; None where nothing would change."""
    await store.lock_book(connection)
    change = await _compare(connection, _entries_of(imported), ("base",))
    if not change:
        return None
    return await _add_version(
        connection, change, by=by, reason=f"import of {imported.origin}", origin=imported.origin
    )


async def put_prices(
    connection: Connection, prices: Sequence[StoredPrice], *, by: str, reason: str
) -> BookVersion:
    """Add overrides and contract prices. One with the same model and day as a present one retires
    that: both stay in the versions they were in force in."""
    await store.lock_book(connection)
    latest = await store.get_latest_version(connection)
    present = await store.list_book(
        connection, latest.id if latest else 0, ("override", "contract")
    )
    places = {_place(price) for price in prices}
    removed = tuple(price for price in present if _place(price) in places)
    return await _add_version(connection, Change(tuple(prices), removed), by=by, reason=reason)


async def retire_price(
    connection: Connection, price_id: UUID, *, by: str, reason: str
) -> BookVersion:
    """Take an override or a contract price out of the book. Raises PriceNotFound."""
    await store.lock_book(connection)
    price = await store.get_price(connection, price_id)
    if price is None or price.removed_in is not None or price.layer in _LISTS:
        raise PriceNotFound
    return await _add_version(connection, Change((), (price,)), by=by, reason=reason)


async def load_version(
    connection: Connection, version_id: int | None = None
) -> pricing.Book | None:
    """The book of a version, the newest when none is named; None where there is none."""
    version = (
        await store.get_latest_version(connection)
        if version_id is None
        else await store.get_version(connection, version_id)
    )
    if version is None:
        return None
    return build_book(version, await store.list_entries(connection, version.id))


def build_book(version: BookVersion, entries: Iterable[pricing.Entry]) -> pricing.Book:
    """The book of one version."""
    settings: dict[str, Any] = version.settings
    calendars = {
        name: frozenset(datetime.fromisoformat(day).date() for day in days)
        for name, days in settings.get("calendars", {}).items()
    }
    return pricing.Book(
        version.label,
        entries,
        falls_back_to=settings.get("falls_back_to", {}),
        calendars=calendars,
    )


def store_entry(entry: pricing.Entry, organization_id: UUID | None = None) -> StoredPrice:
    """An entry on its way into the database."""
    begins = pricing.begin_of(entry.row)
    return StoredPrice(
        id=uuid7(),
        layer=entry.layer,
        organization_id=organization_id,
        provider=entry.provider,
        model=entry.model,
        names=entry.names,
        valid_from=begins if entry.row.since is not None else None,
        terms=entry.row,
        added_in=0,
        removed_in=None,
    )


def _entries_of(imported: Imported) -> list[StoredPrice]:
    return [
        store_entry(pricing.Entry("base", model.provider, model.id, tuple(model.names), row))
        for model in imported.models
        for row in model.rows
    ]


async def _compare(
    connection: Connection, wanted: Sequence[StoredPrice], layers: Sequence[pricing.Layer]
) -> Change:
    latest = await store.get_latest_version(connection)
    present = await store.list_book(connection, latest.id, layers) if latest else []
    have = {_content(price): price for price in present}
    want = {_content(price): price for price in wanted}
    return Change(
        tuple(price for content, price in want.items() if content not in have),
        tuple(price for content, price in have.items() if content not in want),
    )


async def _add_version(
    connection: Connection,
    change: Change,
    *,
    by: str,
    reason: str,
    release: int | None = None,
    origin: str | None = None,
    settings: dict[str, Any] | None = None,
) -> BookVersion:
    latest = await store.get_latest_version(connection)
    kept = latest.settings if latest else {}
    version = await store.insert_version(
        connection,
        {
            "id": latest.id + 1 if latest else 1,
            "created_by": by,
            "reason": reason,
            "release": release,
            "origin": origin,
            "settings": kept if settings is None else settings,
            "digest": _digest(latest.digest if latest else "", change),
        },
    )
    if change.removed:
        await store.retire_prices(connection, (price.id for price in change.removed), version.id)
    if change.added:
        await store.insert_prices(connection, change.added, version.id)
    return version


def _digest(before: str, change: Change) -> str:
    """Proves which changes led to a version: each digest has the one before in it."""
    digest = hashlib.sha256(before.encode())
    for sign, prices in ((b"-", change.removed), (b"+", change.added)):
        for content in sorted(_content(price) for price in prices):
            digest.update(sign + content)
    return digest.hexdigest()


def _content(price: StoredPrice) -> bytes:
    return _canonical(
        [
            price.layer,
            str(price.organization_id),
            price.provider,
            price.model,
            price.names,
            price.terms,
        ]
    )


def _place(price: StoredPrice) -> tuple[object, ...]:
    return (price.layer, price.organization_id, price.provider, price.model, price.valid_from)


def _settings(shipped: pricing.Shipped) -> dict[str, Any]:
    return {
        "falls_back_to": shipped.falls_back_to,
        "calendars": {
            name: sorted(day.isoformat() for day in days)
            for name, days in shipped.calendars.items()
        },
    }


def _read_version(origin: str) -> tuple[int, ...]:
    """`genai-prices 0.2.10` → (0, 2, 10)."""
    return tuple(int(part) for part in origin.rsplit(" ", 1)[-1].split(".") if part.isdigit())
