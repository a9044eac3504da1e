"""`aihub markup`: rules from the command line."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aihub.kit.db import Connection
from aihub.kit.errors import AppError, Invalid, Malformed
from aihub.kit.money import plain
from aihub.kit.output import Output, add_row, table
from aihub.kit.paging import MAX_LIMIT
from aihub.markup import schemas, service
from aihub.markup.models import MarkupRule, Terms
from aihub.markup.what_if_models import WhatIf

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _FAILED, _UNUSABLE = 0, 1, 2
_CREATED_BY = "command line"
_STATUSES = "Exit status: 0 done, 1 not possible, 2 the file or an option is not usable."


def add_parser(subparsers: Subparsers) -> None:
    """Add `markup` to a command line."""
    parser = subparsers.add_parser("markup", help="what customers pay on top of the cost")
    actions = parser.add_subparsers(dest="markup_action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="rules in force and to come", epilog=_STATUSES)
    listing.add_argument("--all", action="store_true", help="every version there ever was")
    listing.set_defaults(action=_list)
    put = actions.add_parser(
        "put",
        help="write new versions of rules",
        description="Write new versions of rules, all or none. The file is the body of "
        'PUT /v1/markup-rules: {"rules": [...]}; - reads standard input.',
        epilog=_STATUSES,
    )
    put.add_argument("file", metavar="FILE.json")
    put.set_defaults(action=_put)
    retire = actions.add_parser("retire", help="end a rule now", epilog=_STATUSES)
    retire.add_argument("rule_key", metavar="KEY", help="as `aihub markup list` shows it")
    retire.set_defaults(action=_retire)
    what_if = actions.add_parser(
        "what-if",
        help="recompute a month under other rules; stores nothing",
        description="Recompute a month under other rules; nothing is stored. The file is the body "
        'of POST /v1/markup-rules/what-if: {"month": "2026-10", "rules": [...]}.',
        epilog=_STATUSES,
    )
    what_if.add_argument("file", metavar="FILE.json")
    what_if.add_argument("--organization", metavar="ID", help="this one only (default: all)")
    what_if.set_defaults(action=_what_if)


async def run(
    args: argparse.Namespace, connection: Connection, *, console: Console | None = None
) -> int:
    """Do what `args` say; returns the exit status. `console` takes all output when given."""
    output = Output(console)
    try:
        async with connection.transaction():
            await args.action(args, connection, output)
    except (Invalid, Malformed, OSError) as error:
        output.note(f"error: {error}", style="red")
        return _UNUSABLE
    except AppError as error:
        output.note(f"error: {error}", style="red")
        return _FAILED
    return _DONE


# ---------- actions ----------


async def _list(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    shown = table("rule", "version", "for", "prices", "from", "to", "by")
    cursor = None
    while True:
        page = await service.list_rules(
            connection, includes_past=args.all, limit=MAX_LIMIT, cursor=cursor
        )
        for rule in page.items:
            _add_rule(shown, rule)
        cursor = page.next_cursor
        if cursor is None:
            break
    output.results.print(shown)


async def _put(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    body = schemas.read_rules(_read(args.file))
    written = await service.put_rules(connection, body.rules, created_by=_CREATED_BY)
    shown = table("rule", "version", "for", "prices", "from", "to", "by")
    for rule in written.rules:
        _add_rule(shown, rule)
    output.results.print(shown)
    for warning in written.warnings:
        output.note(warning, style="yellow")


async def _retire(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    closing = await service.retire_rule(connection, args.rule_key, created_by=_CREATED_BY)
    output.note(f"{closing.rule_key} ended at {closing.valid_from:%Y-%m-%d %H:%M:%S} UTC")


async def _what_if(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    body = schemas.read_what_if(_read(args.file))
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=output.notes,
        transient=True,
    )
    with bar:
        task = bar.add_task(f"calls of {body.month}", total=None)
        found = await service.what_if(
            connection,
            month=body.month,
            drafts=body.rules,
            without=body.without,
            organization=args.organization,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _print_what_if(output, found)


# ---------- output ----------


def _print_what_if(output: Output, found: WhatIf) -> None:
    numbers = ("calls", "unpriced", "cost", "price", "new price", "margin", "below cost")
    shown = _table_of_numbers("organization", "module", "model", numbers=numbers)
    for line in found.lines:
        model = f"{line.provider or ''}/{line.model or ''}"
        add_row(shown, line.organization, line.module or "", model, *_numbers(line))
    shown.add_section()
    add_row(shown, "all", "", "", *_numbers(found))
    output.results.print(shown)
    if found.periods:
        shown = _table_of_numbers(
            "organization", "rule", numbers=("calls", "prices of calls", "the month")
        )
        for period in found.periods:
            add_row(
                shown, period.organization, period.rule_key, f"{period.calls:,}",
                _usd(period.calls_price), _usd(period.price),
            )  # fmt: skip
        output.results.print(shown)


def _numbers(sums: Any) -> list[str]:
    return [
        f"{sums.calls:,}",
        f"{sums.unpriced_calls:,}",
        *(_usd(each) for each in (sums.cost, sums.price, sums.new_price, sums.margin)),
        f"{sums.negative_margin_calls:,}",
    ]


def _usd(amount: Any) -> str:
    return plain(amount)


def _add_rule(shown: Table, rule: MarkupRule) -> None:
    add_row(
        shown, rule.rule_key, rule.version, _scope(rule), _terms(rule),
        f"{rule.valid_from:%Y-%m-%d %H:%M}",
        f"{rule.valid_to:%Y-%m-%d %H:%M}" if rule.valid_to else "", rule.created_by,
    )  # fmt: skip


def _scope(rule: MarkupRule) -> str:
    owner = rule.organization or rule.organization_id
    words = [f"organization {owner}"] if owner else [f"plan {rule.plan}"] if rule.plan else []
    words += [
        f"{n} {getattr(rule, n)}" for n in ("module", "provider", "model") if getattr(rule, n)
    ]
    return ", ".join(words) or "everybody"


def _terms(rule: MarkupRule) -> str:
    if rule.is_closing:
        return "ended"
    given = {
        name: value
        for name in Terms.__struct_fields__
        if (value := getattr(rule, name)) is not None
    }
    encoded = msgspec.json.encode(given) if given else b"at cost"
    return encoded.decode()


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _table_of_numbers(*columns: str, numbers: tuple[str, ...]) -> Table:
    shown = table(*columns)
    for column in numbers:
        shown.add_column(column, overflow="fold", justify="right")
    return shown
