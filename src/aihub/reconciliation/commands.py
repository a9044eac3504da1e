"""`aihub reconcile`: accounts, fetching, exports and the report from the command line."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aihub.kit.db import Database
from aihub.kit.decoding import encode_json
from aihub.kit.errors import AppError, Invalid
from aihub.kit.money import plain
from aihub.kit.output import Output
from aihub.reconciliation import rules, schemas, service
from aihub.reconciliation.fetching import Fetcher
from aihub.reconciliation.models import PROVIDERS, Account, Filters, Options, Report, Run
from aihub.reconciliation.sealing import Sealer
from aihub.reconciliation.sources import SOURCES, parse_files

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _FAILED, _UNUSABLE, _ALARM = 0, 1, 2, 3
_STATUSES = "Exit status: 0 done, 1 not possible, 2 an option or a file is not usable."
_STATUSES_OF_REPORT = f"{_STATUSES[:-1]}, 3 there is an alarm."
_CREATED_BY = "command line"


class _Work:
    """What the actions need."""

    def __init__(
        self, db: Database, sealer: Sealer, options: Options, console: Console | None
    ) -> None:
        self.db = db
        self.sealer = sealer
        self.options = options
        self.output = Output(console)


Action = Callable[[argparse.Namespace, _Work], Awaitable[int]]


def add_parser(subparsers: Subparsers) -> None:
    """Add `reconcile` to a command line."""
    parser = subparsers.add_parser(
        "reconcile",
        help="compare what providers bill with what the hub computed",
        description="Compare what providers bill with what the hub computed.",
    )
    actions = parser.add_subparsers(dest="reconcile_action", required=True, metavar="ACTION")
    _add_accounts(actions)
    fetch = actions.add_parser("fetch", help="fetch the bills of all accounts", epilog=_STATUSES)
    fetch.add_argument(
        "--days",
        type=_parse_days,
        metavar="N",
        help="the last N closed days (default: what is new, and the last few again)",
    )
    fetch.add_argument("--account", type=_parse_uuid, metavar="ID", help="only this one")
    fetch.set_defaults(action=_fetch)
    importing = actions.add_parser(
        "import",
        help="store bills from files; the files together hold whole days",
        epilog=_STATUSES,
    )
    importing.add_argument("--kind", required=True, choices=tuple(SOURCES))
    importing.add_argument(
        "--account", type=_parse_uuid, metavar="ID", help="where the provider has several"
    )
    importing.add_argument("files", nargs="+", type=Path, metavar="FILE")
    importing.set_defaults(action=_import)
    report = actions.add_parser("report", help="show the comparison", epilog=_STATUSES_OF_REPORT)
    report.add_argument("--from", dest="first_day", type=_parse_day, metavar="DAY")
    report.add_argument("--to", dest="last_day", type=_parse_day, metavar="DAY")
    report.add_argument("--provider", metavar="NAME")
    report.add_argument("--model", metavar="NAME")
    report.add_argument("--json", action="store_true", help="the whole report as JSON")
    report.set_defaults(action=_report)


async def run(
    args: argparse.Namespace,
    db: Database,
    *,
    secret_key: bytes | None,
    options: Options | None = None,
    console: Console | None = None,
) -> int:
    """Do what `args` say; returns the exit status.

    `secret_key`: 32 bytes that credentials are encrypted with. `console` takes all output.
    """
    work = _Work(db, Sealer(secret_key), options or Options(), console)
    action: Action = args.action
    try:
        return await action(args, work)
    except Invalid as error:
        work.output.note(f"error: {error.detail}", style="red")
        return _UNUSABLE
    except AppError as error:
        work.output.note(f"error: {error}", style="red")
        return _FAILED


# ---------- accounts ----------


def _add_accounts(actions: Subparsers) -> None:
    accounts = actions.add_parser("accounts", help="the accounts that bills come from")
    what = accounts.add_subparsers(dest="accounts_action", required=True, metavar="ACTION")
    add = what.add_parser(
        "add",
        help="add an account; asks for its key",
        description="Add an account at a provider. Asks for an administrator's key, or reads it "
        "from standard input; it is stored encrypted.",
        epilog=_STATUSES,
    )
    add.add_argument("provider", choices=PROVIDERS)
    add.add_argument("--name", metavar="NAME", help="(default: the provider's)")
    add.add_argument("--base-url", metavar="URL", help="instead of the provider's own address")
    add.add_argument("--export", action="store_true", help="has no key: bills come as files")
    add.add_argument("--key-stdin", action="store_true", help="the first line of standard input")
    add.set_defaults(action=_add_account)
    listing = what.add_parser("list", help="all accounts", epilog=_STATUSES)
    listing.set_defaults(action=_list_accounts)
    remove = what.add_parser("remove", help="forget an account and its key", epilog=_STATUSES)
    remove.add_argument("id", type=_parse_uuid, metavar="ID")
    remove.add_argument("--with-bills", action="store_true", help="and what it was billed")
    remove.set_defaults(action=_remove_account)


async def _add_account(args: argparse.Namespace, work: _Work) -> int:
    key = None
    if not args.export:
        work.sealer.require_key()  # before somebody types a secret for nothing
        key = await asyncio.to_thread(_read_key, from_stdin=args.key_stdin)
    async with work.db.write() as connection:
        made = await service.add_account(
            connection,
            work.sealer,
            provider=args.provider,
            name=args.name or args.provider,
            key=key,
            base_url=args.base_url,
            created_by=_CREATED_BY,
        )
    work.output.note(f"added: {made.name} ({made.provider})")
    work.output.results.print(str(made.id), markup=False, highlight=False)
    return _DONE


def _read_key(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().strip()
    if not sys.stdin.isatty():
        raise Invalid("No terminal to ask for a key: use --key-stdin, or --export without one.")
    return getpass.getpass("Administrator's key: ").strip()


async def _list_accounts(_: argparse.Namespace, work: _Work) -> int:
    async with work.db.read() as connection:
        accounts = await service.list_accounts(connection)
    table = Table("id", "provider", "name", "bills", "fetched", "last error")
    for each in accounts:
        fetched = f"{each.last_fetched_at:%Y-%m-%d %H:%M}" if each.last_fetched_at else ""
        _add_row(
            table,
            str(each.id),
            each.provider,
            each.name,
            "fetched" if each.kind == "api" else "as files",
            fetched,
            each.last_error or "",
        )
    work.output.results.print(table)
    return _DONE


async def _remove_account(args: argparse.Namespace, work: _Work) -> int:
    async with work.db.write() as connection:
        removed = await service.remove_account(connection, args.id, with_bills=args.with_bills)
    work.output.note(f"removed: {removed.name} ({removed.provider})")
    return _DONE


# ---------- bills ----------


async def _fetch(args: argparse.Namespace, work: _Work) -> int:
    async with work.db.read() as connection:
        if args.account is not None:
            accounts = [await service.get_account(connection, args.account)]
        else:
            found = await service.list_accounts(connection)
            accounts = [account for account in found if account.kind == "api"]
    if not accounts:
        work.output.note("No account has a key: `aihub reconcile accounts add` adds one.")
        return _FAILED
    fetcher = Fetcher(work.db, work.sealer, work.options)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=work.output.notes) as progress:
        # one after the other, whatever comes of those before
        results = [await _fetch_one(fetcher, each, args.days, progress) for each in accounts]
    return _DONE if all(results) else _FAILED


async def _fetch_one(
    fetcher: Fetcher, account: Account, days: int | None, progress: Progress
) -> bool:
    title = f"{account.name} ({account.provider})"
    task = progress.add_task(title, total=None)

    def tell(source: str, run: Run) -> None:
        text = f"{title}: {source}, page {run.pages}"
        progress.update(task, description=text)

    try:
        found = await fetcher.fetch(account.id, days=days, tell=tell)
    except AppError as error:
        progress.update(task, description=f"{title}: failed", total=1, completed=0)
        progress.console.print(
            f"{title}: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        return False
    text = f"{title}: {found.rows:,} lines of {found.first_day} to {found.last_day}"
    if not found.is_finished:
        text += ", not all of it: run the command again to go on"
    progress.update(task, description=text, total=1, completed=1)
    return found.is_finished


async def _import(args: argparse.Namespace, work: _Work) -> int:
    files = [(path.name, await asyncio.to_thread(_read_file, path)) for path in args.files]
    bill = await asyncio.to_thread(parse_files, args.kind, files)
    async with work.db.write() as connection:
        stored = await service.store_bill(connection, args.kind, bill, account_id=args.account)
    days = f" of {stored.first_day} to {stored.last_day}" if stored.first_day else ""
    work.output.note(f"stored {stored.rows:,} lines{days}")
    if stored.other_lines:
        work.output.note(f"left out {stored.other_lines:,} lines of services that are no models")
    return _DONE


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid.field(str(path), error.strerror or "cannot be read") from error


# ---------- report ----------


async def _report(args: argparse.Namespace, work: _Work) -> int:
    last = args.last_day or datetime.now(UTC).date()
    first = args.first_day or last - timedelta(days=rules.REPORT_DAYS - 1)
    filters = Filters(first, last, args.provider, args.model)
    async with work.db.read() as connection:
        found = await service.report(connection, filters, options=work.options)
    if args.json:
        whole = schemas.to_report(found, limit=len(found.rows) + 1, cursor=None)
        work.output.results.out(encode_json(whole).decode(), highlight=False)
    else:
        _print_report(work.output, found)
    return _ALARM if found.alarms else _DONE


def _print_report(output: Output, report: Report) -> None:
    table = Table("day", "provider", "model", "hub", "bill at list", "drift", "verdict", "why")
    for row in report.rows:
        listed = "" if row.list_cost is None else f"{plain(row.list_cost)} {row.currency}"
        _add_row(
            table,
            str(row.day),
            row.provider,
            row.model or "all models",
            "" if row.hub_cost is None else plain(row.hub_cost),
            listed,
            "" if row.drift is None else f"{rules.percent(row.drift, 1, 2)} %",
            row.verdict.replace("_", " "),
            row.why,
            style="red" if row.is_alarm else None,
        )
    output.results.print(table)
    totals = Table("provider", "hub", "bill at list", "drift", "credits", "taxes", "alarms")
    for total in report.totals:
        _add_row(
            totals,
            total.provider,
            plain(total.hub_cost),
            f"{plain(total.list_cost)} {total.currency}",
            "" if total.drift is None else f"{rules.percent(total.drift, 1, 2)} %",
            plain(total.credits + total.discounts),
            plain(total.taxes),
            str(total.alarms),
        )
    output.results.print(totals)


def _add_row(table: Table, *values: str, style: str | None = None) -> None:
    # names are other people's: they must not become markup
    table.add_row(*(value.replace("[", r"\[") for value in values), style=style)


def _parse_days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= rules.MAX_FETCH_DAYS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {rules.MAX_FETCH_DAYS}")
    return int(text)


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day as 2026-11-18") from error


def _parse_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("an id as `accounts list` shows it") from error
