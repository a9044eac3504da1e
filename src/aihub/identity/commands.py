"""`aihub org`, `aihub keys` and `aihub account`: administration from the command line."""

import argparse
import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.console import Console

from aihub.identity import people_store as people
from aihub.identity import rules, service
from aihub.identity.models import PLANS, ROLE_SCOPES, SCOPES, Organization
from aihub.kit.db import Connection
from aihub.kit.errors import AppError, Invalid
from aihub.kit.output import Output, add_row, day, seconds, table
from aihub.kit.paging import MAX_LIMIT

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _FAILED, _UNUSABLE = 0, 1, 2
_CREATED_BY = "command line"
_STATUSES = "Exit status: 0 done, 1 not possible, 2 an option is not usable."


class _Failure(Exception):
    """Nothing to be done, said in a sentence."""


def add_parsers(subparsers: Subparsers) -> None:
    """Add `org`, `keys` and `account` to a command line."""
    _add_org(subparsers)
    _add_keys(subparsers)
    _add_account(subparsers)


async def run(
    args: argparse.Namespace,
    connection: Connection,
    *,
    console: Console | None = None,
    link_format: str = "{token}",
) -> int:
    """Do what `args` say; returns the exit status.

    `console` takes all output when given. `link_format` is what to print of a sign-in link.
    """
    output = Output(console)
    args.link_format = link_format
    try:
        async with connection.transaction():
            await args.action(args, connection, output)
    except Invalid as error:
        output.note(f"error: {error.detail}", style="red")
        return _UNUSABLE
    except (AppError, _Failure) as error:
        output.note(f"error: {error}", style="red")
        return _FAILED
    return _DONE


# ---------- org ----------


def _add_org(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("org", help="make, list and change organizations")
    actions = parser.add_subparsers(dest="org_action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make an organization", epilog=_STATUSES)
    create.add_argument("id", metavar="ID", help="your own id for it, or a UUID")
    create.add_argument("--name", metavar="NAME", help="(default: the id)")
    create.add_argument("--plan", choices=PLANS, default="free", help="(default: %(default)s)")
    create.add_argument("--timezone", default="UTC", metavar="ZONE", help="(default: %(default)s)")
    create.set_defaults(action=_create_org)
    listing = actions.add_parser("list", help="all organizations", epilog=_STATUSES)
    listing.set_defaults(action=_list_orgs)
    show = actions.add_parser("show", help="one organization's settings", epilog=_STATUSES)
    show.add_argument("id", metavar="ID")
    show.set_defaults(action=_show_org)
    change = actions.add_parser("set", help="change settings", epilog=_STATUSES)
    change.add_argument("id", metavar="ID")
    change.add_argument("--name", metavar="NAME")
    change.add_argument("--plan", choices=PLANS)
    change.add_argument("--timezone", metavar="ZONE")
    for moment in ("pause", "complete", "archive"):
        change.add_argument(
            f"--idle-{moment}-seconds",
            type=_parse_seconds,
            metavar="N",
            help=f"idle conversations {moment} after that; 0: never",
        )
    change.add_argument(
        "--retention-days", type=_parse_days, metavar="N", help="or `unlimited`: kept for ever"
    )
    change.set_defaults(action=_set_org)


async def _create_org(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    found, is_new = await service.ensure_organization(
        connection,
        external_id=args.id,
        name=args.name,
        plan=args.plan,
        timezone=args.timezone,
    )
    output.note("made" if is_new else "exists already, and stays as it is")
    _print_org(output, found)


async def _list_orgs(_: argparse.Namespace, connection: Connection, output: Output) -> None:
    shown = table("id", "name", "plan", "time zone", "since")
    cursor = None
    while True:
        page = await service.list_organizations(connection, limit=MAX_LIMIT, cursor=cursor)
        for each in page.items:
            add_row(
                shown, each.external_id, each.name, each.plan, each.timezone, day(each.created_at)
            )
        cursor = page.next_cursor
        if cursor is None:
            break
    output.results.print(shown)


async def _show_org(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    _print_org(output, await _organization(connection, args.id))


async def _set_org(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    names = ("name", "plan", "timezone")
    idle = tuple(f"idle_{moment}_seconds" for moment in ("pause", "complete", "archive"))
    given = {name: getattr(args, name) for name in (*names, *idle)}
    changes = {name: value for name, value in given.items() if value is not None}
    if args.retention_days is not None:
        changes["retention_days"] = args.retention_days or None
    if not changes:
        raise Invalid("Nothing to change: give an option, see `aihub org set --help`.")
    found = await _organization(connection, args.id)
    _print_org(output, await service.update_organization(connection, found.id, changes))


def _print_org(output: Output, found: Organization) -> None:
    shown = table("", "")
    shown.show_header = False
    for name, value in (
        ("id", found.external_id),
        ("uuid", found.id),
        ("name", found.name),
        ("plan", found.plan),
        ("time zone", found.timezone),
        ("retention", f"{found.retention_days} days" if found.retention_days else "unlimited"),
        ("idle: pause", seconds(found.idle_pause_seconds)),
        ("idle: complete", seconds(found.idle_complete_seconds)),
        ("idle: archive", seconds(found.idle_archive_seconds)),
    ):
        add_row(shown, name, value)
    output.results.print(shown)


# ---------- keys ----------


def _add_keys(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("keys", help="make, list and revoke API keys")
    actions = parser.add_subparsers(dest="keys_action", required=True, metavar="ACTION")
    create = actions.add_parser(
        "create",
        help="make a key",
        description="Make a key. Standard output gets the key and nothing else, this once.",
        epilog=_STATUSES,
    )
    _add_owner(create)
    create.add_argument("--name", default="command line", help="(default: %(default)s)")
    create.add_argument(
        "--scopes",
        type=lambda text: [word.strip() for word in text.split(",")],
        default=list(SCOPES),
        metavar="A,B",
        help=f"some of {', '.join(SCOPES)} (default: all)",
    )
    create.add_argument("--expires", type=_parse_time, metavar="TIME", help="(default: never)")
    create.set_defaults(action=_create_key)
    listing = actions.add_parser("list", help="keys, revoked ones too", epilog=_STATUSES)
    _add_owner(listing)
    listing.set_defaults(action=_list_keys)
    revoke = actions.add_parser("revoke", help="revoke a key for ever", epilog=_STATUSES)
    revoke.add_argument("id", type=_parse_uuid, metavar="ID", help="as `aihub keys list` shows it")
    revoke.set_defaults(action=_revoke_key)


def _add_owner(parser: argparse.ArgumentParser) -> None:
    owner = parser.add_mutually_exclusive_group(required=True)
    owner.add_argument("--organization", metavar="ID", help="a key of this organization")
    owner.add_argument("--operator", action="store_true", help="acts for every organization")


async def _create_key(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    new = await service.create_api_key(
        connection,
        organization_id=await _owner(args, connection),
        name=args.name,
        scopes=args.scopes,
        expires_at=args.expires,
        created_by=_CREATED_BY,
    )
    output.note(f"Key {new.id}. It is shown this once:")
    output.result(new.key)


async def _list_keys(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    owner = await _owner(args, connection)
    shown = table("id", "name", "starts with", "scopes", "made", "last used", "state")
    cursor = None
    while True:
        page = await service.list_api_keys(connection, owner, limit=MAX_LIMIT, cursor=cursor)
        for key in page.items:
            is_expired = rules.is_over(key.expires_at, datetime.now(UTC))
            state = "revoked" if key.revoked_at else "expired" if is_expired else "valid"
            add_row(
                shown,
                key.id,
                key.name,
                key.prefix,
                " ".join(key.scopes),
                day(key.created_at),
                day(key.last_used_at),
                state,
            )
        cursor = page.next_cursor
        if cursor is None:
            break
    output.results.print(shown)


async def _revoke_key(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    key = await service.revoke_api_key(connection, args.id)
    output.note(f"revoked: {key.prefix}… ({key.name})")


async def _owner(args: argparse.Namespace, connection: Connection) -> UUID | None:
    if args.operator:
        return None
    return (await _organization(connection, args.organization)).id


# ---------- account ----------


def _add_account(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("account", help="people who sign in to the dashboard")
    actions = parser.add_subparsers(dest="account_action", required=True, metavar="ACTION")
    create = actions.add_parser(
        "create",
        help="make an account, or give one another password",
        description="Make an account, or give one another password. Asks for the password.",
        epilog=_STATUSES,
    )
    create.add_argument("email", metavar="EMAIL")
    create.add_argument("--name", metavar="NAME")
    create.add_argument("--operator", action="store_true", help="may see every organization")
    create.add_argument("--organization", metavar="ID", help="makes it a member there")
    create.add_argument(
        "--role", choices=tuple(ROLE_SCOPES), default="owner", help="there (default: %(default)s)"
    )
    create.add_argument(
        "--password-stdin", action="store_true", help="the first line of standard input is it"
    )
    create.set_defaults(action=_create_account)
    link = actions.add_parser("link", help="print a link that signs in once", epilog=_STATUSES)
    link.add_argument("email", metavar="EMAIL")
    link.add_argument(
        "--minutes", type=_parse_minutes, default=service.LINK_MINUTES, help="(default: 15)"
    )
    link.set_defaults(action=_print_link)
    listing = actions.add_parser("list", help="all accounts", epilog=_STATUSES)
    listing.set_defaults(action=_list_accounts)


async def _create_account(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    email = rules.check_email(args.email)
    organization = None
    if args.organization is not None:
        organization = await _organization(connection, args.organization)
    account = await service.create_account(
        connection,
        email=email,
        name=args.name,
        password=_read_password(from_stdin=args.password_stdin),
        is_operator=args.operator,
    )
    output.note(f"{account.email} can sign in with this password.")
    if organization is not None:
        await service.add_member(connection, organization.id, account.id, args.role)
        output.note(f"{account.email} is {args.role} of {organization.external_id}.")


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return rules.check_password(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise Invalid("No terminal to ask for a password: use --password-stdin.")
    password = rules.check_password(getpass.getpass("Password: "))
    if getpass.getpass("Once more: ") != password:
        raise Invalid("The two passwords differ.")
    return password


async def _print_link(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    account = await people.get_account(connection, rules.check_email(args.email))
    if account is None or account.disabled_at is not None:
        raise _Failure(f"There is no account {args.email}: `aihub account create` makes one.")
    token = await service.create_sign_in_link(connection, account.id, minutes=args.minutes)
    output.note(f"Signs in as {account.email}, once, within {args.minutes:g} minutes:")
    output.result(args.link_format.format(token=token))


async def _list_accounts(_: argparse.Namespace, connection: Connection, output: Output) -> None:
    shown = table("e-mail", "name", "operator", "password", "organizations", "since")
    for each in await people.list_accounts(connection):
        add_row(
            shown,
            each.email,
            each.name,
            "yes" if each.is_operator else "",
            "yes" if each.has_password else "",
            " ".join(each.organizations),
            day(each.created_at),
        )
    output.results.print(shown)


# ---------- common ----------


async def _organization(connection: Connection, name: str) -> Organization:
    found = await service.get_organization(connection, name)
    if found is None:
        raise _Failure(f"There is no organization {name!r}: `aihub org create` makes one.")
    return found


def _parse_seconds(text: str) -> int:
    return _parse_number(text, most=315_360_000, what="a whole number of seconds")


def _parse_days(text: str) -> int:
    """0 stands for unlimited."""
    if text == "unlimited":
        return 0
    days = _parse_number(text, most=36_500, what="a whole number of days, or `unlimited`")
    if days == 0:
        raise argparse.ArgumentTypeError("at least one day, or `unlimited`")
    return days


def _parse_minutes(text: str) -> int:
    return _parse_number(text, most=7 * 24 * 60, what="a whole number of minutes, a week at most")


def _parse_number(text: str, *, most: int, what: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text[:12]) > most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return int(text)


def _parse_uuid(text: str) -> UUID:
    found = rules.parse_uuid(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no id of a key, such as `keys list` shows")
    return found


def _parse_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date or time such as 2027-01-31 or 2027-01-31T12:00Z"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
