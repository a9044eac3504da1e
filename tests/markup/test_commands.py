"""`aihub markup`."""

import argparse
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aihub.markup import commands

from .conftest import store_call

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(connection: Any) -> Run:
    """Runs a command line; gives the exit status and all output."""

    async def run_line(*words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        commands.add_parser(parser.add_subparsers(required=True))
        output = io.StringIO()
        args = parser.parse_args(["markup", *words])
        status = await commands.run(args, connection, console=Console(file=output, width=250))
        return status, output.getvalue()

    return run_line


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], str]:
    """Writes a file of JSON; gives its name."""

    def write_file(body: Any) -> str:
        file = tmp_path / "rules.json"
        file.write_text(body if isinstance(body, str) else json.dumps(body))
        return str(file)

    return write_file


async def test_put_list_retire(run: Run, write: Any, acme: Any) -> None:
    rules = [{"rule_key": "base", "percentage": -5},
             {"rule_key": "vip", "organization": "acme", "fixed_per_request": 0.01}]  # fmt: skip
    status, output = await run("put", write({"rules": rules}))
    assert status == 0
    assert "below cost" in output
    _, output = await run("list")
    assert "organization acme" in output
    assert "fixed_per_request" in output
    assert (await run("retire", "base"))[0] == 0
    assert "base" not in (await run("list"))[1]
    assert "ended" in (await run("list", "--all"))[1]


async def test_what_if(run: Run, write: Any, connection: Any, acme: Any) -> None:
    await store_call(connection, acme.id, datetime(2026, 10, 5, tzinfo=UTC), cost="0.5")
    body = {"month": "2026-10", "rules": [
        {"rule_key": "base", "percentage": 20, "period_minimum": 30}]}  # fmt: skip
    status, output = await run("what-if", write(body), "--organization", "acme")
    assert status == 0
    line = next(line for line in output.splitlines() if "openai/gpt-4o" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "acme", "support", "openai/gpt-4o", "1", "0", "0.5", "0.5", "0.6", "0.1", "0",
    ]  # fmt: skip
    assert "30" in next(line for line in output.splitlines() if "base" in line)


@pytest.mark.parametrize(
    ("words", "body", "status", "says"),
    [
        (("put",), {"rules": [{"rule_key": "x", "percentage": -101}]}, 2, "rules[0].percentage"),
        (("put",), {"rules": [{"rule_key": "x", "color": "red"}]}, 2, "rules[0].color"),
        (("put",), "{", 2, "not JSON"),
        (("what-if",), {"month": "2026-13"}, 2, "month"),
        (("retire", "nothing"), None, 1, "no such markup rule"),
        (("put", "/nowhere/rules.json"), None, 2, "rules.json"),
    ],
)
async def test_refused(run: Run, write: Any, words: Any, body: Any, status: int, says: str) -> None:
    given = words if body is None else (*words, write(body))
    found, output = await run(*given)
    assert (found, says in output) == (status, True), output


async def test_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO(b'{"rules": [{"rule_key": "base"}]}')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(raw))
    assert (await run("put", "-"))[0] == 0
    assert "at cost" in (await run("list"))[1]
