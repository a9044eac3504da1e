"""The price book: rows of all layers, found by name and time, resolved to one rate a component.

Layers, the first hit wins: an organization's contract, the operator's override, our corrections,
the imported base. Corrections replace a whole model of the base; contracts and overrides may name
a few components, or a discount, and leave the rest to the layers below.

The price of a call is that of the last row that had begun when the call completed. Before a model's
first row its first row holds, and the result is marked as an estimate: imports bring calls whose
clock was wrong or whose model was used before its prices were published, and a cost close to the
truth serves them better than none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

import msgspec

from aihub.pricing import price_files as files
from aihub.pricing.names import spell
from aihub.pricing.rates import Rate, Rates, Terms, compile_row, merge_terms

Layer = Literal["base", "corrections", "override", "contract"]
EVERY_MODEL = "*"

_MANY = 50_000
_read_row = msgspec.json.Decoder(files.Row).decode
Calendars = Mapping[str, frozenset[date]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One dated row of one layer. `organization` is set for contracts alone.

    `written` may be the row's JSON: of thousands of models a process prices a few, and only those
    are read.
    """

    layer: Layer
    provider: str
    model: str
    names: tuple[str, ...]
    written: files.Row | str
    organization: str | None = None

    @property
    def row(self) -> files.Row:
        """The row, read."""
        return _read_row(self.written) if isinstance(self.written, str) else self.written

    def price_id(self, row: files.Row) -> str:
        """`openai/gpt-4o@2024-10-02`; layers above the list say which one they are."""
        since = row.since
        when = "" if since is None else f"@{since}"
        layer = f"#{self.layer}" if self.layer in ("override", "contract") else ""
        return f"{self.provider}/{self.model}{when}{layer}"


@dataclass(frozen=True, slots=True)
class History:
    """The rows of one model in one layer, in the order of time."""

    layer: Layer
    times: tuple[datetime, ...]
    terms: tuple[Terms, ...]

    def find(self, at: datetime) -> int:
        """Which row holds; -1 before all of them."""
        return bisect_right(self.times, at) - 1


@dataclass(slots=True)
class Chain:
    """What decides the price of one model: histories from the lowest layer to the highest."""

    histories: tuple[History, ...]
    inherited_from: str | None
    thresholds: tuple[int, ...]
    hours: tuple[files.Hours, ...]
    resolved: dict[tuple[object, ...], Rates] = field(default_factory=dict)


class Book:
    """All prices of one version."""

    def __init__(
        self,
        version: str,
        entries: Iterable[Entry],
        *,
        falls_back_to: Mapping[str, str] | None = None,
        calendars: Calendars | None = None,
    ) -> None:
        self.version = version
        self._falls_back_to = dict(falls_back_to or {})
        self._calendars = dict(calendars or {})
        self._groups = _index(entries)
        self._histories: dict[int, History] = {}
        self._chains: dict[tuple[str, str, str | None], Chain | None] = {}

    def find(self, provider: str, model: str, organization: str | None = None) -> Chain | None:
        """The rows of a model in all layers, or None when no layer has it."""
        key = (provider, model, organization)
        try:
            return self._chains[key]
        except KeyError:
            pass
        chain = self._look_up(provider, model, organization)
        if len(self._chains) >= _MANY:
            self._chains.clear()
        self._chains[key] = chain
        return chain

    def resolve(
        self,
        chain: Chain,
        at: datetime,
        *,
        required: Mapping[str, str],
        optional: Mapping[str, str],
        prompt_tokens: int,
    ) -> Rates:
        """The rates of a call that completed `at` with so many tokens in its whole prompt.

        `required` is what must find a rate of its own (`processing: batch`), or the result says
        that it did not; `optional` what may (`region: …`).
        """
        moment = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        rows = tuple(history.find(moment) for history in chain.histories)
        reached = bisect_left(chain.thresholds, prompt_tokens) if chain.thresholds else 0
        hours = tuple(self._is_within(hours, moment) for hours in chain.hours)
        key = (rows, reached, hours, tuple(required.items()), tuple(optional.items()))
        found = chain.resolved.get(key)
        if found is None:
            facets = {**optional, **required}
            chosen = [
                (history.layer, history.terms[max(row, 0)], row < 0)
                for history, row in zip(chain.histories, rows, strict=True)
            ]
            open_hours = frozenset(
                h for h, is_open in zip(chain.hours, hours, strict=True) if is_open
            )
            found = merge_terms(
                chosen, facets, required.keys(), open_hours, prompt_tokens, chain.inherited_from
            )
            if len(chain.resolved) >= _MANY:
                chain.resolved.clear()
            chain.resolved[key] = found
        return found

    def _look_up(self, provider: str, model: str, organization: str | None) -> Chain | None:
        if len(model) > files.LONGEST_NAME:
            return None
        found = self._collect(provider, model, organization)
        if found is not None:
            return _chain(found, None)
        other = self._falls_back_to.get(provider)
        found = self._collect(other, model, organization) if other else None
        return _chain(found, other) if found is not None else None

    def _collect(self, provider: str, model: str, organization: str | None) -> list[History] | None:
        names = spell(provider, model)
        own = {
            key: self._first(models, names)
            for key in _keys(organization)
            if (models := self._groups.get(key, {}).get(provider)) is not None
        }
        if not any(own.values()):
            return None
        listed = own.get(("corrections", None)) or own.get(("base", None))
        found: list[History | None] = [
            self._fees("base", None, provider),
            self._fees("corrections", None, provider),
            listed,
        ]
        above: tuple[tuple[Layer, str | None], ...] = (
            ("override", None),
            ("contract", organization),
        )
        for key in above:
            found += [self._fees(*key, provider), own.get(key)]
        return [history for history in found if history is not None]

    def _fees(self, layer: Layer, organization: str | None, provider: str) -> History | None:
        models = self._groups.get((layer, organization), {}).get(provider, {})
        return self._first(models, [EVERY_MODEL])

    def _first(self, models: Mapping[str, "Group"], names: list[str]) -> History | None:
        group = next((models[name] for name in names if name in models), None)
        if group is None:
            return None
        history = self._histories.get(id(group))
        if history is None:
            history = self._histories[id(group)] = _compile(group)
        return history

    def _is_within(self, hours: files.Hours, moment: datetime) -> bool:
        moment = moment.astimezone(UTC)
        if hours.days and moment.strftime("%a").lower() not in hours.days:
            return False
        if hours.except_holidays is not None and moment.date() in self._calendars.get(
            hours.except_holidays, frozenset()
        ):
            return False
        clock = f"{moment:%H:%M}"
        return any(span[:5] <= clock < span[6:] for span in hours.spans)


def _keys(organization: str | None) -> tuple[tuple[Layer, str | None], ...]:
    lists: tuple[tuple[Layer, str | None], ...] = (
        ("corrections", None), ("base", None), ("override", None),
    )  # fmt: skip
    return (*lists, ("contract", organization)) if organization is not None else lists


Group = list[Entry]
"""The rows of one model in one layer, not read yet."""

Groups = dict[tuple[Layer, str | None], dict[str, dict[str, Group]]]


def _index(entries: Iterable[Entry]) -> Groups:
    gathered: dict[tuple[Layer, str | None, str, str], Group] = {}
    for entry in entries:
        key = (entry.layer, entry.organization, entry.provider, entry.model)
        gathered.setdefault(key, []).append(entry)
    found: Groups = {}
    for (layer, organization, provider, model), group in gathered.items():
        models = found.setdefault((layer, organization), {}).setdefault(provider, {})
        for name in (model, *(name for entry in group for name in entry.names)):
            # the model that a name belongs to outright goes before one that only answers to it
            if name == model or name not in models:
                models[name] = group
    return found


def _compile(group: Group) -> History:
    dated = sorted(
        ((files.begin_of(row), row, entry) for entry in group for row in (entry.row,)),
        key=lambda each: each[0],
    )
    return History(
        group[0].layer,
        tuple(since for since, _, _ in dated),
        tuple(compile_row(row, entry.price_id(row)) for _, row, entry in dated),
    )


def _chain(histories: list[History], inherited_from: str | None) -> Chain:
    terms = [term for history in histories for term in history.terms]
    return Chain(
        tuple(histories),
        inherited_from,
        tuple(sorted({bound for term in terms for bound in term.thresholds})),
        tuple(dict.fromkeys(hours for term in terms for hours in term.hours)),
    )


__all__ = ["EVERY_MODEL", "Book", "Chain", "Entry", "Layer", "Rate", "Rates"]
