"""Prices as JSON, in and out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, field

from aihub.pricing import api as pricing

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Layer = Literal["base", "corrections", "override", "contract"]


class PriceIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A price of yours for one model of one provider (`model` `*`: fees of all of them, or a
    discount on all).

    `from`: the day or time from which on it holds; now when omitted. `prices`: USD by component, a
    decimal per million tokens, per thousand searches, per image, per second … or `0.111/3600`.
    What is not named is taken from the layers below. `multiply` `0.9`: 10 % off those. `tiers`,
    `variants`: see the guide. `names`: other names the model is asked for by.
    """

    provider: Name
    model: Name
    names: Annotated[list[Name], Meta(max_length=100)] = []
    from_: datetime | None = field(name="from", default=None)
    prices: dict[str, str] = {}
    tiers: Annotated[list[pricing.PriceTier], Meta(max_length=20)] = []
    variants: Annotated[list[pricing.PriceVariant], Meta(max_length=50)] = []
    minimum: dict[str, int] = {}
    multiply: str | None = None
    source: Annotated[str, Meta(pattern="^https?://", max_length=1_000)] | None = None
    note: Annotated[str, Meta(max_length=2_000)] = ""


class PricesIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Up to 1,000 prices, all stored or none. `reason` is kept with the new version."""

    prices: Annotated[list[PriceIn], Meta(min_length=1, max_length=1_000)]
    reason: Annotated[str, Meta(max_length=500)] = ""


class PriceQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Filters. `q`: part of a provider's or model's name. `at`: only what holds at that time.
    `include=retired`: also what no version has any more."""

    provider: Name | None = None
    model: Name | None = None
    layer: Layer | None = None
    q: Name | None = None
    at: datetime | None = None
    include: Literal["retired"] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class PriceOut(msgspec.Struct, kw_only=True):
    """A row of the book. `valid_from` null: always; `valid_to` null: without end. `prices` are USD
    by component, per the number of units in `units`."""

    id: UUID
    layer: Layer
    organization_id: str | None
    provider: str
    model: str
    names: list[str]
    valid_from: datetime | None
    valid_to: datetime | None
    prices: dict[str, str]
    units: dict[str, str]
    tiers: list[pricing.PriceTier]
    variants: list[pricing.PriceVariant]
    minimum: dict[str, int]
    multiply: str | None
    source: str | None
    note: str
    added_at: datetime | None
    added_by: str
    is_retired: bool


class PriceList(msgspec.Struct, kw_only=True):
    """One page, by provider, model and time."""

    items: list[PriceOut]
    next_cursor: str | None
    price_book_version: str


class BookVersionOut(msgspec.Struct, kw_only=True):
    """The version a change has made."""

    price_book_version: str
    created_at: datetime
    reason: str
