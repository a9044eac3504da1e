"""How prices are written down: the one schema of data files, tables, imports and the API.

A price is a decimal in USD per the component's own number of units (a million tokens, a thousand
searches, one image: `components.COMPONENTS`), or `0.111/3600` where the provider names another
number: 0.111 USD per 3,600 units. A file in TOML holds the models of one provider::

    provider = "openai"
    checked = 2026-11-26

    [[models]]
    id = "gpt-5"
    names = ["gpt-5-2025-08-07"]
    [[models.rows]]
    from = 2025-08-07
    source = "https://…"
    prices = { input_text = "1.25", cached_text = "0.125", output_text = "10" }
    tiers = [{ above = 272000, prices = { input_text = "2.5" } }]
    variants = [
        { when = { processing = "batch" }, prices = { input_text = "0.625", output_text = "5" } },
        { when = { residency = "eu" }, multiply = "1.1" },
    ]

`id = "*"` holds what every model of the provider charges beside its own prices: fees of tools.
`[[rules]]` adds variants to many models at once.
"""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from aihub.pricing.components import COMPONENTS

LONGEST_NAME = 255
# at most nine digits and twelve decimals: a product with 10^12 units still fits numeric(38,18)
Price = Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,12})?(/[1-9]\d{0,8})?$")]
Factor = Annotated[str, Meta(pattern=r"^\d{1,3}(\.\d{1,9})?$")]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Source = Annotated[str, Meta(pattern="^https?://", max_length=1_000)]
Span = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
# a day, from its beginning in UTC, or a time
Moment = Annotated[
    str, Meta(pattern=r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d))?$")
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Prices = dict[str, Price]


class BrokenPrices(ValueError):
    """Prices that do not say what they must; the message names file and place."""


class _Written(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    pass


class Tier(_Written, kw_only=True, frozen=True):
    """Prices once the whole prompt has more (`above`) or at least (`at_least`) so many tokens.

    They hold for the whole request, output included. What is not named keeps its price.
    """

    above: Annotated[int, Meta(gt=0)] | None = None
    at_least: Annotated[int, Meta(gt=0)] | None = None
    prices: Prices


class Hours(_Written, kw_only=True, frozen=True):
    """Times of day in UTC at which a variant holds, by the time of completion. `days`: on which
    weekdays (all when empty). `except_holidays`: a calendar of `holidays.toml` on whose days it
    does not hold."""

    spans: Annotated[tuple[Span, ...], Meta(min_length=1, max_length=20)]
    days: Annotated[tuple[Day, ...], Meta(max_length=7)] = ()
    except_holidays: Name | None = None


class Variant(_Written, kw_only=True, frozen=True):
    """What differs when all of `when` and `hours` is so. `prices` replace the standard ones, the
    first variant that names a component wins; `multiply` raises or lowers all prices of tokens, of
    all variants that hold."""

    when: dict[str, Name] = {}
    hours: Hours | None = None
    prices: Prices = {}
    tiers: list[Tier] = []
    multiply: Factor | None = None


class Row(_Written, kw_only=True, frozen=True):
    """The prices of one model from one time on (always, when there is no `from`), until the next
    row. `minimum`: the least quantity that is billed. `multiply`: a discount on the layers below,
    `0.9` for 10 % off."""

    since: Moment | None = field(name="from", default=None)
    source: Source | None = None
    checked: date | None = None
    note: Annotated[str, Meta(max_length=2_000)] = ""
    prices: Prices = {}
    tiers: list[Tier] = []
    variants: list[Variant] = []
    minimum: dict[str, Annotated[int, Meta(gt=0)]] = {}
    multiply: Factor | None = None


class Model(_Written, kw_only=True, frozen=True):
    """One model of one provider, with the other names it is asked for by."""

    provider: Name = ""
    id: Name
    names: list[Name] = []
    rows: Annotated[list[Row], Meta(min_length=1)]


class Rule(_Written, kw_only=True, frozen=True):
    """Variants that many models share; `models` are ids, a trailing `*` stands for any ending."""

    models: Annotated[list[Name], Meta(min_length=1)]
    since: date | None = field(name="from", default=None)
    source: Source
    variants: Annotated[list[Variant], Meta(min_length=1)]


class PriceFile(_Written, kw_only=True, frozen=True):
    """The models of one provider. `falls_back_to`: whose prices hold, as an estimate, for models
    that are not there."""

    provider: Name
    checked: date
    falls_back_to: Name | None = None
    models: list[Model] = []
    rules: list[Rule] = []


def read_toml(path: Path) -> PriceFile:
    """One file of prices, checked. Raises BrokenPrices."""
    try:
        found = msgspec.convert(_write_dates(tomllib.loads(path.read_text("utf-8"))), PriceFile)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BrokenPrices(f"{path.name}: {error}") from error
    names: dict[str, str] = {}
    for model in found.models:
        check_model(model, f"{path.name}: {model.id}")
        for name in (model.id, *model.names):
            if name in names:
                raise BrokenPrices(f"{path.name}: {model.id}: {name} is {names[name]} already")
            names[name] = model.id
    return found


def _write_dates(value: Any) -> Any:
    """TOML's dates as text, the way JSON has them."""
    if isinstance(value, dict):
        return {key: _write_dates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_write_dates(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def check_model(model: Model, place: str) -> None:
    """What the schema alone cannot say. Raises BrokenPrices."""
    try:
        times = [begin_of(row) for row in model.rows]
    except ValueError as error:
        raise BrokenPrices(f"{place}: {error}") from error
    if times != sorted(set(times)):
        raise BrokenPrices(f"{place}: the rows are not in the order of time")
    for row in model.rows:
        check_row(row, place)


def check_row(row: Row, place: str) -> None:
    """Known components, tiers with one bound each, variants with an effect. Raises BrokenPrices."""
    _check_prices(row.prices, row.tiers, place)
    _check_prices(dict.fromkeys(row.minimum, "0"), [], place)
    for variant in row.variants:
        _check_prices(variant.prices, variant.tiers, place)
        if not (variant.prices or variant.tiers or variant.multiply):
            raise BrokenPrices(f"{place}: a variant has neither prices nor multiply")
        if not (variant.when or variant.hours):
            raise BrokenPrices(f"{place}: a variant has neither when nor hours")


def begin_of(row: Row) -> datetime:
    """From when on a row holds, in UTC."""
    if row.since is None:
        return datetime.min.replace(tzinfo=UTC)
    since = datetime.fromisoformat(row.since)
    return since.astimezone(UTC) if since.tzinfo else since.replace(tzinfo=UTC)


def apply_rules(models: list[Model], rules: list[Rule]) -> list[Model]:
    """`models` with the shared variants behind their own."""
    return [_apply(model, rules) for model in models] if rules else models


def _apply(model: Model, rules: list[Rule]) -> Model:
    mine = [rule for rule in rules if any(_is_named(model.id, name) for name in rule.models)]
    if not mine:
        return model
    rows = [
        msgspec.structs.replace(row, variants=[*row.variants, *_variants_at(row, mine)])
        for row in model.rows
    ]
    return msgspec.structs.replace(model, rows=rows)


def _variants_at(row: Row, rules: list[Rule]) -> list[Variant]:
    # a rule begins with the first row at or after its own day: rows are split by hand where needed
    return [
        variant
        for rule in rules
        if rule.since is None or row.since is None or begin_of(row).date() >= rule.since
        for variant in rule.variants
    ]


def _is_named(model: str, pattern: str) -> bool:
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def _check_prices(prices: Prices, tiers: list[Tier], place: str) -> None:
    for name in (*prices, *(name for tier in tiers for name in tier.prices)):
        if name not in COMPONENTS:
            raise BrokenPrices(f"{place}: {name} is no component ({', '.join(COMPONENTS)})")
    for tier in tiers:
        if (tier.above is None) == (tier.at_least is None):
            raise BrokenPrices(f"{place}: a tier has either above or at_least")


_SNAPSHOT = re.compile(
    r"(?:[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|\d{3,4}|latest|preview|default)"
    r"|[-_]v\d+(?::\d+)?)$"
)


def strip_snapshot(name: str) -> str:
    """`name` without what only says which snapshot of a model is meant, one such ending."""
    return _SNAPSHOT.sub("", name)
