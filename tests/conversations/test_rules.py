"""Decisions that need no database."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.conversations.rules import ACTIONS, check_id, check_time, find_time, plan_stages
from aihub.conversations.service import parse_bound
from aihub.kit.errors import Invalid
from aihub.kit.ids import uuid7_at, uuid7_time

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

writes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40)


@settings(deadline=None)
@given(writes)
def test_writes_of_one_owner_keep_their_order(items: list[tuple[int, int]]) -> None:
    by_owner = defaultdict(list)
    for (owner, _), stage in zip(items, plan_stages(items), strict=True):
        by_owner[owner].append(stage)
    for stages in by_owner.values():
        assert all(before <= after for before, after in pairwise(stages))


@settings(deadline=None)
@given(writes)
def test_a_stage_holds_one_kind(items: list[tuple[int, int]]) -> None:
    for (_, rank), stage in zip(items, plan_stages(items), strict=True):
        assert stage[1] == rank


@settings(deadline=None)
@given(writes)
def test_nobody_waits_for_another_owner(items: list[tuple[int, int]]) -> None:
    stages = plan_stages(items)
    for owner in range(4):
        own = [n for n, (name, _) in enumerate(items) if name == owner]
        assert [stages[n] for n in own] == list(plan_stages([items[n] for n in own]))


@settings(deadline=None)
@given(writes)
def test_there_are_no_more_rounds_than_needed(items: list[tuple[int, int]]) -> None:
    ranks = defaultdict(list)
    for owner, rank in items:
        ranks[owner].append(rank)
    needed = [sum(b < a for a, b in pairwise(own)) for own in ranks.values()]
    assert max((turn for turn, _ in plan_stages(items)), default=0) == max(needed, default=0)


def test_every_action_has_its_way_back() -> None:
    reached = {to for moves in ACTIONS.values() for to in moves.values()}
    left = {status for moves in ACTIONS.values() for status in moves}
    assert reached == left == {"active", "paused", "completed", "archived"}


@pytest.mark.parametrize(
    "at",
    [
        datetime(2020, 1, 1, tzinfo=UTC),
        NOW,
        NOW + 24 * HOUR,
        datetime(2026, 6, 1, 14, tzinfo=timezone(2 * HOUR)),
    ],
)
def test_acceptable_times_are_told_in_utc(at: datetime) -> None:
    checked = check_time(at, now=NOW, field="at")
    assert (checked, checked.tzinfo) == (at, UTC)
    assert find_time(check_id(uuid7_at(at), now=NOW)) == at


@pytest.mark.parametrize(
    "at",
    [
        datetime(2020, 1, 1, tzinfo=UTC) - timedelta(microseconds=1_000),
        NOW + 24 * HOUR + timedelta(microseconds=1_000),
        datetime.min.replace(tzinfo=timezone(14 * HOUR)),
        datetime.max.replace(tzinfo=timezone(-14 * HOUR)),
        datetime(2026, 1, 1),  # noqa: DTZ001 - that is the point
    ],
)
def test_other_times_are_refused(at: datetime) -> None:
    with pytest.raises(Invalid) as told:
        check_time(at, now=NOW, field="created_at")
    assert told.value.errors[0].field == "created_at"


@settings(deadline=None)
@given(st.uuids())
def test_ids_of_any_kind_have_a_time_or_none(id_: UUID) -> None:
    found = find_time(id_)
    assert found is None or found == uuid7_time(id_)


def test_no_other_version_has_a_time() -> None:
    assert find_time(uuid4()) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T12:00:00Z", NOW),
        ("2026-06-01T12:00:00", NOW),
        ("2026-06-01T14:00:00+02:00", NOW),
        ("2026-06-01T14:00:00 02:00", NOW),  # a plus that nobody encoded
        ("2026-06-01T12:00:00.000001Z", NOW + timedelta(microseconds=1)),
    ],
)
def test_bounds_are_dates_or_times(text: str, at: datetime) -> None:
    assert parse_bound(text, "from") == at
