"""Which rule wins."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.markup.api import MarkupRule, RuleSet, Subject, choose_period_rules, choose_rule
from aihub.markup.rules import is_valid_at, rank

from .making import ACME, DAY, OTHER, START, make_rule, make_subject

EVERYBODY, OF_PLAN, OF_ACME = {}, {"plan": "free"}, {"organization_id": ACME}
MODULE, PROVIDER = {"module": "support"}, {"provider": "openai"}
EXACT, LONG, SHORT = {"model": "gpt-4o"}, {"model": "gpt-4*"}, {"model": "gpt*"}

# each beats every one that comes after it
FROM_BEST_TO_WORST = [
    OF_ACME | MODULE | PROVIDER | EXACT,
    OF_ACME | MODULE | PROVIDER | LONG,
    OF_ACME | MODULE | PROVIDER | SHORT,
    OF_ACME | MODULE | PROVIDER | {"priority": 9},
    OF_ACME | MODULE | PROVIDER,
    OF_ACME | MODULE | EXACT,
    OF_ACME | MODULE,
    OF_ACME | PROVIDER | EXACT,
    OF_ACME | PROVIDER,
    OF_ACME | EXACT,
    OF_ACME,
    OF_PLAN | MODULE | PROVIDER | EXACT,
    OF_PLAN,
    EVERYBODY | MODULE | PROVIDER | EXACT | {"priority": 1000},
    EVERYBODY | {"priority": 2},
    EVERYBODY | {"priority": 1},
]


@pytest.mark.parametrize("first", range(len(FROM_BEST_TO_WORST)))
def test_the_more_specific_wins(first: int) -> None:
    rules = [make_rule(100 - n, **p) for n, p in enumerate(FROM_BEST_TO_WORST)][first:]
    rules += [make_rule(200 + n, **p) for n, p in enumerate(FOREIGN)]
    best = rules[0]
    random.Random(first).shuffle(rules)
    assert choose_rule(RuleSet(rules), make_subject(), START) == best


FOREIGN = [
    {"organization_id": OTHER},
    {"plan": "pro"},
    {"module": "checkout"},
    {"module": "Support"},
    {"provider": "azure"},
    {"model": "gpt-4"},
    {"model": "gpt-4o-*"},
    {"model": "o*"},
    {"organization_id": ACME, "module": "checkout", "provider": "openai", "model": "gpt-4o"},
    {"is_closing": True},
]


@pytest.mark.parametrize("place", FOREIGN)
def test_what_does_not_fit_never_wins(place) -> None:
    assert choose_rule(RuleSet([make_rule(**place)]), make_subject(), START) is None


@pytest.mark.parametrize(
    ("rule", "subject", "fits"),
    [
        ({"provider": "OpenAI"}, {"provider": "openai"}, True),
        ({"provider": "openai"}, {"provider": "OPENAI"}, True),
        ({"model": "GPT-4*"}, {"model": "gpt-4o"}, True),
        ({"model": "gpt-4o*"}, {"model": "gpt-4o"}, True),
        ({"model": "gpt*"}, {"model": None}, False),
        ({"provider": "openai"}, {"provider": None}, False),
        ({}, {"module": None, "provider": None, "model": None}, True),
    ],
)
def test_names(rule, subject, fits) -> None:
    found = choose_rule(RuleSet([make_rule(**rule)]), make_subject(**subject), START)
    assert (found is not None) == fits


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (START - timedelta(microseconds=1), None),
        (START, 1),
        (START + DAY - timedelta(microseconds=1), 1),
        (START + DAY, 2),
        (START + 2 * DAY, None),
        (START + 3 * DAY, 3),
    ],
)
def test_a_version_is_valid_from_its_first_moment_to_before_its_last(at, version) -> None:
    rules = [
        make_rule(1, version=1, valid_to=START + DAY),
        make_rule(2, version=2, valid_from=START + DAY, valid_to=START + 2 * DAY),
        make_rule(3, version=3, valid_from=START + 3 * DAY),
        make_rule(4, version=4, valid_from=START + 4 * DAY, valid_to=START + 4 * DAY),
    ]
    found = choose_rule(RuleSet(rules), make_subject(), at)
    assert (found.version if found else None) == version


def test_of_equals_the_newer_wins() -> None:
    rules = [make_rule(2), make_rule(1), make_rule(3)]
    found = choose_rule(RuleSet(rules), make_subject(), START)
    assert found is not None
    assert found.sequence == 3


# ---------- laws ----------

PLACES = st.fixed_dictionaries(
    {},
    optional={
        "scope": st.sampled_from(["acme", "other", "free", "pro"]),
        "module": st.sampled_from(["support", "checkout"]),
        "provider": st.sampled_from(["openai", "OpenAI", "azure"]),
        "model": st.sampled_from(["gpt-4o", "gpt-4", "gpt*", "gpt-4*", "o*"]),
        "priority": st.integers(-2, 2),
        "hours": st.tuples(st.integers(-5, 5), st.integers(0, 9)),
    },
)
SUBJECTS = st.builds(
    Subject,
    st.sampled_from([ACME, OTHER]),
    st.sampled_from(["free", "pro"]),
    st.sampled_from([None, "support", "checkout"]),
    st.sampled_from([None, "openai", "azure"]),
    st.sampled_from([None, "gpt-4o", "gpt-4", "o1"]),
)


def build(number: int, place: dict) -> MarkupRule:
    scopes = {
        "acme": {"organization_id": ACME},
        "other": {"organization_id": OTHER},
        "free": {"plan": "free"},
        "pro": {"plan": "pro"},
        None: {},
    }
    place = dict(place)
    scope, hours = place.pop("scope", None), place.pop("hours", None)
    times = {}
    if hours is not None:
        start = START + timedelta(hours=hours[0])
        times = {"valid_from": start, "valid_to": start + timedelta(hours=hours[1])}
    return make_rule(number, **place, **scopes[scope], **times)


def fits(rule: MarkupRule, subject: Subject, at: datetime) -> bool:
    """The definition, without an index."""
    model, wanted = (subject.model or "").lower(), (rule.model or "").lower()
    return (
        rule.organization_id in (None, subject.organization_id)
        and rule.plan in (None, subject.plan)
        and rule.module in (None, subject.module)
        and (rule.provider is None or rule.provider.lower() == subject.provider)
        and (
            rule.model is None
            or (subject.model is not None and model == wanted)
            or (
                wanted.endswith("*") and subject.model is not None and model.startswith(wanted[:-1])
            )
        )
        and is_valid_at(rule, at)
    )


@given(
    st.lists(PLACES, max_size=12),
    SUBJECTS,
    st.integers(-6, 15),
    st.randoms(use_true_random=False),
)
def test_one_winner_whatever_the_order(places, subject, hour, chance) -> None:
    rules = [build(number, place) for number, place in enumerate(places)]
    at = START + timedelta(hours=hour)
    expected = max((r for r in rules if fits(r, subject, at)), key=rank, default=None)
    chance.shuffle(rules)
    ruleset = RuleSet(rules)
    assert choose_rule(ruleset, subject, at) == expected
    assert choose_rule(ruleset, subject, at) == expected  # and from what it remembers
    assert len({rank(rule) for rule in rules}) == len(rules)


# ---------- of a month ----------


def test_the_versions_that_count_for_a_month() -> None:
    end = START + 31 * DAY
    rules = [
        make_rule(1, rule_key="used", version=1, valid_to=START + DAY),
        make_rule(2, rule_key="used", version=2, valid_from=START + DAY),
        make_rule(3, rule_key="used", version=3, valid_from=end),
        make_rule(4, rule_key="never-began", valid_to=START),
        make_rule(5, rule_key="own", organization_id=ACME),
        make_rule(6, rule_key="own-before", organization_id=ACME, valid_from=START - DAY,
                  valid_to=START),
        make_rule(7, rule_key="of-other", organization_id=OTHER),
        make_rule(8, rule_key="unused"),
    ]  # fmt: skip
    found = choose_period_rules(RuleSet(rules), ACME, {"used", "never-began"}, START, end)
    assert [(rule.rule_key, rule.version) for rule in found] == [("own", 1), ("used", 2)]


def test_it_remembers_a_bounded_number_of_places(monkeypatch) -> None:
    monkeypatch.setattr("aihub.markup.rules._CACHE_SIZE", 10)
    ruleset = RuleSet([make_rule()])
    for number in range(100):
        assert choose_rule(ruleset, make_subject(UUID(int=number)), START) is not None
    assert len(ruleset._known) <= 10


def test_it_tells_whether_modules_matter() -> None:
    assert not RuleSet([make_rule(1, provider="openai")]).has_modules
    assert RuleSet([make_rule(1), make_rule(2, module="support")]).has_modules
