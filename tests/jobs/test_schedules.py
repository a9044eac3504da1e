"""Calendars, what is missed, and several who keep one schedule."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aihub.jobs import api, rules, service
from aihub.kit.errors import Invalid

from .conftest import depth, enqueue, until


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES = [
    # cron, zone, after, next
    ("0 6 * * *", "UTC", "2026-11-27 05:59", "2026-11-27 06:00"),
    ("0 6 * * *", "UTC", "2026-11-27 06:00", "2026-11-28 06:00"),
    ("0 6 * * *", "Asia/Kolkata", "2026-11-27 00:00", "2026-11-27 00:30"),
    ("0 6 * * *", "Asia/Kathmandu", "2026-11-27 00:00", "2026-11-27 00:15"),
    ("*/15 * * * *", "UTC", "2026-11-27 05:59", "2026-11-27 06:00"),
    ("30 7 * * 1", "UTC", "2026-11-27 00:00", "2026-11-30 07:30"),
    ("0 0 29 2 *", "UTC", "2026-11-27 00:00", "2028-02-29 00:00"),
    # 02:30 does not exist on the day the clocks are put forward: an hour later
    ("30 2 * * *", "America/New_York", "2026-03-08 05:00", "2026-03-08 07:30"),
    ("30 2 * * *", "America/New_York", "2026-03-08 07:30", "2026-03-09 06:30"),
    # 01:30 comes twice on the day they are put back: the first time counts
    ("30 1 * * *", "America/New_York", "2026-11-01 05:00", "2026-11-01 05:30"),
    ("30 1 * * *", "America/New_York", "2026-11-01 05:30", "2026-11-02 06:30"),
    ("0 6 * * *", "America/New_York", "2026-10-31 12:00", "2026-11-01 11:00"),
    ("0 6 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 04:00"),
    ("0 6 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-03 19:00"),
    # midnight itself is left out there
    ("0 0 * * *", "Africa/Cairo", "2026-04-23 12:00", "2026-04-23 22:00"),
]


@pytest.mark.parametrize(("cron", "zone", "after", "expected"), CASES)
def test_the_next_time(cron: str, zone: str, after: str, expected: str) -> None:
    assert rules.next_time(api.Schedule("x", cron, zone), at(after)) == at(expected)


@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        ("2026-11-27 06:00", "2026-11-27 06:00", ("2026-11-27 06:00", "2026-11-27 07:00")),
        ("2026-11-27 06:00", "2026-11-27 06:59", ("2026-11-27 06:00", "2026-11-27 07:00")),
        ("2026-11-25 06:00", "2026-11-27 06:59", ("2026-11-27 06:00", "2026-11-27 07:00")),
    ],
)
def test_what_was_missed_comes_as_one(due: str, now: str, expected: tuple[str, str]) -> None:
    hourly = api.Schedule("x", "0 * * * *")
    assert rules.latest_time(hourly, at(due), at(now)) == tuple(at(text) for text in expected)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("", "UTC"),
        ("* * * *", "UTC"),
        ("61 * * * *", "UTC"),
        ("0 6 * * * *", "UTC"),
        ("0 6 * * *", "Mars/Olympus"),
        ("0 6 * * *", "../etc/passwd"),
    ],
)
def test_what_is_no_schedule(cron: str, zone: str) -> None:
    with pytest.raises(Invalid):
        rules.check_schedule(api.Schedule("x", cron, zone))


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 10), (2, 20), (7, 640), (8, 900), (5_000, 900)]
)
def test_pauses_grow(attempts: int, seconds: int) -> None:
    assert rules.retry_delay(attempts, api.WorkerOptions()) == timedelta(seconds=seconds)


HOURLY = api.Schedule("hourly", "0 * * * *", payload={"a": 1})
OFF = api.Schedule("off", "0 * * * *", is_enabled=False)


async def _keep(db: Any, now: str, *schedules: api.Schedule) -> None:
    async with db.write() as connection:
        await service.keep_schedules(connection, schedules, at(now))


async def _enqueue_due(db: Any, now: str, *schedules: api.Schedule) -> list[str]:
    async with db.write() as connection:
        return await service.enqueue_due(connection, schedules, at(now))


async def _jobs(db: Any) -> list[api.Job]:
    async with db.read() as connection:
        return await api.list_jobs(connection)


async def test_a_hub_that_was_down_catches_up_once(db: Any) -> None:
    await _keep(db, "2026-11-25 06:30", HOURLY, OFF)
    assert await _enqueue_due(db, "2026-11-25 06:59", HOURLY, OFF) == []
    await _keep(db, "2026-11-27 09:10", HOURLY, OFF)  # started anew: what was due stays due
    assert await _enqueue_due(db, "2026-11-27 09:10", HOURLY, OFF) == ["hourly"]
    assert await _enqueue_due(db, "2026-11-27 09:59", HOURLY, OFF) == []
    (job,) = await _jobs(db)
    assert job.payload == {"a": 1, "scheduled_for": "2026-11-27T09:00:00+00:00"}


async def test_nothing_is_enqueued_while_the_one_before_waits(db: Any) -> None:
    await _keep(db, "2026-11-27 06:30", HOURLY)
    assert await _enqueue_due(db, "2026-11-27 07:00", HOURLY) == ["hourly"]
    assert await _enqueue_due(db, "2026-11-27 08:00", HOURLY) == []
    assert len(await _jobs(db)) == 1


async def test_a_schedule_that_is_changed_begins_anew(db: Any) -> None:
    await _keep(db, "2026-11-27 06:30", HOURLY)
    daily = api.Schedule("hourly", "0 12 * * *", "Asia/Tokyo")
    await _keep(db, "2026-11-27 06:30", daily)
    assert await _enqueue_due(db, "2026-11-27 07:00", daily) == []
    assert await _enqueue_due(db, "2026-11-28 03:00", daily) == ["hourly"]


async def test_many_who_keep_one_schedule_enqueue_once(db: Any) -> None:
    schedules = [api.Schedule(f"s{n}", "0 * * * *") for n in range(5)]
    await _keep(db, "2026-11-27 06:30", *schedules)
    found = await asyncio.gather(
        *(_enqueue_due(db, "2026-11-27 07:00", *schedules) for _ in range(8))
    )
    assert sorted(name for names in found for name in names) == [f"s{n}" for n in range(5)]
    assert len(await _jobs(db)) == 5


async def test_workers_carry_out_what_is_due(db: Any, working: Any) -> None:
    seen: list[datetime | None] = []

    async def handle(run: api.Run) -> None:
        seen.append(run.scheduled_for)

    await _keep(db, "2026-11-20 06:30", HOURLY)
    for _ in range(3):
        await working(db, {"hourly": handle}, (HOURLY,))
    await until(lambda: depth(db), lambda _: bool(seen))
    await until(lambda: depth(db), lambda found: found == {})
    assert len(seen) == 1
    assert seen[0] is not None
    assert timedelta(0) <= datetime.now(UTC) - seen[0] <= timedelta(hours=1)
    assert await enqueue(db, "hourly", {}, dedup_key="schedule:hourly") is not None
