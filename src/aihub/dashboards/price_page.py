"""One model of the price book: its prices over time, and the operator's own."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from starlette.responses import Response

from aihub.dashboards import csv_files, store
from aihub.dashboards.listing import address, send_table
from aihub.dashboards.models import UsedModel
from aihub.dashboards.operators import require_operator
from aihub.dashboards.price_form import PriceForm, begin_form, read_form_price
from aihub.dashboards.price_models import (
    describe_history,
    describe_model,
    draw_history,
    list_names,
    sum_used,
)
from aihub.dashboards.price_words import EVERY_MODEL, LAYERS, LISTS, list_owners, model_url
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.sign_in import see_other
from aihub.dashboards.visits import Visit, read_form
from aihub.kit.db import Connection, Database
from aihub.kit.errors import Invalid, NotFound
from aihub.kit.http import parse_id
from aihub.prices.api import (
    ListedPrice,
    PriceBook,
    PriceFilters,
    PriceNotFound,
    list_prices,
    put_prices,
    retire_price,
)
from aihub.pricing import api as pricing

USED_DAYS = 30
_PART = 200
_LONGEST_NAME = 255
_UNPROCESSABLE = 422
_COLUMNS = (
    "layer", "state", "since", "until", "model", "part", "condition", "component", "usd",
    "per_units", "multiply", "source", "note", "price_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Model:
    provider: str
    model: str
    listed: list[ListedPrice]
    fees: list[ListedPrice]
    used: list[UsedModel]


@dataclass(frozen=True, slots=True)
class PricePages:
    """The page of a model, and what operators do there."""

    db: Database
    renderer: Renderer
    book: PriceBook

    async def show(self, visit: Visit) -> Response:
        """The page. Raises NotFound for what nobody knows and an operator does not ask for."""
        return await self._show(visit)

    async def change(self, visit: Visit) -> Response:
        """Add a price, or retire one. Raises Forbidden for those who operate nothing."""
        require_operator(visit)
        form = await read_form(visit.request)
        if form.get("action") == "retire":
            return await self._retire(visit, form.get("id", ""), form.get("reason", ""))
        provider, model = _read_name(visit)
        found = await self._load(visit, provider, model)
        price, shown = read_form_price(
            self._begin_form(visit, found),
            form,
            provider,
            model,
            visit.organization_id,
            visit.zone,
        )
        if price is None:
            return await self._show(visit, shown)
        async with self.db.write() as connection:
            version = await put_prices(
                connection,
                [price],
                by=visit.principal.actor,
                reason=form.get("reason", "").strip() or f"price of {provider}/{model}",
            )
        await self.book.refresh()
        return see_other(_show_done(provider, model, saved=version.label))

    async def send_history(self, visit: Visit) -> Response:
        """All rows of a model as a file, one line a price."""
        query = visit.request.query_params
        provider = pricing.canonical_provider(query.get("provider")) or ""
        found = await self._load(visit, provider, query.get("model", "").lower())
        rows = []
        for each in describe_history(found.listed, visit.now):
            common = (
                each.price.layer,
                each.state,
                csv_files.write_time(each.price.valid_from),
                csv_files.write_time(each.until),
                each.price.model,
            )
            rest = (each.price.terms.source or "", each.price.terms.note, each.price_id)
            factor = each.price.terms.multiply or ""
            parts = [("standard", "", each.rates, factor)]
            parts += [("tier", tier.condition, tier.rates, "") for tier in each.tiers]
            for variant in each.variants:
                said = "; ".join(variant.conditions)
                parts.append(("variant", said, variant.rates, variant.factor or ""))
                parts += [
                    ("variant", f"{said}; {tier.condition}", tier.rates, "")
                    for tier in variant.tiers
                ]
            for part, condition, rates, multiply in parts:
                rows += [
                    (*common, part, condition, rate.component, csv_files.write_amount(rate.usd),
                     str(rate.per), multiply, *rest)
                    for rate in rates
                ]  # fmt: skip
                if multiply and not rates:
                    rows.append((*common, part, condition, "", "", "", multiply, *rest))
        return send_table("price-history", visit.local(visit.now), _COLUMNS, rows)

    async def _retire(self, visit: Visit, given: str, reason: str) -> Response:
        try:
            price_id: UUID = parse_id(given)
        except Invalid:
            raise PriceNotFound from None
        async with self.db.write() as connection:
            version = await retire_price(
                connection,
                price_id,
                by=visit.principal.actor,
                reason=reason.replace("\x00", "").strip()[:500] or "price retired",
            )
        await self.book.refresh()
        return see_other(_show_done(*_read_name(visit), retired=version.label))

    async def _load(self, visit: Visit, provider: str, model: str) -> _Model:
        since = visit.now - timedelta(days=USED_DAYS)
        async with self.db.read() as connection:
            listed = await self._list_rows(connection, visit, provider, model)
            fees = (
                await _read_rows(connection, visit, provider, EVERY_MODEL)
                if model != EVERY_MODEL
                else []
            )
            used = await store.list_used_models(connection, visit.organization_id, since=since)
        return _Model(provider, model, listed, fees, used)

    async def _list_rows(
        self, connection: Connection, visit: Visit, provider: str, model: str
    ) -> list[ListedPrice]:
        """The rows of that name, and those whose prices it has."""
        owners = list_owners(self.book.current, provider, model, str(visit.organization_id))
        names = dict.fromkeys([(provider, model), *((o.provider, o.model) for o in owners)])
        places = {(o.layer, o.provider, o.model) for o in owners}
        rows: list[ListedPrice] = []
        for owner, name in names:
            is_own = (owner, name) == (provider, model)
            rows += [
                row
                for row in await _read_rows(connection, visit, owner, name)
                if is_own or row.price.layer in LISTS or (row.price.layer, owner, name) in places
            ]
        return rows

    def _begin_form(self, visit: Visit, found: _Model) -> PriceForm:
        if not found.listed:
            return begin_form([])
        row = describe_model(
            found.listed[0].price,
            self.book.current,
            visit.now,
            str(visit.organization_id),
            name=(found.provider, found.model),
        )
        return begin_form([*row.main.values(), *row.others])

    async def _show(self, visit: Visit, form: PriceForm | None = None) -> Response:
        provider, model = name = _read_name(visit)
        found = await self._load(visit, provider, model)
        book, organization = self.book.current, str(visit.organization_id)
        used = sum_used(found.used, book, provider, model, organization)
        is_operator = visit.principal.is_operator
        if not (found.listed or used.calls or is_operator):
            raise NotFound("There is no such model in the price book.")
        history = describe_history(found.listed, visit.now)
        held = [row.price for row in history if row.state == "in force"]
        owner = next((row.price for row in history if row.price.layer in LISTS), None)
        query = visit.request.query_params
        return self.renderer.page(
            visit.request,
            "price.html",
            {
                "provider": provider,
                "model": model,
                "is_every": model == EVERY_MODEL,
                "row": describe_model(held[0], book, visit.now, organization, name=name)
                if held
                else None,
                "names": list_names(found.listed, book, provider, model, organization),
                "owner": owner if owner and (owner.provider, owner.model) != name else None,
                "history": history,
                "fees": describe_history(found.fees, visit.now),
                "layers": LAYERS,
                "chart": draw_history(found.listed, book, organization, visit.now, name=name),
                "used": used,
                "used_days": USED_DAYS,
                "first_used": visit.local(visit.now - timedelta(days=USED_DAYS)).date(),
                "form": form or self._begin_form(visit, found),
                "is_operator": is_operator,
                "saved": query.get("saved") if form is None else None,
                "retired": query.get("retired") if form is None else None,
                "book_version": book.version,
                "page_url": model_url(provider, model),
                "csv_url": address("/prices/history.csv", {"provider": provider, "model": model}),
            },
            visit=visit,
            status=200 if form is None else _UNPROCESSABLE,
        )


async def _read_rows(
    connection: Connection, visit: Visit, provider: str, model: str
) -> list[ListedPrice]:
    filters = PriceFilters(
        provider=provider, model=model, organization_id=visit.organization_id, with_retired=True
    )
    rows: list[ListedPrice] = []
    cursor = None
    while True:
        part, cursor = await list_prices(connection, filters, limit=_PART, cursor=cursor)
        rows += (row for row in part if row.price.model == model)
        if cursor is None:
            return rows


def _show_done(provider: str, model: str, **done: str) -> str:
    # a browser keeps the fragment of the form unless it is given another one
    return f"{address(model_url(provider, model), done)}#main"


def _read_name(visit: Visit) -> tuple[str, str]:
    found = visit.request.path_params
    provider = pricing.canonical_provider(found["provider"]) or ""
    model = found["model"].strip().lower()
    long = len(provider) > _LONGEST_NAME or len(model) > _LONGEST_NAME
    if not provider or not model or long or "\x00" in provider + model:
        raise NotFound("There is no such model in the price book.")
    return provider, model
