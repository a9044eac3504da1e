"""What other slices may call: the price of a model call, and the words it is told in."""

from collections.abc import Mapping

from aihub.pricing import service
from aihub.pricing.book import Book, Calendars, Entry, Layer
from aihub.pricing.components import COMPONENTS, Component, describe_unit
from aihub.pricing.counting import COMPLETION, REQUEST
from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import CallFacts, CostLine, PricedCall, Quantity
from aihub.pricing.price_files import BrokenPrices, begin_of, check_row
from aihub.pricing.price_files import Hours as PriceHours
from aihub.pricing.price_files import Model as PricedModel
from aihub.pricing.price_files import Row as PriceRow
from aihub.pricing.price_files import Tier as PriceTier
from aihub.pricing.price_files import Variant as PriceVariant
from aihub.pricing.providers import canonical_provider, guess_provider
from aihub.pricing.shipped import (
    FOLDER,
    Base,
    Shipped,
    load_book,
    load_shipped,
    read_folder,
    read_release,
)
from aihub.pricing.token_counts import PromptCounter, TextCounter, find_count_rule

__all__ = [
    "COMPONENTS",
    "FOLDER",
    "TEXT_KEYS",
    "Base",
    "Book",
    "BrokenPrices",
    "Calendars",
    "CallFacts",
    "Component",
    "CostLine",
    "Entry",
    "InvalidUsage",
    "Layer",
    "PriceHours",
    "PriceRow",
    "PriceTier",
    "PriceVariant",
    "PricedCall",
    "PricedModel",
    "PromptCounter",
    "Quantity",
    "Shipped",
    "TextCounter",
    "begin_of",
    "canonical_provider",
    "check_row",
    "describe_unit",
    "find_count_rule",
    "guess_provider",
    "is_metered",
    "keep_context",
    "load_book",
    "load_shipped",
    "price_call",
    "read_folder",
    "read_release",
]


TEXT_KEYS = frozenset({REQUEST, COMPLETION})
"""Entries of a call's context that hold text to count tokens in. They are not for keeping."""


def price_call(facts: CallFacts, book: Book | None = None) -> PricedCall:
    """Normalise the usage of a call and price it in USD, exact to the last digit.

    Pure: the same facts and the same book give the same result for ever. Without a `book` the
    prices of this release are taken. An unknown model, an unknown shape of usage, no usage at all
    or an impossible one (`invalid_usage`, naming the field) gives `unpriced`: never an error, never
    0, whatever JSON is given.
    """
    return service.price_call(facts, book if book is not None else load_book())


def is_metered(facts: CallFacts) -> bool:
    """Whether the facts tell of a model call: a usage, tokens, a response, or a model's name.

    A name alone is a call whose cost is `unpriced`.
    """
    return service.is_metered(facts)


def keep_context(context: Mapping[str, object]) -> dict[str, object]:
    """The part of a call's context that its cost depends on: short words and numbers, no content.

    It is kept with the call when the rest is erased, so that the cost can be computed again.
    """
    return service.keep_context(context)
