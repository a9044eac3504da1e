"""The command: options, exit status, what it prints; and the real conversations, where present."""

import argparse
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from aihub.importing.chat_files import read_lines
from aihub.importing.commands import add_parser, run

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
LINE = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}],
}
AIRLINE = Path(os.environ.get("AIHUB_SHARED", "."), "data/conversations/airline_agent_dev.jsonl")


def parse(*argv):
    parser = argparse.ArgumentParser(prog="aihub")
    add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(["import", "chat", *map(str, argv)])


async def run_command(store, *argv):
    output = io.StringIO()
    console = Console(file=output, width=100)
    status = await run(parse(*argv), store, console=console, now=NOW)
    return status, output.getvalue()


async def test_a_clean_file_ends_with_a_summary(store, write_lines):
    status, output = await run_command(store, write_lines(LINE), "--organization", "acme")
    assert status == 0
    rows = {line.split("│")[1].strip(): line for line in output.splitlines() if "│" in line}
    assert rows["messages"].split("│")[2].strip() == "2"
    assert {"conversations", "tokens", "estimated cost", "calls without a price"} <= set(rows)
    assert next(iter(store.conversations.values()))["organization_id"] == "acme"


async def test_bad_lines_are_printed_with_their_numbers(store, write_lines):
    status, output = await run_command(store, write_lines("[bold]", LINE, "{}"))
    assert status == 1
    assert "line 1: not JSON" in output
    assert "line 3: no messages" in output
    assert "2 bad lines" in output


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(["--end", "2026-06-01"], "future", id="future"),
        pytest.param(["--start", "2026-05-20T12:00Z"], "empty", id="empty window"),
    ],
)
async def test_an_unusable_window_ends_at_once(store, write_lines, options, reason):
    status, output = await run_command(store, write_lines(LINE), *options)
    assert (status, store.calls) == (2, [])
    assert reason in output


async def test_a_missing_file_ends_at_once(store, tmp_path):
    status, output = await run_command(store, tmp_path / "none.jsonl")
    assert status == 2
    assert "No such file" in output


async def test_times_are_laid_where_the_options_say(store, write_lines):
    path = write_lines(LINE)
    await run_command(store, path, "--start", "2026-01-01", "--end", "2026-01-02T00:00+01:00")
    (conversation,) = store.conversations.values()
    assert "2026-01-01T00:00" < conversation["started_at"] < "2026-01-01T23:00"


@pytest.mark.parametrize(
    "options",
    [["--days", "0"], ["--days", "nan"], ["--days", "x"], ["--start", "tomorrow"], ["--frob"]],
    ids=" ".join,
)
def test_nonsense_is_refused_by_the_parser(options, capsys):
    with pytest.raises(SystemExit) as ended:
        parse("file.jsonl", *options)
    assert ended.value.code == 2


@pytest.mark.skipif(not AIRLINE.is_file(), reason="AIHUB_SHARED names no folder with the data")
async def test_the_real_conversations_are_taken_whole(store):
    status, _ = await run_command(store, AIRLINE)
    assert status == 0
    lines = [json.loads(line.raw) for line in read_lines(AIRLINE)]
    assert len(store.conversations) == len(lines) == 100
    for line, conversation in zip(lines, store.conversations.values(), strict=True):
        stored = store.messages_of(conversation)
        assert [(m["role"], m["content"], m.get("tool_calls")) for m in stored] == [
            (m["role"], m["content"] or "", m.get("tool_calls")) for m in line["messages"]
        ]
    before = store.snapshot()
    assert (await run_command(store, AIRLINE))[0] == 0
    assert store.snapshot() == before
