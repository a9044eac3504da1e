"""Rules and cost lines with what a test does not care for filled in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.markup.api import Included, MarkupRule, Step, Subject, Tiers
from aihub.pricing.api import CostLine

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ACME, OTHER = UUID(int=1), UUID(int=2)


def make_rule(sequence: int = 1, **fields: Any) -> MarkupRule:
    """A rule of everybody, valid from START on."""
    usual = {
        "id": UUID(int=1000 + sequence),
        "rule_key": f"rule-{sequence}",
        "version": 1,
        "sequence": sequence,
        "valid_from": START,
        "created_at": START,
    }
    return MarkupRule(**(usual | {name: exact(value) for name, value in fields.items()}))


def exact(value: Any) -> Any:
    """Numbers of a test's table, written as text, as decimals; everything else as it is."""
    if isinstance(value, str):
        try:
            return Decimal(value)
        except ArithmeticError:
            return value
    if isinstance(value, dict):
        return {name: exact(item) for name, item in value.items()}
    return value


def make_tiers(mode: str, basis: str, *steps: dict[str, str], charge: str = "instead") -> Tiers:
    made = tuple(Step(**exact(step)) for step in steps)
    return Tiers(mode=mode, basis=basis, steps=made, charge=charge)


def make_included(**parts: str) -> Included:
    return Included(**exact(parts))


def make_line(component: str, quantity: int, unit_price: str) -> CostLine:
    price = Decimal(unit_price)
    return CostLine(component, quantity, price, price * quantity, "openai/gpt-4o@2026-01-01")


def make_subject(
    organization_id: UUID = ACME,
    plan: str = "free",
    module: str | None = "support",
    provider: str | None = "openai",
    model: str | None = "gpt-4o",
) -> Subject:
    return Subject(organization_id, plan, module, provider, model)
