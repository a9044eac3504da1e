"""From written rows to rates: tiers, variants and multipliers applied, layer upon layer. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import NamedTuple

from aihub.pricing import price_files as files
from aihub.pricing.components import COMPONENTS, TOKENS

_EXACT = Context(prec=60, traps=[Inexact])


class Rate(NamedTuple):
    """`numerator` / `per` USD a unit; `unit` is that quotient, None where it never ends."""

    numerator: Decimal
    per: int
    unit: Decimal | None
    price_id: str


Table = dict[str, Rate]


@dataclass(frozen=True, slots=True)
class TermsOfVariant:
    """A variant, compiled."""

    when: Mapping[str, str]
    hours: files.Hours | None
    prices: Table
    tiers: tuple[tuple[int, Table], ...]
    factor: Decimal | None


@dataclass(frozen=True, slots=True)
class Terms:
    """A row, compiled: `tiers` hold when the prompt has more tokens than their bound."""

    price_id: str
    prices: Table
    tiers: tuple[tuple[int, Table], ...]
    variants: tuple[TermsOfVariant, ...]
    minimum: Mapping[str, int]
    factor: Decimal | None

    @property
    def thresholds(self) -> Iterable[int]:
        """Every bound of a tier in it."""
        tiers = (self.tiers, *(variant.tiers for variant in self.variants))
        return (bound for some in tiers for bound, _ in some)

    @property
    def hours(self) -> Iterable[files.Hours]:
        """Every rule on the time of day in it."""
        return (variant.hours for variant in self.variants if variant.hours is not None)


class Rates(NamedTuple):
    """Every component's rate in one situation.

    `unmatched` are the facets that must choose a rate and found none; `is_early`: the call is older
    than the first row; `inherited_from`: another provider's prices stand in.
    """

    by_component: Mapping[str, Rate]
    minimum: Mapping[str, int]
    unmatched: tuple[str, ...]
    is_early: bool
    inherited_from: str | None


def compile_row(row: files.Row, price_id: str) -> Terms:
    """A written row with its decimals read, ready to be asked many times."""
    return Terms(
        price_id,
        _read(row.prices, price_id),
        _read_tiers(row.tiers, price_id),
        tuple(_compile_variant(variant, price_id) for variant in row.variants),
        row.minimum,
        Decimal(row.multiply) if row.multiply else None,
    )


def merge_terms(
    chosen: Sequence[tuple[str, Terms, bool]],
    facets: Mapping[str, str],
    required: AbstractSet[str],
    open_hours: AbstractSet[files.Hours],
    prompt_tokens: int,
    inherited_from: str | None,
) -> Rates:
    """The rates of one situation from the rows of all layers, lowest first.

    Each is (layer, terms, whether the call is older than the layer's first row). An override or a
    contract that knows no rate for a required facet (its price is for plain calls, this is a batch)
    leaves the price to the layers below; a discount holds in any case.
    """
    table: Table = {}
    minimum: dict[str, int] = {}
    matched: set[str] = set()
    is_early = False
    for layer, terms, is_before in chosen:
        is_listed = layer in ("base", "corrections")
        if is_before and not is_listed:
            continue
        own, hits = _rates_of(terms, facets, open_hours, prompt_tokens)
        if is_listed or required <= hits:
            table |= own
            minimum |= terms.minimum
        if terms.factor is not None:
            table = _scale(table, terms.factor, only=None)
        matched |= hits
        is_early = is_early or (is_before and bool(terms.prices))
    unmatched = tuple(sorted(required - matched))
    return Rates(table, minimum, unmatched, is_early, inherited_from)


def _rates_of(
    terms: Terms,
    facets: Mapping[str, str],
    open_hours: AbstractSet[files.Hours],
    prompt_tokens: int,
) -> tuple[Table, set[str]]:
    table = terms.prices | _reached(terms.tiers, prompt_tokens)
    replaced: Table = {}
    factors: list[Decimal] = []
    hits: set[str] = set()
    for variant in terms.variants:
        if not _holds(variant, facets, open_hours):
            continue
        hits |= variant.when.keys()
        replaced = variant.prices | _reached(variant.tiers, prompt_tokens) | replaced
        if variant.factor is not None:
            factors.append(variant.factor)
    table |= replaced
    for factor in factors:
        table = _scale(table, factor, only=TOKENS)
    return table, hits


def _holds(
    variant: TermsOfVariant, facets: Mapping[str, str], open_hours: AbstractSet[files.Hours]
) -> bool:
    if variant.hours is not None and variant.hours not in open_hours:
        return False
    return all(facets.get(name) == value for name, value in variant.when.items())


def _reached(tiers: tuple[tuple[int, Table], ...], prompt_tokens: int) -> Table:
    table: Table = {}
    for bound, prices in tiers:
        if prompt_tokens > bound:
            table |= prices
    return table


def _scale(table: Table, factor: Decimal, *, only: AbstractSet[str] | None) -> Table:
    return {
        name: _rate(_EXACT.multiply(rate.numerator, factor), rate.per, f"{rate.price_id}×{factor}")
        if only is None or name in only
        else rate
        for name, rate in table.items()
    }


def _compile_variant(variant: files.Variant, price_id: str) -> TermsOfVariant:
    label = "/".join([price_id, *variant.when.values(), *(["hours"] if variant.hours else [])])
    return TermsOfVariant(
        variant.when,
        variant.hours,
        _read(variant.prices, label),
        _read_tiers(variant.tiers, label),
        Decimal(variant.multiply) if variant.multiply else None,
    )


def _read_tiers(tiers: Sequence[files.Tier], price_id: str) -> tuple[tuple[int, Table], ...]:
    bounds = sorted(
        (tier.above if tier.above is not None else (tier.at_least or 1) - 1, index)
        for index, tier in enumerate(tiers)
    )
    return tuple(
        (bound, _read(tiers[i].prices, f"{price_id}/{_name(tiers[i])}")) for bound, i in bounds
    )


def _name(tier: files.Tier) -> str:
    return f"above-{tier.above}" if tier.above is not None else f"from-{tier.at_least}"


def _read(prices: files.Prices, price_id: str) -> Table:
    return {name: read_price(price, name, price_id) for name, price in prices.items()}


def read_price(price: str, component: str, price_id: str) -> Rate:
    """A written price as a rate: `2.5` of `input_text` is 2.5 USD per million tokens."""
    amount, _, per = price.partition("/")
    return _rate(Decimal(amount), int(per) if per else COMPONENTS[component].per, price_id)


def _rate(numerator: Decimal, per: int, price_id: str) -> Rate:
    try:
        unit = _EXACT.divide(numerator, Decimal(per))
    except Inexact:
        unit = None
    return Rate(numerator, per, unit, price_id)
