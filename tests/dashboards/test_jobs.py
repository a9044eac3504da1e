"""Work beside requests: bounded, found again, and its failures told."""

import asyncio

import pytest

from aihub.dashboards.jobs import Busy, Jobs
from aihub.kit.errors import AppError, Invalid


async def finish(job):
    for _ in range(1_000):
        if not job.is_running:
            return job
        await asyncio.sleep(0)
    raise AssertionError("the job did not end")


async def test_a_job_tells_how_far_it_is_and_what_it_found():
    jobs = Jobs(at_once=1, kept=5)
    gate = asyncio.Event()

    async def work(job):
        job.tell(3, 10)
        await gate.wait()
        return "found"

    job = jobs.start("a", work, started_by="olga")
    await asyncio.sleep(0)
    assert (job.done, job.total, job.is_running) == (3, 10, True)
    assert jobs.running() is job
    with pytest.raises(Busy):
        jobs.start("b", work, started_by="olga")
    gate.set()
    assert (await finish(job)).result == "found"
    assert jobs.find(job.id) is job
    assert jobs.running() is None


async def test_one_of_a_key_and_so_many_at_once():
    jobs = Jobs(at_once=2, kept=5)
    gate = asyncio.Event()
    first = jobs.start("a", lambda _: gate.wait(), started_by="x")
    with pytest.raises(Busy):
        jobs.start("a", lambda _: gate.wait(), started_by="x")
    jobs.start("b", lambda _: gate.wait(), started_by="x")
    with pytest.raises(Busy):
        jobs.start("c", lambda _: gate.wait(), started_by="x")
    assert jobs.latest("a") is first
    assert jobs.latest("c") is None
    await jobs.stop()
    assert first.is_running is False


@pytest.mark.parametrize("error", [Invalid("no"), ValueError("a secret of the inside")])
async def test_a_failure_is_told_but_not_its_inside(error):
    async def work(_):
        raise error

    job = await finish(Jobs(at_once=1, kept=1).start("a", work, started_by="x"))
    assert isinstance(job.error, AppError)
    assert "secret" not in job.error.detail
    assert job.result is None


async def test_only_the_last_are_kept():
    jobs = Jobs(at_once=1, kept=2)

    async def work(_):
        return 1

    made = [await finish(jobs.start(f"{n}", work, started_by="x")) for n in range(5)]
    kept = [job for job in made if jobs.find(job.id) is not None]
    assert kept[-1] is made[-1]
    assert len(kept) <= 3
