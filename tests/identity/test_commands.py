"""`aihub org`, `aihub keys`, `aihub account`."""

import argparse
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.console import Console

from aihub.identity import api, commands

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(connection: Any) -> Run:
    """Runs a command line; gives the exit status and all output."""

    async def run_line(*words: str, **options: Any) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        commands.add_parsers(parser.add_subparsers(required=True))
        output = io.StringIO()
        console = Console(file=output, width=200)
        status = await commands.run(
            parser.parse_args(words), connection, console=console, **options
        )
        return status, output.getvalue()

    return run_line


def give_password(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


async def test_org(run: Run, connection: Any) -> None:
    status, output = await run(
        "org", "create", "org_1", "--name", "[red]One", "--timezone", "Asia/Tokyo"
    )
    assert status == 0
    assert "[red]One" in output
    assert "exists already" in (await run("org", "create", "org_1"))[1]
    assert "Asia/Tokyo" in (await run("org", "list"))[1]
    status, output = await run(
        "org", "set", "org_1", "--plan", "pro", "--retention-days", "unlimited",
        "--idle-pause-seconds", "0",
    )  # fmt: skip
    assert status == 0
    found = await api.get_organization(connection, "org_1")
    assert found is not None
    assert (found.plan, found.retention_days, found.idle_pause_seconds) == ("pro", None, 0)
    assert (found.name, found.idle_complete_seconds) == ("[red]One", 86_400)
    status, output = await run("org", "show", str(found.id))
    assert (status, "unlimited" in output, "never" in output) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("org", "show", "no"), 1, "There is no organization 'no'"),
        (("org", "set", "no", "--name", "x"), 1, "There is no organization 'no'"),
        (("org", "set", "no"), 2, "Nothing to change"),
        (("org", "create", "x", "--timezone", "Mars"), 2, "timezone"),
        (("org", "create", ""), 2, "1 to 255 characters"),
        (("keys", "list", "--organization", "no"), 1, "There is no organization"),
        (("keys", "create", "--operator", "--scopes", "all"), 2, "scopes"),
        (("keys", "create", "--operator", "--expires", "2020-01-01"), 2, "in the future"),
        (("keys", "revoke", "00000000-0000-0000-0000-000000000000"), 1, "There is no such key"),
        (("account", "link", "a@b.test"), 1, "There is no account"),
        (("account", "link", "nonsense"), 2, "e-mail address"),
        (("account", "create", "nonsense"), 2, "e-mail address"),
        (("account", "create", "a@b.test", "--organization", "no"), 1, "There is no organization"),
    ],
)
async def test_refused(run: Run, words: tuple[str, ...], status: int, says: str) -> None:
    found, output = await run(*words)
    assert (found, says in output) == (status, True), output


@pytest.mark.parametrize(
    "words",
    [
        ("org",),
        ("org", "create"),
        ("org", "set", "x", "--retention-days", "0"),
        ("org", "set", "x", "--idle-pause-seconds", "-1"),
        ("org", "set", "x", "--plan", "gold"),
        ("keys", "create"),
        ("keys", "create", "--operator", "--organization", "x"),
        ("keys", "create", "--operator", "--expires", "soon"),
        ("keys", "revoke", "x"),
        ("account", "link", "a@b.test", "--minutes", "99999999999999999999"),
        ("account", "create", "a@b.test", "--role", "king"),
    ],
)
async def test_unusable_options(
    run: Run, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        await run(*words)
    assert caught.value.code == 2


async def test_keys(run: Run, identity: api.Identity, cast: Any) -> None:
    status, output = await run(
        "keys", "create", "--organization", "acme", "--name", "ci", "--scopes", "read,write"
    )
    key = output.split()[-1]
    principal = await identity.authenticate_token(key, "write")
    assert (status, principal.organization_name) == (0, "acme")
    _, output = await run("keys", "list", "--organization", "acme")
    line = next(line for line in output.splitlines() if " ci " in line)
    assert "valid" in line
    status, _ = await run("keys", "revoke", line.split()[1])
    assert status == 0
    _, output = await run("keys", "list", "--organization", "acme")
    assert "revoked" in next(line for line in output.splitlines() if " ci " in line)


async def test_operator_key(run: Run, identity: api.Identity) -> None:
    _, output = await run("keys", "create", "--operator")
    principal = await identity.authenticate_token(output.split()[-1], "operate")
    assert principal.is_operator
    assert "aho_" in (await run("keys", "list", "--operator"))[1]


async def test_the_key_alone_goes_to_standard_output(
    connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    commands.add_parsers(parser.add_subparsers())
    await commands.run(parser.parse_args(["keys", "create", "--operator"]), connection)
    output = capsys.readouterr()
    assert output.out.startswith("aho_")
    assert output.out.count("\n") == 1
    assert "shown this once" in output.err


async def test_account(
    run: Run, identity: api.Identity, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password(monkeypatch, "a good password\r\n")
    status, output = await run(
        "account", "create", "Dan@hub.test", "--name", "Dan", "--password-stdin",
        "--organization", "acme", "--role", "viewer",
    )  # fmt: skip
    assert status == 0
    assert "a good password" not in output
    found = await identity.sign_in("dan@hub.test", "a good password", client="here")
    assert found.principal.role == "viewer"
    status, output = await run("account", "link", "dan@hub.test", link_format="https://h/{token}")
    token = output.split()[-1].removeprefix("https://h/")
    assert (await identity.sign_in_by_link(token)).principal.email == "dan@hub.test"
    _, output = await run("account", "list")
    assert "acme:viewer" in next(line for line in output.splitlines() if "dan@" in line)


@pytest.mark.parametrize(("text", "says"), [("short\n", "8 to 1,024"), ("", "8 to 1,024")])
async def test_unusable_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    give_password(monkeypatch, text)
    status, output = await run("account", "create", "a@b.test", "--password-stdin")
    assert (status, says in output) == (2, True)


async def test_no_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    give_password(monkeypatch, "")
    status, output = await run("account", "create", "a@b.test")
    assert (status, "--password-stdin" in output) == (2, True)
    assert "a@b.test" not in (await run("account", "list"))[1]
