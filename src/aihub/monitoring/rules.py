"""From figures to a verdict: what is well, what is not, and what cannot be served."""

from aihub.monitoring.models import (
    JobState,
    Lag,
    Migrations,
    Queue,
    RollupState,
    Sample,
    Status,
    Verdict,
    WriterState,
    Writes,
)

STUCK_FLUSH_SECONDS = 10.0  # a flush takes milliseconds; PostgreSQL ends a statement after 30 s
LATE_ROLLUP_SECONDS = (
    120.0  # ticks come several times a second; after a long absence one takes longer
)
STUCK_JOB_SECONDS = 900.0


def judge(sample: Sample, writer: WriterState) -> Verdict:
    """The verdict on a hub whose database answers.

    `unavailable` only when requests cannot be served: everything else is served, so a process that
    is taken out of service for it would make things worse.
    """
    notes: list[str] = []
    writes = _judge_writes(writer, notes)
    migrations = _judge_migrations(sample.missing_migrations, notes)
    rollups = _judge_rollups(sample.rollups, notes)
    jobs = _judge_jobs(sample.jobs, notes)
    reports = _judge_reports(sample.late_reports, notes)
    found = {"migrations": migrations, "rollups": rollups, "jobs": jobs, "reports": reports}
    unknown = [name for name, state in found.items() if state == "unknown"]
    if unknown and migrations != "missing":  # what is missing cannot be read either
        notes.append(f"Not known: {', '.join(unknown)}.")
    status: Status = "ok"
    if writes == "stopped" or migrations == "missing":
        status = "unavailable"
    elif notes:
        status = "degraded"
    return Verdict(status, writes, migrations, rollups, jobs, reports, tuple(notes))


def _judge_writes(writer: WriterState, notes: list[str]) -> Writes:
    if not writer.is_running:
        notes.append("The writer has stopped: start this process anew.")
        return "stopped"
    if not writer.has_room:
        notes.append("The disk is full: writes are refused, reads are served.")
        return "refused"
    if writer.oldest_flush_seconds > STUCK_FLUSH_SECONDS:
        notes.append(f"A flush has been running for {writer.oldest_flush_seconds:.0f} s.")
        return "stuck"
    return "ok"


def _judge_migrations(missing: tuple[str, ...] | None, notes: list[str]) -> Migrations:
    if missing is None:
        return "unknown"
    if missing:
        notes.append(f"{len(missing)} migrations are missing: run `aihub migrate`.")
        return "missing"
    return "ok"


def _judge_rollups(state: RollupState | None, notes: list[str]) -> Lag:
    if state is None:
        return "unknown"
    if state.lag_seconds > LATE_ROLLUP_SECONDS:
        notes.append(
            f"The rollups are {state.lag_seconds:.0f} s behind: have one `aihub worker` running."
        )
        return "late"
    return "ok"


def _judge_jobs(jobs: tuple[JobState, ...] | None, notes: list[str]) -> Queue:
    if jobs is None:
        return "unknown"
    stuck = [job for job in jobs if job.oldest_waiting_seconds > STUCK_JOB_SECONDS]
    if not stuck:
        return "ok"
    names = ", ".join(sorted(job.name for job in stuck))
    notes.append(f"Jobs have been due for over {STUCK_JOB_SECONDS / 60:.0f} minutes: {names}.")
    return "stuck"


def _judge_reports(late: int | None, notes: list[str]) -> Lag:
    if late is None:
        return "unknown"
    if late:
        notes.append(f"{late} daily reports are late: `aihub report late` names them.")
        return "late"
    return "ok"
