"""Jobs, for operators: what waits, what runs, what failed, and the way to try it again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from aihub.dashboards import csv_files, formats, listing
from aihub.dashboards.filters import read_choice, read_text
from aihub.dashboards.listing import Asked, read_asked
from aihub.dashboards.operators import require_operator
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.sign_in import see_other
from aihub.dashboards.visits import Visit, read_form
from aihub.jobs.api import (
    JOB_STATUSES,
    OUTCOMES,
    Job,
    JobNotFound,
    JobUnderWay,
    RunRecord,
    Status,
    cancel_job,
    list_jobs,
    list_runs,
    retry_job,
    show_status,
)
from aihub.kit.db import Database
from aihub.kit.errors import AppError, Invalid, NotFound

PATH = "/jobs"
LABELS = {"name": "Job", "status": "In the queue", "outcome": "Ended"}
_MOST = 100
_MOST_RUNS = 25
_MOST_IN_FILE = 1_000
_UNPROCESSABLE = 422
_MOST_ID_DIGITS = 18
_LATE = timedelta(minutes=5)
_READERS = {
    "name": read_text,
    "status": lambda text: read_choice(text, JOB_STATUSES),
    "outcome": lambda text: read_choice(text, OUTCOMES),
}
RUN_COLUMNS = ("run", "job", "name", "attempt", "outcome", "started_at", "finished_at", "error")
JOB_COLUMNS = (
    "job",
    "name",
    "status",
    "key",
    "attempts",
    "created_at",
    "run_at",
    "error",
    "payload",
)
SCHEDULE_COLUMNS = ("name", "cron", "timezone", "enabled", "next_run_at", "last_run_at",
                    "last_outcome", "last_error")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """How many jobs are in a status, and how long the oldest of them has been due."""

    status: str
    jobs: int
    oldest: str


class JobPages:
    """The queue, its runs, schedules and workers; trying again and taking out."""

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer

    async def show(self, visit: Visit, problem: AppError | None = None) -> Response:
        """All of it; the filter narrows the queue and the runs."""
        require_operator(visit)
        asked = _read(visit)
        jobs: list[Job] = []
        runs: list[RunRecord] = []
        async with self._db.read() as connection:
            status = await show_status(connection)
            if not asked.errors:
                found = asked.found
                jobs = await list_jobs(
                    connection, status=found.get("status"), name=found.get("name"), limit=_MOST
                )
                runs = await list_runs(
                    connection,
                    outcome=found.get("outcome"),
                    name=found.get("name"),
                    limit=_MOST_RUNS,
                )
        failed = sum(depth.jobs for depth in status.depths if depth.status == "failed")
        return self._renderer.page(
            visit.request,
            "jobs.html",
            {
                "asked": asked,
                "problem": problem,
                "counts": count_statuses(status),
                "failed": failed,
                "schedules": status.schedules,
                "late": late_schedules(status, visit.now),
                "workers": status.workers,
                "jobs": sorted(jobs, key=lambda job: job.status != "failed"),
                "runs": runs,
                "lasted": {run.id: tell_duration(run) for run in runs},
                "names": sorted(
                    {s.name for s in status.schedules} | {d.name for d in status.depths}
                ),
                "statuses": JOB_STATUSES,
                "outcomes": OUTCOMES,
                "tell_times": tell_times,
                "most": _MOST_RUNS,
                "payload": lambda job: msgspec.json.encode(job.payload).decode(),
            },
            visit=visit,
            status=problem.status if problem else _UNPROCESSABLE if asked.errors else 200,
        )

    async def send_runs(self, visit: Visit) -> Response:
        """The runs as a file. Raises Invalid for a bad filter."""
        found = _read_for_file(visit)
        async with self._db.read() as connection:
            runs = await list_runs(
                connection, outcome=found.get("outcome"), name=found.get("name"),
                limit=_MOST_IN_FILE,
            )  # fmt: skip
        return _send("job-runs", visit, RUN_COLUMNS, (_run_cells(run) for run in runs))

    async def send_queue(self, visit: Visit) -> Response:
        """The queue as a file. Raises Invalid for a bad filter."""
        found = _read_for_file(visit)
        async with self._db.read() as connection:
            jobs = await list_jobs(
                connection, status=found.get("status"), name=found.get("name"),
                limit=_MOST_IN_FILE,
            )  # fmt: skip
        return _send("jobs", visit, JOB_COLUMNS, (_job_cells(job) for job in jobs))

    async def send_schedules(self, visit: Visit) -> Response:
        """The schedules as a file."""
        require_operator(visit)
        async with self._db.read() as connection:
            status = await show_status(connection)
        rows = (
            (s.name, s.cron, s.timezone, "yes" if s.is_enabled else "no", s.next_run_at,
             s.last_run_at, s.last_outcome, s.last_error)
            for s in status.schedules
        )  # fmt: skip
        return _send("schedules", visit, SCHEDULE_COLUMNS, rows)

    async def change(self, visit: Visit) -> Response:
        """Try a failed job again, or take one out of the queue, as `do` says."""
        require_operator(visit)
        number = visit.request.path_params["id"]
        form = await read_form(visit.request)
        if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_ID_DIGITS):
            raise NotFound("There is no such job.")
        work = {"retry": retry_job, "cancel": cancel_job}.get(form.get("do", ""))
        if work is None:
            raise Invalid("A job can be tried again or taken out.")
        try:
            async with self._db.write() as connection:
                await work(connection, int(number))
        except (JobNotFound, JobUnderWay) as error:
            return await self.show(visit, error)
        return see_other(PATH)


def count_statuses(status: Status) -> list[Count]:
    """One for each status, whatever the job."""
    counts = []
    for name in JOB_STATUSES:
        depths = [depth for depth in status.depths if depth.status == name]
        oldest = max((depth.oldest_seconds for depth in depths), default=0.0)
        words = formats.format_duration(int(oldest * 1000)) if oldest >= 1 else ""
        counts.append(Count(name, sum(depth.jobs for depth in depths), words))
    return counts


def late_schedules(status: Status, now: datetime) -> list[str]:
    """Schedules whose time has passed and that nobody has enqueued."""
    return [s.name for s in status.schedules if s.is_enabled and s.next_run_at < now - _LATE]


def tell_times(cron: str) -> str:
    """When a schedule runs, in words, where there are simple ones."""
    minute, hour, *rest = cron.split()
    if rest == ["*", "*", "*"]:
        if hour == "*" and minute.isdecimal():
            return f"each hour at :{int(minute):02}"
        if hour == "*" and minute.startswith("*/") and minute[2:].isdecimal():
            return f"every {minute[2:]} minutes"
        if hour.isdecimal() and minute.isdecimal():
            return f"each day at {int(hour):02}:{int(minute):02}"
    return cron


def tell_duration(run: RunRecord) -> str:
    """How long a run took."""
    if run.finished_at is None:
        return "under way"
    lasted = run.finished_at - run.started_at
    return formats.format_duration(max(0, lasted // timedelta(milliseconds=1)))


def _read(visit: Visit) -> Asked:
    given = visit.request.query_params if visit.request.method == "GET" else {}
    return read_asked(PATH, given, LABELS, _READERS)


def _read_for_file(visit: Visit) -> dict[str, Any]:
    require_operator(visit)
    asked = _read(visit)
    if asked.errors:
        raise Invalid(asked.complaint)
    return asked.found


def _run_cells(run: RunRecord) -> Sequence[Any]:
    return (str(run.id), run.job_id, run.name, run.attempt, run.outcome, run.started_at,
            run.finished_at, run.error)  # fmt: skip


def _job_cells(job: Job) -> Sequence[Any]:
    return (job.id, job.name, job.status, job.key, job.attempts, job.created_at, job.run_at,
            job.error, msgspec.json.encode(job.payload).decode())  # fmt: skip


def _send(
    name: str, visit: Visit, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Response:
    def lines() -> Iterator[Sequence[Any]]:
        yield columns
        yield from rows

    return Response(
        csv_files.write_table(lines()),
        media_type="text/csv; charset=utf-8",
        headers=listing.csv_headers(name, visit.local(visit.now)),
    )
