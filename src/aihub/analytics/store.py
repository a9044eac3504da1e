"""One typed function for each query; no decisions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from aihub.analytics.models import Filters, Period, RollupStatus, Tick
from aihub.analytics.rules import merge_counts
from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries

# So many people are looked up one by one; of more, everybody is read.
_FEW = 100

_queries: Any = load_queries(__file__)
# the same, reading less: see hub.usage_days_v1
_by_days: Any = load_queries(
    __file__, usage_rows_v1="usage_days_v1", conversation_rows_v1="conversation_days_v1"
)
_by_slots: Any = load_queries(
    __file__, usage_rows_v1="usage_slots_v1", conversation_rows_v1="conversation_slots_v1"
)

Record = Mapping[str, Any]
_PARTS = ("organization", "provider", "model", "module", "source", "endpoint")
_COLUMNS = ("at", "organization_id", *_PARTS[1:])
_FINE = {"organization", "module", "source"}


@dataclass(frozen=True, slots=True)
class Grouping:
    """By what: a grain of time or None, and parts of `organization, provider, model, …`."""

    grain: str | None = None
    parts: Collection[str] = ()

    def flags(self, names: Sequence[str] = _PARTS) -> dict[str, bool]:
        """As the queries take them."""
        return {f"by_{name}": name in self.parts for name in names}

    def key(self, row: Record) -> tuple[Any, ...]:
        """What tells the groups apart."""
        return tuple([row.get(name) for name in _COLUMNS])


def _values(
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters,
    parts: Sequence[str] = _PARTS,
) -> dict[str, Any]:
    """What the queries of groups take."""
    return {
        "organization_id": organization_id,
        "by_days": period.by_days,
        "first": period.first,
        "last": period.last,
        "from_": period.from_,
        "to": period.to,
        "zone": period.timezone,
        "grain": by.grain,
        **by.flags(parts),
        **asdict(filters),
    }


def find_foreign(period: Period) -> str | None:
    """The zone of the days where it is not each organization's own."""
    return None if period.by_days else period.timezone


def _reading(organization_id: UUID | None, period: Period) -> Any:
    """The queries that plan for nothing but what they need."""
    if not period.by_days:
        return _by_slots
    return _queries if organization_id is None else _by_days


async def list_usage(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters,
) -> list[Record]:
    """Sums of calls by group."""
    query = _reading(organization_id, period).list_usage
    return await fetch(query(connection, **_values(organization_id, period, by, filters)))


async def list_latencies(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters,
) -> list[Record]:
    """Histograms (`buckets`, `counts`) of the same groups."""
    is_fine = _FINE & set(by.parts) or filters.module or filters.source
    if organization_id is not None and period.by_days and not is_fine:
        return await _list_histograms(connection, organization_id, period, by, filters)
    query = _reading(organization_id, period).list_latencies
    return await fetch(query(connection, **_values(organization_id, period, by, filters)))


async def _list_histograms(
    connection: Connection,
    organization_id: UUID,
    period: Period,
    by: Grouping,
    filters: Filters,
) -> list[Record]:
    """Added up here: most groups are one stored row, so that the database has nothing to do."""
    flags = by.flags(("provider", "model", "endpoint"))
    rows = await fetch(
        _by_days.list_histograms(
            connection,
            organization_id=organization_id,
            first=period.first,
            last=period.last,
            zone=period.timezone,
            grain=by.grain,
            provider=filters.provider,
            model=filters.model,
            **flags,
        )
    )
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(by.key(row), []).append(row)
    return [_add_histograms(found) for found in groups.values()]


def _add_histograms(rows: list[Record]) -> Record:
    if len(rows) == 1:
        return rows[0]
    counts = merge_counts((row["buckets"], row["counts"]) for row in rows)
    return {**dict(rows[0]), "buckets": list(counts), "counts": list(counts.values())}


async def list_conversations(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters,
) -> list[Record]:
    """Conversations and feedback by group; by provider or model those whose calls used it."""
    query = _reading(organization_id, period).list_conversations
    values = _values(organization_id, period, by, filters, _PARTS[:-1])
    return await fetch(query(connection, kind=_find_kind(by, filters), **values))


async def count_conversations(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters,
) -> list[Record]:
    """The same groups with nothing but `conversations`."""
    query = _reading(organization_id, period).count_conversations
    values = _values(organization_id, period, by, filters, _PARTS[:-1])
    return await fetch(query(connection, kind=_find_kind(by, filters), **values))


def _find_kind(by: Grouping, filters: Filters) -> int:
    """Which rows of conversations hold what is asked for: see the tables' comments."""
    provider = "provider" in by.parts or filters.provider is not None
    model = "model" in by.parts or filters.model is not None
    is_fine = {"module", "source"} & set(by.parts) or filters.module or filters.source
    kinds = {(False, False): 0, (True, False): 1, (True, True): 2, (False, True): 3}
    return kinds[provider, model] + (0 if is_fine else 4)


async def list_user_usage(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    module: str | None,
    limit: int,
) -> list[Record]:
    """Sums and histograms by person, and by day, week, month, module; the most expensive first."""
    return await fetch(
        _queries.list_user_usage(
            connection,
            organization_id=organization_id,
            first=period.first,
            last=period.last,
            grain=by.grain,
            by_module="module" in by.parts,
            module=module,
            limit=limit,
        )
    )


async def list_user_calls(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters,
    limit: int,
) -> list[Record]:
    """The same from calls, by anything."""
    return await fetch(
        _queries.list_user_calls(
            connection,
            organization_id=organization_id,
            from_=period.from_,
            to=period.to,
            zone=period.timezone,
            grain=by.grain,
            limit=limit,
            **by.flags(_PARTS[1:-1]),
            **asdict(filters),
        )
    )


async def list_spenders(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    *,
    since: date,
    module: str | None,
    limit: int,
) -> tuple[list[Record], int]:
    """Sums by person of the days of `period`, the most expensive first, with `old_cost` from
    `since` until it; and how many people there are."""
    given = {"organization_id": organization_id, "last": period.last, "module": module}
    ranked = await fetch(
        _queries.rank_spenders(connection, first=period.first, limit=limit, **given)
    )
    found = await fetch(
        _queries.list_spenders(
            connection,
            first=since,
            middle=period.first,
            users=_few(row["user_id"] for row in ranked),
            **given,
        )
    )
    sums = {(row["organization_id"], row["user_id"]): row for row in found}
    keys = [(row["organization_id"], row["user_id"]) for row in ranked]
    # one may have been erased in between
    return [sums[key] for key in keys if key in sums], (ranked[0]["people"] if ranked else 0)


def _few(users: Iterable[UUID]) -> list[UUID] | None:
    found = list(users)
    return found if len(found) <= _FEW else None


async def list_use(
    connection: Connection,
    organization_id: UUID | None,
    *,
    now: tuple[date, date],
    before: date,
    weeks: tuple[date, date] | None,
    zone: str | None,
) -> list[Record]:
    """What people do: rows of `kind` module, total, week.

    Users of modules, and of anything, in the days of `now` (the second is not in it), and from
    `before` until them; people by the week they were first seen in, in the days of `weeks`, which
    begin on a Monday, and how many weeks `later` they were active. `zone` None: each one's own.
    """
    weeks_from, weeks_to = weeks or (None, None)
    return await fetch(
        _queries.list_use(
            connection,
            organization_id=organization_id,
            since=min(before, weeks_from or before),
            until=max(now[1], weeks_to or now[1]),
            first=before,
            middle=now[0],
            last=now[1],
            weeks_from=weeks_from,
            weeks_to=weeks_to,
            zone=zone,
        )
    )


async def list_intents(
    connection: Connection, organization_id: UUID | None, period: Period, before: date
) -> list[Record]:
    """Users of intents in the days of `period`, and from `before` until them."""
    return await fetch(
        _queries.list_intent_adopters(
            connection,
            organization_id=organization_id,
            first=before,
            middle=period.first,
            last=period.last,
            zone=find_foreign(period),
        )
    )


async def list_people(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    users: Collection[UUID] | None = None,
) -> list[Record]:
    """Everybody who was active, with sums; `users`: those, if they are few."""
    return await fetch(
        _queries.list_people(
            connection,
            organization_id=organization_id,
            first=period.first,
            last=period.last,
            zone=find_foreign(period),
            users=None if users is None else _few(users),
        )
    )


async def count_people(connection: Connection, organization_id: UUID | None, period: Period) -> int:
    """How many were active."""
    if not period.by_days:
        return int(
            await _queries.count_people_between(
                connection, organization_id=organization_id, from_=period.from_, to=period.to
            )
        )
    return int(
        await _queries.count_people(
            connection, organization_id=organization_id, first=period.first, last=period.last
        )
    )


async def list_names(connection: Connection, ids: Collection[UUID]) -> dict[UUID, str]:
    """The organizations' own forms of their ids."""
    rows = await fetch(_queries.list_names(connection, ids=list(ids)))
    return {row["id"]: row["external_id"] for row in rows}


async def count_sessions(
    connection: Connection, organization_id: UUID | None, since: datetime
) -> int:
    """Active conversations with activity after `since`."""
    return int(
        await _queries.count_sessions(connection, organization_id=organization_id, since=since)
    )


async def get_live(
    connection: Connection,
    organization_id: UUID | None,
    *,
    since_minute: datetime,
    since: datetime,
    to: datetime,
) -> Record:
    """Tokens of the minute; calls, errors and latencies since `since`."""
    found: Record = await _queries.get_live(
        connection, organization_id=organization_id, since_minute=since_minute, since=since, to=to
    )
    return found


async def tick_rollups(connection: Connection, *, most: int, days: int) -> Tick:
    """One step of the rollups."""
    return Tick(**dict(await _queries.tick_rollups(connection, most=most, days=days)))


async def settle_days(connection: Connection, most: int) -> int:
    """Store days that are over; how many."""
    return int(await _queries.settle_days(connection, most=most))


async def hold_open_days(connection: Connection, most: int) -> int:
    """Store days that are not over, as far as they are; how many."""
    return int(await _queries.hold_open_days(connection, most=most))


async def sum_slots(connection: Connection, most: int) -> int:
    """Add slots up over all organizations; how many."""
    return int(await _queries.sum_slots(connection, most=most))


async def rebuild_rollups(
    connection: Connection, from_: datetime | str, to: datetime | str
) -> None:
    """Have a time computed again."""
    await _queries.rebuild_rollups(connection, from_=from_, to=to)


async def get_status(connection: Connection) -> RollupStatus:
    """How far they are."""
    return RollupStatus(**dict(await _queries.get_status(connection)))
