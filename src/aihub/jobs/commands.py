"""`aihub jobs`: what waits, what ran, and doing something about it."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from rich.console import Console

from aihub.jobs import service
from aihub.jobs.models import JOB_STATUSES, OUTCOMES, Schedule
from aihub.kit.db import Connection
from aihub.kit.output import Output, add_row, table

Subparsers: TypeAlias = Any
Action: TypeAlias = Callable[[argparse.Namespace, "_Work"], Awaitable[int]]

_DONE, _FAILED = 0, 1
_ERROR_CHARACTERS = 200


class _Work:
    def __init__(
        self, connection: Connection, schedules: Sequence[Schedule], console: Console | None
    ) -> None:
        self.connection = connection
        self.schedules = {schedule.name: schedule for schedule in schedules}
        self.output = Output(console)


def add_parser(subparsers: Subparsers) -> None:
    """Add `jobs` to a command line."""
    parser = subparsers.add_parser(
        "jobs", help="work in the background", description="Work in the background."
    )
    actions = parser.add_subparsers(dest="jobs_action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="depths, schedules and workers")
    status.set_defaults(action=_status)
    listing = actions.add_parser("list", help="jobs that wait, run or have failed for good")
    listing.add_argument("--status", choices=JOB_STATUSES)
    listing.add_argument("--name")
    listing.set_defaults(action=_list)
    runs = actions.add_parser("runs", help="what ran, the newest first")
    runs.add_argument("--outcome", choices=OUTCOMES)
    runs.add_argument("--name")
    runs.add_argument("--job", type=int, metavar="ID")
    runs.set_defaults(action=_runs)
    run = actions.add_parser("run", help="enqueue a schedule's job now")
    run.add_argument("name", metavar="NAME")
    run.set_defaults(action=_run)
    retry = actions.add_parser("retry", help="let a job that failed for good begin anew")
    retry.add_argument("id", type=int, metavar="ID")
    retry.set_defaults(action=_retry)
    cancel = actions.add_parser("cancel", help="take a job out, also while it runs")
    cancel.add_argument("id", type=int, metavar="ID")
    cancel.set_defaults(action=_cancel)


async def run(
    args: argparse.Namespace,
    connection: Connection,
    schedules: Sequence[Schedule],
    *,
    console: Console | None = None,
) -> int:
    """Do what `args` say, in the transaction of `connection`; returns the exit status."""
    action: Action = args.action
    return await action(args, _Work(connection, schedules, console))


async def _status(_: argparse.Namespace, work: _Work) -> int:
    found = await service.show_status(work.connection)
    depths = table("job", "status", "jobs", "oldest is due since")
    for depth in found.depths:
        add_row(depths, depth.name, depth.status, depth.jobs, f"{depth.oldest_seconds:,.0f} s")
    schedules = table("schedule", "cron", "time zone", "next", "last", "came out", "error")
    for each in found.schedules:
        following = _time(each.next_run_at) if each.is_enabled else "disabled"
        add_row(
            schedules, each.name, each.cron, each.timezone, following, _time(each.last_run_at),
            each.last_outcome or "", (each.last_error or "")[:_ERROR_CHARACTERS],
        )  # fmt: skip
    workers = table("worker", "host", "process", "runs", "seen")
    for worker in found.workers:
        add_row(
            workers, worker.id, worker.host, worker.process, worker.running, _time(worker.seen_at)
        )
    for each_table in (depths, schedules, workers):
        work.output.results.print(each_table)
    if not found.workers:
        work.output.note("No worker is there: `aihub serve` or `aihub worker` is one.", style="red")
        return _FAILED
    return _DONE


async def _list(args: argparse.Namespace, work: _Work) -> int:
    found = await service.list_jobs(work.connection, status=args.status, name=args.name)
    listing = table("id", "job", "status", "put back", "due", "last error")
    for job in found:
        error = (job.error or "")[:_ERROR_CHARACTERS]
        add_row(listing, job.id, job.name, job.status, job.attempts, _time(job.run_at), error)
    work.output.results.print(listing)
    return _DONE


async def _runs(args: argparse.Namespace, work: _Work) -> int:
    found = await service.list_runs(
        work.connection, name=args.name, outcome=args.outcome, job_id=args.job
    )
    listing = table("job id", "job", "run", "began", "ended", "came out", "error")
    for each in found:
        add_row(
            listing, each.job_id, each.name, each.attempt, _time(each.started_at),
            _time(each.finished_at), each.outcome, (each.error or "")[:_ERROR_CHARACTERS],
        )  # fmt: skip
    work.output.results.print(listing)
    return _DONE


async def _run(args: argparse.Namespace, work: _Work) -> int:
    schedule = work.schedules.get(args.name)
    if schedule is None:
        work.output.note(
            f"There is no schedule {args.name}. There are: {', '.join(work.schedules)}."
        )
        return _FAILED
    if not schedule.is_enabled:
        work.output.note(f"{args.name} is disabled: nothing carries it out in this version.")
        return _FAILED
    made = await service.run_schedule(work.connection, schedule, datetime.now(UTC))
    if made is None:
        work.output.note(f"{args.name} waits or runs already.")
        return _FAILED
    work.output.result(str(made))
    return _DONE


async def _retry(args: argparse.Namespace, work: _Work) -> int:
    job = await service.retry_job(work.connection, args.id)
    work.output.note(f"{job.name} ({job.id}) begins anew.")
    return _DONE


async def _cancel(args: argparse.Namespace, work: _Work) -> int:
    job = await service.cancel_job(work.connection, args.id)
    work.output.note(f"{job.name} ({job.id}) is cancelled.")
    return _DONE


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
