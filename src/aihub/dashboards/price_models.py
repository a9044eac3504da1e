"""A model of the price book as pages show it: what is in force, since when, and before. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec

from aihub.dashboards import charts, formats
from aihub.dashboards.models import UsedModel
from aihub.dashboards.price_words import (
    EVERY_MODEL,
    MAIN_COMPONENTS,
    ShownRate,
    format_rate,
    list_owners,
    model_url,
    name_facet,
    show_rate,
    show_written,
)
from aihub.prices.api import ListedPrice, StoredPrice
from aihub.pricing import api as pricing

_BEFORE_FIRST = timedelta(days=180)  # how much of "always" the chart shows
_DRAWN = ("input_text", "output_text")
_OWN_LAYERS = ("override", "contract")


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in the list: its main prices, the `others`, and the row they come from.

    `priced_as`: the model of the corrections whose prices hold, where that is another's name.
    """

    provider: str
    model: str
    url: str
    names: tuple[str, ...]
    layer: str
    since: datetime | None
    source: str | None
    main: dict[str, ShownRate]
    others: list[ShownRate]
    fees: list[ShownRate]
    multiply: str | None
    priced_as: str | None = None


@dataclass(frozen=True, slots=True)
class ShownTier:
    """Prices of a longer prompt."""

    condition: str
    rates: list[ShownRate]


@dataclass(frozen=True, slots=True)
class ShownVariant:
    """Prices under circumstances; `factor` multiplies all prices of tokens."""

    conditions: list[str]
    rates: list[ShownRate]
    tiers: list[ShownTier]
    factor: str | None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row of one layer. `state`: `in force`, `future`, `ended`, `covered` or `retired`."""

    price: StoredPrice
    price_id: str
    until: datetime | None
    state: str
    rates: list[ShownRate]
    tiers: list[ShownTier]
    variants: list[ShownVariant]
    minimums: list[str]
    can_be_retired: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A time from which on other prices hold; `place_*` is its part of the picture."""

    since: datetime | None
    is_future: bool
    input: str
    output: str
    place_x: str
    place_width: str


@dataclass(frozen=True, slots=True)
class PriceChart:
    """Input and output price over time, as paths in an SVG."""

    input_path: str
    output_path: str
    most: str
    begins: datetime
    ends: datetime
    now_x: str | None
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Used:
    """What a model was used for, under all of its names."""

    calls: int
    unpriced_calls: int
    cost: Decimal
    names: list[str]


def describe_model(
    price: StoredPrice,
    book: pricing.Book,
    at: datetime,
    organization: str,
    *,
    name: tuple[str, str] | None = None,
) -> ModelRow:
    """A row of the list; the prices are those of a plain call at that time. `name`: the provider
    and model that a call names, where that is not the row's own."""
    rates = find_rates(book, price, at, organization, name=name)
    fee_id = f"{price.provider}/{EVERY_MODEL}"
    corrected = _find_corrections(price, book, at, organization)
    own = [r for r in rates if not r.price_id.startswith(fee_id) or price.model == EVERY_MODEL]
    return ModelRow(
        provider=price.provider,
        model=price.model,
        url=model_url(price.provider, price.model),
        names=price.names,
        layer="corrections" if corrected else price.layer,
        since=corrected.since if corrected else price.valid_from,
        source=None if corrected else price.terms.source,
        main={r.component: r for r in own if r.component in MAIN_COMPONENTS},
        others=[r for r in own if r.component not in MAIN_COMPONENTS],
        fees=[r for r in rates if r not in own],
        multiply=price.terms.multiply,
        priced_as=corrected.model if corrected else None,
    )


class _Corrected(NamedTuple):
    model: str
    since: datetime | None


def _find_corrections(
    price: StoredPrice, book: pricing.Book, at: datetime, organization: str
) -> _Corrected | None:
    """The corrected model whose prices an imported one has under its own name: `…-latest`."""
    if price.layer != "base" or price.model == EVERY_MODEL:
        return None
    owners = list_owners(book, price.provider, price.model, organization)
    found = next((owner for owner in owners if owner.layer == "corrections"), None)
    return _Corrected(found.model, found.find_since(at)) if found else None


def find_rates(
    book: pricing.Book,
    price: StoredPrice,
    at: datetime,
    organization: str,
    *,
    name: tuple[str, str] | None = None,
) -> list[ShownRate]:
    """What a plain call costs, over all layers; of "all models" what its row says."""
    chain = None
    provider, model = name or (price.provider, price.model)
    if model != EVERY_MODEL:
        chain = book.find(provider, model, organization)
    if chain is None:
        return _show_prices(price.terms.prices, price.price_id)
    rates = book.resolve(chain, at, required={}, optional={}, prompt_tokens=0)
    shown = [
        show_rate(component, rate.numerator, rate.per, rate.price_id)
        for component, rate in rates.by_component.items()
    ]
    return _in_order(shown)


def describe_history(listed: Sequence[ListedPrice], now: datetime) -> list[HistoryRow]:
    """The rows of all layers, the latest first within the highest layer first."""
    has_corrections = any(
        row.price.layer == "corrections" and row.price.removed_in is None for row in listed
    )
    rows = [_describe_row(row, now, is_corrected=has_corrections) for row in listed]
    order = ("contract", "override", "corrections", "base")
    rows.sort(key=lambda row: _begin(row.price), reverse=True)
    rows.sort(key=lambda row: (row.price.removed_in is not None, order.index(row.price.layer)))
    return rows


def draw_history(
    listed: Iterable[ListedPrice],
    book: pricing.Book,
    organization: str,
    now: datetime,
    *,
    name: tuple[str, str],
) -> PriceChart | None:
    """The prices of a plain call over time; None where they never changed."""
    prices = [row.price for row in listed if row.price.removed_in is None]
    if not prices:
        return None
    found: list[tuple[datetime, dict[str, Decimal]]] = []
    for at in sorted({_begin(price) for price in prices}):
        rates = {
            r.component: r.usd for r in find_rates(book, prices[0], at, organization, name=name)
        }
        main: dict[str, Decimal] = {name: rates[name] for name in _DRAWN if name in rates}
        if main and (not found or found[-1][1] != main):
            found.append((at, main))
    if len(found) < 2:  # noqa: PLR2004 - one price is no history
        return None
    return _draw(found, now)


def sum_used(
    used: Iterable[UsedModel], book: pricing.Book, provider: str, model: str, organization: str
) -> Used:
    """The calls of all names that the book takes for this model."""
    own = list_owners(book, provider, model, organization)
    mine = [
        each
        for each in used
        if (each.provider == provider and each.model.lower() == model)
        or (own and list_owners(book, each.provider or "", each.model, organization) == own)
    ]
    return Used(
        calls=sum(each.calls for each in mine),
        unpriced_calls=sum(each.unpriced_calls for each in mine),
        cost=sum((each.cost for each in mine), Decimal(0)),
        names=sorted({each.model for each in mine}),
    )


def list_names(
    listed: Iterable[ListedPrice], book: pricing.Book, provider: str, model: str, organization: str
) -> list[str]:
    """Other names of a model: of those its rows give it the ones that no other model has."""
    own = list_owners(book, provider, model, organization)
    names = {name for row in listed for name in (row.price.model, *row.price.names)} - {model}
    return sorted(n for n in names if list_owners(book, provider, n, organization) == own)


def _describe_row(listed: ListedPrice, now: datetime, *, is_corrected: bool) -> HistoryRow:
    price, terms = listed.price, listed.price.terms
    price_id = price.price_id
    return HistoryRow(
        price=price,
        price_id=price_id,
        until=listed.valid_to,
        state=_tell_state(listed, now, is_corrected=is_corrected),
        rates=_show_prices(terms.prices, price_id),
        tiers=[_show_tier(tier) for tier in terms.tiers],
        variants=_show_variants(terms.variants),
        minimums=[f"at least {n:,} of {name}" for name, n in terms.minimum.items()],
        can_be_retired=price.layer in _OWN_LAYERS and price.removed_in is None,
    )


def _tell_state(listed: ListedPrice, now: datetime, *, is_corrected: bool) -> str:
    price = listed.price
    if price.removed_in is not None:
        return "retired"
    if _begin(price) > now:
        return "future"
    if listed.valid_to is not None and listed.valid_to <= now:
        return "ended"
    return "covered" if price.layer == "base" and is_corrected else "in force"


def _show_prices(prices: Mapping[str, str], price_id: str = "") -> list[ShownRate]:
    return _in_order([show_written(name, price, price_id) for name, price in prices.items()])


def _in_order(rates: list[ShownRate]) -> list[ShownRate]:
    order = list(pricing.COMPONENTS)
    main = MAIN_COMPONENTS
    return sorted(
        rates,
        key=lambda r: (
            main.index(r.component) if r.component in main else len(main),
            order.index(r.component),
        ),
    )


def _show_tier(tier: pricing.PriceTier) -> ShownTier:
    bound = (
        f"more than {tier.above:,}" if tier.above is not None else f"{tier.at_least or 0:,} or more"
    )
    return ShownTier(f"prompts of {bound} tokens", _show_prices(tier.prices))


def _show_variants(variants: Iterable[pricing.PriceVariant]) -> list[ShownVariant]:
    """Those that differ by one circumstance alone, of the same kind, are shown as one."""
    found: dict[object, ShownVariant] = {}
    for number, variant in enumerate(variants):
        shown = _show_variant(variant)
        kinds = tuple(variant.when)
        alike = msgspec.json.encode(msgspec.structs.replace(variant, when={}))
        is_single = len(kinds) == 1 and variant.hours is None
        key: object = (kinds, alike) if is_single else number
        known = found.get(key)
        if known is None:
            found[key] = shown
        else:
            known.conditions.append(next(iter(variant.when.values())))
    return list(found.values())


def _show_variant(variant: pricing.PriceVariant) -> ShownVariant:
    conditions = [name_facet(name, value) for name, value in variant.when.items()]
    if variant.hours is not None:
        days = f" on {', '.join(variant.hours.days)}" if variant.hours.days else ""
        but = ", but not on holidays" if variant.hours.except_holidays else ""
        conditions.append(f"{', '.join(variant.hours.spans)} UTC{days}{but}")
    return ShownVariant(
        conditions,
        _show_prices(variant.prices),
        [_show_tier(tier) for tier in variant.tiers],
        variant.multiply,
    )


def _format(usd: Decimal | None) -> str:
    return formats.NONE if usd is None else format_rate(usd)


def _begin(price: StoredPrice) -> datetime:
    return price.valid_from or datetime.min.replace(tzinfo=UTC)


def _draw(found: Sequence[tuple[datetime, dict[str, Decimal]]], now: datetime) -> PriceChart:
    always = datetime.min.replace(tzinfo=UTC)
    begins = found[0][0] if found[0][0] != always else found[1][0] - _BEFORE_FIRST
    last = found[-1][0]
    ends = now if last < now else last + (last - begins) / 6
    times = [max(at, begins) for at, _ in found]
    most = max(amount for _, main in found for amount in main.values())
    scale = charts.TimeScale(begins, ends)
    edges = [*times[1:], ends]
    steps = [
        Step(
            since=None if at == always else at,
            is_future=at > now,
            input=_format(main.get("input_text")),
            output=_format(main.get("output_text")),
            place_x=scale.x(time),
            place_width=scale.width(time, end),
        )
        for (at, main), time, end in zip(found, times, edges, strict=True)
    ]
    return PriceChart(
        input_path=charts.draw_steps(
            [(t, main.get("input_text")) for t, (_, main) in zip(times, found, strict=True)],
            scale,
            most,
        ),
        output_path=charts.draw_steps(
            [(t, main.get("output_text")) for t, (_, main) in zip(times, found, strict=True)],
            scale,
            most,
        ),
        most=format_rate(most),
        begins=begins,
        ends=ends,
        now_x=scale.x(now) if now < ends else None,
        steps=steps,
    )
