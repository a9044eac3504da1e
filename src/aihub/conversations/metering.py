"""What a call costs, and what its organization pays: from the facts to the columns of a command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from aihub.conversations import commands
from aihub.kit.decoding import is_storable
from aihub.kit.money import json_number
from aihub.markup import api as markup
from aihub.pricing import api as pricing

MAX_USAGE_BYTES = 262_144
_MAX_KEPT_BYTES = 65_536

_encode = msgspec.json.Encoder(decimal_format="number").encode
_NO_RULES = markup.RuleSet(())


@dataclass(frozen=True, slots=True)
class Meter:
    """The price book and the markup rules that hold now; both are asked anew for each call."""

    book: Callable[[], pricing.Book] = pricing.load_book
    rules: Callable[[], markup.RuleSet] = field(default=lambda: _NO_RULES)

    def measure(
        self,
        command: commands.AddMessage | commands.RecordCall,
        facts: pricing.CallFacts,
        *,
        plan: str,
        has_failed: bool,
    ) -> None:
        """Fill in usage, cost and price of the call behind `command`."""
        priced = pricing.price_call(facts, self.book())
        _fill(command, facts, priced)
        lines: tuple[pricing.CostLine, ...] = priced.cost_lines
        says_nothing = facts.tokens is None and facts.usage is None and facts.response is None
        if has_failed and says_nothing and priced.cost is None:
            # a call that was refused is not billed; one that timed out may be: hence an estimate
            command.cost, command.cost_status, lines = Decimal(0), "estimated", ()
            command.cost_note = "failed: no usage was given, taken as not billed"
        charge = commands.Charge(
            rules=self.rules(),
            plan=plan,
            at=facts.occurred_at,
            cost_lines=lines,
            quantities=priced.quantities,
        )
        if charge.rules.has_modules and _takes_module_of_conversation(command):
            command.charge = charge
            return
        settle(command, charge, getattr(command, "module", None))


def settle(
    command: commands.AddMessage | commands.RecordCall,
    charge: commands.Charge,
    module: str | None,
) -> None:
    """Fill in the price of a call that belongs to `module`."""
    subject = markup.Subject(
        command.organization, charge.plan, module, command.provider, command.model
    )
    rule = markup.choose_rule(charge.rules, subject, charge.at)
    if rule is None:
        command.price, command.markup = command.cost, None
        return
    request = markup.price_request(
        rule, command.cost, charge.cost_lines, command.cost_status or "", charge.quantities
    )
    command.price = request.price
    command.markup = _encode(_show_markup(request)).decode()


def show_cost_lines(lines: tuple[pricing.CostLine, ...]) -> str:
    """The lines of a cost as they are stored, in JSON."""
    return _encode([_show_line(line) for line in lines]).decode()


def _takes_module_of_conversation(command: commands.AddMessage | commands.RecordCall) -> bool:
    if isinstance(command, commands.AddMessage):
        return True
    return command.conversation is not None and command.module is None


def _fill(
    command: commands.AddMessage | commands.RecordCall,
    facts: pricing.CallFacts,
    priced: pricing.PricedCall,
) -> None:
    command.provider, command.model = priced.provider, priced.model
    command.input_tokens = priced.input_tokens
    command.cached_input_tokens = priced.cached_input_tokens
    command.output_tokens = priced.output_tokens
    command.reasoning_tokens = priced.reasoning_tokens
    command.tokens = priced.total_tokens
    command.price_book_version = priced.price_book_version
    command.usage_source, command.usage_method = priced.usage_source, priced.usage_method
    if priced.quantities:
        command.quantities = _encode(_show_quantities(priced.quantities)).decode()
    if priced.usage_raw is not None:
        text = _encode(priced.usage_raw)
        # what no provider sends is not kept; the note says what was wrong with it
        is_kept = len(text) <= _MAX_KEPT_BYTES and is_storable(text)
        command.usage = text.decode() if is_kept else None
    command.cost_facts = _encode(_gather_facts(facts, priced)).decode()
    command.cost, command.computed_cost = priced.cost, priced.computed_cost
    command.cost_status, command.cost_note = priced.cost_status, priced.cost_note
    command.cost_lines = show_cost_lines(priced.cost_lines)


def _gather_facts(facts: pricing.CallFacts, priced: pricing.PricedCall) -> dict[str, Any]:
    context = pricing.keep_context(facts.context)
    return {
        **({"response": priced.response_facts} if priced.response_facts else {}),
        **({"context": context} if context else {}),
    }


def _show_quantities(quantities: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json_number(value) if isinstance(value, Decimal) else value
        for name, value in quantities.items()
    }


def _show_line(line: pricing.CostLine) -> dict[str, Any]:
    quantity = line.quantity
    return {
        "component": line.component,
        "quantity": json_number(quantity) if isinstance(quantity, Decimal) else quantity,
        "unit_price": json_number(line.unit_price),
        "amount": json_number(line.amount),
        "price_id": line.price_id,
    }


def _show_markup(request: markup.PricedRequest) -> dict[str, Any]:
    return {
        "rule_id": request.rule_id,
        "rule_key": request.rule_key,
        "version": request.version,
        "has_negative_margin": request.has_negative_margin,
        "lines": [
            {
                "kind": line.kind,
                "description": line.description,
                "quantity": json_number(Decimal(line.quantity)),
                "unit_price": json_number(line.unit_price),
                "amount": json_number(line.amount),
            }
            for line in request.lines
        ],
    }
