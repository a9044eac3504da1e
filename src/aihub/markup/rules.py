"""Which rule is for a call: one winner, always the same, in microseconds.

The winner is the greatest by (scope: organization > plan > default, module named, provider named,
model named: by its whole name > by a longer prefix > by a shorter one), then by priority, then by
`sequence`, the number that every written version has for itself. So there are no ties, and the
order in which rules are given means nothing. Of one rule's versions at most one is valid at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from aihub.markup.models import MarkupRule, Subject

_Scope: TypeAlias = UUID | str | None
_CACHE_SIZE = 20_000  # modules and models are words of callers: there may be any number


class _Place:
    """The rules of one scope, module and provider, by the model that they name."""

    __slots__ = ("any_model", "exact", "prefixes")

    def __init__(self) -> None:
        self.any_model: list[MarkupRule] = []
        self.exact: dict[str, list[MarkupRule]] = {}
        self.prefixes: list[tuple[str, MarkupRule]] = []

    def add(self, rule: MarkupRule) -> None:
        model = _fold(rule.model)
        if model is None:
            self.any_model.append(rule)
        elif model.endswith("*"):
            self.prefixes.append((model[:-1], rule))
        else:
            self.exact.setdefault(model, []).append(rule)

    def list_fitting(self, model: str | None) -> Iterator[MarkupRule]:
        yield from self.any_model
        if model is not None:
            yield from self.exact.get(model, ())
            yield from (rule for prefix, rule in self.prefixes if model.startswith(prefix))


class RuleSet:
    """All rules, all versions. Never changes; a newer one takes its place.

    `revision` is the number of the state that it was read at. `has_modules`: some rule names a
    module, so that a call's has to be known.
    """

    def __init__(self, rules: Iterable[MarkupRule], revision: int = 0) -> None:
        self.revision = revision
        self.rules = tuple(rules)
        self._places: dict[tuple[_Scope, str | None, str | None], _Place] = {}
        for rule in self.rules:
            if not rule.is_closing:
                key = (_scope(rule), rule.module, _fold(rule.provider))
                self._places.setdefault(key, _Place()).add(rule)
        self.has_modules = any(rule.module is not None for rule in self.rules)
        self._known: dict[Subject, tuple[MarkupRule, ...]] = {}

    def list_candidates(self, subject: Subject) -> tuple[MarkupRule, ...]:
        """The rules that fit but for the time, the best first."""
        found = self._known.get(subject)
        if found is None:
            found = self._find_candidates(subject) if self._places else ()
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[subject] = found
        return found

    def _find_candidates(self, subject: Subject) -> tuple[MarkupRule, ...]:
        provider, model = _fold(subject.provider), _fold(subject.model)
        # a set: a call without a module or provider is asked for once, not twice
        keys = {
            (scope, module, name)
            for scope in (subject.organization_id, subject.plan, None)
            for module in (subject.module, None)
            for name in (provider, None)
        }
        found = [
            rule
            for key in keys
            if (place := self._places.get(key)) is not None
            for rule in place.list_fitting(model)
        ]
        return tuple(sorted(found, key=rank, reverse=True))


def choose_rule(ruleset: RuleSet, subject: Subject, at: datetime) -> MarkupRule | None:
    """The one rule for a call of `subject` at `at`; None: it is charged at cost."""
    for rule in ruleset.list_candidates(subject):
        if is_valid_at(rule, at):
            return rule
    return None


def is_valid_at(rule: MarkupRule, at: datetime) -> bool:
    """Whether `at` lies in [valid_from, valid_to)."""
    return rule.valid_from <= at and (rule.valid_to is None or at < rule.valid_to)


def rank(rule: MarkupRule) -> tuple[int, ...]:
    """What rules that fit the same call are compared by; no two rules have the same."""
    return (
        _rank_scope(rule),
        rule.module is not None,
        rule.provider is not None,
        *_rank_model(rule.model),
        rule.priority,
        rule.sequence,
    )


def is_for(rule: MarkupRule, organization_id: UUID, plan: str) -> bool:
    """Whether the rule may apply to calls of an organization on `plan`."""
    if rule.organization_id is not None:
        return rule.organization_id == organization_id
    return rule.plan is None or rule.plan == plan


def choose_period_rules(
    ruleset: RuleSet,
    organization_id: UUID,
    used: Iterable[str],
    start: datetime,
    end: datetime,
) -> list[MarkupRule]:
    """The versions whose period part counts for an organization's month [start, end).

    Of each rule by which calls were priced (their rule_keys are `used`), and of each rule of the
    organization itself, called by or not, the newest version that was valid in the month.
    """
    keys, found = set(used), dict[str, MarkupRule]()
    for rule in sorted(ruleset.rules, key=lambda rule: (rule.valid_from, rule.version)):
        is_meant = rule.rule_key in keys or rule.organization_id == organization_id
        if is_meant and not rule.is_closing and _overlaps(rule, start, end):
            found[rule.rule_key] = rule
    return [found[key] for key in sorted(found)]


def list_changes(rules: Sequence[MarkupRule], start: datetime, end: datetime) -> list[datetime]:
    """The moments within (start, end) at which another rule may win, in order."""
    moments = {rule.valid_from for rule in rules} | {rule.valid_to for rule in rules}
    return sorted(moment for moment in moments if moment is not None and start < moment < end)


def _overlaps(rule: MarkupRule, start: datetime, end: datetime) -> bool:
    if rule.valid_from == rule.valid_to:  # taken over before it began
        return False
    return rule.valid_from < end and (rule.valid_to is None or rule.valid_to > start)


def _scope(rule: MarkupRule) -> _Scope:
    return rule.organization_id or rule.plan


def _rank_scope(rule: MarkupRule) -> int:
    if rule.organization_id is not None:
        return 2
    return 0 if rule.plan is None else 1


def _rank_model(model: str | None) -> tuple[int, int]:
    if model is None:
        return 0, 0
    return (1, len(model)) if model.endswith("*") else (2, 0)


def _fold(name: str | None) -> str | None:
    """Providers and models are written in any case."""
    return None if name is None else name.lower()
