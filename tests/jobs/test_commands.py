"""`aihub jobs`."""

import argparse
import io
from typing import Any

import pytest
from rich.console import Console

from aihub.jobs import api, commands
from aihub.kit.errors import AppError

from .conftest import depth, enqueue, outcomes, until

SCHEDULES = (
    api.Schedule("tidy", "0 * * * *"),
    api.Schedule("later", "0 * * * *", is_enabled=False),
)


@pytest.fixture
def run(db: Any) -> Any:
    async def run_line(*words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        commands.add_parser(parser.add_subparsers(required=True))
        output = io.StringIO()
        async with db.write() as connection:
            status = await commands.run(
                parser.parse_args(words), connection, SCHEDULES,
                console=Console(file=output, width=200),
            )  # fmt: skip
        return status, output.getvalue()

    return run_line


async def test_a_job_through_the_command_line(run: Any, db: Any, working: Any) -> None:
    async def fail(job: api.Run) -> None:
        raise api.Permanent("no [bold]way[/bold]")

    status, said = await run("jobs", "status")
    assert (status, "No worker" in said) == (1, True)
    status, said = await run("jobs", "run", "tidy")
    made = int(said)
    assert "waits or runs" in (await run("jobs", "run", "tidy"))[1]
    assert "disabled" in (await run("jobs", "run", "later"))[1]
    assert "tidy, later" in (await run("jobs", "run", "other"))[1]
    assert "queued" in (await run("jobs", "list", "--name", "tidy"))[1]
    await working(db, {"tidy": fail}, SCHEDULES)
    await until(lambda: depth(db), lambda found: found == {"failed": 1})
    assert "no [bold]way[/bold]" in (await run("jobs", "list", "--status", "failed"))[1]
    assert "no [bold]way[/bold]" in (await run("jobs", "runs", "--job", str(made)))[1]
    status, said = await run("jobs", "status")
    assert (status, "disabled" in said, "failed" in said) == (0, True, True)
    assert (await run("jobs", "retry", str(made)))[0] == 0
    await until(lambda: outcomes(db, made), lambda found: found == ["failed", "failed"])
    await until(lambda: depth(db), lambda found: found == {"failed": 1})
    assert (await run("jobs", "cancel", str(made)))[0] == 0
    with pytest.raises(AppError):
        await run("jobs", "retry", str(made))


async def test_what_is_enqueued_by_hand_is_as_by_schedule(run: Any, db: Any) -> None:
    await run("jobs", "run", "tidy")
    assert await enqueue(db, "tidy", {}, dedup_key="schedule:tidy") is None
