"""`aihub doctor` and `aihub migrate`: look at the installation, say what to do."""

import asyncio
import socket
from typing import Any

import asyncpg
from rich.console import Console

from aihub import __version__
from aihub.embedded import EmbeddedError, find_binaries
from aihub.hosting import DatabaseRefused, Hosting
from aihub.kit import migrate, plain_postgres
from aihub.kit.db import AWAY
from aihub.pricing.api import read_release
from aihub.settings import Settings

_OLDEST_SERVER = 150_000
_MONTHS_AHEAD = 3


class _Report:
    """Lines with a mark each; counts what is wrong."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.problems = 0

    def good(self, text: str) -> None:
        self.console.print(f"[green]ok[/]    {text}")

    def bad(self, text: str, what_to_do: str) -> None:
        self.problems += 1
        self.console.print(f"[red]wrong[/] {text}")
        self.console.print(f"      → {what_to_do}")

    def note(self, text: str) -> None:
        self.console.print(f"[yellow]note[/]  {text}")


async def examine(settings: Settings) -> int:
    """Check everything and print what was found; 0 when all is well, else 1."""
    report = _Report()
    report.good(f"AI Hub {__version__}")
    _check_price_book(report)
    _check_port(settings, report)
    hosting = Hosting(settings)
    try:
        await asyncio.to_thread(hosting.start)
    except EmbeddedError as error:
        report.bad("the embedded PostgreSQL does not run", str(error))
        return 1
    try:
        await _check_database(hosting, report)
    finally:
        await hosting.stop()
    report.console.print(
        "All is well." if not report.problems else f"{report.problems} to be mended."
    )
    return 1 if report.problems else 0


async def show_migrations(settings: Settings, *, only_check: bool) -> int:
    """Apply what is missing, or with `only_check` name it (then 1 when something is)."""
    console = Console(highlight=False)
    hosting = Hosting(settings)
    await asyncio.to_thread(hosting.start)
    try:
        if only_check:
            async with hosting.connection() as connection:
                missing = await migrate.pending(connection)
            for version in missing:
                console.print(f"missing: {version}")
            console.print("The database is up to date." if not missing else "Run `aihub migrate`.")
            return 1 if missing else 0
        applied = await hosting.migrate(report=lambda m: console.print(f"applying {m.path.name}"))
        console.print(
            f"{len(applied)} applied." if applied else "The database was up to date already."
        )
        return 0
    finally:
        await hosting.stop()


def _check_price_book(report: _Report) -> None:
    report.good(f"prices of release {read_release().number}")


def _check_port(settings: Settings, report: _Report) -> None:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    if taken:
        report.note(f"something listens at {settings.host}:{settings.port} (a running hub?)")
    else:
        report.good(f"port {settings.port} is free")


async def _check_database(hosting: Hosting, report: _Report) -> None:
    try:
        async with hosting.connection() as connection:
            await _check_server(connection, hosting, report)
            await _check_schema(connection, report)
    except (DatabaseRefused, asyncpg.PostgresError, *AWAY) as error:
        report.bad(
            f"the database does not let us in: {error}",
            "check AIHUB_DATABASE_URL: host, port, user, password and TLS (`?sslmode=require`)",
        )


async def _check_server(connection: Any, hosting: Hosting, report: _Report) -> None:
    version = int(await connection.fetchval("show server_version_num"))
    name = await connection.fetchval("show server_version")
    kind = "embedded" if hosting.url is None else "by AIHUB_DATABASE_URL"
    if version < _OLDEST_SERVER:
        report.bad(f"PostgreSQL {name} is too old", "use PostgreSQL 15 or newer")
    else:
        report.good(f"PostgreSQL {name}, {kind}{', pooled' if hosting.is_pooler else ''}")
    if hosting.url is None:
        binaries = find_binaries(hosting.bin_dir)
        report.good(
            f"programs of PostgreSQL {binaries.version}; data in {hosting.settings.home_dir}"
        )
        if hosting.has_room:
            report.good("room on the disk")
        else:
            report.bad(
                "the disk is nearly full: writes are refused", "make room; it goes on itself"
            )


async def _check_schema(connection: Any, report: _Report) -> None:
    if not await plain_postgres.is_prepared(connection):
        report.bad("roles and auth functions are missing", "run `aihub migrate` (it prepares them)")
        return
    missing = await migrate.pending(connection)
    if missing:
        report.bad(f"{len(missing)} migrations are missing", "run `aihub migrate`")
        return
    report.good("the schema is up to date")
    months = await connection.fetchval(
        "select count(*) from generate_series(0, $1::integer) m where to_regclass(format("
        "'hub_part.ai_messages_%s', to_char((now() at time zone 'UTC')"
        " + make_interval(months => m), 'YYYYMM'))) is not null",
        _MONTHS_AHEAD,
    )
    if months <= _MONTHS_AHEAD:
        report.bad(
            f"only {months} of {_MONTHS_AHEAD + 1} months have partitions",
            "have one `aihub serve` or `aihub worker` running: it makes them",
        )
    else:
        report.good(f"partitions are there {_MONTHS_AHEAD} months ahead")
