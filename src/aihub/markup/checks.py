"""What a rule has to be like before it is written."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from aihub.kit.errors import FieldError, Invalid
from aihub.markup.models import MarkupRule, RuleDraft, Step, Terms, Tiers

_COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MAX_USD, _MAX_QUANTITY = Decimal(10**9), Decimal(10**15)
_USD_DECIMALS, _PERCENT_DECIMALS = 12, 4
_LEAST_PERCENT, _MOST_PERCENT = Decimal(-100), Decimal(100_000)
_RATES = {"cost": ("percentage",), "tokens": ("per_million", "per_unit"), "requests": ("per_unit",)}
_AMOUNTS = (
    "fixed_per_request", "minimum_per_request", "cap_per_request", "period_minimum", "period_cap",
)  # fmt: skip
_REQUEST_PART = (
    "percentage", "fixed_per_request", "per_million", "minimum_per_request", "cap_per_request",
)  # fmt: skip

Fault = tuple[str, str]


def check_drafts(drafts: Sequence[RuleDraft], now: datetime) -> None:
    """Raise Invalid that names every field that is wrong, as `rules[2].percentage`."""
    faults: list[Fault] = []
    seen: set[str] = set()
    for index, draft in enumerate(drafts):
        found = [*_check_place(draft), *_check_times(draft, now), *_check_terms(draft)]
        if draft.rule_key in seen:
            found.append(("rule_key", "is given twice"))
        seen.add(draft.rule_key)
        faults += [(f"rules[{index}].{field}", message) for field, message in found]
    if faults:
        errors = [FieldError(field, message) for field, message in faults]
        raise Invalid("; ".join(f"{e.field}: {e.message}" for e in errors[:5]), errors=errors)


def is_same(draft: RuleDraft, rule: MarkupRule) -> bool:
    """Whether writing `draft` would change nothing: the same rule is in force, without an end."""
    names = (*Terms.__struct_fields__, "plan", "module", "provider", "model", "priority")
    is_dated = draft.valid_from is not None and draft.valid_from != rule.valid_from
    return (
        not (is_dated or rule.is_closing or draft.note not in ("", rule.note))
        and draft.valid_to == rule.valid_to
        and all(getattr(draft, name) == getattr(rule, name) for name in names)
    )


def list_warnings(draft: RuleDraft, at: str) -> Iterator[str]:
    """What is allowed, but should be known."""
    if draft.is_backdated:
        yield (
            f"{at} starts in the past: prices that are stored stay as they are; "
            "only repricing applies it to them."
        )
    if draft.percentage is not None and draft.percentage < 0:
        yield f"{at} sells below cost: the margin is negative."


# ---------- whom it is for ----------


def _check_place(draft: RuleDraft) -> Iterator[Fault]:
    if draft.organization is not None and draft.plan is not None:
        yield "plan", "a rule is for an organization or for a plan, not for both"
    for name in ("organization", "module", "provider", "model", "note"):
        if "\x00" in (getattr(draft, name) or ""):
            yield name, "must not contain the character U+0000"
    model = draft.model
    if model is not None and ("*" in model[:-1] or model == "*"):
        yield "model", "must be a name, or the beginning of one followed by a single *"


def _check_times(draft: RuleDraft, now: datetime) -> Iterator[Fault]:
    start, end = draft.valid_from or now, draft.valid_to
    if start < now and not draft.is_backdated:
        yield "valid_from", "lies in the past; say is_backdated when that is meant"
    if draft.is_backdated and start >= now:
        yield "is_backdated", "is for a valid_from in the past"
    if end is not None and end <= start:
        yield "valid_to", "must be after valid_from"


# ---------- what it charges ----------


def _check_terms(draft: Terms) -> Iterator[Fault]:
    yield from _check_percentage("percentage", draft.percentage)
    for name in _AMOUNTS:
        yield from _check_usd(name, getattr(draft, name))
    for component, amount in (draft.per_million or {}).items():
        if _COMPONENT.fullmatch(component) is None:
            yield "per_million", "components are lower-case words such as input_text"
        else:
            yield from _check_usd(f"per_million.{component}", amount)
    if draft.percentage is not None and draft.per_million is not None:
        yield "percentage", "either a percentage of the cost or per_million, which ignores it"
    yield from _check_order(draft, "minimum_per_request", "cap_per_request")
    yield from _check_order(draft, "period_minimum", "period_cap")
    if draft.tiers is not None:
        yield from _check_tiers(draft.tiers, draft)
    included = draft.included
    if included is not None:
        yield from _check_usd("included.usd", included.usd)
        yield from _check_quantity("included.tokens", included.tokens, is_whole=True)
        if (included.usd is None) == (included.tokens is None):
            yield "included", "either usd or tokens"


def _check_order(draft: Terms, least: str, most: str) -> Iterator[Fault]:
    low, high = getattr(draft, least), getattr(draft, most)
    if low is not None and high is not None and low.is_finite() and high.is_finite() and low > high:
        yield most, f"must not be less than {least}"


def _check_tiers(tiers: Tiers, draft: Terms) -> Iterator[Fault]:
    if tiers.charge == "instead" and any(getattr(draft, n) is not None for n in _REQUEST_PART):
        yield (
            "tiers.charge",
            "tiers in place of the calls' prices: what is per request is for on_top",
        )
    last = len(tiers.steps) - 1
    before = Decimal(0)
    for index, step in enumerate(tiers.steps):
        at = f"tiers.steps[{index}]"
        yield from _check_rate(at, step, _RATES[tiers.basis])
        is_whole = tiers.basis != "cost"
        found = list(_check_quantity(f"{at}.up_to", step.up_to, is_whole=is_whole))
        yield from found
        if (step.up_to is None) != (index == last):
            yield f"{at}.up_to", "every step has an end but the last"
        elif step.up_to is not None and not found:
            if step.up_to <= before:
                yield f"{at}.up_to", "must be more than that of the step before"
            before = step.up_to


def _check_rate(at: str, step: Step, allowed: Sequence[str]) -> Iterator[Fault]:
    given = [n for n in ("percentage", "per_million", "per_unit") if getattr(step, n) is not None]
    if len(given) != 1 or given[0] not in allowed:
        yield (
            at,
            f"exactly one of {', '.join(allowed)}"
            if len(allowed) > 1
            else (f"has to have {allowed[0]}, and no other rate"),
        )
    yield from _check_percentage(f"{at}.percentage", step.percentage)
    yield from _check_usd(f"{at}.per_million", step.per_million)
    yield from _check_usd(f"{at}.per_unit", step.per_unit)


# ---------- numbers ----------


def _check_percentage(field: str, value: Decimal | None) -> Iterable[Fault]:
    return _check_number(
        field, value, least=_LEAST_PERCENT, most=_MOST_PERCENT, decimals=_PERCENT_DECIMALS
    )


def _check_usd(field: str, value: Decimal | None) -> Iterable[Fault]:
    return _check_number(field, value, least=Decimal(0), most=_MAX_USD, decimals=_USD_DECIMALS)


def _check_quantity(field: str, value: Decimal | None, *, is_whole: bool) -> Iterable[Fault]:
    decimals = 0 if is_whole else _USD_DECIMALS
    return _check_number(field, value, least=Decimal(0), most=_MAX_QUANTITY, decimals=decimals)


def _check_number(
    field: str, value: Decimal | None, *, least: Decimal, most: Decimal, decimals: int
) -> Iterator[Fault]:
    if value is None:
        return
    if not value.is_finite() or not least <= value <= most:
        yield field, f"must be a number from {least:,} to {most:,}"
        return
    digits = value.as_tuple()
    exponent = int(digits.exponent)
    if exponent < -decimals and any(digits.digits[exponent + decimals :]):
        yield field, f"has more than {decimals} decimals" if decimals else "must be a whole number"
