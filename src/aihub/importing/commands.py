"""`aihub import chat FILE`: the command's options, its progress bar and its summary."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from aihub.importing.chat_files import UnreadableFile, measure_file
from aihub.importing.importer import ChatImporter, ImportSummary, StoreEvents, Tally
from aihub.importing.planner import ImportOptions
from aihub.importing.schedule import Window, resolve_window

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _INCOMPLETE, _UNUSABLE = 0, 1, 2
_DEFAULT_DAYS = 30.0


def add_parser(subparsers: Subparsers) -> None:
    """Add `import` with its formats to a command line."""
    parser = subparsers.add_parser(
        "import",
        help="take in conversations from a file",
        description="Take in conversations from a file. A second run changes nothing.",
    )
    formats = parser.add_subparsers(dest="format", required=True, metavar="FORMAT")
    chat = formats.add_parser(
        "chat",
        help="OpenAI chat format, one conversation a line (JSONL, plain or gzipped)",
        description="Import OpenAI chat-format JSONL. Tokens are counted from the texts and "
        "marked as estimated; times are spread over a window, as the file has none.",
        epilog="Exit status: 0 everything is stored, 1 some lines are not (each is named), "
        "2 the file or an option is not usable.",
    )
    chat.add_argument("file", type=Path, metavar="FILE")
    chat.add_argument(
        "--organization", default="default", metavar="ID", help="owner (default: %(default)s)"
    )
    chat.add_argument(
        "--user", metavar="ID", help="one user for all (default: the line's, or one a conversation)"
    )
    chat.add_argument("--module", metavar="NAME", help="the part of the product they belong to")
    chat.add_argument("--model", metavar="NAME", help="replaces the file's model")
    chat.add_argument("--provider", metavar="NAME", help="instead of a guess by the model's name")
    chat.add_argument("--start", type=_parse_time, metavar="TIME", help="first conversation, UTC")
    chat.add_argument("--end", type=_parse_time, metavar="TIME", help="last one (default: now)")
    chat.add_argument(
        "--days",
        type=_parse_days,
        default=_DEFAULT_DAYS,
        metavar="N",
        help="without --start: the days before the end (default: 30)",
    )


async def run(
    args: argparse.Namespace,
    store: StoreEvents,
    *,
    console: Console | None = None,
    now: datetime | None = None,
) -> int:
    """Import the file that `args` name into `store`; returns the exit status.

    Problems and the progress bar go to standard error, the summary to standard output, unless
    `console` takes them all. `now` is the end of the default window.
    """
    errors = console or Console(stderr=True)
    path: Path = args.file
    try:
        extent = measure_file(path)
        window = resolve_window(
            start=args.start,
            end=args.end,
            days=args.days,
            now=now or datetime.now(UTC),
            count=extent.lines,
        )
    except (UnreadableFile, ValueError) as error:
        errors.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return _UNUSABLE
    summary = await _import_with_progress(
        args, store, window=window, size_bytes=extent.size_bytes, console=errors
    )
    _print_summary(console or Console(), summary)
    return _DONE if summary.is_complete else _INCOMPLETE


async def _import_with_progress(
    args: argparse.Namespace,
    store: StoreEvents,
    *,
    window: Window,
    size_bytes: int,
    console: Console,
) -> ImportSummary:
    path: Path = args.file
    options = ImportOptions(
        organization_id=args.organization,
        user_id=args.user,
        module=args.module,
        model=args.model,
        provider=args.provider,
    )
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        task = progress.add_task(path.name, total=size_bytes)
        importer = ChatImporter(
            store,
            options=options,
            window=window,
            report_line=lambda number, reason: progress.console.print(
                f"line {number}: {reason}", style="yellow", markup=False, highlight=False
            ),
            report_bytes=lambda offset: progress.update(task, completed=offset),
        )
        summary = await importer.import_file(path)
        progress.update(task, completed=size_bytes)
    return summary


def _print_summary(console: Console, summary: ImportSummary) -> None:
    table = Table(title="Imported")
    table.add_column("")
    table.add_column("new", justify="right")
    table.add_column("known already", justify="right")
    rows: list[tuple[str, Tally]] = [
        ("conversations", summary.conversations),
        ("messages", summary.messages),
        ("tokens", summary.tokens),
        ("calls without a price", summary.unpriced_calls),
    ]
    for name, tally in rows:
        table.add_row(name, f"{tally.new:,}", f"{tally.known:,}")
    table.add_row("estimated cost", f"{summary.new_cost:,.4f}", f"{summary.known_cost:,.4f}")
    console.print(table)
    if summary.bad_lines or summary.refused_events:
        console.print(
            f"{summary.bad_lines} bad lines, {summary.refused_events} events not stored; "
            "each is named above",
            style="yellow",
            highlight=False,
        )


def _parse_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date or time such as 2026-01-31 or 2026-01-31T12:00Z"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parse_days(text: str) -> float:
    try:
        days = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days") from error
    if not 0 < days <= 36_500:  # noqa: PLR2004 - a century
        raise argparse.ArgumentTypeError("the number of days must lie between 0 and 36500")
    return days
