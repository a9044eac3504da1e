"""What comes in and goes out by HTTP, and in the files of the command line."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from aihub.kit.decoding import invalid
from aihub.kit.errors import Malformed
from aihub.kit.money import json_number
from aihub.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from aihub.markup.models import (
    Included,
    MarkupRule,
    Page,
    PriceLine,
    RuleDraft,
    RuleKey,
    Step,
    Tiers,
    Written,
)
from aihub.markup.what_if_models import WhatIf, WhatIfLine, WhatIfPeriod

T = TypeVar("T")

MAX_RULES = 1_000
Drafts = Annotated[list[RuleDraft], Meta(max_length=MAX_RULES)]


class MarkupRuleQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Paging; `include_past` gives operators every version there ever was."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(max_length=200)] | None = None
    include_past: bool = False


class MarkupRulesIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New versions, written all or none."""

    rules: Annotated[list[RuleDraft], Meta(min_length=1, max_length=MAX_RULES)]


class WhatIfIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which month (UTC) to recompute, with these rules and without those."""

    month: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}$", description="Such as 2026-10")]
    rules: Drafts = []
    without: Annotated[list[RuleKey], Meta(max_length=MAX_RULES)] = []


class MarkupRuleOut(Struct, frozen=True, kw_only=True):
    """One version of a rule. Amounts in USD; `note` and `created_by` are for operators."""

    id: UUID
    rule_key: str
    version: int
    organization: str | None
    plan: str | None
    module: str | None
    provider: str | None
    model: str | None
    priority: int
    percentage: Decimal | None
    fixed_per_request: Decimal | None
    per_million: dict[str, Decimal] | None
    minimum_per_request: Decimal | None
    cap_per_request: Decimal | None
    tiers: Tiers | None
    included: Included | None
    period_minimum: Decimal | None
    period_cap: Decimal | None
    valid_from: datetime
    valid_to: datetime | None
    is_closing: bool
    is_backdated: bool
    created_at: datetime
    created_by: str | None
    note: str | None


class MarkupRuleList(Struct, frozen=True, kw_only=True):
    """A page of rules, newest first."""

    items: list[MarkupRuleOut]
    next_cursor: str | None


class MarkupWrittenOut(Struct, frozen=True, kw_only=True):
    """The versions in the order sent. `warnings` are about what is allowed, but to be known."""

    items: list[MarkupRuleOut]
    warnings: list[str]


class MarkupLineOut(Struct, frozen=True, kw_only=True):
    """One part of a price: `quantity` × `unit_price` = `amount`, in USD."""

    kind: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


class WhatIfLineOut(Struct, frozen=True, kw_only=True):
    """The calls of one organization, module and model. `margin` is `new_price` less `cost`."""

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


class WhatIfPeriodOut(Struct, frozen=True, kw_only=True):
    """One organization's month under a rule with tiers, an allowance, a minimum or a cap."""

    organization: str
    rule_key: str
    calls: int
    calls_price: Decimal
    price: Decimal
    lines: list[MarkupLineOut]


class WhatIfOut(Struct, frozen=True, kw_only=True):
    """A month recomputed; nothing is stored."""

    month: str
    calls: int
    unpriced_calls: int
    cost: Decimal
    price: Decimal
    new_price: Decimal
    margin: Decimal
    negative_margin_calls: int
    lines: list[WhatIfLineOut]
    periods: list[WhatIfPeriodOut]


# ---------- in ----------


def read_rules(raw: bytes) -> MarkupRulesIn:
    """The body of a PUT. Raises Malformed, Invalid that names the field."""
    return _read(raw, MarkupRulesIn)


def read_what_if(raw: bytes) -> WhatIfIn:
    """The body of a what-if. Raises Malformed, Invalid that names the field."""
    return _read(raw, WhatIfIn)


def _read(raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"This is not JSON: {error}") from error


# ---------- out ----------


def to_rule(rule: MarkupRule, *, is_operator: bool) -> MarkupRuleOut:
    """As the API shows it, to an operator or to a customer."""
    values = {name: _show(getattr(rule, name)) for name in MarkupRuleOut.__struct_fields__}
    if not is_operator:
        values |= {"note": None, "created_by": None}
    return MarkupRuleOut(**values)


def to_rules(page: Page, *, is_operator: bool) -> MarkupRuleList:
    """A page."""
    items = [to_rule(rule, is_operator=is_operator) for rule in page.items]
    return MarkupRuleList(items=items, next_cursor=page.next_cursor)


def to_written(written: Written) -> MarkupWrittenOut:
    """What a PUT answers."""
    items = [to_rule(rule, is_operator=True) for rule in written.rules]
    return MarkupWrittenOut(items=items, warnings=list(written.warnings))


def to_what_if(found: WhatIf) -> WhatIfOut:
    """A month recomputed; its amounts without trailing zeros."""
    lines = [WhatIfLineOut(**_plain(line, WhatIfLine.__struct_fields__)) for line in found.lines]
    values = _plain(found, WhatIf.__struct_fields__)
    periods = [_to_period(period) for period in found.periods]
    return WhatIfOut(**(values | {"lines": lines, "periods": periods}))


def show_price_line(line: PriceLine) -> MarkupLineOut:
    """One part of a price, as JSON: its amounts as `kit.money.json_number` writes them."""
    return MarkupLineOut(**_plain(line, PriceLine.__struct_fields__))


def _to_period(period: WhatIfPeriod) -> WhatIfPeriodOut:
    values = _plain(period, WhatIfPeriod.__struct_fields__)
    return WhatIfPeriodOut(**(values | {"lines": [show_price_line(line) for line in period.lines]}))


def _plain(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _show(getattr(value, name)) for name in names}


def _show(value: Any) -> Any:
    """Decimals as JSON numbers in full, wherever they are in it; no fields that are not given."""
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, dict):
        return {name: _show(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_show(item) for item in value]
    if isinstance(value, Tiers | Step | Included):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _show(item) for name, item in fields.items() if item is not None}
    return value
