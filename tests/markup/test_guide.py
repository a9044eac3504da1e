"""The examples of the guide are right to the last digit."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aihub.markup.api import (
    PeriodSums,
    has_period_part,
    price_period,
    price_request,
    read_rules,
    read_what_if,
)
from aihub.markup.checks import check_drafts
from aihub.markup.models import Terms
from aihub.pricing.api import CostLine

from .making import make_rule

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "markup.md").read_text("utf-8")
EXAMPLE = re.compile(
    r"```json rule\n([^`]*)\n```\n\n\| line [^\n]*\n\| ---[^\n]*\n((?:\|[^\n]*\n)+)"
)


def read_block(kind: str) -> Any:
    (found,) = re.findall(rf"```json {kind}\n(.*?)\n```", GUIDE, re.DOTALL)
    return json.loads(found, parse_float=Decimal)


def test_every_example() -> None:
    call, month = read_block("call"), read_block("month")
    lines = [CostLine(**line) for line in call["cost_lines"]]
    sums = PeriodSums(price=Decimal(month.pop("price")), cost=Decimal(month.pop("cost")), **month)
    examples = EXAMPLE.findall(GUIDE)
    assert len(examples) == GUIDE.count("```json rule") == 8
    for text, table in examples:
        (draft,) = read_rules(f'{{"rules": [{text}]}}'.encode()).rules
        check_drafts([draft], datetime.now(UTC))
        rule = make_rule(**{name: getattr(draft, name) for name in Terms.__struct_fields__})
        if has_period_part(rule):
            priced: Any = price_period(rule, sums)
        else:
            priced = price_request(rule, call["cost"], lines, call["cost_status"])
        rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]
        shown = [(row[0], *map(Decimal, row[1:])) for row in rows[:-1]]
        assert shown == [
            (line.kind, line.quantity, line.unit_price, line.amount) for line in priced.lines
        ], text
        assert (rows[-1][0], Decimal(rows[-1][3])) == ("price", priced.price), text


def test_the_what_if_example_can_be_sent() -> None:
    (text,) = re.findall(r"```json\n(.*?)\n```", GUIDE, re.DOTALL)
    body = read_what_if(text.encode())
    assert (body.month, body.rules[0].percentage) == ("2026-10", 25)
