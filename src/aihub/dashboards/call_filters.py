"""The filter of the list of calls. Pure."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from aihub.conversations.api import CallFilters
from aihub.dashboards.filters import read_choice, read_day, read_dollars, read_text
from aihub.dashboards.listing import Asked, address, check_order, read_asked

COST_STATUSES = ("priced", "free", "estimated", "unpriced")
PATH = "/calls"
LABELS = {
    "cost_status": "Cost status",
    "provider": "Provider",
    "model": "Model",
    "module": "Module",
    "from": "From",
    "to": "To",
    "min_cost": "Cost from",
    "max_cost": "Cost up to",
}
_READERS = {
    "cost_status": lambda text: read_choice(text, COST_STATUSES),
    "provider": read_text,
    "model": read_text,
    "module": read_text,
    "from": read_day,
    "to": read_day,
    "min_cost": read_dollars,
    "max_cost": read_dollars,
}


def read_call_filter(given: Mapping[str, str]) -> Asked:
    """The filter in a query string. Never raises: see its `errors`."""
    asked = read_asked(PATH, given, LABELS, _READERS)
    check_order(asked, "from", "to", "This is before “From”.")
    check_order(asked, "min_cost", "max_cost", "This is less than “Cost from”.")
    return asked


def to_filters(asked: Asked, zone: ZoneInfo) -> CallFilters:
    """As the list takes it; dates are days of `zone`."""
    found = dict(asked.found)
    first, last = found.pop("from", None), found.pop("to", None)
    return CallFilters(
        **found,
        from_=datetime.combine(first, time(), zone) if first else None,
        to=datetime.combine(last + timedelta(days=1), time(), zone) if last else None,
    )


def calls_url(**values: str | None) -> str:
    """The list of calls with a filter; `from` is `from_`."""
    return address(PATH, {name.rstrip("_"): value for name, value in values.items()})
