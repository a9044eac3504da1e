"""`aihub report`."""

import argparse
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from aihub.identity.api import UnknownOrganization
from aihub.reports import commands

from .conftest import create_organization
from .test_jobs import run_all


@pytest.fixture
def run(connection: Any) -> Any:
    async def run_line(*words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        commands.add_parser(parser.add_subparsers(required=True))
        output = io.StringIO()
        console = Console(file=output, width=200)
        status = await commands.run(parser.parse_args(words), connection, console=console)
        return status, output.getvalue()

    return run_line


async def test_reports_through_the_command_line(run: Any, db: Any, connection: Any) -> None:
    await create_organization(connection, "acme", created_at=datetime.now(UTC) - timedelta(days=2))
    assert (await run("report", "late"))[0] == 1
    await run_all(db, "reports.due")
    assert (await run("report", "late"))[0] == 0
    day = str((datetime.now(UTC) - timedelta(days=1)).date())
    status, text = await run("report", "list", "acme", "--all")
    assert (status, day in text) == (0, True)
    status, text = await run("report", "show", "acme", day)
    assert (status, json.loads(text)["totals"]["calls"]) == (0, 0)
    status, text = await run("report", "show", "acme", day, "--format", "csv", "--table", "totals")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (status, row["calls"]) == (0, "0")
    assert (await run("report", "show", "acme", "2020-01-01"))[0] == 1
    with pytest.raises(UnknownOrganization):
        await run("report", "list", "nobody")
    with pytest.raises(SystemExit):
        await run("report", "show", "acme", "yesterday")
