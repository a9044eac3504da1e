"""`aihub analytics` from the command line."""

import argparse
import io
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from aihub.analytics import commands

from . import rows


async def run(hub: Any, *words: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    commands.add_parser(parser.add_subparsers())
    text = io.StringIO()
    console = Console(file=text, width=100)
    args = parser.parse_args(["analytics", *words])
    return await commands.run(args, hub.db, console=console), text.getvalue()


async def test_status_and_rebuild(hub, cast, connection, catch_up) -> None:
    await rows.add_call(connection, cast.ada.organization, datetime.now(UTC), random.Random(1))
    await catch_up()
    status, text = await run(hub, "status")
    assert status == 0
    assert "last step" in text
    wrong = "update public.ai_usage_slots set calls = 99 where organization_id = $1"
    await connection.execute(wrong, cast.ada.organization)
    status, text = await run(hub, "rebuild")
    assert (status, "again" in text) == (0, False)
    count = "select sum(calls) from public.ai_usage_slots where organization_id = $1"
    assert await connection.fetchval(count, cast.ada.organization) == 1


@pytest.mark.parametrize("option", ["--from", "--to"])
async def test_a_day_that_is_none(hub, option) -> None:
    status, text = await run(hub, "rebuild", option, "soon")
    assert status == 2
    assert option in text
