"""Usage by any grouping, with the period before. A connection comes first; nothing is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.analytics import periods, rules, store
from aihub.analytics.models import GRAINS, Filters, Period, Usage, UsageAnswer, UsageRow
from aihub.analytics.store import Grouping, Record
from aihub.kit.db import Connection
from aihub.kit.errors import Invalid
from aihub.kit.together import Read, Together, one_by_one

NOBODY = UUID(int=0)
MOST_USERS = 10_000
SHARES = (0.5, 0.95, 0.99)
SUMS = (
    "calls",
    "errors",
    "unpriced",
    "estimated",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_tokens",
    "cost",
    "price",
)
_PEOPLE_PARTS = {"user", "module", "organization", "day", "week", "month"}
_MONEY = ("cost", "price")
EVERYTHING = Filters()


async def get_usage(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str] = (),
    filters: Filters = EVERYTHING,
    *,
    compare: bool = False,
    together: Together | None = None,
) -> UsageAnswer:
    """Usage by `groups` (of models.GROUPS, at most one of time), in the order of their keys.

    `organization_id` None: all organizations. `compare`: beside the period before; rows are matched
    by their keys but the time, so that is told by totals where a group is of time. `together`: how
    to read several things. Raises Invalid.
    """
    check_groups(groups)
    read_all = together or one_by_one(connection)
    if "hour" in groups:  # days know none, and what is told beside hours is of the same time
        period = replace(period, by_days=False)
    rows, total = await _read_all(connection, read_all, organization_id, period, groups, filters)
    if not compare:
        return UsageAnswer(period, tuple(rows), total)
    before = periods.previous(period)
    if not set(groups) & set(GRAINS):
        old, old_total = await _read_all(
            connection, read_all, organization_id, before, groups, filters
        )
        known = {tuple(row.keys.items()): row.usage for row in old}
        rows = [replace(row, previous=known.get(tuple(row.keys.items()))) for row in rows]
    else:
        old_total = await get_total(connection, organization_id, before, filters)
    return UsageAnswer(period, tuple(rows), total, before, old_total)


def check_groups(groups: Sequence[str]) -> None:
    """Raises Invalid for two grains of time, or one twice."""
    if len(set(groups)) < len(groups) or len(set(groups) & set(GRAINS)) > 1:
        raise Invalid.field("group_by", "takes each name once, and one of hour, day, week, month")


async def get_total(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    filters: Filters = EVERYTHING,
) -> Usage:
    """Usage of all together."""
    rows = await _read(connection, organization_id, period, (), filters)
    return rows[0].usage if rows else nothing()


async def list_sums(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str],
    filters: Filters = EVERYTHING,
) -> tuple[UsageRow, ...]:
    """The rows of `get_usage` alone, quickly: without conversations (0) and times of answering.

    Raises Invalid.
    """
    check_groups(groups)
    rows = await _read(connection, organization_id, period, groups, filters, is_whole=False)
    return tuple(rows)


def nothing() -> Usage:
    """Of no call at all."""
    return make_usage({"cost": Decimal(0), "price": Decimal(0)}, {}, 0)


def plan_usage(
    organization_id: UUID | None,
    period: Period,
    by: Grouping,
    filters: Filters = EVERYTHING,
    *,
    with_conversations: bool = True,
    with_latencies: bool = True,
) -> tuple[Read, Read, Read]:
    """What `group_usage` is to be given: sums, histograms and conversations of the same groups."""
    if by.grain == "hour":  # days know none
        period = replace(period, by_days=False)
    has_counts = with_conversations and "endpoint" not in by.parts
    wanted = (organization_id, period, by, filters)
    return (
        lambda c: store.list_usage(c, *wanted),
        (lambda c: store.list_latencies(c, *wanted)) if with_latencies else _read_nothing,
        (lambda c: store.count_conversations(c, *wanted)) if has_counts else _read_nothing,
    )


async def _read_nothing(_connection: Connection) -> list[Record]:
    return []


def group_usage(
    by: Grouping, sums: list[Record], latencies: list[Record], counted: list[Record]
) -> dict[tuple[Any, ...], Usage]:
    """Usage by the key of `by`."""
    histograms = {by.key(r): dict(zip(r["buckets"], r["counts"], strict=True)) for r in latencies}
    counts = {by.key(r): r["conversations"] for r in counted if r["conversations"]}
    usage = {}
    for row in sums:
        key = by.key(row)
        usage[key] = make_usage(row, histograms.get(key, {}), counts.pop(key, 0))
    # conversations without a call
    for key, count in counts.items():
        usage[key] = replace(nothing(), conversations=count)
    return usage


def make_usage(row: Record, histogram: Mapping[int, int], conversations: int | None) -> Usage:
    """From a row of sums and its histogram."""
    found = dict(row)
    p50, p95, p99 = rules.percentiles(histogram, SHARES)
    columns: dict[str, Any] = {name: found.get(name, 0) for name in SUMS}
    return Usage(
        **columns,
        conversations=conversations,
        response_time_p50=p50,
        response_time_p95=p95,
        response_time_p99=p99,
    )


def with_latencies(usage: Usage, histogram: Mapping[int, int]) -> Usage:
    """The same with the percentiles of a histogram."""
    p50, p95, p99 = rules.percentiles(histogram, SHARES)
    return replace(usage, response_time_p50=p50, response_time_p95=p95, response_time_p99=p99)


def add_up(parts: Iterable[Usage], histogram: Mapping[int, int], conversations: int) -> Usage:
    """The sums of all parts; latencies and conversations do not add up, so they are given."""
    found = list(parts)
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in found) for name in SUMS}
    exact = {name: sum((getattr(part, name) for part in found), Decimal(0)) for name in _MONEY}
    return make_usage(sums | exact, histogram, conversations)


async def _read_all(
    connection: Connection,
    together: Together,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str],
    filters: Filters,
) -> tuple[list[UsageRow], Usage]:
    """The rows, and the whole: added up from them, so that it is not read a second time."""
    if "user" in groups:
        rows = await _read(connection, organization_id, period, groups, filters)
        return rows, await get_total(connection, organization_id, period, filters)
    by = to_grouping(groups)
    # one that used two models is in two rows
    *found, counted = await together(
        *plan_usage(organization_id, period, by, filters),
        lambda c: store.list_conversations(c, organization_id, period, Grouping(), filters),
    )
    rows = await _name(connection, groups, group_usage(by, *found))
    histogram = rules.merge_counts((r["buckets"], r["counts"]) for r in found[1])
    conversations = sum(row["conversations"] for row in counted)
    return rows, add_up((row.usage for row in rows), histogram, conversations)


async def _read(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str],
    filters: Filters,
    *,
    is_whole: bool = True,
) -> list[UsageRow]:
    """`is_whole`: with conversations and times of answering."""
    by = to_grouping(groups)
    if "user" in groups:
        return await _read_people(connection, organization_id, period, groups, by, filters)
    reads = plan_usage(
        organization_id, period, by, filters, with_conversations=is_whole, with_latencies=is_whole
    )
    found = await one_by_one(connection)(*reads)
    return await _name(connection, groups, group_usage(by, *found))


def to_grouping(groups: Sequence[str]) -> Grouping:
    """As the queries take `groups`."""
    grain = next((name for name in groups if name in GRAINS), None)
    return Grouping(grain, [name for name in groups if name not in GRAINS])


async def _name(
    connection: Connection, groups: Sequence[str], found: Mapping[tuple[Any, ...], Usage]
) -> list[UsageRow]:
    """Rows in the order of their keys, organizations by their own form of their ids."""
    names: dict[UUID, str] = {}
    if "organization" in groups:
        names = await store.list_names(connection, {key[1] for key in found})
    rows = [UsageRow(_keys(groups, key, names), usage) for key, usage in found.items()]
    return sorted(rows, key=_order)


def _keys(groups: Sequence[str], key: tuple[Any, ...], names: Mapping[UUID, str]) -> dict[str, Any]:
    at, organization, provider, model, module, source, _ = key
    values = {
        **dict.fromkeys(GRAINS, at),
        "organization": names.get(organization, str(organization)),
        "provider": provider or None,
        "model": model or None,
        "module": module or None,
        "source": source or None,
    }
    return {name: values[name] for name in groups}


def _order(row: UsageRow) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, str(value)) for value in row.keys.values())


async def _read_people(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str],
    by: Grouping,
    filters: Filters,
) -> list[UsageRow]:
    is_rolled_up = (
        period.by_days
        and set(groups) <= _PEOPLE_PARTS
        and not (filters.provider or filters.model or filters.source)
    )
    if is_rolled_up:
        found = await store.list_user_usage(
            connection, organization_id, period, by, filters.module, MOST_USERS
        )
    else:
        found = await store.list_user_calls(
            connection, organization_id, period, by, filters, MOST_USERS
        )
    names = await store.list_names(connection, {row["organization_id"] for row in found})
    rows = []
    for row in found:
        histogram = rules.merge_counts([(row["buckets"], row["counts"])])
        usage = make_usage(row, histogram, row["conversations"] if is_rolled_up else None)
        keys = _keys(groups_without_user(groups), by.key(row), names)
        user = None if row["user_id"] == NOBODY else row["user_name"] or str(row["user_id"])
        rows.append(UsageRow({g: user if g == "user" else keys[g] for g in groups}, usage))
    return sorted(rows, key=_order)


def groups_without_user(groups: Sequence[str]) -> list[str]:
    """The keys that rows of sums have."""
    return [name for name in groups if name != "user"]
