"""What proposed rules would have made of a month that is over."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from aihub.markup.models import PriceLine
from aihub.pricing.api import CostLine


class WhatIfLine(Struct, frozen=True, kw_only=True):
    """The calls of one organization, module and model. Money in USD, not rounded.

    `unpriced_calls` have no cost. `price` is what is stored, `new_price` what the proposed rules
    give; `margin` is `new_price` less `cost`. `negative_margin_calls` would be sold below cost.
    """

    organization: str
    module: str | None
    provider: str | None
    model: str | None
    calls: int
    unpriced_calls: int
    cost: Decimal
    price: Decimal
    new_price: Decimal
    margin: Decimal
    negative_margin_calls: int


class WhatIfPeriod(Struct, frozen=True, kw_only=True):
    """A rule with tiers, an allowance, a minimum or a cap: one organization's month under it.

    `calls_price` is the sum of the calls' new prices, `price` what the month comes to.
    """

    organization: str
    rule_key: str
    calls: int
    calls_price: Decimal
    price: Decimal
    lines: tuple[PriceLine, ...]


class WhatIf(Struct, frozen=True, kw_only=True):
    """A month recomputed: the calls by organization, module and model, and the months by rule."""

    month: str
    calls: int
    unpriced_calls: int
    cost: Decimal
    price: Decimal
    new_price: Decimal
    margin: Decimal
    negative_margin_calls: int
    lines: tuple[WhatIfLine, ...]
    periods: tuple[WhatIfPeriod, ...]


class HourOfCalls(Struct, frozen=True):
    """How many calls an organization made in an hour; its name is None when it is gone."""

    organization_id: UUID
    organization: str | None
    plan: str | None
    hour: datetime
    calls: int


class CallGroup(Struct, frozen=True):
    """Sums over calls of one module, provider and model.

    `costed` have a cost, `costly` one above 0, `used` one and some usage; `priced` have a price.
    `decimals`: the most that any cost has.
    """

    module: str | None
    provider: str | None
    model: str | None
    key: str
    calls: int
    costed: int
    costly: int
    used: int
    cost: Decimal
    priced: int
    price: Decimal
    tokens: int
    decimals: int


class StoredCall(NamedTuple):
    """What a price is computed from; `place` is where the next page begins."""

    key: str
    cost: Decimal | None
    cost_status: str
    cost_lines: tuple[CostLine, ...]
    quantities: dict[str, int | Decimal] | None
    place: tuple[datetime, UUID]


class Piece(NamedTuple):
    """A piece of the work: one organization's calls in [start, end), under unchanging rules."""

    organization_id: UUID
    organization: str
    plan: str
    start: datetime
    end: datetime
    calls: int
