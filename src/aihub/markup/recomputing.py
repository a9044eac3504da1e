"""Last month's calls under proposed rules: sums from the database where a rule allows it, call by
call where it does not (a minimum or cap for each request, prices per million)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from aihub.kit.db import Connection
from aihub.kit.errors import Invalid
from aihub.markup import store
from aihub.markup.amounts import WIDE, ZERO, fraction
from aihub.markup.models import MarkupRule, PeriodSums, Subject
from aihub.markup.period_prices import has_period_part, price_period
from aihub.markup.request_prices import price_request
from aihub.markup.rules import RuleSet, choose_period_rules, choose_rule, list_changes
from aihub.markup.what_if_models import (
    CallGroup,
    HourOfCalls,
    Piece,
    StoredCall,
    WhatIf,
    WhatIfLine,
    WhatIfPeriod,
)

Progress = Callable[[int, int], None]

_PIECE_CALLS, _PAGE_CALLS = 50_000, 1_000  # a page holds up other requests for some 10 ms
_HOUR = timedelta(hours=1)
_MOST_DECIMALS = 18


async def recompute(
    connection: Connection,
    ruleset: RuleSet,
    month: str,
    organization_id: UUID | None,
    progress: Progress | None = None,
) -> WhatIf:
    """See `service.what_if`."""
    start, end = read_month(month)
    hours = await store.count_calls(connection, organization_id, start, end)
    total, done = sum(hour.calls for hour in hours), 0
    tally = _Tally()
    for piece in cut_into_pieces(hours, list_changes(ruleset.rules, start, end)):
        await _recompute_piece(connection, ruleset, piece, tally)
        done += piece.calls
        if progress is not None:
            progress(min(done, total), total)
    return tally.conclude(ruleset, month, start, end)


def read_month(month: str) -> tuple[datetime, datetime]:
    """The first moment of `2026-10`, in UTC, and of the month after. Raises Invalid."""
    try:
        start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        return start, (start + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError) as error:
        raise Invalid.field("month", "must be a month such as 2026-10") from error


def cut_into_pieces(hours: Iterable[HourOfCalls], changes: Sequence[datetime]) -> Iterator[Piece]:
    """Pieces of some 50,000 calls; no moment at which rules change lies inside one.

    A piece that is cut at such moments names its calls in its last part.
    """
    gathered: list[HourOfCalls] = []
    count = 0
    for hour in hours:
        is_other = gathered and hour.organization_id != gathered[0].organization_id
        if gathered and (is_other or count >= _PIECE_CALLS):
            yield from _cut(gathered, count, changes)
            gathered, count = [], 0
        gathered.append(hour)
        count += hour.calls
    if gathered:
        yield from _cut(gathered, count, changes)


def _cut(hours: list[HourOfCalls], calls: int, changes: Sequence[datetime]) -> Iterator[Piece]:
    first = hours[0]
    start, end = first.hour, hours[-1].hour + _HOUR
    moments = [moment for moment in changes if start < moment < end]
    owner = first.organization_id, first.organization or str(first.organization_id)
    for since, until in zip([start, *moments], [*moments, end], strict=True):
        yield Piece(*owner, first.plan or "", since, until, calls if until == end else 0)


async def _recompute_piece(
    connection: Connection, ruleset: RuleSet, piece: Piece, tally: "_Tally"
) -> None:
    one_by_one: dict[str, tuple[CallGroup, MarkupRule]] = {}
    groups = await store.sum_calls(connection, piece.organization_id, piece.start, piece.end)
    for group in groups:
        subject = Subject(
            piece.organization_id, piece.plan, group.module, group.provider, group.model
        )
        rule = choose_rule(ruleset, subject, piece.start)
        tally.count(piece, group, rule)
        if rule is None or _is_summable(rule, group):
            tally.add(piece, group, rule, *_price_sums(rule, group))
        else:
            one_by_one[group.key] = (group, rule)
    after = None
    while one_by_one:
        calls = await store.list_calls(
            connection, piece.organization_id, list(one_by_one), piece.start, piece.end,
            after=after, limit=_PAGE_CALLS,
        )  # fmt: skip
        for key, price, losses in _price_calls(calls, one_by_one):
            tally.add(piece, *one_by_one[key], price, losses)
        if len(calls) < _PAGE_CALLS:
            break
        after = calls[-1].place


# ---------- sums ----------


def _is_summable(rule: MarkupRule, group: CallGroup) -> bool:
    """Whether the sum of the prices, and how many are below cost, follow from sums alone."""
    if rule.minimum_per_request or rule.cap_per_request is not None or rule.per_million is not None:
        return False
    percentage = rule.percentage
    if percentage is None:
        return True
    decimals = -int(fraction(percentage.normalize()).as_tuple().exponent)
    if percentage < 0 and rule.fixed_per_request:
        return False  # whether a call is below cost depends on the call
    return group.decimals + decimals <= _MOST_DECIMALS  # else each price is rounded


def _price_sums(rule: MarkupRule | None, group: CallGroup) -> tuple[Decimal, int]:
    """The sum of the new prices, and how many calls are sold below cost."""
    if rule is None:
        return group.cost, 0
    price, percentage = group.cost, rule.percentage or ZERO
    price = WIDE.add(price, WIDE.multiply(price, fraction(percentage)))
    fixed = rule.fixed_per_request or ZERO
    price = WIDE.add(price, WIDE.multiply(fixed, Decimal(group.used)))
    return price, group.costly if percentage < 0 else 0


def _price_calls(
    calls: Iterable[StoredCall], rules: dict[str, tuple[CallGroup, MarkupRule]]
) -> Iterator[tuple[str, Decimal, int]]:
    """By key: the sum of the new prices, and how many calls are sold below cost."""
    prices: dict[str, Decimal] = {}
    losses: dict[str, int] = {}
    for call in calls:
        key = call.key
        priced = price_request(
            rules[key][1], call.cost, call.cost_lines, call.cost_status, call.quantities
        )
        if priced.price is not None:
            prices[key] = WIDE.add(prices.get(key, ZERO), priced.price)
        if priced.has_negative_margin:
            losses[key] = losses.get(key, 0) + 1
    return ((key, price, losses.get(key, 0)) for key, price in prices.items())


# ---------- the result ----------


class _Sums:
    """What grows while pieces are worked on."""

    __slots__ = ("calls", "cost", "losses", "new_price", "price", "tokens", "unpriced")

    def __init__(self) -> None:
        self.calls = self.unpriced = self.losses = self.tokens = 0
        self.cost = self.price = self.new_price = ZERO

    def count(self, group: CallGroup) -> None:
        self.calls += group.calls
        self.unpriced += group.calls - group.costed
        self.tokens += group.tokens
        self.cost = WIDE.add(self.cost, group.cost)
        self.price = WIDE.add(self.price, group.price)

    def add(self, new_price: Decimal, losses: int) -> None:
        self.new_price = WIDE.add(self.new_price, new_price)
        self.losses += losses


class _Tally:
    def __init__(self) -> None:
        self._lines: dict[tuple[str, str | None, str | None, str | None], _Sums] = {}
        self._months: dict[UUID, dict[str, _Sums]] = {}
        self._names: dict[UUID, str] = {}

    def count(self, piece: Piece, group: CallGroup, rule: MarkupRule | None) -> None:
        for sums in self._sums(piece, group, rule):
            sums.count(group)

    def add(
        self,
        piece: Piece,
        group: CallGroup,
        rule: MarkupRule | None,
        new_price: Decimal,
        losses: int,
    ) -> None:
        for sums in self._sums(piece, group, rule):
            sums.add(new_price, losses)

    def _sums(self, piece: Piece, group: CallGroup, rule: MarkupRule | None) -> Iterator[_Sums]:
        key = (piece.organization, group.module, group.provider, group.model)
        yield self._lines.setdefault(key, _Sums())
        self._names[piece.organization_id] = piece.organization
        months = self._months.setdefault(piece.organization_id, {})
        if rule is not None:
            yield months.setdefault(rule.rule_key, _Sums())

    def conclude(self, ruleset: RuleSet, month: str, start: datetime, end: datetime) -> WhatIf:
        whole = _Sums()
        lines = []
        for (organization, module, provider, model), sums in self._lines.items():
            lines.append(
                WhatIfLine(
                    organization=organization, module=module, provider=provider, model=model,
                    calls=sums.calls, unpriced_calls=sums.unpriced, cost=sums.cost,
                    price=sums.price, new_price=sums.new_price,
                    margin=WIDE.subtract(sums.new_price, sums.cost),
                    negative_margin_calls=sums.losses,
                )
            )  # fmt: skip
            whole.calls += sums.calls
            whole.unpriced += sums.unpriced
            whole.cost = WIDE.add(whole.cost, sums.cost)
            whole.price = WIDE.add(whole.price, sums.price)
            whole.add(sums.new_price, sums.losses)
        periods = [
            period
            for organization_id in self._months
            for period in self._list_periods(ruleset, organization_id, start, end)
        ]
        return WhatIf(
            month=month, calls=whole.calls, unpriced_calls=whole.unpriced, cost=whole.cost,
            price=whole.price, new_price=whole.new_price,
            margin=WIDE.subtract(whole.new_price, whole.cost),
            negative_margin_calls=whole.losses, lines=tuple(lines), periods=tuple(periods),
        )  # fmt: skip

    def _list_periods(
        self, ruleset: RuleSet, organization_id: UUID, start: datetime, end: datetime
    ) -> Iterator[WhatIfPeriod]:
        months = self._months[organization_id]
        for rule in choose_period_rules(ruleset, organization_id, months, start, end):
            if not has_period_part(rule):
                continue
            sums = months.get(rule.rule_key) or _Sums()
            priced = price_period(
                rule,
                PeriodSums(
                    price=sums.new_price, cost=sums.cost, tokens=sums.tokens, requests=sums.calls
                ),
            )
            yield WhatIfPeriod(
                organization=self._names[organization_id], rule_key=rule.rule_key,
                calls=sums.calls, calls_price=sums.new_price, price=priced.price,
                lines=priced.lines,
            )  # fmt: skip
