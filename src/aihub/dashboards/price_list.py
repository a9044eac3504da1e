"""The price book: models with the price in force, what has no price, and the book's versions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from aihub.dashboards import csv_files
from aihub.dashboards.cost_words import explain_code
from aihub.dashboards.listing import Asked, send_table
from aihub.dashboards.paging import link_pages
from aihub.dashboards.price_filters import find_time, read_price_filter
from aihub.dashboards.price_models import ModelRow, describe_model
from aihub.dashboards.price_words import LAYERS
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import Visit
from aihub.kit.db import Connection, Database
from aihub.kit.errors import Invalid
from aihub.prices.api import PriceBook, StoredPrice, list_models, list_providers, list_versions
from aihub.pricing import api as pricing
from aihub.repricing.api import Unpriced, list_unpriced

PAGE_SIZE = 50
ALERT_DAYS = 7
_CSV_PART = 1_000
_VERSIONS = 200
_UNPROCESSABLE = 422
_COLUMNS = (
    "provider", "model", "names", "layer", "since", "component", "usd", "per_units", "unit",
    "price_id", "source",
)  # fmt: skip
_UNPRICED_COLUMNS = ("provider", "model", "reason", "calls", "first_at", "last_at")
_VERSION_COLUMNS = ("version", "made_at", "made_by", "reason")


@dataclass(frozen=True, slots=True)
class PriceListPages:
    """The pages about the book as a whole."""

    db: Database
    renderer: Renderer
    book: PriceBook

    async def show_list(self, visit: Visit) -> Response:
        """A page of models; a filter that cannot be read is told beside its field."""
        query = visit.request.query_params
        asked = read_price_filter(query)
        cursor, back = query.get("cursor") or None, query.get("back")
        at = find_time(asked, visit.zone, visit.now)
        prices: list[StoredPrice] = []
        next_cursor = problem = None
        async with self.db.read() as connection:
            if not asked.errors:
                try:
                    prices, next_cursor = await _list(
                        connection, visit, asked, limit=PAGE_SIZE, cursor=cursor
                    )
                except Invalid as error:
                    problem = error.detail
            providers = await list_providers(connection)
            unpriced = await find_unpriced(connection, visit)
        book, organization = self.book.current, str(visit.organization_id)
        return self.renderer.page(
            visit.request,
            "prices.html",
            {
                "asked": asked,
                "at_time": at,
                "choices": {"layer": tuple(LAYERS)},
                "layers": LAYERS,
                "providers": providers,
                "models": _describe(prices, asked, book, at, organization),
                "links": link_pages(
                    asked.values, cursor=cursor, back=back, next_cursor=next_cursor, url=asked.url
                ),
                "problem": problem,
                "unpriced": unpriced,
                "reasons": {each.reason: explain_code(each.reason) for each in unpriced},
                "alert_days": ALERT_DAYS,
                "book_version": book.version,
            },
            visit=visit,
            status=_UNPROCESSABLE if asked.errors or problem else 200,
        )

    async def send_list(self, visit: Visit) -> Response:
        """The filtered models, one line a component. Raises Invalid for a bad filter."""
        asked = read_price_filter(visit.request.query_params)
        if asked.errors:
            raise Invalid(asked.complaint)
        at = find_time(asked, visit.zone, visit.now)
        book, organization = self.book.current, str(visit.organization_id)
        models: list[ModelRow] = []
        cursor: str | None = None
        while True:
            async with self.db.read() as connection:
                prices, cursor = await _list(
                    connection, visit, asked, limit=_CSV_PART, cursor=cursor
                )
            models += _describe(prices, asked, book, at, organization)
            if cursor is None:
                break
        rows = [row for model in models for row in _to_rows(model)]
        return send_table("prices", visit.local(visit.now), _COLUMNS, rows)

    async def send_unpriced(self, visit: Visit) -> Response:
        """The models without a price as a file."""
        async with self.db.read() as connection:
            found = await find_unpriced(connection, visit)
        rows = [
            (
                each.provider or "",
                each.model or "",
                each.reason,
                str(each.calls),
                csv_files.write_time(each.first_at),
                csv_files.write_time(each.last_at),
            )
            for each in found
        ]
        return send_table("unpriced", visit.local(visit.now), _UNPRICED_COLUMNS, rows)

    async def show_versions(self, visit: Visit) -> Response:
        """How the book came to be what it is."""
        async with self.db.read() as connection:
            versions = await list_versions(connection, limit=_VERSIONS)
        return self.renderer.page(
            visit.request,
            "price_versions.html",
            {"versions": versions, "current": self.book.current.version},
            visit=visit,
        )

    async def send_versions(self, visit: Visit) -> Response:
        """The same as a file."""
        async with self.db.read() as connection:
            versions = await list_versions(connection, limit=_VERSIONS)
        rows = [
            (each.label, csv_files.write_time(each.created_at), each.created_by, each.reason)
            for each in versions
        ]
        return send_table("price-book-versions", visit.local(visit.now), _VERSION_COLUMNS, rows)


async def find_unpriced(connection: Connection, visit: Visit) -> list[Unpriced]:
    """What came in without a price in the last 7 days: for an operator of all organizations, for
    others of their own."""
    owner = None if visit.principal.is_operator else visit.organization_id
    since = visit.now - timedelta(days=ALERT_DAYS)
    return await list_unpriced(connection, since=since, organization_id=owner)


async def _list(
    connection: Connection, visit: Visit, asked: Asked, *, limit: int, cursor: str | None
) -> tuple[list[StoredPrice], str | None]:
    return await list_models(
        connection,
        visit.organization_id,
        at=find_time(asked, visit.zone, visit.now),
        provider=pricing.canonical_provider(asked.found.get("provider")),
        layer=asked.found.get("layer"),
        search=asked.found.get("q"),
        limit=limit,
        cursor=cursor,
    )


def _describe(
    prices: list[StoredPrice], asked: Asked, book: pricing.Book, at: datetime, organization: str
) -> list[ModelRow]:
    rows = [describe_model(price, book, at, organization) for price in prices]
    wanted = asked.found.get("layer")
    # an imported model that has the prices of a corrected one is not of the base
    return [row for row in rows if wanted is None or row.layer == wanted]


def _to_rows(model: ModelRow) -> Iterator[tuple[str, ...]]:
    for rate in (*model.main.values(), *model.others):
        yield (
            model.provider,
            model.model,
            " ".join(model.names),
            model.layer,
            csv_files.write_time(model.since),
            rate.component,
            csv_files.write_amount(rate.usd),
            str(rate.per),
            rate.unit,
            rate.price_id,
            model.source or "",
        )
