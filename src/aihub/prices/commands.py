"""`aihub prices`: look at the price book and change it from the command line."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.console import Console

from aihub.identity.api import find_organization
from aihub.kit.db import Connection
from aihub.kit.errors import AppError, Invalid
from aihub.kit.output import Output, add_row, day, table
from aihub.prices import genai_prices, schemas, service, store
from aihub.prices.models import Change, PriceFilters, StoredPrice
from aihub.prices.routes import read_price
from aihub.pricing import api as pricing

if TYPE_CHECKING:
    # argparse keeps the class of what add_subparsers returns to itself
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = Any

_DONE, _FAILED, _UNUSABLE = 0, 1, 2
_CREATED_BY = "command line"
_SHOWN = 40
_STATUSES = "Exit status: 0 done, 1 not possible, 2 an option is not usable."


def add_parser(subparsers: Subparsers) -> Subparsers:
    """Add `prices` to a command line; gives back its actions, to which the root may add."""
    parser = subparsers.add_parser("prices", help="the price book: look, set, import, reprice")
    actions: Subparsers = parser.add_subparsers(
        dest="prices_action", required=True, metavar="ACTION"
    )
    listing = actions.add_parser("list", help="prices in the book", epilog=_STATUSES)
    listing.add_argument("search", nargs="?", metavar="TEXT", help="part of a name")
    listing.add_argument("--provider", metavar="NAME")
    listing.add_argument("--layer", choices=("base", "corrections", "override", "contract"))
    listing.add_argument("--history", action="store_true", help="also those not in force now")
    listing.set_defaults(action=_list)
    put = actions.add_parser("set", help="add an override or a contract price", epilog=_STATUSES)
    put.add_argument("provider", metavar="PROVIDER")
    put.add_argument("model", metavar="MODEL", help="`*`: all models of the provider")
    put.add_argument(
        "price", nargs="*", metavar="COMPONENT=USD", help="input_text=2.5 (per million tokens) …"
    )
    put.add_argument("--multiply", metavar="FACTOR", help="0.9: 10 %% off the list")
    put.add_argument("--from", dest="since", metavar="TIME", help="(default: now)")
    put.add_argument("--organization", metavar="ID", help="its contract (default: everybody)")
    put.add_argument("--source", metavar="URL")
    put.add_argument("--note", default="", metavar="TEXT")
    put.set_defaults(action=_set)
    remove = actions.add_parser("remove", help="retire an override or contract price")
    remove.add_argument("id", type=UUID, metavar="ID")
    remove.set_defaults(action=_remove)
    versions = actions.add_parser("versions", help="how the book came to be what it is")
    versions.set_defaults(action=_list_versions)
    bring = actions.add_parser(
        "import", help="take the base from the installed genai-prices package", epilog=_STATUSES
    )
    bring.add_argument("--yes", action="store_true", help="take it (default: only show)")
    bring.add_argument("--all", action="store_true", help="show every difference")
    bring.add_argument("--write-to", type=Path, metavar="FILE", help="write a release's base file")
    bring.set_defaults(action=_import)
    return actions


async def run(
    args: argparse.Namespace, connection: Connection, *, console: Console | None = None
) -> int:
    """Do what `args` say; returns the exit status. `console` takes all output when given."""
    output = Output(console)
    try:
        async with connection.transaction():
            await args.action(args, connection, output)
    except Invalid as error:
        output.note(f"error: {error.detail}", style="red")
        return _UNUSABLE
    except AppError as error:
        output.note(f"error: {error}", style="red")
        return _FAILED
    return _DONE


async def _list(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    filters = PriceFilters(
        provider=pricing.canonical_provider(args.provider),
        layer=args.layer,
        search=args.search,
        sees_all_contracts=True,
        current_at=None if args.history else datetime.now(UTC),
    )
    shown = table("id", "layer", "provider", "model", "from", "USD")
    cursor = None
    while True:
        listed, cursor = await store.list_prices(connection, filters, limit=200, cursor=cursor)
        for row in listed:
            price = row.price
            add_row(
                shown, price.id, price.layer, price.provider, price.model,
                day(price.valid_from) or "always", _tell(price.terms),
            )  # fmt: skip
        if cursor is None:
            break
    output.results.print(shown)


async def _set(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    organization_id = None
    if args.organization:
        organization_id = (await find_organization(connection, args.organization)).id
    price = schemas.PriceIn(
        provider=args.provider,
        model=args.model,
        prices=_read_pairs(args.price),
        multiply=args.multiply,
        from_=_read_time(args.since),
        source=args.source,
        note=args.note,
    )
    version = await service.put_prices(
        connection,
        [read_price(price, "price", organization_id)],
        by=_CREATED_BY,
        reason=f"price of {args.provider}/{args.model}",
    )
    output.note(f"price book {version.label}")


async def _remove(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    version = await service.retire_price(
        connection, args.id, by=_CREATED_BY, reason="price retired"
    )
    output.note(f"price book {version.label}")


async def _list_versions(_: argparse.Namespace, connection: Connection, output: Output) -> None:
    shown = table("version", "made", "by", "why")
    for version in await store.list_versions(connection, limit=100):
        add_row(shown, version.label, f"{version.created_at:%Y-%m-%d %H:%M}", version.created_by,
                version.reason)  # fmt: skip
    output.results.print(shown)


async def _import(args: argparse.Namespace, connection: Connection, output: Output) -> None:
    imported = genai_prices.read_package()
    if args.write_to is not None:
        args.write_to.write_bytes(genai_prices.write_base(imported))
        output.note(f"{args.write_to}: {len(imported.models):,} models of {imported.origin}")
        return
    change = await service.preview_import(connection, imported)
    _show_change(change, output, shows_all=args.all)
    for text in imported.left_out if args.all else ():
        output.note(f"left out: {text}")
    if imported.left_out and not args.all:
        output.note(f"{len(imported.left_out):,} things left out that the book cannot hold (--all)")
    if not change:
        output.note(f"nothing changes: the base is that of {imported.origin}")
    elif not args.yes:
        output.note("nothing was changed; --yes takes it")
    else:
        version = await service.take_import(connection, imported, by=_CREATED_BY)
        assert version is not None
        output.note(f"price book {version.label}: {imported.origin}")
        output.note("stored costs stay as they are: see `aihub prices reprice`")


def _show_change(change: Change, output: Output, *, shows_all: bool) -> None:
    before = {(p.provider, p.model, p.valid_from): p for p in change.removed}
    after = {(p.provider, p.model, p.valid_from): p for p in change.added}
    shown = table("", "provider", "model", "from", "before", "after")
    places = sorted(before.keys() | after.keys(), key=str)
    for place in places if shows_all else places[:_SHOWN]:
        old, new = before.get(place), after.get(place)
        sign = "changed" if old and new else "new" if new else "gone"
        add_row(shown, sign, place[0], place[1], day(place[2]) or "always", _tell_price(old),
                _tell_price(new))  # fmt: skip
    if places:
        output.results.print(shown)
    if len(places) > _SHOWN and not shows_all:
        output.note(f"… and {len(places) - _SHOWN:,} more (--all)")
    both = len(before.keys() & after.keys())
    output.note(f"{len(after) - both:,} new, {both:,} changed, {len(before) - both:,} gone")


def _tell_price(price: StoredPrice | None) -> str:
    return _tell(price.terms) if price else ""


def _tell(terms: pricing.PriceRow) -> str:
    parts = [f"{name} {value}" for name, value in terms.prices.items()]
    if terms.multiply:
        parts.append(f"× {terms.multiply}")
    more = [f"{len(terms.tiers)} tiers"] if terms.tiers else []
    more += [f"{len(terms.variants)} variants"] if terms.variants else []
    return ", ".join(parts + more)


def _read_pairs(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise Invalid.field("price", f"{pair} is not COMPONENT=USD")
        found[name] = value
    return found


def _read_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid.field("--from", "must be a day or a time such as 2026-01-31") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
