"""Clocks that jump: those of clients, by the times and ids they send, and the hub's own, by what
it makes for months that are far away."""

import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aihub.kit import ids

from .processes import Api

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC),
        NOW - timedelta(days=400),
        NOW + timedelta(hours=23),
    ],
    ids=["oldest", "leap day", "over a year ago", "tomorrow"],
)
def test_times_of_another_month_find_their_partition(api: Api, at: datetime) -> None:
    """A client whose clock is wrong: its conversation is stored, found by id, and in lists."""
    given = str(ids.uuid7_at(at))
    made = api("POST", "/v1/conversations", json={"user_id": "u", "id": given})
    assert made.status_code == 201, made.text
    message_id = str(ids.uuid7_at(at + timedelta(seconds=1)))
    for expected in (201, 200):  # once more: known by its id
        body = {"content": "hi", "model": "gpt-4", "tokens": 150, "id": message_id}
        answer = api("POST", f"/v1/conversations/{given}/messages", json=body)
        assert answer.status_code == expected, answer.text
    found = api("GET", f"/v1/conversations/{given}").json()
    assert (found["message_count"], found["total_tokens"]) == (1, 150)
    day = at.date()
    listed = api.pages(f"/v1/conversations?from={day}&to={day + timedelta(days=1)}")
    assert given in {c["id"] for c in listed}


@pytest.mark.parametrize("days", [2, 200, 40_000, -4_000])
def test_times_beyond_reason_are_refused(api: Api, days: int) -> None:
    at = NOW + timedelta(days=days)
    for body in (
        {"user_id": "u", "id": str(ids.uuid7_at(at))},
        {"user_id": "u", "started_at": at.isoformat()},
    ):
        answer = api("POST", "/v1/conversations", json=body)
        assert answer.status_code == 422, answer.text
        assert "2020-01-01" in answer.json()["detail"]


def test_messages_keep_their_order_when_a_clock_goes_back(api: Api) -> None:
    conversation = api("POST", "/v1/conversations", json={"user_id": "u"}).json()["id"]
    for n, hours in enumerate([0, 5, -700, -3, 23, -20_000]):
        at = datetime.now(UTC) + timedelta(hours=hours)
        body = {"content": f"{n}", "created_at": at.isoformat(), "id": str(ids.uuid7_at(at))}
        answer = api("POST", f"/v1/conversations/{conversation}/messages", json=body)
        assert answer.status_code == 201, answer.text
    messages = api.messages(conversation)
    assert [m["content"] for m in messages] == ["0", "1", "2", "3", "4", "5"]
    assert [m["seq"] for m in messages] == [1, 2, 3, 4, 5, 6]


def test_ids_stay_unique_while_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each id is its own, whatever the clock says, also between threads; while it goes on they
    grow."""
    jumps = [0, 3_600, -3_600, -86_400 * 200, 86_400 * 200, -1, 1, 0]
    real = time.time_ns
    shift = 0
    monkeypatch.setattr(time, "time_ns", lambda: real() + shift * 1_000_000_000)
    made: list[UUID] = []

    def make() -> None:
        made.extend([ids.uuid7() for _ in range(2_000)])

    for jump in jumps:
        shift = jump
        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        alone = [ids.uuid7() for _ in range(500)]
        assert alone == sorted(alone)
        assert abs(ids.uuid7_ms(alone[-1]) - time.time_ns() // 1_000_000) < 5_000
        made += alone
    assert len(set(made)) == len(made) == len(jumps) * 8_500
