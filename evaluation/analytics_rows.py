"""Raw rows, and sums of them in plain Python: no rollup, no SQL that adds up, no code of the hub.

A day is cut by the time zone of each organization, or by one zone for all of them.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

Row = dict[str, Any]
TABLES = {
    "calls": "ai_calls",
    "conversations": "ai_conversations",
    "feedback": "ai_feedback",
    "messages": "ai_messages",
    "users": "ai_users",
    "organizations": "ai_organizations",
}
TOKENS = (
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_tokens",
)
GRAINS = ("hour", "day", "week", "month")
_LEFT_OUT = {"content", "tool_calls", "metadata", "cost_lines", "cost_facts", "search"}


@dataclass
class Rows:
    """What is stored."""

    calls: list[Row] = field(default_factory=list)
    conversations: list[Row] = field(default_factory=list)
    feedback: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)
    organizations: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.organization = {row["id"]: row for row in self.organizations}
        self.user = {row["id"]: row["external_id"] for row in self.users}
        self.conversation = {row["id"]: row for row in self.conversations}
        self.rated = {row["conversation_id"] for row in self.feedback}
        self.used: dict[UUID, set[tuple[Any, Any]]] = defaultdict(set)
        for call in self.calls:
            if call["conversation_id"]:
                self.used[call["conversation_id"]].add((call["provider"], call["model"]))
        self.intents: dict[UUID, set[str]] = {
            row["id"]: set(row["intent_chain"]) for row in self.conversations
        }
        self._ordered: dict[tuple[str, UUID], tuple[list[datetime], list[Row]]] = {}
        for message in self.messages:
            if message["intent"] is not None and message["conversation_id"] in self.intents:
                self.intents[message["conversation_id"]].add(message["intent"])

    def between(self, table: str, organization: UUID, from_: datetime, to: datetime) -> list[Row]:
        """Those of an organization, from a moment until before another."""
        known = self._ordered.get((table, organization))
        if known is None:
            column = "occurred_at" if table == "calls" else "created_at"
            own = [row for row in getattr(self, table) if row["organization_id"] == organization]
            own.sort(key=lambda row: row[column])
            known = [row[column] for row in own], own
            self._ordered[table, organization] = known
        times, rows = known
        return rows[bisect_left(times, from_) : bisect_left(times, to)]


async def export(connection: Any) -> Rows:
    """Every row, in one snapshot. Texts and other large columns are left out."""
    found = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for name, table in TABLES.items():
            columns = await connection.fetch(
                "select column_name from information_schema.columns where table_schema = 'public' "
                "and table_name = $1",
                table,
            )
            wanted = ", ".join(sorted({row[0] for row in columns} - _LEFT_OUT))
            query = f"select {wanted} from public.{table}"
            found[name] = [dict(row) for row in await connection.fetch(query)]
    return Rows(**found)


@lru_cache(maxsize=1_000_000)
def local_day(at: datetime, zone: str) -> date:
    """The day there."""
    return at.astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """When the day begins there."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@lru_cache(maxsize=1_000_000)
def time_key(at: datetime, grain: str, zone: str) -> str:
    """How an answer names the hour, day, week or month that `at` is in."""
    if grain == "hour":
        minutes = at.astimezone(ZoneInfo(zone)).minute
        begun = at.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes)
        return f"{begun:%Y-%m-%dT%H:%M:%SZ}"
    day = local_day(at, zone)
    if grain == "week":
        day -= timedelta(days=day.weekday())
    if grain == "month":
        day = day.replace(day=1)
    return day.isoformat()


@dataclass(frozen=True)
class Span:
    """The days `first` until before `last`, or a time."""

    first: date | None = None
    last: date | None = None
    from_: datetime | None = None
    to: datetime | None = None

    @classmethod
    def up_to(cls, last: date, days: int) -> "Span":
        """So many days, `last` the last of them."""
        return cls(last - timedelta(days=days - 1), last + timedelta(days=1))

    def before(self) -> "Span":
        """As much right before it."""
        if self.first is not None and self.last is not None:
            return Span(self.first - (self.last - self.first), self.first)
        assert self.from_ is not None
        assert self.to is not None
        return Span(from_=self.from_ - (self.to - self.from_), to=self.from_)


@dataclass
class Sums:
    """Of some calls and conversations. `latencies` in ms, of those that have any."""

    calls: int = 0
    errors: int = 0
    unpriced: int = 0
    estimated: int = 0
    conversations: int = 0
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOKENS, 0))
    cost: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    latencies: list[int] = field(default_factory=list)

    def add(self, call: Row) -> None:
        """One call more."""
        self.calls += 1
        self.errors += call["error"] is not None
        self.unpriced += call["cost_status"] == "unpriced"
        self.estimated += call["cost_status"] == "estimated"
        for name in TOKENS:
            self.tokens[name] += call[name]
        self.cost += call["cost"] or 0
        self.price += call["price"] or 0
        if call["latency_ms"] is not None:
            self.latencies.append(call["latency_ms"])

    def told(self) -> dict[str, Any]:
        """By the names of the API, without percentiles."""
        names = ("calls", "errors", "unpriced", "estimated", "conversations", "cost", "price")
        return {name: getattr(self, name) for name in names} | self.tokens

    def percentile(self, percent: int) -> int | None:
        """The value at the rank of `percent` of all: that many are not above it."""
        ordered = sorted(self.latencies)
        return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1] if ordered else None


@dataclass(frozen=True)
class View:
    """Rows of one organization, or of all; by the days of `zone`, or (None) of each one's own."""

    rows: Rows
    organization: UUID | None = None
    zone: str | None = None
    provider: str | None = None
    model: str | None = None
    module: str | None = None
    source: str | None = None

    def zone_of(self, row: Row) -> str:
        """By which its day is cut."""
        return self.zone or str(self.rows.organization[row["organization_id"]]["timezone"])

    def _moments(self, span: Span) -> Iterator[tuple[UUID, datetime, datetime]]:
        """Each organization that is meant, with what the span is there."""
        for id_, row in self.rows.organization.items():
            if self.organization not in (None, id_):
                continue
            if span.from_ is not None and span.to is not None:
                yield id_, span.from_, span.to
            elif span.first is not None and span.last is not None:
                zone = self.zone or str(row["timezone"])
                yield id_, midnight(span.first, zone), midnight(span.last, zone)

    def _within(self, table: str, span: Span) -> Iterator[Row]:
        for id_, from_, to in self._moments(span):
            yield from self.rows.between(table, id_, from_, to)

    def _is_chosen(self, row: Row, *names: str) -> bool:
        return all(getattr(self, n) is None or row[n] == getattr(self, n) for n in names)

    def calls(self, span: Span) -> Iterator[Row]:
        """Calls that were made in it."""
        return (
            row
            for row in self._within("calls", span)
            if self._is_chosen(row, "provider", "model", "module", "source")
        )

    def conversations(self, span: Span) -> Iterator[Row]:
        """Conversations that started in it; with a model or provider, those that used it."""
        for row in self._within("conversations", span):
            if not self._is_chosen(row, "module", "source"):
                continue
            used = self.rows.used[row["id"]]
            if (self.provider is None and self.model is None) or any(
                self.provider in (None, provider) and self.model in (None, model)
                for provider, model in used
            ):
                yield row

    def feedback(self, span: Span) -> Iterator[Row]:
        """Feedback that was given in it."""
        for row in self._within("feedback", span):
            owner = self.rows.conversation.get(row["conversation_id"])
            if owner is not None and self._is_chosen(owner, "module", "source"):
                yield row

    def usage(self, span: Span, groups: Sequence[str] = ()) -> dict[tuple[Any, ...], Sums]:
        """Sums by key."""
        found: dict[tuple[Any, ...], Sums] = defaultdict(Sums)
        for call in self.calls(span):
            found[self._key(call, call["occurred_at"], groups)].add(call)
        asks_used = {"model", "provider"} & set(groups)
        for row in self.conversations(span):
            pairs = self.rows.used[row["id"]] if asks_used else {(None, None)}
            for key in {
                self._key(row | {"provider": p, "model": m}, row["created_at"], groups)
                for p, m in pairs
                if not asks_used or (self.provider in (None, p) and self.model in (None, m))
            }:
                found[key].conversations += 1
        return dict(found)

    def total(self, span: Span) -> Sums:
        """Of all together."""
        return self.usage(span).get((), Sums())

    def endpoints(self, span: Span, names: Sequence[str]) -> dict[tuple[Any, ...], Sums]:
        """Calls by the provider's operation (`api`), and what else is named."""
        found: dict[tuple[Any, ...], Sums] = defaultdict(Sums)
        for call in self.calls(span):
            found[tuple(call[name] for name in names)].add(call)
        return dict(found)

    def _key(self, row: Row, at: datetime, groups: Sequence[str]) -> tuple[Any, ...]:
        return tuple(self._part(name, row, at) for name in groups)

    def _part(self, name: str, row: Row, at: datetime) -> Any:
        if name in GRAINS:
            return time_key(at, name, self.zone_of(row))
        if name == "organization":
            return self.rows.organization[row["organization_id"]]["external_id"]
        if name == "user":
            return self.name_of(row["user_id"])
        return row[name] or None

    def name_of(self, user_id: UUID | None) -> str | None:
        """What a user is called."""
        return None if user_id is None else self.rows.user.get(user_id) or str(user_id)

    def people(self, span: Span) -> set[tuple[UUID, UUID]]:
        """Who made a call or started a conversation."""
        return _people([*self.calls(span), *self.conversations(span)])

    def features(
        self, span: Span, kind: str
    ) -> dict[str | None, tuple[set[tuple[UUID, UUID]], int]]:
        """Modules or intents: their people and conversations."""
        users: dict[str | None, set[tuple[UUID, UUID]]] = defaultdict(set)
        counts: dict[str | None, int] = defaultdict(int)
        for row in self.conversations(span):
            for name in self.rows.intents[row["id"]] if kind == "intent" else {row["module"]}:
                counts[name] += 1
                users[name] |= _people([row])
        for row in self.calls(span) if kind == "module" else ():
            counts[row["module"]] += 0
            users[row["module"]] |= _people([row])
        return {name: (users[name], counts[name]) for name in counts}

    def weeks(self, until: date | None = None) -> dict[tuple[UUID, UUID], set[date]]:
        """The weeks (their Mondays) in which each person was there, before `until`."""
        found: dict[tuple[UUID, UUID], set[date]] = defaultdict(set)
        for rows, column in ((self.rows.calls, "occurred_at"),
                             (self.rows.conversations, "created_at")):  # fmt: skip
            for row in rows:
                if self.organization not in (None, row["organization_id"]):
                    continue
                day = local_day(row[column], self.zone_of(row))
                for person in _people([row]) if until is None or day < until else ():
                    found[person].add(day - timedelta(days=day.weekday()))
        return found


def _people(rows: Iterable[Row]) -> set[tuple[UUID, UUID]]:
    return {(row["organization_id"], row["user_id"]) for row in rows if row["user_id"]}


def count_by(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, Sums]:
    """Sums of calls by a key."""
    found: dict[Any, Sums] = defaultdict(Sums)
    for row in rows:
        found[key(row)].add(row)
    return dict(found)
