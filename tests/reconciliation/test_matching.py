"""Which names of a bill are which of the hub's."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from aihub.reconciliation import matching
from aihub.reconciliation.matching import FEE_COMPONENTS, pair_up

from .bills import billed_row, hub_row


def pairs(hub, bill):
    return {
        pair.model: (sorted(h.model for h in pair.hub), [b.amount for b in pair.bill])
        for pair in pair_up(hub, bill)
    }


@pytest.mark.parametrize(
    ("provider", "ours", "theirs"),
    [
        ("openai", "gpt-9-2026-01-01", "gpt-9-2026-01-01"),
        ("openai", "GPT-9", "gpt-9"),
        ("openai", "gpt-9", "gpt-9-2026-01-01"),
        ("anthropic", "claude-opus-9-20260101", "claude-opus-9"),
        ("bedrock", "amazon.nova-lite-v1:0", "NovaLite"),
        ("bedrock", "eu.amazon.nova-lite-v1:0", "NovaLite"),
        ("google", "gemini-9-flash", "gemini-9-flash"),
        ("azure", "gpt-9", "gpt-9 data zone"),
        ("azure", "gpt-9 data zone", "gpt-9 data zone"),
    ],
)
def test_names_that_are_the_same(provider, ours, theirs):
    found = pairs([hub_row(ours, "1", provider)], [billed_row(theirs, "2", provider)])
    assert found == {ours: ([ours], [Decimal(2)])}


@pytest.mark.parametrize(
    ("ours", "theirs"), [("gpt-9", "gpt-9-mini"), ("gpt-9.1", "gpt-9.2"), ("nova-pro", "NovaLite")]
)
def test_names_that_are_not(ours, theirs):
    found = pairs([hub_row(ours, "1")], [billed_row(theirs, "2")])
    assert found == {ours: ([ours], []), theirs: ([], [Decimal(2)])}


def test_what_both_tell_apart_stays_apart():
    found = pairs(
        [hub_row("gpt-9", "1"), hub_row("gpt-9-2026-01-01", "3")],
        [billed_row("gpt-9-2026-01-01", "4"), billed_row("gpt-9-2026-02-02", "5")],
    )
    assert found == {
        "gpt-9-2026-01-01": (["gpt-9-2026-01-01"], [Decimal(4)]),
        "gpt-9": (["gpt-9"], [Decimal(5)]),
    }


def test_several_deployments_of_a_bill_are_one_model_of_the_hub():
    found = pairs(
        [hub_row("gpt-9", "1", "azure")],
        [billed_row("gpt-9 global", "2", "azure"), billed_row("gpt-9 data zone", "3", "azure")],
    )
    assert found == {"gpt-9": (["gpt-9"], [Decimal(2), Decimal(3)])}


def test_lines_without_a_model_meet_what_no_other_line_has():
    bill = [
        billed_row("NovaLite", "1", "bedrock"),
        billed_row(None, "5", "bedrock", line="marketplace lines"),
    ]
    ours = [hub_row(name, "2", "bedrock") for name in ("amazon.nova-lite-v1:0", "a.x", "b.y")]
    assert pairs(ours[:2], bill)["a.x"] == (["a.x"], [Decimal(5)])
    assert pairs(ours, bill)["(marketplace lines)"] == (["a.x", "b.y"], [Decimal(5)])
    assert pairs(ours[:1], bill)["(marketplace lines)"] == ([], [Decimal(5)])


def test_a_bill_without_any_model_is_compared_as_a_whole():
    bill = [
        billed_row(None, "5", line="all lines"),
        billed_row("a", None, kind="usage", currency=None),
        billed_row(None, "1", kind="fee", line="web search"),
    ]
    found = pairs([hub_row("a", "2"), hub_row("b", "3")], bill)
    assert found == {None: (["a", "b"], [Decimal(5), None]), "(web search)": ([], [Decimal(1)])}


def test_fees_of_the_hub_meet_their_own_line():
    search = (("web_search", Decimal("0.3")),)
    bill = [billed_row("a", "2"), billed_row(None, "0.3", kind="fee", line="Web Search Usage")]
    found = pair_up([hub_row("a", "2.3", fees=search)], bill)
    assert {pair.model: pair.hub[0].cost for pair in found} == {
        "a": Decimal(2),
        "(Web Search Usage)": Decimal("0.3"),
    }


def test_fees_stay_where_the_bill_has_no_line_for_them():
    search = (("web_search", Decimal("0.3")),)
    (pair,) = pair_up([hub_row("a", "2.3", fees=search)], [billed_row("a", "2.3")])
    assert pair.hub[0].cost == Decimal("2.3")


def test_the_query_looks_for_every_fee():
    path = Path(matching.__file__).with_name("queries.sql")
    named = set(re.findall(r'@ == "(\w+)"', path.read_text("utf-8")))
    assert named == set(FEE_COMPONENTS)


def test_no_line_and_no_row_is_lost():
    ours = [hub_row(f"m{n}", "1") for n in range(5)]
    bill = [billed_row(f"m{n}", "1") for n in range(3, 8)]
    bill += [billed_row(None, "1"), billed_row(None, "1", kind="fee", line="x")]
    found = pair_up(ours, bill)
    assert sorted(h.model for pair in found for h in pair.hub) == sorted(h.model for h in ours)
    assert sum(len(pair.bill) for pair in found) == len(bill)
