"""The words of markup: a rule, whom a call belongs to, and the price that follows.

Money is in USD, never rounded unless said; percentages are in percent (20: a fifth on top).
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct

Percentage = Annotated[
    Decimal, Meta(description="In percent, -100 to 100,000, with at most 4 decimals")
]
Usd = Annotated[Decimal, Meta(description="USD, 0 to 1,000,000,000, with at most 12 decimals")]
Quantity = Annotated[Decimal, Meta(description="0 to 10^15; USD, tokens or requests")]
RuleKey = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9][a-z0-9._-]{0,99}$",
        description="The name of the rule, the same over all its versions",
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Plan = Literal["free", "pro", "business", "enterprise", "paid"]
Time = Annotated[datetime, Meta(tz=True)]


class Step(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A tier: what lies above the step before it, up to and with `up_to` (the last one: no end).

    `percentage` for tiers of cost, `per_million` for tokens, `per_unit` for tokens or requests.
    """

    up_to: Quantity | None = None
    percentage: Percentage | None = None
    per_million: Usd | None = None
    per_unit: Usd | None = None


class Tiers(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prices by the volume of a month.

    `graduated`: each part of the volume at the rate of its own step; `volume`: all of it at the
    rate of the step that the whole reaches. `instead`: in place of the sum of the calls' prices;
    `on_top`: added to it.
    """

    mode: Literal["graduated", "volume"]
    basis: Literal["cost", "tokens", "requests"]
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=100)]
    charge: Literal["instead", "on_top"] = "instead"


class Included(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a month includes without charge: an amount of USD, or a number of tokens."""

    usd: Usd | None = None
    tokens: Quantity | None = None


class Terms(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule charges: for each request, and for the month as a whole.

    `per_million` is by component and takes the place of the provider's cost.
    """

    percentage: Percentage | None = None
    fixed_per_request: Usd | None = None
    per_million: Annotated[dict[str, Usd], Meta(max_length=100)] | None = None
    minimum_per_request: Usd | None = None
    cap_per_request: Usd | None = None
    tiers: Tiers | None = None
    included: Included | None = None
    period_minimum: Usd | None = None
    period_cap: Usd | None = None


class RuleDraft(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new version of a rule, or the first one of a new rule.

    It is for one organization (its own id), for a `plan`, or for everybody when neither is given.
    `model` is a name or ends in `*`. Valid from now when `valid_from` is omitted; a start in the
    past has to be meant (`is_backdated`).
    """

    rule_key: RuleKey
    organization: Name | None = None
    plan: Plan | None = None
    module: Name | None = None
    provider: Name | None = None
    model: Name | None = None
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    valid_from: Time | None = None
    valid_to: Time | None = None
    is_backdated: bool = False
    note: Annotated[str, Meta(max_length=1000)] = ""


class MarkupRule(Terms, frozen=True, kw_only=True):
    """One version of a rule, as stored; it applies to calls of [`valid_from`, `valid_to`).

    `organization` is the caller's form of `organization_id`. `sequence` grows with each version
    that is written, whatever the rule. `is_closing`: it only ends the rule.
    """

    id: UUID
    rule_key: str
    version: int
    sequence: int
    organization_id: UUID | None = None
    organization: str | None = None
    plan: str | None = None
    module: str | None = None
    provider: str | None = None
    model: str | None = None
    priority: int = 0
    valid_from: datetime
    valid_to: datetime | None = None
    is_closing: bool = False
    is_backdated: bool = False
    created_at: datetime
    created_by: str = ""
    note: str = ""


class Subject(NamedTuple):
    """What a rule is chosen by."""

    organization_id: UUID
    plan: str
    module: str | None
    provider: str | None
    model: str | None


class PriceLine(Struct, frozen=True, gc=False):
    """One part of a price: `quantity` × `unit_price` = `amount` (rounded at 18 decimals).

    `kind`: `cost` (charged as the provider does), `override`, `percentage` (of `quantity` USD),
    `fixed`, `minimum` (what was missing) or `cap` (below zero); of a month also `calls`, `tier`
    and `included` (below zero). `description` is a sentence, or the component.
    """

    kind: str
    description: str
    quantity: Decimal | int
    unit_price: Decimal
    amount: Decimal


class PricedRequest(Struct, frozen=True):
    """What a call costs the customer; `price` is exactly the sum of the lines' amounts.

    Without a rule it is the cost, and there are no lines. None: the cost is not known and the rule
    needs it.
    """

    price: Decimal | None
    lines: tuple[PriceLine, ...] = ()
    rule_id: UUID | None = None
    rule_key: str | None = None
    version: int | None = None
    has_negative_margin: bool = False


class PeriodSums(Struct, frozen=True, kw_only=True):
    """What one organization's calls of a month under one rule add up to, not rounded.

    `cost` and `price` are the sums over the calls that have one; `tokens` and `requests` over all.
    """

    price: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    tokens: int = 0
    requests: int = 0


class PeriodPrice(Struct, frozen=True):
    """The price of a month; exactly the sum of the lines' amounts."""

    price: Decimal
    lines: tuple[PriceLine, ...]
    has_negative_margin: bool = False


class Written(Struct, frozen=True):
    """Versions that were written, in the order given, and what to mind about them."""

    rules: tuple[MarkupRule, ...]
    warnings: tuple[str, ...] = ()


class Page(Struct, frozen=True):
    """A page of rules; `next_cursor` is None on the last one."""

    items: tuple[MarkupRule, ...]
    next_cursor: str | None
