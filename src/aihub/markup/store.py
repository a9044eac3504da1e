"""One typed function for each query; no decisions."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from aihub.kit.db import Connection
from aihub.kit.money import plain
from aihub.kit.paging import decode_cursor, encode_cursor
from aihub.kit.sql import fetch, load_queries
from aihub.markup.models import Included, MarkupRule, Page, Tiers
from aihub.markup.what_if_models import CallGroup, HourOfCalls, StoredCall
from aihub.pricing.api import CostLine

_queries: Any = load_queries(__file__)

Row = Mapping[str, Any]

_encode = msgspec.json.Encoder(decimal_format="number").encode
_read_per_million = msgspec.json.Decoder(dict[str, Decimal]).decode
_read_tiers = msgspec.json.Decoder(Tiers).decode
_read_included = msgspec.json.Decoder(Included).decode
_read_lines = msgspec.json.Decoder(tuple[CostLine, ...]).decode
_read_quantities = msgspec.json.Decoder(dict[str, int | Decimal]).decode

_JSON = {"per_million": _read_per_million, "tiers": _read_tiers, "included": _read_included}
_NOT_WRITTEN = frozenset({"sequence", "organization"})


# ---------- rules ----------


async def get_revision(connection: Connection) -> int:
    """Grows with every change of any rule."""
    found: int = await _queries.get_revision(connection)
    return found


async def take_turn(connection: Connection) -> datetime:
    """Wait for other writers, count the revision up; the time. Wants a transaction."""
    row = await _queries.take_turn(connection)
    found: datetime = row["now"]
    return found


async def list_every_rule(connection: Connection) -> list[MarkupRule]:
    """All versions of all rules, in the order in which they were written."""
    return [_rule(row) for row in await fetch(_queries.list_every_rule(connection))]


async def list_rules(
    connection: Connection, *, at: datetime, includes_past: bool, limit: int, cursor: str | None
) -> Page:
    """Of everybody, newest first: in force or to come, or every version there ever was."""
    before_at, before_id = decode_cursor(cursor) or (None, None)
    rows = _queries.list_rules(
        connection,
        at=at,
        includes_past=includes_past,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    return _page(await fetch(rows), limit)


async def list_rules_of(
    connection: Connection,
    organization_id: UUID,
    plan: str,
    *,
    at: datetime,
    limit: int,
    cursor: str | None,
) -> Page:
    """In force for one organization, newest first."""
    before_at, before_id = decode_cursor(cursor) or (None, None)
    rows = _queries.list_rules_of(
        connection,
        organization_id=organization_id,
        plan=plan,
        at=at,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    return _page(await fetch(rows), limit)


async def list_versions(connection: Connection, rule_key: str) -> list[MarkupRule]:
    """Newest first, a closing one too."""
    return [
        _rule(row) for row in await fetch(_queries.list_versions(connection, rule_key=rule_key))
    ]


async def cut_versions(connection: Connection, rule_key: str, at: datetime) -> None:
    """End what is valid at `at` or would be later."""
    await _queries.cut_versions(connection, rule_key=rule_key, at=at)


async def insert_rule(connection: Connection, rule: MarkupRule) -> MarkupRule:
    """Store a version; it comes back with its `sequence`."""
    values = {
        name: getattr(rule, name) for name in rule.__struct_fields__ if name not in _NOT_WRITTEN
    }
    for name in _JSON:
        if values[name] is not None:
            values[name] = _encode(values[name]).decode()
    sequence = await _queries.insert_rule(connection, **values)
    return msgspec.structs.replace(rule, sequence=sequence)


# ---------- calls ----------


async def count_calls(
    connection: Connection, organization_id: UUID | None, start: datetime, end: datetime
) -> list[HourOfCalls]:
    """How many calls there were in [start, end), by organization and hour, in order."""
    rows = _queries.count_calls(connection, organization_id=organization_id, from_=start, to=end)
    return [HourOfCalls(**row) for row in await fetch(rows)]


async def sum_calls(
    connection: Connection, organization_id: UUID, start: datetime, end: datetime
) -> list[CallGroup]:
    """Sums by module, provider and model."""
    rows = _queries.sum_calls(connection, organization_id=organization_id, from_=start, to=end)
    return [CallGroup(**row) for row in await fetch(rows)]


async def list_calls(
    connection: Connection,
    organization_id: UUID,
    keys: list[str],
    start: datetime,
    end: datetime,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[StoredCall]:
    """Calls of the groups with these keys, oldest first, from the one after `after`."""
    after_at, after_id = after or (None, None)
    rows = _queries.list_calls(
        connection,
        organization_id=organization_id,
        keys=keys,
        from_=start,
        to=end,
        after_at=after_at,
        after_id=after_id,
        limit=limit,
    )
    return [
        StoredCall(
            key,
            cost,
            status,
            _read_lines(lines),
            None if quantities is None else _read_quantities(quantities),
            (at, call_id),
        )
        async for key, cost, status, lines, quantities, at, call_id in rows
    ]


# ---------- rows to values ----------


def _rule(row: Row) -> MarkupRule:
    values = dict(row)
    for name, value in values.items():
        if isinstance(value, Decimal):
            values[name] = Decimal(plain(value))  # without the zeros of the column's scale
        elif value is not None and name in _JSON:
            values[name] = _JSON[name](value)
    return MarkupRule(**values)


def _page(rows: list[Row], limit: int) -> Page:
    shown = tuple(_rule(row) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(shown, None)
    return Page(shown, encode_cursor(shown[-1].created_at, shown[-1].id))
