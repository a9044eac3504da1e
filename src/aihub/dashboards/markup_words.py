"""Markup rules in words: what a rule charges, for whom it is, whether it counts now. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from aihub.dashboards.formats import format_exact_money
from aihub.kit.money import plain
from aihub.markup.api import Included, MarkupRule, RuleDraft, Step, Tiers

State = Literal["in force", "planned", "past", "never valid", "ended"]
_MILLION = 6


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule charges: for each request, and for a month."""

    request: list[str]
    month: list[str]

    @property
    def line(self) -> str:
        """All of it in one line, for a file."""
        return "; ".join([*self.request, *(f"month: {words}" for words in self.month)])


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule, or a version of one, as a row of a table."""

    rule: MarkupRule
    terms: Terms
    state: State
    is_below_cost: bool


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """The rules of one scope: for one organization, for one plan, or for everybody."""

    title: str
    name: str | None
    lines: list[RuleLine]


def describe_rule(rule: MarkupRule, now: datetime) -> RuleLine:
    """As a row."""
    return RuleLine(rule, describe_terms(rule), state_of(rule, now), is_below_cost(rule))


def group_rules(rules: Iterable[MarkupRule], now: datetime) -> list[RuleGroup]:
    """By scope, as rules win: organizations by name, plans by name, everybody; each by rule."""
    groups: dict[tuple[int, str], RuleGroup] = {}
    for rule in sorted(rules, key=lambda r: (r.rule_key, r.valid_from)):
        if rule.organization_id is not None:
            name = rule.organization or str(rule.organization_id)
            key, title = (0, name), "Organization"
        elif rule.plan is not None:
            name = rule.plan
            key, title = (1, name), "Plan"
        else:
            name = None
            key, title = (2, ""), "Everybody"
        group = groups.setdefault(key, RuleGroup(title, name, []))
        group.lines.append(describe_rule(rule, now))
    return [groups[key] for key in sorted(groups)]


def describe_scope(rule: MarkupRule) -> str:
    """Whom it is for, in a word or two."""
    if rule.organization_id is not None:
        return f"organization {rule.organization or rule.organization_id}"
    return f"plan {rule.plan}" if rule.plan is not None else "everybody"


def state_of(rule: MarkupRule, now: datetime) -> State:
    """Whether it counts for calls of `now`."""
    if rule.is_closing:
        return "ended"
    if rule.valid_to is not None and rule.valid_to <= rule.valid_from:
        return "never valid"
    if rule.valid_from > now:
        return "planned"
    return "past" if rule.valid_to is not None and rule.valid_to <= now else "in force"


def is_below_cost(rule: MarkupRule | RuleDraft) -> bool:
    """Whether its percentage alone sells below cost."""
    return rule.percentage is not None and rule.percentage < 0


def describe_terms(rule: MarkupRule | RuleDraft) -> Terms:
    """What it charges, in the order in which it is computed."""
    if isinstance(rule, MarkupRule) and rule.is_closing:
        return Terms(["no longer applies"], [])
    is_replaced = rule.tiers is not None and rule.tiers.charge == "instead"
    request = [] if is_replaced else list(_describe_request(rule))
    return Terms(request, list(_describe_month(rule)))


def _describe_request(rule: MarkupRule | RuleDraft) -> Iterator[str]:
    if rule.per_million is not None:
        for component, amount in rule.per_million.items():
            yield f"{format_exact_money(amount)} per million {component}"
        yield "anything else at cost"
    elif rule.percentage:
        sign = "+" if rule.percentage > 0 else "−"
        yield f"cost {sign} {plain(abs(rule.percentage))} %"
    else:
        yield "at cost"
    if rule.fixed_per_request:
        yield f"+ {format_exact_money(rule.fixed_per_request)} a request"
    if rule.minimum_per_request:
        yield f"at least {format_exact_money(rule.minimum_per_request)} a request"
    if rule.cap_per_request is not None:
        yield f"at most {format_exact_money(rule.cap_per_request)} a request"


def _describe_month(rule: MarkupRule | RuleDraft) -> Iterator[str]:
    if rule.tiers is not None:
        yield _describe_tiers(rule.tiers)
    if rule.included is not None:
        yield _describe_included(rule.included)
    if rule.period_minimum:
        yield f"at least {format_exact_money(rule.period_minimum)}"
    if rule.period_cap is not None:
        yield f"at most {format_exact_money(rule.period_cap)}"


def _describe_tiers(tiers: Tiers) -> str:
    steps = "; ".join(_describe_step(step, tiers.basis) for step in tiers.steps)
    how = "" if tiers.charge == "instead" else ", on top of the calls' prices"
    what = "each part at its own rate" if tiers.mode == "graduated" else "all at one rate"
    return f"by {tiers.basis}, {what}{how}: {steps}"


def _describe_step(step: Step, basis: str) -> str:
    if step.up_to is None:
        reach = "beyond"
    elif basis == "cost":
        reach = f"up to {format_exact_money(step.up_to)}"
    else:
        reach = f"up to {int(step.up_to):,}"  # whole numbers, as they were checked
    return f"{describe_rate(step)} {reach}"


def describe_rate(step: Step) -> str:
    """What a unit costs in a step."""
    if step.percentage is not None:
        return f"{plain(step.percentage)} % of the cost"
    if step.per_million is not None:
        return f"{format_exact_money(step.per_million)} per million"
    return f"{format_exact_money(step.per_unit)} each"


def per_million_of(step: Step) -> Decimal | None:
    """The rate of a step of tokens for a million of them, however it was given."""
    if step.per_unit is not None:
        return step.per_unit.scaleb(_MILLION)
    return step.per_million


def _describe_included(included: Included) -> str:
    if included.usd is not None:
        return f"{format_exact_money(included.usd)} included"
    return f"{int(included.tokens or 0):,} tokens included"
