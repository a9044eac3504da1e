"""The form of a markup rule: to a draft and back, with errors beside their fields."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from aihub.dashboards import markup_forms
from aihub.dashboards.markup_words import describe_terms, group_rules, state_of
from aihub.kit.errors import Invalid
from aihub.markup.api import (
    Included,
    MarkupRule,
    RuleDraft,
    Step,
    Tiers,
    check_drafts,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)


def rule(**given) -> MarkupRule:
    usual = {
        "id": UUID(int=1),
        "rule_key": "r",
        "version": 1,
        "sequence": 1,
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return MarkupRule(**(usual | given))


def read(**given: str) -> markup_forms.RuleForm:
    return markup_forms.read_form({"rule_key": "r", "scope": "everybody"} | given, BERLIN)


def test_everything_that_can_be_typed_comes_into_the_draft():
    form = read(
        scope="organization", organization="acme", module=" support ", provider="openai",
        model="gpt-4o*", priority="-3", percentage="12.5 %", fixed_per_request="$0.01",
        minimum_per_request=".002", cap_per_request="1", tiers_mode="volume", tiers_basis="cost",
        tiers_charge="on_top", up_to_0="1,000,000", rate_0="-5", rate_2="-10",
        included_tokens="1,000,000", period_minimum="99", period_cap="500",
        valid_from="2027-01-01T00:00", valid_to="2027-06-01T00:00", is_backdated="yes", note="n",
    )  # fmt: skip
    assert form.errors == {}
    assert form.draft == RuleDraft(
        rule_key="r", organization="acme", module="support", provider="openai", model="gpt-4o*",
        priority=-3, percentage=Decimal("12.5"), fixed_per_request=Decimal("0.01"),
        minimum_per_request=Decimal("0.002"), cap_per_request=Decimal(1),
        tiers=Tiers(
            mode="volume", basis="cost", charge="on_top",
            steps=(
                Step(up_to=Decimal(1_000_000), percentage=Decimal(-5)),
                Step(percentage=Decimal(-10)),
            ),
        ),
        included=Included(tokens=Decimal(1_000_000)), period_minimum=Decimal(99),
        period_cap=Decimal(500), valid_from=datetime(2026, 12, 31, 23, tzinfo=UTC),
        valid_to=datetime(2027, 5, 31, 22, tzinfo=UTC), is_backdated=True, note="n",
    )  # fmt: skip


def test_components_without_a_price_are_only_suggestions():
    form = read(component_0="input_text", million_0="5", component_1="output_text", million_1="")
    assert form.draft is not None
    assert form.draft.per_million == {"input_text": Decimal(5)}


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"rule_key": ""}, "rule_key", "Give the rule a name"),
        ({"rule_key": "Bad Name"}, "rule_key", "Small letters"),
        ({"scope": "plan"}, "plan", "Say which"),
        ({"scope": "organization", "organization": " "}, "organization", "Say which"),
        ({"scope": "x"}, "scope", "Everybody"),
        ({"scope": "plan", "plan": "gold"}, "plan", "Invalid enum value 'gold'"),
        ({"priority": "1.5"}, "priority", "whole number"),
        ({"priority": "5000"}, "priority", "1000"),
        ({"percentage": "1,5"}, "percentage", "with a point"),
        ({"percentage": "1e3"}, "percentage", "with a point"),
        ({"period_cap": "NaN"}, "period_cap", "with a point"),
        ({"valid_from": "tomorrow"}, "valid_from", "A day and a time"),
        ({"valid_from": "0001-01-01T00:00"}, "valid_from", "A day and a time"),
        ({"included_tokens": "many"}, "included_tokens", "such as 1,000,000"),
        ({"component_0": "a", "million_0": "x"}, "million_0", "with a point"),
        ({"million_1": "5"}, "component_1", "Which component"),
        (
            {"component_0": "a", "million_0": "1", "component_1": "a", "million_1": "2"},
            "component_1",
            "a price already",
        ),
        ({"tiers_mode": "volume"}, "rate_0", "at least one rate"),
        ({"tiers_mode": "volume", "up_to_1": "5"}, "rate_1", "What does a unit"),
        ({"tiers_mode": "x", "rate_0": "5"}, "tiers_mode", "Invalid enum value"),
    ],
)
def test_what_cannot_be_read_is_told_beside_its_field(given, field, words):
    form = read(**given)
    assert form.draft is None
    assert words in form.errors[field]
    for name, text in given.items():
        assert form.values[name] == text.strip()


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"percentage": "-101"}, "percentage", "from -100"),
        ({"percentage": "5", "component_3": "image", "million_3": "1"}, "percentage", "Either"),
        ({"component_2": "image", "million_2": "-1"}, "million_2", "from 0"),
        ({"component_2": "Image", "million_2": "1"}, "component_2", "lower-case"),
        ({"minimum_per_request": "2", "cap_per_request": "1"}, "cap_per_request", "“Minimum”"),
        ({"included_usd": "1", "included_tokens": "1"}, "included_usd", "Either"),
        ({"included_tokens": "1.5"}, "included_tokens", "whole number"),
        ({"valid_from": "2020-01-01T00:00"}, "valid_from", "tick the box"),
        ({"is_backdated": "yes"}, "is_backdated", "in the past"),
        ({"model": "*a"}, "model", "single *"),
        # a row that is left empty between two tiers does not shift the error to another row
        (
            {"tiers_mode": "volume", "tiers_basis": "tokens", "up_to_0": "5", "rate_0": "1",
             "up_to_2": "4", "rate_2": "1", "rate_3": "1"},
            "up_to_2",
            "more than",
        ),
        (
            {"tiers_mode": "volume", "tiers_basis": "cost", "rate_1": "-101"},
            "rate_1",
            "from -100",
        ),
        (
            {"tiers_mode": "volume", "rate_0": "1", "percentage": "5"},
            "tiers_charge",
            "on_top",
        ),
    ],
)  # fmt: skip
def test_what_the_rules_refuse_is_told_beside_its_field(given, field, words):
    form = read(**given)
    assert form.draft is not None, form.errors
    with pytest.raises(Invalid) as caught:
        check_drafts([form.draft], NOW)
    markup_forms.tell_errors(form, caught.value)
    assert words in form.errors[field], form.errors
    assert form.problem is None


@pytest.mark.parametrize(
    "given",
    [
        {"percentage": Decimal("20.50")},
        {"plan": "business", "module": "m", "provider": "p", "model": "x*", "priority": 5},
        {"per_million": {f"c{n}": Decimal(n) for n in range(1, 12)}},
        {"fixed_per_request": Decimal("1E-7"), "cap_per_request": Decimal("1E+2")},
        {"included": Included(usd=Decimal(5)), "period_minimum": Decimal(0)},
        {
            "tiers": Tiers(
                mode="graduated",
                basis="requests",
                steps=(
                    *(Step(up_to=Decimal(n), per_unit=Decimal("0.01")) for n in range(1, 9)),
                    Step(per_unit=Decimal(1)),
                ),
            )
        },
    ],
)
def test_a_rule_comes_back_from_its_form(given):
    stored = rule(**given)
    form = markup_forms.read_form(markup_forms.form_of(stored).values, BERLIN)
    assert form.errors == {}
    for name, value in given.items():
        assert getattr(form.draft, name) == value


def test_a_rate_for_a_token_is_shown_for_a_million():
    tiers = Tiers(mode="volume", basis="tokens", steps=(Step(per_unit=Decimal("0.000005")),))
    assert markup_forms.form_of(rule(tiers=tiers)).values["rate_0"] == "5"


def test_more_rows_keep_what_was_typed():
    form = markup_forms.add_rows({"component_3": "image", "parts": "4", "steps": "4"}, of="parts")
    assert (form.parts, form.steps) == (8, 4)
    assert (form.opens_parts, form.opens_tiers) == (True, False)
    assert form.values["component_3"] == "image"
    assert markup_forms.add_rows({"steps": "99", "parts": "x" * 9}, of="steps").steps == 100


def test_a_new_form_has_its_parts_folded_away():
    form = markup_forms.blank_form()
    assert (form.opens_parts, form.opens_tiers) == (False, False)
    assert read(tiers_basis="cost", tiers_charge="on_top").opens_tiers is False
    assert read(tiers_mode="volume").opens_tiers is True
    assert read(component_0="a", million_0="1").opens_parts is True


# ---------- words ----------


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "at cost"),
        ({"percentage": Decimal("20.0")}, "cost + 20 %"),
        ({"percentage": Decimal(-50)}, "cost − 50 %"),
        (
            {"fixed_per_request": Decimal("0.01"), "cap_per_request": Decimal(1)},
            "at cost; + $0.01 a request; at most $1 a request",
        ),
        (
            {"per_million": {"input_text": Decimal(5)}, "minimum_per_request": Decimal("0.001")},
            "$5 per million input_text; anything else at cost; at least $0.001 a request",
        ),
        (
            {
                "tiers": Tiers(
                    mode="graduated",
                    basis="tokens",
                    steps=(
                        Step(up_to=Decimal("1E+6"), per_million=Decimal(5)),
                        Step(per_unit=Decimal("0.000003")),
                    ),
                )
            },
            "month: by tokens, each part at its own rate: "
            "$5 per million up to 1,000,000; $0.000003 each beyond",
        ),
        (
            {"included": Included(tokens=Decimal(1000)), "period_minimum": Decimal(99)},
            "at cost; month: 1,000 tokens included; month: at least $99",
        ),
        ({"is_closing": True}, "no longer applies"),
    ],
)
def test_terms_in_words(given, line):
    assert describe_terms(rule(**given)).line == line


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, "in force"),
        ({"valid_to": NOW}, "past"),
        ({"valid_from": datetime(2027, 1, 1, tzinfo=UTC)}, "planned"),
        (
            {
                "valid_from": datetime(2027, 1, 1, tzinfo=UTC),
                "valid_to": datetime(2027, 1, 1, tzinfo=UTC),
            },
            "never valid",
        ),
        ({"is_closing": True}, "ended"),
    ],
)
def test_states(given, state):
    assert state_of(rule(**given), NOW) == state


def test_rules_are_grouped_as_they_win():
    groups = group_rules(
        [
            rule(rule_key="z"),
            rule(rule_key="b", plan="pro"),
            rule(rule_key="a", organization_id=UUID(int=9), organization="acme"),
            rule(rule_key="c", organization_id=UUID(int=9), organization="acme"),
        ],
        NOW,
    )
    assert [(g.title, g.name, [x.rule.rule_key for x in g.lines]) for g in groups] == [
        ("Organization", "acme", ["a", "c"]),
        ("Plan", "pro", ["b"]),
        ("Everybody", None, ["z"]),
    ]
