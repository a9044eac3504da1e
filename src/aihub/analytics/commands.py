"""`aihub analytics`: how far the rollups are, and computing them again."""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from aihub.analytics import rollups
from aihub.analytics.models import RollupStatus
from aihub.kit.db import Database
from aihub.kit.errors import AppError, Invalid
from aihub.kit.output import Output, add_row, table

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _FAILED, _UNUSABLE = 0, 1, 2
_STATUSES = "Exit status: 0 done, 1 not possible, 2 an option is not usable."


def add_parser(subparsers: Subparsers) -> None:
    """Add `analytics` to a command line."""
    parser = subparsers.add_parser("analytics", help="the rollups that dashboards read")
    actions = parser.add_subparsers(dest="analytics_action", required=True, metavar="ACTION")
    actions.add_parser("status", help="how far the rollups are", epilog=_STATUSES)
    rebuild = actions.add_parser(
        "rebuild",
        help="compute rollups again from the calls and conversations",
        description="Compute rollups again. What raw rows gave that are gone since is kept and "
        "stays in them, so that this changes nothing unless something was wrong.",
        epilog=_STATUSES,
    )
    rebuild.add_argument("--from", dest="since", metavar="DAY", help="UTC (default: the first)")
    rebuild.add_argument("--to", metavar="DAY", help="not included (default: now)")


async def run(args: argparse.Namespace, db: Database, *, console: Console | None = None) -> int:
    """Do what `args` say; returns the exit status. `console` takes all output when given."""
    output = Output(console)
    try:
        if args.analytics_action == "rebuild":
            await _rebuild(args, db, output)
        async with db.read() as connection:
            _show(await rollups.status(connection), output)
    except Invalid as error:
        output.note(f"error: {error.detail}", style="red")
        return _UNUSABLE
    except AppError as error:
        output.note(f"error: {error}", style="red")
        return _FAILED
    return _DONE


async def _rebuild(args: argparse.Namespace, db: Database, output: Output) -> None:
    since, to = _read_day(args.since, "--from"), _read_day(args.to, "--to")
    async with db.write() as connection:
        await rollups.rebuild(connection, since, to)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.notes, transient=True) as bar:
        task = bar.add_task("slots", total=None)
        is_more, begun = True, None
        while is_more:
            async with db.write() as connection:
                found = await rollups.tick(connection)
            if not found.ran:  # a running hub does the same
                await asyncio.sleep(0.1)
            async with db.read() as connection:
                state = await rollups.status(connection)
            is_more = state.rebuild_from is not None or found.more
            if state.rebuild_from is not None and state.rebuild_to is not None:
                begun = begun or state.rebuild_from
                whole = (state.rebuild_to - begun).total_seconds()
                left = (state.rebuild_to - state.rebuild_from).total_seconds()
                bar.update(task, total=whole, completed=whole - left)
        bar.update(task, description="days", total=None)
        while True:
            async with db.write() as connection:
                settled = await rollups.settle(connection)
            async with db.read() as connection:
                due = (await rollups.status(connection)).due_days
            if not due:
                break
            if not settled:
                await asyncio.sleep(0.1)


def _show(state: RollupStatus, output: Output) -> None:
    shown = table("what", "")
    ticked = f"{state.ticked_at:%Y-%m-%d %H:%M:%S} UTC" if state.ticked_at else "never"
    add_row(shown, "last step", ticked)
    add_row(shown, "transactions not in the rollups yet", f"{state.behind:,}")
    add_row(shown, "slots of calls", f"{state.usage_slots:,}")
    add_row(shown, "days read from slots", f"{state.open_days:,}")
    add_row(shown, "of them over and due to be stored", f"{state.due_days:,}")
    if state.rebuild_from is not None:
        add_row(shown, "being computed again from", f"{state.rebuild_from:%Y-%m-%d %H:%M} UTC")
    output.results.print(shown)


def _read_day(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid.field(option, "must be a day or a time such as 2026-01-31") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
