"""The sample month: the same each time, in order, never in the future, and lively."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from aihub.demo.filling import fill_month
from aihub.demo.generator import generate_events
from aihub.demo.organizations import BRIGHTCARE, KUMO, NORTHWIND, ORGANIZATIONS

NOW = datetime(2026, 5, 20, 12, 34, 56, tzinfo=UTC)
TIMES = ("started_at", "created_at", "occurred_at", "at")


def list_events(organization=KUMO, **options):
    return list(generate_events(organization, **{"now": NOW, "days": 5, **options}))


def find_time(event):
    return datetime.fromisoformat(next(event["body"][t] for t in TIMES if t in event["body"]))


@pytest.fixture(scope="module")
def month():
    """Everything of a whole month, by organization."""
    return {o.id: list(generate_events(o, now=NOW)) for o in ORGANIZATIONS}


def select(month, kind, organization=None):
    return [
        event["body"]
        for name, events in month.items()
        for event in events
        if event["type"] == kind and organization in (None, name)
    ]


@pytest.mark.parametrize("organization", ORGANIZATIONS, ids=lambda o: o.id)
def test_the_same_seed_makes_the_same_month(organization):
    assert list_events(organization) == list_events(organization)
    assert list_events(organization) != list_events(organization, seed="another")


def test_a_later_run_repeats_the_days_both_have():
    first = {e["id"]: e for e in list_events(days=9)}
    later = {e["id"]: e for e in list_events(days=9, now=NOW + timedelta(days=2))}
    shared = first.keys() & later.keys()
    assert len(shared) > len(first) / 2
    assert all(first[i] == later[i] for i in shared)
    since = NOW - timedelta(days=7)
    started = {e["id"] for e in first.values() if e["type"] == "conversation"}
    kept = {i for i in started if find_time(first[i]) >= since}
    assert kept <= later.keys()


@pytest.mark.parametrize("hours", range(0, 24, 5))
async def test_any_now_gives_legal_histories_without_a_future(store, hours):
    now = NOW + timedelta(hours=hours)
    report = await fill_month(store, now=now, days=4)
    assert (report.refused, report.problems) == (0, [])
    assert report.stored.total() == len(store.events)
    assert store.first_types == {"conversation"}  # no conversation is torn between two calls
    times = [find_time(event) for event in store.events.values()]
    assert now - timedelta(days=4) <= min(times)
    assert max(times) <= now


async def test_filling_twice_adds_nothing(store):
    await fill_month(store, now=NOW, days=3, scale=0.3)
    before = len(store.events)
    await fill_month(store, now=NOW, days=3, scale=0.3)
    assert len(store.events) == before > 0


async def test_what_is_refused_is_told(store):
    store.fail_with = [422]
    report = await fill_month(store, now=NOW, days=2, scale=0.2, organizations=[BRIGHTCARE])
    assert report.refused > 0
    assert report.stored.total() == 0
    assert "away" in report.problems[0]


@pytest.mark.parametrize("scale", [0.0, 0.05, 0.5, 2.0])
def test_scale_multiplies_the_conversations(scale):
    def count(scale):
        events = list_events(scale=scale, days=20)
        return sum(event["type"] == "conversation" for event in events)

    assert math.isclose(count(scale), scale * count(1.0), rel_tol=0.3, abs_tol=10)


def test_the_month_has_its_size(month):
    conversations = {o: len(select(month, "conversation", o)) for o in month}
    assert 1_200 <= sum(conversations.values()) <= 1_800
    assert 10_000 <= len(select(month, "message")) <= 14_000
    assert conversations[BRIGHTCARE.id] < conversations[NORTHWIND.id] < conversations[KUMO.id]


def test_everything_that_a_dashboard_shows_occurs(month):
    messages = select(month, "message")
    conversations = select(month, "conversation")
    assert {c["metadata"]["language"] for c in conversations} == {
        "ar", "de", "en", "es", "fr", "hi", "ja", "pt"
    }  # fmt: skip
    assert {c["source"] for c in conversations} == {"web", "mobile", "api"}
    assert {m["role"] for m in messages} == {"system", "user", "assistant", "tool"}
    assert {m["error"] for m in messages if "error" in m} == {
        "provider_timeout",
        "rate_limit_exceeded",
        "content_filter",
    }
    models = Counter(m["model"] for m in messages if "model" in m)
    assert len(models) == 10
    assert 0 < models["nimbus-13b-instruct"] < sum(models.values()) / 30
    for organization in ORGANIZATIONS:
        own = select(month, "conversation", organization.id)
        assert {c["module"] for c in own} == set(organization.modules)
    assert select(month, "call", KUMO.id)
    assert {t["action"] for t in select(month, "transition")} == {"complete", "pause", "archive"}


def test_about_a_quarter_is_rated_and_failures_cost_points(month):
    ratings = select(month, "feedback")
    assert 0.2 < len(ratings) / len(select(month, "conversation")) < 0.32
    assert all(0 <= r["score"] <= 5 for r in ratings)
    assert {r["score"] for r in ratings} >= {1, 2, 3, 4, 5}
    assert 0.4 < sum("comment" in r for r in ratings) / len(ratings) < 0.7
    failed = {m["conversation_id"] for m in select(month, "message") if "error" in m}
    bad, good = ([r["score"] for r in ratings if (r["conversation_id"] in failed) == is_bad]
                 for is_bad in (True, False))  # fmt: skip
    assert sum(bad) / len(bad) < sum(good) / len(good) - 0.5


def test_people_come_back_in_their_language(month):
    languages = {}
    for conversation in select(month, "conversation", KUMO.id):
        languages.setdefault(conversation["user_id"], []).append(
            conversation["metadata"]["language"]
        )
    assert all(len(set(spoken)) == 1 for spoken in languages.values())
    visits = sorted(map(len, languages.values()))
    assert visits[0] == 1
    assert visits[-1] >= 8


def test_days_and_weeks_have_their_rhythm_in_local_time(month):
    starts = [
        datetime.fromisoformat(c["started_at"]).astimezone(ZoneInfo(BRIGHTCARE.time_zone))
        for c in select(month, "conversation", BRIGHTCARE.id)
    ]
    assert sum(8 <= at.hour < 17 for at in starts) > 0.7 * len(starts)
    assert sum(at.hour < 5 for at in starts) == 0
    weekend = sum(at.weekday() >= 5 for at in starts)
    assert 0 < weekend / 8 < (len(starts) - weekend) / 22 / 2


def test_lengths_vary(month):
    lengths = Counter(m["conversation_id"] for m in select(month, "message") if m["role"] == "user")
    assert min(lengths.values()) == 1
    assert 15 <= max(lengths.values()) <= 20


def test_usage_adds_up_in_every_form(month):
    forms = Counter()
    for message in select(month, "message"):
        usage = message.get("usage")
        if usage is None:
            forms["tokens" in message, message["role"] == "assistant"] += 1
        elif "prompt_tokens" in usage:
            forms["openai"] += 1
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
            assert usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
            assert (
                usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]
            )
        elif "cache_creation" in usage:
            forms["anthropic"] += 1
            parts = usage["cache_creation"]
            assert sum(parts.values()) == usage["cache_creation_input_tokens"] >= 0
            assert usage["input_tokens"] >= 0
        else:
            forms["normalised"] += 1
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert min(forms["openai"], forms["anthropic"], forms["normalised"]) > 100
    assert forms[True, True] > 10
    cached = [
        m for m in select(month, "message")
        if m.get("usage", {}).get("prompt_tokens_details", {}).get("cached_tokens")
    ]  # fmt: skip
    assert len(cached) > 200


def test_tool_calls_have_their_answers(month):
    calls = [c["id"] for m in select(month, "message") for c in m.get("tool_calls", ())]
    answers = [m["metadata"]["tool_call_id"] for m in select(month, "message")
               if m["role"] == "tool"]  # fmt: skip
    assert len(calls) > 300
    assert len(set(calls)) == len(calls)
    assert set(answers) <= set(calls)
    assert len(calls) - len(answers) <= 2  # the latest conversations are unfinished


def test_every_failed_call_is_tried_again(month):
    for events in month.values():
        messages = [e["body"] for e in events if e["type"] == "message"]
        for message, after in pairwise(messages):
            if "error" in message and after["conversation_id"] == message["conversation_id"]:
                assert after["role"] == "assistant"
                assert "usage" not in message
