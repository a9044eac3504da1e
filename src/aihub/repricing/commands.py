"""`aihub prices reprice`: stored calls priced again, previewed first."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aihub.conversations.api import Meter
from aihub.identity.api import find_organization
from aihub.kit.db import Database
from aihub.kit.errors import AppError, Invalid
from aihub.kit.money import plain
from aihub.kit.output import Output, add_row, table
from aihub.pricing import api as pricing
from aihub.repricing import service
from aihub.repricing.models import RepriceFilters, RepriceResult

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _FAILED, _UNUSABLE = 0, 1, 2
_CREATED_BY = "command line"
_EVERY = "all"


def add_action(actions: Subparsers) -> None:
    """Add `reprice` to the actions of `aihub prices`."""
    parser = actions.add_parser(
        "reprice",
        help="price stored calls again with the book and the markup rules of now",
        description="Shows what would change. With --yes it is changed, and each call keeps an "
        "entry that tells what its cost was. Invoices that were issued do not move.",
    )
    parser.add_argument(
        "--status", choices=("unpriced", "estimated", "priced", "free", _EVERY), default="unpriced",
        help="(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--organization", metavar="ID", help="(default: all)")
    parser.add_argument("--provider", metavar="NAME")
    parser.add_argument("--model", metavar="NAME")
    parser.add_argument("--from", dest="since", metavar="DAY", help="of the calls' time, UTC")
    parser.add_argument("--to", metavar="DAY", help="not included")
    parser.add_argument("--yes", action="store_true", help="change them (default: only show)")


async def run(
    args: argparse.Namespace, db: Database, meter: Meter, *, console: Console | None = None
) -> int:
    """Do it; returns the exit status. `console` takes all output when given."""
    output = Output(console)
    try:
        filters = await _read_filters(args, db)
        with _bar(output) as bar:
            task = bar.add_task("pricing", total=None)
            result = await service.reprice(
                db,
                meter,
                filters,
                created_by=_CREATED_BY if args.yes else None,
                on_progress=lambda done, all_: bar.update(task, completed=done, total=all_),
            )
    except Invalid as error:
        output.note(f"error: {error.detail}", style="red")
        return _UNUSABLE
    except AppError as error:
        output.note(f"error: {error}", style="red")
        return _FAILED
    _show(result, output)
    if result.changed and not args.yes:
        output.note("nothing was changed; --yes changes it")
    return _DONE


async def _read_filters(args: argparse.Namespace, db: Database) -> RepriceFilters:
    organization_id = None
    if args.organization:
        async with db.read() as connection:
            organization_id = (await find_organization(connection, args.organization)).id
    return RepriceFilters(
        organization_id=organization_id,
        provider=pricing.canonical_provider(args.provider),
        model=args.model,
        from_=_read_day(args.since, "--from"),
        to=_read_day(args.to, "--to"),
        statuses=() if args.status == _EVERY else (args.status,),
    )


def _read_day(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid.field(option, "must be a day or a time such as 2026-01-31") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _show(result: RepriceResult, output: Output) -> None:
    shown = table("provider", "model", "calls", "changed", "unpriced", "cost USD", "price USD")
    for line in sorted(result.lines.values(), key=lambda line: -line.changed):
        add_row(
            shown,
            line.provider or "",
            line.model or "",
            f"{line.calls:,}",
            f"{line.changed:,}",
            f"{line.unpriced_before:,} → {line.unpriced_after:,}",
            f"{plain(line.cost_before)} → {plain(line.cost_after)}",
            f"{plain(line.price_before)} → {plain(line.price_after)}",
        )
    if result.lines:
        output.results.print(shown)
    output.note(
        f"{result.calls:,} calls priced with book {result.price_book_version}, "
        f"{result.changed:,} come out otherwise"
    )


def _bar(output: Output) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=output.notes,
        transient=True,
    )
