"""What other slices may call: the price of a model call, and the words it is told in."""

from aihub.pricing import service
from aihub.pricing.book import load_book
from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import CallFacts, CostLine, PricedCall
from aihub.pricing.providers import guess_provider

__all__ = [
    "CallFacts",
    "CostLine",
    "InvalidUsage",
    "PricedCall",
    "guess_provider",
    "is_metered",
    "price_book_version",
    "price_call",
]


def price_call(facts: CallFacts) -> PricedCall:
    """Normalise the usage of a call and price it in USD, exact to the last digit.

    Pure but for the first call of a process, which reads the price book. An unknown model, an
    unknown shape of usage or no usage at all gives `unpriced`, never an error and never 0.

    Raises:
        InvalidUsage: a quantity that cannot be one (negative, fractional, above 10^12, a string,
            more cached tokens than input); nothing else, whatever JSON is given.
    """
    return service.price_call(facts)


def is_metered(facts: CallFacts) -> bool:
    """Whether the facts tell of a model call: a usage, tokens, a response, or a model's name.

    A name alone is a call whose cost is `unpriced`.
    """
    return service.is_metered(facts)


def price_book_version() -> str:
    """The version of the price book that calls are priced with now."""
    return load_book().version
