"""The filter of the list of prices. Pure."""

from collections.abc import Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from aihub.dashboards.filters import read_choice, read_day, read_text
from aihub.dashboards.listing import Asked, read_asked
from aihub.dashboards.price_words import LAYERS

PATH = "/prices"
LABELS = {"q": "Search", "provider": "Provider", "layer": "Layer", "at": "In force on"}
_READERS = {
    "q": read_text,
    "provider": read_text,
    "layer": lambda text: read_choice(text, tuple(LAYERS)),
    "at": read_day,
}


def read_price_filter(given: Mapping[str, str]) -> Asked:
    """The filter in a query string. Never raises: see its `errors`."""
    return read_asked(PATH, given, LABELS, _READERS)


def find_time(asked: Asked, zone: ZoneInfo, now: datetime) -> datetime:
    """When the prices have to hold: at the end of that day of `zone`, or now when that is today."""
    day = asked.found.get("at")
    if day is None or day == now.astimezone(zone).date():
        return now
    return datetime.combine(day, time(23, 59, 59), zone)
