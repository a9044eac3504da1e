"""Enqueuing, running, failing, and what people do about it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aihub.jobs import api
from aihub.jobs.queue import SETTINGS, WorkerQueries
from aihub.kit.errors import Invalid

from .conftest import depth, effects, enqueue, outcomes, undone, until
from .worker_process import count


async def test_the_tables_are_those_of_the_library(db: Any) -> None:
    """Left out is what the migration says: schedules, and the trigger that would NOTIFY."""
    plan = await WorkerQueries(db).plan_upgrade()
    unwanted = (SETTINGS.schedules_table, SETTINGS.function, SETTINGS.trigger)
    left = [sql for sql in plan.statements if not any(name in sql for name in unwanted)]
    assert left == []
    assert len(plan.statements) == 3
    async with db.read() as connection:
        defaults = await connection.fetch(
            "select table_name, column_name, column_default from information_schema.columns "
            "where table_schema = 'hub' and table_name like 'pgqueuer%'"
        )
    assert {r["column_default"] for r in defaults if r["column_name"] == "attempts"} == {"0"}


async def test_a_job_is_enqueued_with_its_transaction(db: Any, working: Any) -> None:
    async with undone(db) as connection:
        assert await api.enqueue(connection, "count", {"what": "never"})
    made = await enqueue(db, "count", {"what": "once"})
    await working(db, {"count": count})
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == ["once"]
    assert await outcomes(db, made) == ["done"]


async def test_it_works_behind_a_transaction_pooler(pooled_db: Any, working: Any) -> None:
    for n in range(20):
        await enqueue(pooled_db, "count", {"what": f"{n:02}"})
    await working(pooled_db, {"count": count})
    await until(lambda: depth(pooled_db), lambda found: found == {})
    assert await effects(pooled_db) == [f"{n:02}" for n in range(20)]


async def test_a_key_is_there_once_while_its_job_waits_or_runs(db: Any, working: Any) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def wait(run: api.Run) -> None:
        begun.set()
        await end.wait()

    made = await enqueue(db, "wait", dedup_key="k")
    assert made is not None
    assert await enqueue(db, "wait", dedup_key="k") is None
    assert await enqueue(db, "wait", dedup_key="other") is not None
    await working(db, {"wait": wait})
    await begun.wait()
    assert await enqueue(db, "wait", dedup_key="k") is None
    end.set()
    await until(lambda: depth(db), lambda found: found == {})
    assert await enqueue(db, "wait", dedup_key="k") is not None


async def test_a_job_of_later_waits(db: Any, working: Any) -> None:
    now = datetime.now(UTC)
    await enqueue(db, "count", {"what": "later"}, run_at=now + timedelta(hours=1))
    await enqueue(db, "count", {"what": "past"}, run_at=now - timedelta(hours=1))
    await enqueue(db, "count", {"what": "soon"}, run_at=now + timedelta(seconds=0.3))
    await working(db, {"count": count})
    await until(lambda: effects(db), lambda found: found == ["past", "soon"])
    await until(lambda: depth(db), lambda found: found == {"queued": 1})


async def test_jobs_of_other_names_are_left_to_others(db: Any, working: Any) -> None:
    await enqueue(db, "unknown", {})
    await enqueue(db, "count", {"what": "known"})
    await working(db, {"count": count})
    await until(lambda: effects(db), lambda found: found == ["known"])
    await until(lambda: depth(db), lambda found: found == {"queued": 1})


@pytest.mark.parametrize(
    ("error", "runs"),
    [
        (ValueError("no [good]\x00"), ["retrying", "retrying", "failed"]),
        (api.Permanent("never"), ["failed"]),
    ],
)
async def test_errors_are_repeated_up_to_a_limit(
    db: Any, working: Any, error: Exception, runs: list[str]
) -> None:
    async def fail(run: api.Run) -> None:
        async with run.finish() as connection:
            await connection.execute("insert into hub.effects values ('never')")
            raise error

    made = await enqueue(db, "fail", {"a": 1}, dedup_key="k")
    await working(db, {"fail": fail})
    await until(lambda: depth(db), lambda found: found == {"failed": 1})
    assert await outcomes(db, made) == runs
    assert await effects(db) == []
    async with db.read() as connection:
        (job,) = await api.list_jobs(connection, status="failed")
    assert (job.id, job.payload, job.key) == (made, {"a": 1}, "k")
    assert str(error).replace("\x00", "\ufffd") in (job.error or "")


async def test_a_failed_job_begins_anew_by_hand(db: Any, working: Any) -> None:
    is_mended = False

    async def fragile(run: api.Run) -> None:
        if not is_mended:
            raise api.Permanent("not yet")
        await count(run)

    made = await enqueue(db, "fragile", {"what": "mended"}, dedup_key="k")
    await working(db, {"fragile": fragile})
    await until(lambda: depth(db), lambda found: found == {"failed": 1})
    is_mended = True
    assert await enqueue(db, "other", {}, dedup_key="k") is not None
    with pytest.raises(api.JobUnderWay):  # another job of its key waits
        async with db.write() as connection:
            await api.retry_job(connection, made)
    async with db.write() as connection:
        (other,) = await api.list_jobs(connection, name="other")
        with pytest.raises(api.JobUnderWay):
            await api.retry_job(connection, other.id)
        await api.cancel_job(connection, other.id)
        assert (await api.retry_job(connection, made)).status == "queued"
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == ["mended"]
    assert await outcomes(db, made) == ["failed", "done"]
    async with db.write() as connection:
        with pytest.raises(api.JobNotFound):
            await api.retry_job(connection, made)


async def test_a_job_is_cancelled_while_it_runs(db: Any, working: Any) -> None:
    begun = asyncio.Event()
    stopped = asyncio.Event()

    async def long(run: api.Run) -> None:
        begun.set()
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            stopped.set()
            raise

    made = await enqueue(db, "long", {})
    await working(db, {"long": long})
    await begun.wait()
    async with db.write() as connection:
        await api.cancel_job(connection, made)
    await asyncio.wait_for(stopped.wait(), 30)
    assert await depth(db) == {}
    assert await outcomes(db, made) == ["canceled"]


async def test_a_cancelled_job_commits_nothing(db: Any, working: Any) -> None:
    async def stubborn(run: api.Run) -> None:
        async with db.write() as connection:
            await api.cancel_job(connection, run.job_id)
        await count(run)

    made = await enqueue(db, "stubborn", {"what": "never"})
    await working(db, {"stubborn": stubborn})
    await until(lambda: outcomes(db, made), lambda found: found == ["canceled"])
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == []


async def test_a_worker_that_stops_gives_its_jobs_back(db: Any, working: Any) -> None:
    begun = asyncio.Event()

    async def endless(run: api.Run) -> None:
        if run.attempt == 1:
            begun.set()
            await asyncio.sleep(3_600)
        await count(run)

    made = await enqueue(db, "endless", {"what": "finished by another"})
    first = await working(db, {"endless": endless})
    await begun.wait()
    await first.stop()
    assert await depth(db) == {"queued": 1}
    assert await outcomes(db, made) == ["stopped"]
    await working(db, {"endless": endless})
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == ["finished by another"]


async def test_status_tells_of_workers_and_depths(db: Any, working: Any) -> None:
    await enqueue(db, "unknown", {})
    worker = await working(db, {"count": count}, (api.Schedule("daily", "0 6 * * *"),))

    async def status() -> api.Status:
        async with db.read() as connection:
            return await api.show_status(connection)

    found = await until(status, lambda s: bool(s.workers and s.schedules))
    assert [w.id for w in found.workers] == [worker.id]
    assert found.workers[0].names == ("count",)
    assert [(d.name, d.status, d.jobs) for d in found.depths] == [("unknown", "queued", 1)]
    assert [(s.name, s.next_run_at.hour) for s in found.schedules] == [("daily", 6)]
    await worker.stop()
    assert (await status()).workers == ()


@pytest.mark.parametrize(("name", "payload"), [("", {}), ("big", {"a": "x" * 1_000_001})])
async def test_what_cannot_be_enqueued(db: Any, name: str, payload: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await enqueue(db, name, payload)
