"""Workers that are killed, that hang, and many of them: nothing is lost, nothing is doubled."""

import asyncio
import signal
from typing import Any

import asyncpg
import pytest

from aihub.jobs import api

from .conftest import depth, effects, enqueue, outcomes, until
from .worker_process import count, slow

pytestmark = pytest.mark.fault

_BREAK = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aihub'"


async def _begun(process: Any) -> str:
    """What a process says when its job has begun."""
    return (await asyncio.to_thread(process.stdout.readline)).strip()


async def test_killed_in_the_middle_of_its_transaction(
    db: Any, working: Any, worker_process: Any
) -> None:
    process = worker_process("first")
    made = await enqueue(db, "slow", {"what": "once", "seconds": 3_600})
    assert await _begun(process) == "once"
    process.kill()
    await working(db, {"slow": slow})
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == ["once"]
    assert await outcomes(db, made) == ["lost", "done"]


async def test_killed_between_its_commit_and_the_queue(
    db: Any, working: Any, worker_process: Any
) -> None:
    process = worker_process("first")
    made = await enqueue(db, "after", {"what": "once"})
    assert await _begun(process) == "once"
    process.kill()
    await working(db, {"after": slow})
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == ["once"]
    assert await outcomes(db, made) == ["done"]


async def test_one_that_hangs_is_overtaken_and_commits_nothing(
    db: Any, working: Any, worker_process: Any
) -> None:
    process = worker_process("first")
    made = await enqueue(db, "hang", {"what": "once", "seconds": 6})
    assert await _begun(process) == "once"
    await working(db, {"hang": count})
    await until(lambda: depth(db), lambda found: found == {})
    assert await _begun(process) == "once"  # awake again, and about to commit
    await asyncio.sleep(1)
    assert await effects(db) == ["once"]
    assert await outcomes(db, made) == ["lost", "done"]


async def test_one_that_is_stopped_and_wakes_disturbs_nobody(
    db: Any, working: Any, worker_process: Any
) -> None:
    process = worker_process("first")
    made = await enqueue(db, "slow", {"what": "once", "seconds": 3_600})
    assert await _begun(process) == "once"
    process.send_signal(signal.SIGSTOP)
    # its transaction holds the run's row: nobody can tell whether it will commit, so all wait
    await asyncio.sleep(3)
    await working(db, {"slow": slow})
    await asyncio.sleep(1)
    assert await effects(db) == []
    process.kill()
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == ["once"]
    assert await outcomes(db, made) == ["lost", "done"]


async def test_a_job_that_kills_its_workers_is_given_up(
    db: Any, working: Any, worker_process: Any
) -> None:
    made = await enqueue(db, "deadly", {"what": "poison"})
    for n in range(3):
        process = worker_process(f"victim {n}")
        assert await _begun(process) == "poison"
        assert await asyncio.to_thread(process.wait) == -signal.SIGKILL
    await working(db, {"deadly": count})
    await until(lambda: depth(db), lambda found: found == {"failed": 1})
    assert await outcomes(db, made) == ["lost", "lost", "lost", "failed"]
    assert await effects(db) == []


async def test_several_workers_share_while_some_are_killed(
    db: Any, working: Any, worker_process: Any
) -> None:
    wanted = [f"{n:03}" for n in range(150)]
    processes = [worker_process(f"process {n}") for n in range(3)]
    for what in wanted:
        await enqueue(db, "slow", {"what": what, "seconds": 0.05})
    for process in processes:
        await _begun(process)
    processes[0].kill()
    await until(lambda: effects(db), lambda found: len(found) > 40)
    processes[1].kill()
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == wanted
    async with db.read() as connection:
        rows = await connection.fetch("select worker from hub.effects")
        ends = await connection.fetch(
            "select job_id from hub.job_runs where outcome = 'done' group by 1 having count(*) > 1"
        )
    assert {"process 1", "process 2"} <= {row["worker"] for row in rows}
    assert ends == []


async def test_a_database_that_goes_away_makes_no_job_fail(db: Any, working: Any, dsn: str) -> None:
    begun, broken = asyncio.Event(), asyncio.Event()

    async def two(run: api.Run) -> None:
        if run.attempt == 1:
            begun.set()
            await broken.wait()
        await count(run)

    made = [await enqueue(db, "two", {"what": f"{n:02}"}) for n in range(12)]
    await working(db, {"two": two})
    await begun.wait()
    other = await asyncpg.connect(dsn, server_settings={"application_name": "breaker"})
    for _ in range(5):
        await other.execute(_BREAK)
        await asyncio.sleep(0.1)
    broken.set()
    await other.execute(_BREAK)
    await other.close()
    await until(lambda: depth(db), lambda found: found == {})
    assert await effects(db) == [f"{n:02}" for n in range(12)]
    for job in made:
        assert (await outcomes(db, job))[-1] == "done"
