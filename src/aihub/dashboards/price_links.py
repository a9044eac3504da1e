"""Addresses and short words that templates about prices and calls ask for. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from aihub.dashboards import formats
from aihub.dashboards.call_filters import calls_url
from aihub.dashboards.listing import address
from aihub.dashboards.price_words import model_url
from aihub.repricing.api import Unpriced


def show_host(url: str) -> str:
    """Where a link leads: `https://openai.com/api/pricing` → `openai.com`."""
    try:
        return (urlsplit(url).hostname or url).removeprefix("www.")
    except ValueError:
        return url


def shorten_unit(unit: str) -> str:
    """`1,000,000 tokens` → `million tokens`, `1 image` → `image`."""
    return unit.replace("1,000,000 ", "million ").removeprefix("1 ")


def show_actor(actor: str, own: str) -> str:
    """Who wrote it: an actor's id says nothing to people."""
    if actor == own:
        return "you"
    return "an operator" if actor.startswith("operator:") else actor


def show_utc_day(at: datetime) -> str:
    """The day on which a price begins: 2 Oct 2024."""
    day = at.astimezone(UTC)
    return f"{day.day} {day:%b %Y}"


def link_unpriced(each: Unpriced) -> str:
    """The calls of a model that have no price."""
    return calls_url(cost_status="unpriced", provider=each.provider, model=each.model)


def link_repricing(each: Unpriced) -> str:
    """What repricing would change of a model without a price."""
    return address("/repricing", {"provider": each.provider, "model": each.model})


def link_repricing_of_model(provider: str, model: str) -> str:
    """What repricing would change of a model, whatever the status of its calls."""
    return address("/repricing", {"status": "all", "provider": provider, "model": model})


def link_calls_of(model: str, first: date) -> str:
    """The calls of a model since a day."""
    return calls_url(model=model, from_=first.isoformat())


FILTERS: Mapping[str, Callable[..., Any]] = {
    "host": show_host,
    "actor": show_actor,
    "short_unit": shorten_unit,
    "utc_day": show_utc_day,
    "utc": formats.format_utc,
    "price_page": model_url,
    "unpriced_calls": link_unpriced,
    "reprice_page": link_repricing,
    "reprice_model": link_repricing_of_model,
    "calls_of": link_calls_of,
}
