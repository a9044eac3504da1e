"""The trickle: new events in order at the time they happen, and a clean end."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from aihub.demo.trickle import Trickle, run_trickle

NOW = datetime(2026, 5, 20, 12, 34, 56, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        self.now += timedelta(milliseconds=700)
        return self.now


async def test_conversations_run_beside_one_another_in_order(store):
    clock = Clock()
    trickle = Trickle(Random(1), clock=clock)
    for _ in range(600):
        organization, events = trickle.next_events()
        assert {r.status for r in await store(organization, events)} == {201}
        assert sum(e["type"] == "message" and e["body"]["role"] != "system" for e in events) <= 1
    kinds = Counter(event["type"] for event in store.events.values())
    assert kinds["message"] >= 600
    assert kinds["conversation"] > 40
    assert kinds["transition"] > 30
    assert kinds["feedback"] > 5
    assert len(set(store.organizations.values())) == 3
    assert 3 <= sum(status == "active" for status in store.status.values()) < 40


async def run_until(store, enough):
    """Run the trickle without pauses; stop it after the call that makes `enough()` true."""
    stop = asyncio.Event()

    async def watched(organization, events):
        results = await store(organization, events)
        if enough():
            stop.set()
        return results

    async with asyncio.timeout(10):
        return await run_trickle(
            watched, stop=stop, trickle=Trickle(Random(2)), mean_seconds=0, retry_seconds=0
        )


async def test_it_runs_until_it_is_stopped(store):
    stored = await run_until(store, lambda: len(store.events) > 50)
    assert stored == len(store.events) > 50
    times = [datetime.fromisoformat(m["created_at"]) for m in store.list_bodies("message")]
    assert max(times) <= datetime.now(UTC)


async def test_a_long_pause_is_left_when_it_is_stopped(store):
    stop, began = asyncio.Event(), asyncio.Event()

    async def watched(organization, events):
        began.set()
        return await store(organization, events)

    running = asyncio.create_task(
        run_trickle(watched, stop=stop, trickle=Trickle(Random(3)), mean_seconds=3_600)
    )
    await began.wait()
    for _ in range(5):
        await asyncio.sleep(0)  # it goes on into its pause
    stop.set()
    assert await asyncio.wait_for(running, 10) == len(store.events)


@pytest.mark.parametrize(
    "fault", [ConnectionResetError("gone"), 503], ids=["connection lost", "database away"]
)
async def test_nothing_is_lost_while_the_store_is_away(store, fault):
    store.fail_with = [fault] * 5
    stored = await run_until(store, lambda: len(store.events) > 30)
    assert store.fail_with == []
    assert stored == len(store.events)
    assert next(iter(store.events.values()))["type"] == "conversation"


async def test_a_fault_that_does_not_pass_is_raised(store):
    store.fail_with = [LookupError("no such organization")]
    with pytest.raises(LookupError):
        await run_trickle(store, stop=asyncio.Event(), trickle=Trickle(Random(4)))


async def test_a_refused_event_does_not_end_it(store, caplog):
    store.fail_with = [422]
    stored = 0

    async def tolerant(organization, events):
        nonlocal stored
        if store.fail_with:
            return await store(organization, events)
        stored += len(events)
        return [type("Stored", (), {"status": 201, "error": None})() for _ in events]

    assert await run_until(tolerant, lambda: stored > 20) == stored
    assert "refused" in caplog.text
