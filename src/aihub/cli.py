"""The command line. Each command loads only what it needs."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from aihub import __version__
from aihub.kit import logs
from aihub.settings import Settings, UnusableSettings, read_settings

_FAILED, _UNUSABLE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    try:
        settings = _override(read_settings(), args)
    except UnusableSettings as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return _UNUSABLE
    logs.set_up(settings.log_level, settings.log_format)
    command: Callable[[argparse.Namespace, Settings], Coroutine[Any, Any, int]] = args.command
    try:
        return _run(command(args, settings))
    except KeyboardInterrupt:
        return 130
    except _expected_errors() as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return _FAILED


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    from aihub.analytics import commands as analytics  # noqa: PLC0415
    from aihub.identity import commands as identity  # noqa: PLC0415
    from aihub.importing import commands as importing  # noqa: PLC0415
    from aihub.jobs import commands as jobs  # noqa: PLC0415
    from aihub.markup import commands as markup  # noqa: PLC0415
    from aihub.prices import commands as prices  # noqa: PLC0415
    from aihub.reconciliation import commands as reconciliation  # noqa: PLC0415
    from aihub.reports import commands as reports  # noqa: PLC0415
    from aihub.repricing import commands as repricing  # noqa: PLC0415

    parser = argparse.ArgumentParser(
        prog="aihub", description="Every conversation your products have with AI, kept and priced."
    )
    parser.add_argument("--version", action="version", version=f"aihub {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = _add(subparsers, "demo", _demo, "a hub with a lively sample month, opened in a browser")
    _add_address(demo)
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")
    demo.add_argument("--scale", type=float, default=1.0, help="times the conversations (1)")
    serve = _add(subparsers, "serve", _serve, "serve the API and the pages, with upkeep")
    _add_address(serve)
    serve.add_argument(
        "--only", choices=("api", "worker", "scheduler"), help="one part of it, on this machine"
    )
    _add(subparsers, "worker", _worker, "do the upkeep alone, beside `serve --only api`")
    migrate = _add(subparsers, "migrate", _migrate, "bring the database to this version")
    migrate.add_argument("--check", action="store_true", help="only tell what is missing")
    _add(subparsers, "doctor", _doctor, "check the installation and say what to do")
    _add(subparsers, "openapi", _openapi, "print the OpenAPI document")
    importing.add_parser(subparsers)
    subparsers.choices["import"].set_defaults(command=_import)
    identity.add_parsers(subparsers)
    for name in ("org", "keys", "account"):
        subparsers.choices[name].set_defaults(command=_administer)
    repricing.add_action(prices.add_parser(subparsers))
    subparsers.choices["prices"].set_defaults(command=_prices)
    markup.add_parser(subparsers)
    subparsers.choices["markup"].set_defaults(command=_markup)
    reconciliation.add_parser(subparsers)
    subparsers.choices["reconcile"].set_defaults(command=_reconcile)
    analytics.add_parser(subparsers)
    subparsers.choices["analytics"].set_defaults(command=_analytics)
    jobs.add_parser(subparsers)
    subparsers.choices["jobs"].set_defaults(command=_jobs)
    reports.add_parser(subparsers)
    subparsers.choices["report"].set_defaults(command=_report)
    return parser


def _add(
    subparsers: Any,
    name: str,
    command: Callable[[argparse.Namespace, Settings], Coroutine[Any, Any, int]],
    description: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=description, description=f"{description[0].upper()}{description[1:]}."
    )
    parser.set_defaults(command=command)
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="where to listen (127.0.0.1, or AIHUB_HOST)")
    parser.add_argument("--port", type=int, help="and at which port (8080, or AIHUB_PORT)")


def _override(settings: Settings, args: argparse.Namespace) -> Settings:
    given = {
        name: value for name in ("host", "port") if (value := getattr(args, name, None)) is not None
    }
    return msgspec.structs.replace(settings, **given)


def _run(coroutine: Coroutine[Any, Any, int]) -> int:
    # as Ctrl-C: what was begun is left in order, the embedded PostgreSQL too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.platform == "win32":
        return asyncio.run(coroutine)
    import uvloop  # noqa: PLC0415

    return uvloop.run(coroutine)


def _expected_errors() -> tuple[type[Exception], ...]:
    """What is told in a sentence; anything else is a defect and shows its traceback."""
    from aihub.embedded import EmbeddedError  # noqa: PLC0415
    from aihub.hosting import DatabaseRefused  # noqa: PLC0415
    from aihub.kit.db import AWAY  # noqa: PLC0415
    from aihub.kit.errors import AppError  # noqa: PLC0415
    from aihub.kit.migrate import MigrationError  # noqa: PLC0415
    from aihub.kit.plain_postgres import PreparationError  # noqa: PLC0415
    from aihub.serving import NotStarted, PortTaken  # noqa: PLC0415

    return (
        EmbeddedError,
        DatabaseRefused,
        AppError,
        MigrationError,
        PreparationError,
        NotStarted,
        PortTaken,
        *AWAY,
    )


# ---------- commands ----------


async def _serve(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.serving import serve, work  # noqa: PLC0415

    if args.only in ("worker", "scheduler"):
        await work(settings)
    else:
        await serve(settings, does_upkeep=args.only is None)
    return 0


async def _worker(_: argparse.Namespace, settings: Settings) -> int:
    from aihub.serving import work  # noqa: PLC0415

    await work(settings)
    return 0


async def _demo(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.demo_command import run_demo  # noqa: PLC0415

    return await run_demo(settings, opens_browser=not args.no_browser, scale=args.scale)


async def _migrate(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.doctor import show_migrations  # noqa: PLC0415

    return await show_migrations(settings, only_check=args.check)


async def _doctor(_: argparse.Namespace, settings: Settings) -> int:
    from aihub.doctor import examine  # noqa: PLC0415

    return await examine(settings)


async def _openapi(_: argparse.Namespace, __: Settings) -> int:
    from aihub.main import openapi_document  # noqa: PLC0415

    text = msgspec.json.format(msgspec.json.encode(openapi_document()), indent=2)
    sys.stdout.write(text.decode() + "\n")
    return 0


async def _import(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.conversations.api import EventStore, SystemOwner  # noqa: PLC0415
    from aihub.identity.api import create_organization  # noqa: PLC0415
    from aihub.importing import commands  # noqa: PLC0415
    from aihub.opening import opened  # noqa: PLC0415

    async with opened(settings) as hub:
        async with hub.db.write() as connection:
            found = await create_organization(connection, external_id=args.organization)
        owner = SystemOwner(found.id, found.external_id, "import", found.plan)
        return await commands.run(args, EventStore(hub.conversations, {args.organization: owner}))


async def _administer(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.identity import commands  # noqa: PLC0415
    from aihub.opening import opened  # noqa: PLC0415

    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    async with opened(settings) as hub, hub.db.read() as connection:
        return await commands.run(args, connection, link_format=f"{base}/sign-in/link/{{token}}")


async def _prices(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.opening import opened  # noqa: PLC0415
    from aihub.prices import commands  # noqa: PLC0415
    from aihub.repricing import commands as repricing  # noqa: PLC0415

    async with opened(settings) as hub:
        if args.prices_action == "reprice":
            return await repricing.run(args, hub.db, hub.meter)
        async with hub.db.read() as connection:
            return await commands.run(args, connection)


async def _reconcile(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.opening import opened  # noqa: PLC0415
    from aihub.reconciliation import commands  # noqa: PLC0415

    async with opened(settings) as hub:
        return await commands.run(args, hub.db, secret_key=hub.secret)


async def _markup(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.markup import commands  # noqa: PLC0415
    from aihub.opening import opened  # noqa: PLC0415

    async with opened(settings) as hub, hub.db.read() as connection:
        return await commands.run(args, connection)


async def _analytics(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.analytics import commands  # noqa: PLC0415
    from aihub.opening import opened  # noqa: PLC0415

    async with opened(settings) as hub:
        return await commands.run(args, hub.db)


async def _jobs(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.jobs import commands  # noqa: PLC0415
    from aihub.opening import opened  # noqa: PLC0415
    from aihub.reports.api import SCHEDULES  # noqa: PLC0415

    async with opened(settings) as hub, hub.db.write() as connection:
        return await commands.run(args, connection, SCHEDULES)


async def _report(args: argparse.Namespace, settings: Settings) -> int:
    from aihub.opening import opened  # noqa: PLC0415
    from aihub.reports import commands  # noqa: PLC0415

    async with opened(settings) as hub, hub.db.read() as connection:
        return await commands.run(args, connection)


if __name__ == "__main__":
    sys.exit(main())
