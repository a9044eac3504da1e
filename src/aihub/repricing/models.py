"""What to price again, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec


class RepriceFilters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which calls. `statuses` empty: all. `from_` and `to` (exclusive) bound the time of the call;
    without `from_` from the first call on."""

    organization_id: UUID | None = None
    provider: str | None = None
    model: str | None = None
    from_: datetime | None = msgspec.field(name="from", default=None)
    to: datetime | None = None
    statuses: tuple[str, ...] = ("unpriced",)


class CallToPrice(msgspec.Struct, frozen=True):
    """A stored call with all that its cost follows from. `xid` tells whether it changed since."""

    id: UUID
    occurred_at: datetime
    organization_id: UUID
    plan: str
    module: str | None
    provider: str | None
    model: str | None
    api: str | None
    quantities: str | None
    usage: str | None
    usage_source: str | None
    usage_method: str | None
    context: str
    cost_facts: str
    total_tokens: int
    cost: Decimal | None
    price: Decimal | None
    cost_status: str
    cost_note: str | None
    price_book_version: str
    error: str | None
    xid: str


@dataclass(slots=True)
class RepriceLine:
    """The calls of one provider and model. Sums count an unpriced call as nothing, in USD."""

    provider: str | None
    model: str | None
    calls: int = 0
    changed: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0
    cost_before: Decimal = Decimal(0)
    cost_after: Decimal = Decimal(0)
    price_before: Decimal = Decimal(0)
    price_after: Decimal = Decimal(0)


@dataclass(slots=True)
class RepriceResult:
    """What a run looked at and changed (or would). `run_id` None: a preview."""

    price_book_version: str
    run_id: UUID | None = None
    lines: dict[tuple[str | None, str | None], RepriceLine] = field(default_factory=dict)

    def line(self, provider: str | None, model: str | None) -> RepriceLine:
        """The line of a provider and model."""
        return self.lines.setdefault((provider, model), RepriceLine(provider, model))

    @property
    def calls(self) -> int:
        """How many were looked at."""
        return sum(line.calls for line in self.lines.values())

    @property
    def changed(self) -> int:
        """How many have another cost, price or status now."""
        return sum(line.changed for line in self.lines.values())


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One entry: what a call cost before and after. None: unpriced."""

    run_id: UUID
    call_id: UUID
    occurred_at: datetime
    adjusted_at: datetime
    cost_before: Decimal | None
    price_before: Decimal | None
    status_before: str
    price_book_version_before: str
    cost_after: Decimal | None
    price_after: Decimal | None
    status_after: str
    price_book_version_after: str
