"""The endpoints: translate, call one function of `service`, translate back."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from aihub.identity.api import Principal
from aihub.kit.db import Database
from aihub.kit.errors import FieldError, Invalid
from aihub.kit.http import Answer, Call, Operation
from aihub.prices import schemas, service, store
from aihub.prices.holder import PriceBook
from aihub.prices.models import PriceFilters, StoredPrice
from aihub.pricing import api as pricing

_TAG = "Prices"
_READ, _OPERATE = "read", "operate"


class PriceRoutes:
    """The handlers, with the database and the book they keep fresh."""

    def __init__(self, db: Database, book: PriceBook) -> None:
        self._db = db
        self._book = book

    def operations(self) -> list[Operation]:
        """What the root makes endpoints of."""
        return [
            Operation(
                method="GET",
                path="/v1/prices",
                handler=self.list_prices,
                scope=_READ,
                tag=_TAG,
                query=schemas.PriceQuery,
                answers={200: schemas.PriceList},
            ),
            Operation(
                method="PUT",
                path="/v1/prices",
                handler=self.put_prices,
                scope=_OPERATE,
                tag=_TAG,
                body=schemas.PricesIn,
                answers={200: schemas.BookVersionOut},
            ),
            Operation(
                method="DELETE",
                path="/v1/prices/{id}",
                handler=self.retire_price,
                scope=_OPERATE,
                tag=_TAG,
                answers={200: schemas.BookVersionOut},
                errors=(404,),
            ),
        ]

    async def list_prices(self, call: Call) -> Answer:
        """The price book: what providers charge, by provider, model and time.

        Contract prices are shown to their own organization, and to an operator who names none.
        """
        query: schemas.PriceQuery = call.query
        caller: Principal = call.caller
        filters = PriceFilters(
            provider=pricing.canonical_provider(query.provider),
            model=query.model.lower() if query.model else None,
            layer=query.layer,
            search=query.q,
            organization_id=caller.organization.id if caller.organization else None,
            sees_all_contracts=caller.is_operator and caller.organization is None,
            with_retired=query.include == "retired",
            current_at=_utc(query.at),
        )
        async with self._db.read() as connection:
            listed, cursor = await store.list_prices(
                connection, filters, limit=query.limit, cursor=query.cursor
            )
        items = [_render(row, caller) for row in listed]
        content = {
            "items": items,
            "next_cursor": cursor,
            "price_book_version": self._book.current.version,
        }
        return Answer(content)

    async def put_prices(self, call: Call) -> Answer:
        """Add prices of your own, as the operator: overrides for everybody, or, with
        `X-Organization-Id`, contract prices of that organization.

        They hold for calls from `from` on that are stored from now on; calls that are stored
        already keep their cost until they are repriced. A price of the same model and the same
        `from` takes the present one's place, which stays in the versions it was in force in.
        """
        body: schemas.PricesIn = call.body
        organization = call.caller.organization
        prices = [
            read_price(price, f"prices[{n}]", organization.id if organization else None)
            for n, price in enumerate(body.prices)
        ]
        async with self._db.write_within(call.connection) as connection:
            version = await service.put_prices(
                connection, prices, by=call.caller.actor, reason=body.reason or "prices put"
            )
        await self._book.refresh()
        return Answer(_render_version(version))

    async def retire_price(self, call: Call) -> Answer:
        """Take an override or a contract price out of the book. Stored costs stay as they are."""
        async with self._db.write_within(call.connection) as connection:
            version = await service.retire_price(
                connection, call.id(), by=call.caller.actor, reason="price retired"
            )
        await self._book.refresh()
        return Answer(_render_version(version))


def read_price(price: schemas.PriceIn, place: str, organization_id: UUID | None) -> StoredPrice:
    """A price that came in, checked. Raises Invalid naming the field below `place`."""
    provider = pricing.canonical_provider(price.provider) or ""
    since = _utc(price.from_) or datetime.now(UTC)
    written = {
        "from": since.isoformat(),
        "prices": price.prices,
        "minimum": price.minimum,
        "note": price.note,
        **({"source": price.source} if price.source else {}),
        **({"multiply": price.multiply} if price.multiply else {}),
    }
    try:
        row = msgspec.structs.replace(
            msgspec.convert(written, pricing.PriceRow),
            tiers=price.tiers,
            variants=price.variants,
        )
        pricing.check_row(row, place)
    except (msgspec.ValidationError, pricing.BrokenPrices) as error:
        raise _refuse(error, place) from error
    if not (row.prices or row.variants or row.multiply):
        raise Invalid.field(f"{place}.prices", "names no price, and there is no multiply")
    entry = pricing.Entry(
        "contract" if organization_id else "override",
        provider,
        price.model.lower(),
        tuple(name.lower() for name in price.names),
        row,
        str(organization_id) if organization_id else None,
    )
    return service.store_entry(entry, organization_id)


def _refuse(error: Exception, place: str) -> Invalid:
    """The field a schema error names, or the whole price."""
    text, _, where = str(error).partition(" - at `$.")
    field = f"{place}.{where.rstrip('`')}" if where else place
    message = text.removeprefix(f"{place}: ")
    return Invalid(f"{field}: {message}", errors=[FieldError(field, message)])


def _render(listed: store.ListedPrice, caller: Principal) -> dict[str, Any]:
    price, terms = listed.price, listed.price.terms
    own = caller.organization
    organization = None
    if price.organization_id is not None:
        is_own = own is not None and own.id == price.organization_id
        organization = own.external_id if own and is_own else str(price.organization_id)
    return {
        "id": price.id,
        "layer": price.layer,
        "organization_id": organization,
        "provider": price.provider,
        "model": price.model,
        "names": list(price.names),
        "valid_from": price.valid_from,
        "valid_to": listed.valid_to,
        "prices": terms.prices,
        "units": {name: pricing.describe_unit(name) for name in terms.prices},
        "tiers": terms.tiers,
        "variants": terms.variants,
        "minimum": terms.minimum,
        "multiply": terms.multiply,
        "source": terms.source,
        "note": terms.note,
        "added_at": price.added_at,
        "added_by": price.added_by,
        "is_retired": price.removed_in is not None,
    }


def _render_version(version: Any) -> dict[str, Any]:
    return {
        "price_book_version": version.label,
        "created_at": version.created_at,
        "reason": version.reason,
    }


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
