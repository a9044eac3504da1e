"""A typed function for each query of the live views."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiosql

from aihub.analytics.window import Second
from aihub.kit.db import Connection
from aihub.kit.sql import fetch

_queries: Any = aiosql.from_path(Path(__file__).with_name("live_queries.sql"), "asyncpg")

Seconds = dict[UUID | None, dict[int, Second]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot: transactions before `next_xid` were decided, but for `open_xids`."""

    next_xid: str = "0"
    open_xids: tuple[str, ...] = ()


async def get_seen(connection: Connection) -> Seen:
    """What reads of this connection see from now on, at least."""
    _, next_xid, open_xids = (await _queries.get_snapshot(connection)).split(":")
    return Seen(next_xid, tuple(filter(None, open_xids.split(","))))


async def list_stirred(connection: Connection, seen: Seen) -> set[UUID]:
    """The organizations whose conversations changed since `seen`."""
    rows = _queries.list_stirred(connection, next_xid=seen.next_xid, open_xids=list(seen.open_xids))
    return {row["organization_id"] for row in await fetch(rows)}


async def list_seconds(
    connection: Connection,
    seen: Seen,
    since: datetime,
    to: datetime,
    *,
    ids: Collection[UUID],
    unread: Collection[UUID],
) -> Seconds:
    """Whole seconds from `since` to `to`: of `ids` those touched since `seen`, of `unread` all."""
    rows = _queries.list_seconds(
        connection, ids=list(ids), unread=list(unread), next_xid=seen.next_xid,
        open_xids=list(seen.open_xids), since=since, to=to,
    )  # fmt: skip
    return _gather(await fetch(rows))


async def list_seconds_of_all(
    connection: Connection, seen: Seen, since: datetime, to: datetime, *, is_unread: bool
) -> Seconds:
    """The same of all organizations together, under None."""
    rows = _queries.list_seconds_of_all(
        connection, is_unread=is_unread, next_xid=seen.next_xid,
        open_xids=list(seen.open_xids), since=since, to=to,
    )  # fmt: skip
    return _gather(await fetch(rows))


async def list_sessions(
    connection: Connection, ids: Collection[UUID], since: datetime
) -> dict[UUID, int]:
    """Active conversations with activity after `since`, of those that have any."""
    rows = await fetch(_queries.list_sessions(connection, ids=list(ids), since=since))
    return {row["organization_id"]: row["sessions"] for row in rows}


def _gather(rows: list[Any]) -> Seconds:
    found: Seconds = {}
    for row in rows:
        found.setdefault(row["organization_id"], {})[int(row["second"].timestamp())] = Second(
            row["calls"], row["errors"], row["tokens"], Counter(row["buckets"] or ())
        )
    return found
