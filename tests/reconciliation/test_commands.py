"""`aihub reconcile`: options, exit status, what is printed."""

import argparse
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from aihub.reconciliation.commands import add_parser, run

from . import bills
from .bills import DAY, NEXT
from .conftest import SECRET
from .double import KEY

AT = datetime(2026, 3, 4, 15, tzinfo=UTC)


@pytest.fixture
def command(db, monkeypatch):
    async def call(*argv, secret=SECRET, stdin=""):
        parser = argparse.ArgumentParser(prog="aihub")
        add_parser(parser.add_subparsers(required=True))
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        output = io.StringIO()
        console = Console(file=output, width=200)
        args = parser.parse_args(["reconcile", *map(str, argv)])
        status = await run(args, db, secret_key=secret, console=console)
        return status, output.getvalue()

    return call


async def add(command, provider, key=KEY):
    return await command(
        "accounts", "add", "openai", "--base-url", provider.url, "--key-stdin", stdin=f"{key}\n"
    )


async def test_accounts(command, provider):
    status, output = await add(command, provider)
    assert status == 0
    made = output.split()[-1]
    status, output = await command("accounts", "list")
    assert status == 0
    assert made in output
    assert KEY not in output
    assert (await command("accounts", "remove", made))[0] == 0
    assert (await command("accounts", "remove", made))[0] == 1


async def test_an_account_without_a_key_in_it(command):
    assert (await command("accounts", "add", "bedrock", "--export", secret=None))[0] == 0


async def test_a_missing_secret_key_is_told_before_a_key_is_asked_for(command):
    status, output = await command("accounts", "add", "openai", secret=None)
    assert status == 1
    assert "AIHUB_SECRET_KEY" in output


async def test_no_terminal_to_ask_at(command):
    status, output = await command("accounts", "add", "openai")
    assert status == 2
    assert "--key-stdin" in output


async def test_fetching(command, provider):
    await add(command, provider)
    status, output = await command("fetch", "--days", 3)
    assert status == 0
    assert "0 lines of" in output
    assert len(provider.requests) == 2


async def test_a_fetch_that_fails_is_told(command, provider):
    await add(command, provider, "sk-wrong")
    status, output = await command("fetch")
    assert status == 1
    assert "openai refused the key (HTTP 401)" in output


async def test_nothing_to_fetch(command):
    status, output = await command("fetch")
    assert status == 1
    assert "No account has a key" in output


@pytest.fixture
def write_bill(tmp_path):
    def write(name, value, day=DAY):
        path = tmp_path / name
        path.write_bytes(bills.openai_page(bills.openai_cost("gpt-9, input", value, 10.0), day=day))
        return path

    return write


async def test_files_are_one_bill(command, write_bill):
    files = (write_bill("a.json", 1), write_bill("b.json", 2, NEXT), write_bill("c.json", 4))
    status, output = await command("import", "--kind", "openai-costs", *files)
    assert status == 0
    assert "stored 2 lines of 2026-03-04 to 2026-03-05" in output
    status, output = await command("report", "--from", DAY, "--to", NEXT, "--json")
    rows = {row["day"]: row["list_cost"] for row in json.loads(output)["items"]}
    assert rows == {"2026-03-04": 5, "2026-03-05": 2}
    assert status == 3


async def test_lines_that_are_no_models_are_told(command, tmp_path):
    path = tmp_path / "cur.csv"
    path.write_bytes(bills.aws("2026-03-04T00:00:00Z,AmazonEC2,BoxUsage,1,Hrs,9,Usage,USD"))
    status, output = await command("import", "--kind", "aws", path)
    assert status == 0
    assert "left out 1 lines" in output


@pytest.mark.parametrize("content", [b"{}", None])
async def test_a_bad_file_is_told(command, tmp_path, content):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    status, output = await command("import", "--kind", "openai-costs", path)
    assert status == 2
    assert "x.json" in output


@pytest.mark.parametrize(("billed", "status"), [(1, 0), (1.5, 3)])
async def test_the_report_ends_with_3_when_it_alarms(
    command, write_bill, record_call, billed, status
):
    await record_call(AT, "openai", "gpt-9", Decimal(1), input_tokens=10)
    await command("import", "--kind", "openai-costs", write_bill("a.json", billed))
    found, output = await command("report", "--from", DAY, "--to", NEXT)
    assert found == status
    assert "gpt-9" in output
    assert ("price differs" in output) == (status == 3)


async def test_an_empty_report_is_fine(command):
    assert (await command("report"))[0] == 0


async def test_days_in_the_wrong_order(command):
    status, output = await command("report", "--from", NEXT, "--to", DAY)
    assert status == 2
    assert "must not be before" in output


@pytest.mark.parametrize(
    "argv",
    [
        ["fetch", "--days", "0"],
        ["fetch", "--account", "x"],
        ["report", "--from", "monday"],
        ["import", "--kind", "fax", "x"],
        ["accounts", "add", "acme"],
    ],
)
async def test_bad_options(command, argv):
    with pytest.raises(SystemExit) as caught:
        await command(*argv)
    assert caught.value.code == 2
