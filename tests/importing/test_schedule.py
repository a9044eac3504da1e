"""Times: inside the window, in order, never in the future, and the same again next time."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.importing.chat_lines import parse_line
from aihub.importing.schedule import Window, plan_offsets, resolve_window, spread_start
from aihub.kit.ids import datetime_ms

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def parse(*messages):
    return parse_line(json.dumps({"messages": messages}).encode())


@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=300)),
        min_size=1,
        max_size=12,
    )
)
def test_messages_follow_one_another_and_the_same_way_each_time(turns):
    chat = parse(*({"role": role, "content": content} for role, content in turns))
    offsets = plan_offsets(chat)
    assert offsets[0] == 0
    assert all(a < b for a, b in pairwise(offsets))
    assert offsets == plan_offsets(chat)


def test_gaps_are_those_of_people_and_models():
    chat = parse(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is my parcel?"},
        {"role": "assistant", "content": "Let me look. " * 20},
        {"role": "user", "content": "Thank you, and the other one?"},
    )
    offsets = plan_offsets(chat)
    system, user, assistant, again = (b - a for a, b in zip([0, *offsets], offsets, strict=False))
    assert system == 0
    assert 1_000 < assistant < 3_000
    assert 3_000 < user < again < 30_000


@pytest.mark.parametrize("days", [30, 1, 0.001])
def test_conversations_spread_evenly_and_end_in_time(days):
    window = Window(NOW - timedelta(days=days), NOW, 200)
    slot = timedelta(days=days) / 200
    for index in range(200):
        start = spread_start(window, index=index, key=f"k{index}", duration_ms=60_000)
        at = datetime.fromtimestamp(start / 1000, UTC)
        assert at + timedelta(minutes=1) <= NOW
        assert at <= window.start + (index + 1) * slot
        if NOW - at > timedelta(minutes=1):
            assert at >= window.start + index * slot - timedelta(milliseconds=1)


def test_one_that_is_longer_than_the_window_starts_before_it():
    window = Window(NOW - timedelta(seconds=1), NOW, 1)
    assert spread_start(window, index=0, key="k", duration_ms=9_000) == datetime_ms(NOW) - 9_000


@pytest.mark.parametrize(
    ("start", "end", "days", "expected"),
    [
        pytest.param(None, None, 30, (NOW - timedelta(days=30), NOW), id="the last month"),
        pytest.param(None, None, 0.5, (NOW - timedelta(hours=12), NOW), id="half a day"),
        pytest.param(
            None, NOW - timedelta(days=9), 1, (NOW - timedelta(days=10), NOW - timedelta(days=9)),
            id="days before an end",
        ),
        pytest.param(
            NOW - timedelta(days=99), None, 30, (NOW - timedelta(days=99), NOW), id="since"
        ),
    ],
)  # fmt: skip
def test_the_window_of_the_options(start, end, days, expected):
    window = resolve_window(start=start, end=end, days=days, now=NOW, count=3)
    assert (window.start, window.end, window.count) == (*expected, 3)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        pytest.param(NOW, None, "empty", id="no time at all"),
        pytest.param(NOW - timedelta(1), NOW - timedelta(2), "empty", id="backwards"),
        pytest.param(None, NOW + timedelta(1), "future", id="future"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), None, "2000", id="before there were chats"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(start, end, reason):
    with pytest.raises(ValueError, match=reason):
        resolve_window(start=start, end=end, days=30, now=NOW, count=3)
