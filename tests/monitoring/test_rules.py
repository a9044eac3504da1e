"""From figures to a verdict."""

import pytest

from aihub.monitoring.models import JobState, RollupState, Sample, WriterState
from aihub.monitoring.rules import judge

WELL = Sample(
    is_up=True,
    missing_migrations=(),
    rollups=RollupState(0.3, 2, 0.3),
    jobs=(JobState("reports.daily", 0, 1, 0, 0.0),),
    unpriced_calls=0,
    late_reports=0,
)
WRITING = WriterState(has_room=True, is_running=True, oldest_flush_seconds=0.01)


def _but(**changes: object) -> Sample:
    fields = {name: getattr(WELL, name) for name in Sample.__dataclass_fields__}
    return Sample(**fields | changes)


@pytest.mark.parametrize(
    ("sample", "writer", "status", "check", "word"),
    [
        (WELL, WRITING, "ok", "writes", "ok"),
        (WELL, WriterState(True, False, 0), "unavailable", "writes", "stopped"),
        (WELL, WriterState(False, True, 0), "degraded", "writes", "refused"),
        (WELL, WriterState(True, True, 9.9), "ok", "writes", "ok"),
        (WELL, WriterState(True, True, 10.1), "degraded", "writes", "stuck"),
        (_but(missing_migrations=("1",)), WRITING, "unavailable", "migrations", "missing"),
        (_but(missing_migrations=None), WRITING, "degraded", "migrations", "unknown"),
        (_but(rollups=RollupState(None, 0, 0)), WRITING, "ok", "rollups", "ok"),
        (_but(rollups=RollupState(None, 9, 121)), WRITING, "degraded", "rollups", "late"),
        (_but(rollups=RollupState(10**5, 0, 0)), WRITING, "ok", "rollups", "ok"),
        (_but(rollups=RollupState(119, 10**6, 119)), WRITING, "ok", "rollups", "ok"),
        (_but(rollups=RollupState(121, 1, 121)), WRITING, "degraded", "rollups", "late"),
        (_but(rollups=None), WRITING, "degraded", "rollups", "unknown"),
        (_but(jobs=()), WRITING, "ok", "jobs", "ok"),
        (_but(jobs=(JobState("a", 5, 0, 3, 899),)), WRITING, "ok", "jobs", "ok"),
        (_but(jobs=(JobState("a", 1, 0, 0, 901),)), WRITING, "degraded", "jobs", "stuck"),
        (_but(late_reports=2), WRITING, "degraded", "reports", "late"),
        (_but(late_reports=None), WRITING, "degraded", "reports", "unknown"),
        (_but(jobs=None), WRITING, "degraded", "jobs", "unknown"),
        (Sample(is_up=False), WRITING, "degraded", "rollups", "unknown"),
    ],
)
def test_verdict(sample: Sample, writer: WriterState, status: str, check: str, word: str) -> None:
    verdict = judge(sample, writer)
    assert verdict.status == status
    assert getattr(verdict, check) == word
    assert bool(verdict.notes) == (status != "ok")


def test_every_trouble_is_told() -> None:
    sample = _but(
        rollups=RollupState(400, 9, 400),
        jobs=(JobState("b", 1, 0, 0, 1000), JobState("a", 1, 0, 0, 1000)),
    )
    notes = judge(sample, WriterState(False, True, 0)).notes
    assert len(notes) == 3
    assert notes[2].endswith("a, b.")


def test_what_cannot_be_known_yet_is_not_told_beside_the_cause() -> None:
    verdict = judge(Sample(is_up=True, missing_migrations=("1", "2")), WRITING)
    assert verdict.notes == ("2 migrations are missing: run `aihub migrate`.",)
