"""The filter of the list of calls. Pure."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from aihub.conversations.api import CallFilters
from aihub.dashboards.filters import BadValue, read_choice, read_day, read_dollars, read_text
from aihub.dashboards.listing import Asked, address, check_order, read_asked

COST_STATUSES = ("priced", "free", "estimated", "unpriced")
_EARLIEST, _LATEST = 1971, 9998
RESULTS = {"failed": True, "answered": False}
PATH = "/calls"
LABELS = {
    "cost_status": "Cost status",
    "provider": "Provider",
    "model": "Model",
    "api": "Operation",
    "module": "Module",
    "user": "User",
    "result": "Result",
    "since": "Since",
    "until": "Until",
    "from": "From",
    "to": "To",
    "min_cost": "Cost from",
    "max_cost": "Cost up to",
}


def _read_moment(text: str) -> datetime:
    """A time with its distance to UTC. Raises BadValue."""
    bad = BadValue("A time such as 2026-11-25T14:00+01:00.")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad from None
    if at.tzinfo is None or not _EARLIEST <= at.year <= _LATEST:
        raise bad
    return at


_READERS = {
    "cost_status": lambda text: read_choice(text, COST_STATUSES),
    "provider": read_text,
    "model": read_text,
    "api": read_text,
    "module": read_text,
    "user": read_text,
    "result": lambda text: RESULTS[read_choice(text, RESULTS)],
    "since": _read_moment,
    "until": _read_moment,
    "from": read_day,
    "to": read_day,
    "min_cost": read_dollars,
    "max_cost": read_dollars,
}


def read_call_filter(given: Mapping[str, str]) -> Asked:
    """The filter in a query string. Never raises: see its `errors`."""
    asked = read_asked(PATH, given, LABELS, _READERS)
    check_order(asked, "from", "to", "This is before “From”.")
    check_order(asked, "since", "until", "This is before “Since”.")
    check_order(asked, "min_cost", "max_cost", "This is less than “Cost from”.")
    return asked


def to_filters(asked: Asked, zone: ZoneInfo) -> CallFilters:
    """As the list takes it; dates are days of `zone`."""
    found = dict(asked.found)
    first, last = found.pop("from", None), found.pop("to", None)
    begins = [datetime.combine(first, time(), zone)] if first else []
    ends = [datetime.combine(last + timedelta(days=1), time(), zone)] if last else []
    begins += [found.pop("since")] if "since" in found else []
    ends += [found.pop("until")] if "until" in found else []
    return CallFilters(
        user_id=found.pop("user", None),
        is_failed=found.pop("result", None),
        from_=max(begins, default=None),
        to=min(ends, default=None),
        **found,
    )


def calls_url(**values: str | None) -> str:
    """The list of calls with a filter; `from` is `from_`."""
    return address(PATH, {name.rstrip("_"): value for name, value in values.items()})
