"""The form of a markup rule: fields to a draft, a stored rule to fields, errors to their fields.

Pure. Everything is kept as it was typed, so that a form with an error comes back as it was sent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from aihub.dashboards.filters import BadValue
from aihub.dashboards.markup_fields import (
    PLACES,
    READERS,
    given_only,
    read_number,
    read_quantity,
)
from aihub.dashboards.markup_words import per_million_of
from aihub.kit.errors import Invalid
from aihub.kit.money import plain
from aihub.markup.api import MarkupRule, RuleDraft, Step, Tiers, read_rules

AMOUNTS = (
    "percentage", "fixed_per_request", "minimum_per_request", "cap_per_request",
    "period_minimum", "period_cap",
)  # fmt: skip
COMPONENTS = ("input_text", "cached_text", "cache_write_5m", "output_text")
RATES = {"cost": "percentage", "tokens": "per_million", "requests": "per_unit"}
LABELS = {
    "rule_key": "Name", "scope": "For", "organization": "Organization", "plan": "Plan",
    "module": "Module", "provider": "Provider", "model": "Model", "priority": "Priority",
    "percentage": "Percentage", "fixed_per_request": "Fixed amount",
    "minimum_per_request": "Minimum", "cap_per_request": "Cap", "tiers_mode": "Tiers",
    "tiers_basis": "Counted by", "tiers_charge": "Charged", "included_usd": "Included amount",
    "included_tokens": "Included tokens", "period_minimum": "Minimum of a month",
    "period_cap": "Cap of a month", "valid_from": "From", "valid_to": "To",
    "is_backdated": "In the past", "note": "Note",
}  # fmt: skip
_LEAST_PARTS, _LEAST_STEPS, _MORE, _MOST_ROWS = 4, 4, 4, 100
_STEP_ERROR = re.compile(r"tiers\.steps\[(\d+)\](?:\.(\w+))?")


@dataclass(slots=True)
class RuleForm:
    """A form as it is shown: what is typed, and what is wrong with it, by field.

    `problem` is wrong with no field of it. `parts` and `steps`: how many rows it has.
    """

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    draft: RuleDraft | None = None

    def __post_init__(self) -> None:
        for name, usual in (("rule_key", ""), ("scope", "everybody")):
            self.values.setdefault(name, usual)

    @property
    def parts(self) -> int:
        """Rows of prices per million."""
        return _rows(self.values, "component", "parts", _LEAST_PARTS)

    @property
    def steps(self) -> int:
        """Rows of tiers."""
        return _rows(self.values, "rate", "steps", _LEAST_STEPS)

    @property
    def opens_parts(self) -> bool:
        """Whether prices per million are given, wrong, or about to be typed."""
        return self.parts > _LEAST_PARTS or self._is_used("million_", "component_")

    @property
    def opens_tiers(self) -> bool:
        """Whether tiers are given, wrong, or about to be typed."""
        return self.steps > _LEAST_STEPS or self._is_used("rate_", "up_to_", "tiers_")

    def _is_used(self, *beginnings: str) -> bool:
        # components and the basis are there before anybody has typed
        given = [
            name
            for name, text in self.values.items()
            if text and not name.startswith(("component_", "tiers_basis", "tiers_charge"))
        ]
        return any(name.startswith(beginnings) for name in [*given, *self.errors])

    def label(self, name: str) -> str:
        """What the field is called."""
        kind, _, row = name.rpartition("_")
        rows = {"component": "Component", "million": "Price per million", "up_to": "Tier up to",
                "rate": "Rate of tier"}  # fmt: skip
        if row.isdecimal() and kind in rows:
            return f"{rows[kind]}, row {int(row) + 1}"
        return LABELS.get(name, name)


def blank_form() -> RuleForm:
    """For a new rule."""
    parts = {f"component_{row}": name for row, name in enumerate(COMPONENTS)}
    return RuleForm({"scope": "everybody", "priority": "0", "tiers_basis": "tokens", **parts})


def add_rows(values: Mapping[str, str], *, of: Literal["parts", "steps"]) -> RuleForm:
    """The same form with more room."""
    form = RuleForm(dict(values))
    rows = form.parts if of == "parts" else form.steps
    form.values[of] = str(min(_MOST_ROWS, rows + _MORE))
    return form


def read_form(given: Mapping[str, str], zone: ZoneInfo) -> RuleForm:
    """What was typed as a draft, in `zone`. Never raises: see `errors`."""
    values = {name: text.strip() for name, text in given.items()}
    form = RuleForm(values)
    body: dict[str, Any] = {}
    for name, read in READERS.items():
        try:
            body |= read(values, zone)
        except BadValue as bad:
            form.errors[name] = str(bad)
    for name in AMOUNTS:
        try:
            body |= given_only(name, read_number(values, name))
        except BadValue as bad:
            form.errors[name] = str(bad)
    body |= _read_parts(form)
    body |= _read_tiers(form)
    if not form.errors:
        try:
            (form.draft,) = read_rules(msgspec.json.encode({"rules": [body]})).rules
        except Invalid as error:
            tell_errors(form, error)
    return form


def tell_errors(form: RuleForm, error: Invalid) -> None:
    """Put what the rules say about a draft beside the fields of its form."""
    found = [_field_of(each.field.partition("].")[2] or each.field, form) for each in error.errors]
    for name, each in zip(found, error.errors, strict=True):
        if name is None:
            form.problem = _sentence(error.detail)
        else:
            form.errors.setdefault(name, _explain(name, each.message))
    if not error.errors:
        form.problem = _sentence(error.detail)


def form_of(rule: MarkupRule) -> RuleForm:
    """The form for the next version of `rule`: its terms, from now on."""
    scope = "everybody"
    if rule.organization_id is not None:
        scope = "organization"
    elif rule.plan is not None:
        scope = "plan"
    values = {
        "rule_key": rule.rule_key,
        "scope": scope,
        "organization": rule.organization or str(rule.organization_id or ""),
        "plan": rule.plan or "",
        "priority": str(rule.priority),
        "note": "",
        "tiers_basis": "tokens",
        **{name: getattr(rule, name) or "" for name in PLACES},
        **{name: _text(getattr(rule, name)) for name in AMOUNTS},
    }
    if rule.included is not None:
        values |= {
            "included_usd": _text(rule.included.usd),
            "included_tokens": _text(rule.included.tokens),
        }
    components = rule.per_million or dict.fromkeys(COMPONENTS)
    for row, (component, amount) in enumerate(components.items()):
        values |= {f"component_{row}": component, f"million_{row}": _text(amount)}
    if rule.tiers is not None:
        values |= dict(_list_tiers(rule.tiers))
    return RuleForm({name: text for name, text in values.items() if text})


# ---------- from the form ----------


def _read_parts(form: RuleForm) -> dict[str, Any]:
    found: dict[str, str] = {}
    for row in range(form.parts):
        component = form.values.get(f"component_{row}", "")
        try:
            amount = read_number(form.values, f"million_{row}")
        except BadValue as bad:
            form.errors[f"million_{row}"] = str(bad)
            continue
        if amount is None:
            continue  # a component without a price is only a suggestion
        if not component:
            form.errors[f"component_{row}"] = "Which component is this the price of?"
        elif component in found:
            form.errors[f"component_{row}"] = "This component has a price already."
        else:
            found[component] = amount
    return {"per_million": found} if found else {}


def _read_tiers(form: RuleForm) -> dict[str, Any]:
    values = form.values
    if not values.get("tiers_mode"):
        return {}
    basis = values.get("tiers_basis", "tokens")
    steps = []
    for row in range(form.steps):
        try:
            rate = read_number(values, f"rate_{row}")
            reach = values.get(f"up_to_{row}")
            step = {"up_to": read_quantity(reach)} if reach else {}
        except BadValue as bad:
            form.errors[f"rate_{row}"] = str(bad)
            continue
        if rate is None:
            if step:
                form.errors[f"rate_{row}"] = "What does a unit of this tier cost?"
            continue
        steps.append({**step, RATES.get(basis, "per_million"): rate})
    if not steps and not any(name.startswith("rate_") for name in form.errors):
        form.errors["rate_0"] = "Tiers need at least one rate."
    charge = values.get("tiers_charge") or "instead"
    tiers = {"mode": values["tiers_mode"], "basis": basis, "charge": charge, "steps": steps}
    return {"tiers": tiers}


def _rows(values: Mapping[str, str], field_name: str, count: str, least: int) -> int:
    used = [
        int(row) + 1
        for name, text in values.items()
        for kind, _, row in [name.rpartition("_")]
        if kind == field_name and row.isascii() and row.isdecimal() and text
    ]
    asked = values.get(count, "")
    wanted = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 3 else 0  # noqa: PLR2004
    return min(_MOST_ROWS, max(least, wanted, *used, 0))


# ---------- errors ----------


def _field_of(path: str, form: RuleForm) -> str | None:
    """The form's field for the path of a draft's."""
    step = _STEP_ERROR.match(path)
    if step is not None:
        row = _row_of_step(form, int(step[1]))
        return f"up_to_{row}" if step[2] == "up_to" else f"rate_{row}"
    if path.startswith("per_million"):
        component = path.partition(".")[2]
        rows = range(form.parts)
        found = [row for row in rows if form.values.get(f"component_{row}") == component]
        return f"million_{found[0]}" if found else _first_part(form)
    if path.startswith("included"):
        return "included_tokens" if path == "included.tokens" else "included_usd"
    if path.startswith("tiers"):
        name = path.partition(".")[2]
        return f"tiers_{name}" if name in ("mode", "basis", "charge") else "tiers_mode"
    return path if path in LABELS else None


def _row_of_step(form: RuleForm, number: int) -> int:
    rows = [row for row in range(form.steps) if form.values.get(f"rate_{row}")]
    return rows[number] if number < len(rows) else 0


def _first_part(form: RuleForm) -> str:
    rows = [row for row in range(form.parts) if form.values.get(f"million_{row}")]
    return f"component_{rows[0] if rows else 0}"


def _explain(name: str, message: str) -> str:
    """The message in the words of the form."""
    if name == "valid_from" and "is_backdated" in message:
        return "This lies in the past: tick the box below when that is meant."
    words = {**LABELS, "per_million": "Own prices per million"}
    found = re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda m: f"“{words.get(m[0], m[0])}”", message)
    return _sentence(found)


def _sentence(text: str) -> str:
    shown = text[:1].upper() + text[1:]
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."


# ---------- to the form ----------


def _list_tiers(tiers: Tiers) -> Iterator[tuple[str, str]]:
    yield "tiers_mode", tiers.mode
    yield "tiers_basis", tiers.basis
    yield "tiers_charge", tiers.charge
    for row, step in enumerate(tiers.steps):
        yield f"up_to_{row}", _text(step.up_to)
        yield f"rate_{row}", _text(_rate_of(step, tiers.basis))


def _rate_of(step: Step, basis: str) -> Decimal | None:
    if basis == "tokens":
        return per_million_of(step)
    return step.percentage if basis == "cost" else step.per_unit


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else plain(amount)
