"""Rows that are read once and added up in several ways, for pages that show many sums of one time.

What adds up is kept apart from what does not: conversations of several models, people, percentiles
(those come from histograms, which add up).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

from aihub.analytics import rules, store
from aihub.analytics.models import GRAINS, Filters, Period, Satisfaction, Usage, UsageRow
from aihub.analytics.service import (
    EVERYTHING,
    MOST_USERS,
    NOBODY,
    SHARES,
    SUMS,
    check_groups,
    to_grouping,
)
from aihub.analytics.store import Grouping, Record
from aihub.kit.db import Connection
from aihub.kit.errors import Invalid

_COUNTS = ("conversations", "rated", "feedbacks", "score_sum", "score_squares")
_UNKNOWN = (None, None, None)
_ZERO = Decimal(0)
_NO_CALLS = (*[0] * (len(SUMS) - 2), _ZERO, _ZERO)
_NO_CONVERSATIONS = (0, 0, 0, _ZERO, _ZERO, *[0] * 6)

Keys = tuple[Any, ...]
Values = tuple[Any, ...]
Histogram = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """The finest sums there are. `keys` in the order of the grouping."""

    keys: Keys
    values: Values
    histogram: Histogram


@dataclass(frozen=True, slots=True)
class _Table:
    """Parts by `groups`, to be added up by some of them."""

    groups: tuple[str, ...]
    parts: tuple[_Part, ...]

    def add_up(
        self, names: Sequence[str], period: Period | None
    ) -> dict[Keys, tuple[Values, Histogram]]:
        """By the groups `names`; `period`: only its days (the parts are by day)."""
        places = [self.groups.index(name) for name in names]
        found: dict[Keys, list[_Part]] = {}
        for part in self._within(period):
            found.setdefault(tuple(part.keys[n] for n in places), []).append(part)
        return {key: _merge(parts) for key, parts in found.items()}

    def _within(self, period: Period | None) -> Iterable[_Part]:
        if period is None:
            return self.parts
        place = self.groups.index("day")
        first, last = period.first.isoformat(), period.last.isoformat()
        return (part for part in self.parts if first <= part.keys[place] < last)


class UsageSums:
    """Sums of calls; `conversations` of what they give is None, since those do not add up."""

    def __init__(self, groups: Sequence[str], parts: Iterable[_Part]) -> None:
        self._table = _Table(tuple(groups), tuple(parts))

    def by(
        self, *names: str, period: Period | None = None, before: Period | None = None
    ) -> tuple[UsageRow, ...]:
        """A row for each group; `before`: with the sums of that period beside it."""
        now = self._table.add_up(names, period)
        old = self._table.add_up(names, before) if before is not None else {}
        return tuple(
            UsageRow(
                dict(zip(names, key, strict=True)),
                _to_usage(*sums),
                _to_usage(*old[key]) if key in old else None,
            )
            for key, sums in now.items()
        )

    def total(self, period: Period | None = None) -> Usage:
        """All together."""
        found = self._table.add_up((), period)
        return _to_usage(*found.get((), (_NO_CALLS, {})))


@dataclass(frozen=True, slots=True)
class ConversationSums:
    """Conversations that started, and the feedback that was given, in some time."""

    conversations: int
    rated: int
    feedbacks: int
    score_sum: Decimal
    score_squares: Decimal
    scores: tuple[int, ...]

    @property
    def satisfaction(self) -> Satisfaction:
        """The feedback, with its mean."""
        return rules.satisfaction(
            feedbacks=self.feedbacks,
            total=self.score_sum,
            squares=self.score_squares,
            distribution=self.scores,
            conversations=self.conversations,
            rated=self.rated,
        )


class ConversationTable:
    """Conversations and feedback."""

    def __init__(self, groups: Sequence[str], parts: Iterable[_Part]) -> None:
        self._table = _Table(tuple(groups), tuple(parts))

    def by(self, name: str, period: Period | None = None) -> dict[Any, ConversationSums]:
        """By one of the groups."""
        found = self._table.add_up((name,), period)
        return {key[0]: _to_conversations(values) for key, (values, _) in found.items()}

    def total(self, period: Period | None = None) -> ConversationSums:
        """All together."""
        found = self._table.add_up((), period)
        return _to_conversations(found.get((), (_NO_CONVERSATIONS, {}))[0])


@dataclass(frozen=True, slots=True)
class Spenders:
    """The people who cost the most, and how many there are who are known."""

    people: int
    rows: tuple[UsageRow, ...]


def beside(rows: Iterable[UsageRow], before: Iterable[UsageRow]) -> tuple[UsageRow, ...]:
    """The rows with those of another period that have the same keys."""
    old = {tuple(row.keys.values()): row.usage for row in before}
    return tuple(replace(row, previous=old.get(tuple(row.keys.values()))) for row in rows)


async def read_usage(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str],
    filters: Filters = EVERYTHING,
    *,
    with_latencies: bool = False,
) -> UsageSums:
    """The calls of a period, to be added up by any of `groups` (not by user). Raises Invalid."""
    by, read = _plan(groups)
    if by.grain == "hour":  # days know none
        period = replace(period, by_days=False)
    rows = await store.list_usage(connection, organization_id, period, by, filters)
    histograms: dict[Keys, Histogram] = {}
    if with_latencies:
        found = await store.list_latencies(connection, organization_id, period, by, filters)
        histograms = {read(r): dict(zip(r["buckets"], r["counts"], strict=True)) for r in found}
    names = await _list_names(connection, by, rows)
    values = itemgetter(*SUMS)
    return UsageSums(
        groups,
        [_Part(_named(read(r), groups, names), values(r), histograms.get(read(r), {}))
         for r in rows],
    )  # fmt: skip


async def read_conversations(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    groups: Sequence[str],
    filters: Filters = EVERYTHING,
) -> ConversationTable:
    """Conversations and feedback of a period, by `groups` of a grain of time, module and source.

    By model or provider they would not add up. Raises Invalid.
    """
    if {"model", "provider", "user", "organization"} & set(groups):
        raise Invalid.field("group_by", "does not add up")
    by, read = _plan(groups)
    rows = await store.list_conversations(connection, organization_id, period, by, filters)
    values = itemgetter(*_COUNTS)
    return ConversationTable(groups, [_Part(read(r), (*values(r), *r["scores"]), {}) for r in rows])


async def list_spenders(
    connection: Connection,
    organization_id: UUID | None,
    period: Period,
    before: Period,
    *,
    module: str | None = None,
    limit: int = MOST_USERS,
) -> Spenders:
    """The people of the days of `period` by cost, with the cost of `before`, which ends where
    `period` begins."""
    rows, people = await store.list_spenders(
        connection, organization_id, period, since=before.first, module=module, limit=limit
    )
    return Spenders(
        people=people,
        rows=tuple(
            UsageRow(
                {"user": None if r["user_id"] == NOBODY else r["user_name"] or str(r["user_id"])},
                _to_usage(tuple(r.get(name, 0) for name in SUMS), {}),
                _to_usage((*_NO_CALLS[:-2], r["old_cost"], _ZERO), {})
                if r["old_cost"] is not None
                else None,
            )
            for r in map(dict, rows)
        ),
    )


def _plan(groups: Sequence[str]) -> tuple[Grouping, Callable[[Record], Keys]]:
    """The grouping of the query, and how its rows are read."""
    check_groups(groups)
    columns = [
        "at" if name in GRAINS else "organization_id" if name == "organization" else name
        for name in groups
    ]
    return to_grouping(groups), lambda row: tuple(row[name] or None for name in columns)


async def _list_names(
    connection: Connection, by: Grouping, rows: Sequence[Record]
) -> Mapping[UUID, str]:
    if "organization" not in by.parts:
        return {}
    return await store.list_names(connection, {row["organization_id"] for row in rows})


def _named(keys: Keys, groups: Sequence[str], names: Mapping[UUID, str]) -> Keys:
    if not names:
        return keys
    place = groups.index("organization")
    name = names.get(keys[place], str(keys[place]))
    return (*keys[:place], name, *keys[place + 1 :])


def _merge(parts: Sequence[_Part]) -> tuple[Values, Histogram]:
    if len(parts) == 1:
        return parts[0].values, parts[0].histogram
    histogram: dict[int, int] = {}
    for part in parts:
        for bucket, count in part.histogram.items():
            histogram[bucket] = histogram.get(bucket, 0) + count
    return tuple(map(sum, zip(*(part.values for part in parts), strict=True))), histogram


def _to_usage(values: Values, histogram: Histogram) -> Usage:
    p50, p95, p99 = rules.percentiles(histogram, SHARES) if histogram else _UNKNOWN
    return Usage(
        **dict(zip(SUMS, values, strict=True)),
        conversations=None,
        response_time_p50=p50,
        response_time_p95=p95,
        response_time_p99=p99,
    )


def _to_conversations(values: Values) -> ConversationSums:
    sums = dict(zip(_COUNTS, values[: len(_COUNTS)], strict=True))
    return ConversationSums(**sums, scores=tuple(values[len(_COUNTS) :]))
