"""`aihub demo`: a server of its own, a sample month, a trickle of new messages, a browser."""

import asyncio
import logging
import time
import webbrowser
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aihub.analytics import api as analytics
from aihub.conversations.api import SystemOwner
from aihub.demo import running
from aihub.jobs import api as jobs
from aihub.main import Hub
from aihub.reports import api as reports
from aihub.serving import serve
from aihub.settings import Settings

_EXPECTED_EVENTS = 32_000  # at scale 1; the bar corrects itself
_HOME_SUFFIX = "-demo"


async def run_demo(settings: Settings, *, opens_browser: bool, scale: float) -> int:
    """Serve the demo until it is interrupted. With AIHUB_DATABASE_URL it fills that database."""
    began = time.monotonic()
    console = Console()
    if settings.database_url is None and settings.home is None:
        home = settings.home_dir
        settings = msgspec.structs.replace(settings, home=str(home) + _HOME_SUFFIX)
    logging.getLogger().setLevel(logging.WARNING)  # the table is what to read
    quiet = msgspec.structs.replace(settings, log_level="warning")
    stop = asyncio.Event()

    async def begin(hub: Hub, url: str) -> None:
        owners = await running.prepare_organizations(hub.db)
        await running.set_markup(hub.db)
        await hub.markup_rules.refresh(hub.db)
        await _fill(hub, owners, scale=scale, console=console)
        access = await running.grant_access(hub.db, owners)
        link = f"{url}/sign-in/link/{access.sign_in_token}"
        _show(console, url, link, access, seconds=time.monotonic() - began)
        if opens_browser:
            await asyncio.to_thread(webbrowser.open, link)
        await running.trickle(hub.conversations, owners, stop)

    await serve(quiet, on_ready=begin)
    stop.set()
    return 0


async def _fill(
    hub: Hub, owners: dict[str, SystemOwner], *, scale: float, console: Console
) -> None:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    with bar:
        task = bar.add_task("a month of conversations", total=_EXPECTED_EVENTS * scale)
        report = await running.fill(
            hub.conversations,
            owners,
            scale=scale,
            report=lambda count: bar.advance(task, count),
        )
        total = sum(report.stored.values()) + report.refused
        bar.update(task, total=total, completed=total)
        await analytics.catch_up(hub.db)
    async with hub.db.write() as connection:  # the worker makes them while people look around
        for schedule in reports.SCHEDULES:
            if schedule.is_enabled:
                await jobs.run_schedule(connection, schedule, datetime.now(UTC))
    for problem in report.problems:
        console.print(f"not stored: {problem}", style="yellow", markup=False)


def _show(
    console: Console, url: str, link: str, access: running.DemoAccess, *, seconds: float
) -> None:
    table = Table(title=f"AI Hub is ready at {url} ({seconds:.0f} s)", title_justify="left")
    table.add_column("organization")
    table.add_column("API key")
    for name, key in access.keys.items():
        table.add_row(name, key)
    table.add_row("(operator: any)", access.operator_key)
    console.print(table)
    console.print("Sign in with this link (once, within a day):", highlight=False)
    console.print(link, soft_wrap=True, highlight=False, style="bold")
    console.print("Stop with Ctrl-C. New messages keep coming.", highlight=False)
