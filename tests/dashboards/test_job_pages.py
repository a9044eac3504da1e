"""The page of the jobs, over the real queue and a real worker."""

import asyncio
import csv
import io
import re

import pytest

from aihub.dashboards.job_pages import tell_times
from aihub.jobs import api as jobs

POSTS = ("retry", "cancel")


@pytest.fixture
async def olga(nobody):
    await nobody.sign_in("olga")
    await nobody.view("kumo-shop")
    return nobody


async def fail(_run):
    raise jobs.Permanent("the <b>cable</b> is cut")


async def put(db, name, **more):
    async with db.write() as connection:
        return await jobs.enqueue(connection, name, {"a": "<i>"}, **more)


async def run_until_failed(db, name, job):
    worker = jobs.Worker(db, {name: fail}, [jobs.Schedule("nightly", "0 3 * * *", "Asia/Tokyo")])
    worker.start()
    try:
        async with asyncio.timeout(20):
            while True:
                async with db.read() as connection:
                    found = await jobs.list_jobs(connection, status="failed", name=name)
                if [one for one in found if one.id == job]:
                    return
                await asyncio.sleep(0.05)
    finally:
        await worker.stop()


async def test_a_failed_job_is_told_tried_again_and_taken_out(olga, db, check):
    job = await put(db, "page.fails")
    await run_until_failed(db, "page.fails", job)
    text = (await olga.get("/jobs")).text
    assert check(text) == []
    assert "failed for good" in text
    assert "the &lt;b&gt;cable&lt;/b&gt; is cut" in text
    assert "nightly" in text
    answer = await olga.send_form(f"/jobs/{job}", do="retry")
    assert answer.status_code == 303
    again = await olga.send_form(f"/jobs/{job}", do="retry")
    assert again.status_code == 409
    assert "Nothing was changed" in again.text
    assert check(again.text) == []
    assert (await olga.send_form(f"/jobs/{job}", do="cancel")).status_code == 303
    assert (await olga.send_form(f"/jobs/{job}", do="cancel")).status_code == 404
    runs = await olga.get("/jobs/runs.csv?name=page.fails")
    rows = list(csv.DictReader(io.StringIO(runs.content.decode("utf-8-sig"), newline="")))
    assert [row["outcome"] for row in rows] == ["failed"]


async def test_the_queue_is_filtered_and_sent(olga, db):
    kept = await put(db, "page.waits")
    await put(db, "page.other")
    text = (await olga.get("/jobs?name=page.waits&status=queued")).text
    queue = text.split('id="queue-title"')[1].split("</section>")[0]
    assert re.findall(r'action="/jobs/(\d+)"', queue) == [str(kept)]
    answer = await olga.get("/jobs/queue.csv?name=page.waits")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [(row["job"], row["payload"]) for row in rows] == [(str(kept), '{"a":"<i>"}')]
    assert (await olga.get("/jobs/schedules.csv")).status_code == 200
    assert (await olga.get("/jobs?status=gone")).status_code == 422
    assert (await olga.get("/jobs/runs.csv?outcome=gone")).status_code == 422


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "999999999"])
async def test_no_such_job(olga, number):
    assert (await olga.send_form(f"/jobs/{number}", do="retry")).status_code == 404


async def test_other_wishes_are_refused(olga, db):
    job = await put(db, "page.wish")
    assert (await olga.send_form(f"/jobs/{job}", do="explode")).status_code == 422
    foreign = {"Origin": "http://evil.test"}
    answer = await olga.post(f"/jobs/{job}", data={"do": "cancel"}, headers=foreign)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/jobs", "/jobs/runs.csv", "/jobs/queue.csv"])
async def test_jobs_are_for_operators_alone(ada, path):
    assert (await ada.get(path)).status_code == 403
    assert 'href="/jobs"' not in (await ada.get("/")).text


@pytest.mark.parametrize("do", POSTS)
async def test_members_change_no_job(ada, db, do):
    job = await put(db, "page.member")
    assert (await ada.send_form(f"/jobs/{job}", do=do)).status_code == 403


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("25 * * * *", "each hour at :25"),
        ("5 * * * *", "each hour at :05"),
        ("*/15 * * * *", "every 15 minutes"),
        ("30 3 * * *", "each day at 03:30"),
        ("0 0 1 * *", "0 0 1 * *"),
        ("0-5 * * * *", "0-5 * * * *"),
    ],
)
def test_simple_schedules_are_told_in_words(cron, words):
    assert tell_times(cron) == words
