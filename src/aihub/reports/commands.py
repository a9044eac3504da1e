"""`aihub report`: daily reports from the command line."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from rich.console import Console

from aihub.identity.api import find_organization
from aihub.kit.db import Connection
from aihub.kit.output import Output, add_row, table
from aihub.reports import rendering, service, store

Subparsers: TypeAlias = Any
Action: TypeAlias = Callable[[argparse.Namespace, Connection, Output], Awaitable[int]]

_DONE, _FAILED = 0, 1
_MOST = 100


def add_parser(subparsers: Subparsers) -> None:
    """Add `report` to a command line."""
    parser = subparsers.add_parser(
        "report", help="daily reports", description="Daily reports of organizations."
    )
    actions = parser.add_subparsers(dest="report_action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the reports of an organization")
    listing.add_argument("organization", metavar="ORGANIZATION")
    listing.add_argument("--all", action="store_true", help="every version, not the latest alone")
    listing.set_defaults(action=_list)
    show = actions.add_parser("show", help="one report")
    show.add_argument("organization", metavar="ORGANIZATION")
    show.add_argument("day", type=_parse_day, metavar="DAY", help="as 2026-11-26")
    show.add_argument("--format", choices=("json", "csv"), default="json")
    show.add_argument("--table", choices=rendering.TABLES, help="one table, for csv")
    show.set_defaults(action=_show)
    late = actions.add_parser("late", help="what is due and not there; exit status 1 if anything")
    late.set_defaults(action=_late)


async def run(
    args: argparse.Namespace, connection: Connection, *, console: Console | None = None
) -> int:
    """Do what `args` say; returns the exit status. Raises UnknownOrganization, ReportNotFound."""
    action: Action = args.action
    return await action(args, connection, Output(console))


async def _list(args: argparse.Namespace, connection: Connection, output: Output) -> int:
    organization_id = (await find_organization(connection, args.organization)).id
    page = await store.list_reports(
        connection, organization_id, is_latest_only=not args.all, limit=_MOST
    )
    listing = table("day", "version", "why", "made", "late", "time zone")
    for report in page.items:
        late = f"{report.late_seconds:,} s" if report.late_seconds else ""
        made = f"{report.created_at:%Y-%m-%d %H:%M}"
        add_row(listing, report.day, report.version, report.reason, made, late, report.timezone)
    output.results.print(listing)
    return _DONE


async def _show(args: argparse.Namespace, connection: Connection, output: Output) -> int:
    organization_id = (await find_organization(connection, args.organization)).id
    page = await store.list_reports(
        connection, organization_id, first=args.day, last=args.day, limit=1
    )
    if not page.items:
        output.note(f"There is no report for {args.day}.", style="red")
        return _FAILED
    _, content = await service.get_report(connection, organization_id, page.items[0].id)
    if args.format == "csv":
        raw = rendering.to_csv(rendering.from_json(content), args.table)
        output.results.out(raw.decode(), end="", highlight=False)
    else:
        output.results.out(content.decode(), highlight=False)
    return _DONE


async def _late(_: argparse.Namespace, connection: Connection, output: Output) -> int:
    found = await service.list_late(connection, datetime.now(UTC))
    listing = table("organization", "day", "was due")
    for each in found:
        add_row(listing, each.organization_id, each.day, f"{each.due_at:%Y-%m-%d %H:%M}")
    output.results.print(listing)
    return _FAILED if found else _DONE


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day as 2026-11-26") from error
