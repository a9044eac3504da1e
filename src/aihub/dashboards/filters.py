"""The filter of the list of conversations: URL to filter, filter to chips, and back. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, urlencode
from zoneinfo import ZoneInfo

from aihub.conversations.api import SOURCES, STATUSES, ConversationFilters

SENTIMENTS = ("negative", "neutral", "positive")
LABELS = {
    "status": "Status",
    "user": "User",
    "module": "Module",
    "source": "Source",
    "model": "Model",
    "from": "From",
    "to": "To",
    "min_cost": "Cost from",
    "max_cost": "Cost up to",
    "min_satisfaction": "Satisfaction from",
    "sentiment": "Sentiment",
    "intent": "Intent",
    "key": "Key",
    "tag": "Tag",
}
_CHOICES = {"status": STATUSES, "source": SOURCES, "sentiment": SENTIMENTS}
_MAX_LENGTH = 255
_MAX_AMOUNT_DIGITS = 20
_MOST_STARS = 5


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter and where its removal leads."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """What the URL asks for. `values` as typed; with `errors`, `filters` is not to be used."""

    values: dict[str, str]
    filters: ConversationFilters
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """The filter as a query string, without a page."""
        return urlencode(self.values)

    @property
    def chips(self) -> list[Chip]:
        """One for each active filter, in the form's order."""
        return [
            Chip(LABELS[name], value, list_url({k: v for k, v in self.values.items() if k != name}))
            for name, value in self.values.items()
        ]


class BadValue(Exception):
    """What is wrong with a value, as a sentence for people."""


def read_filter(given: Mapping[str, str], zone: ZoneInfo) -> ReadFilter:
    """The filter in a query string; dates are days of `zone`. Never raises: see `errors`."""
    values = {name: text for name in LABELS if (text := given.get(name, "").strip())}
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, text in values.items():
        try:
            found[name] = _read_value(name, text)
        except BadValue as bad:
            errors[name] = str(bad)
    _check_order(found, errors)
    if errors:
        return ReadFilter(values, ConversationFilters(), errors)
    return ReadFilter(values, _to_filters(found, zone))


def list_url(values: Mapping[str, str | None]) -> str:
    """The list with this filter (and page); empty values are left out."""
    query = "&".join(f"{name}={quote(value)}" for name, value in values.items() if value)
    return f"/conversations?{query}" if query else "/conversations"


@lru_cache(maxsize=4_096)  # a page has a hundred links with the same days and names
def quote(value: str) -> str:
    """A value as an address has it."""
    return quote_plus(value)


def _to_filters(found: Mapping[str, Any], zone: ZoneInfo) -> ConversationFilters:
    def start(day: date) -> datetime:
        return datetime.combine(day, time(), zone)

    first, last = found.get("from"), found.get("to")
    same = ("status", "module", "source", "model", "min_cost", "max_cost")
    more = ("sentiment", "min_satisfaction", "key", "tag", "intent")
    return ConversationFilters(
        user_id=found.get("user"),
        from_=start(first) if first else None,
        to=start(last + timedelta(days=1)) if last else None,
        **{name: found.get(name) for name in (*same, *more)},
    )


def _check_order(found: Mapping[str, Any], errors: dict[str, str]) -> None:
    if "from" in found and "to" in found and found["from"] > found["to"]:
        errors["to"] = "This is before “From”."
    if "min_cost" in found and "max_cost" in found and found["min_cost"] > found["max_cost"]:
        errors["max_cost"] = "This is less than “Cost from”."


def _read_value(name: str, text: str) -> Any:
    read_text(text)
    if name in _CHOICES:
        return read_choice(text, _CHOICES[name])
    if name in ("from", "to"):
        return read_day(text)
    if name in ("min_cost", "max_cost"):
        return read_dollars(text)
    if name == "min_satisfaction":
        score = read_amount(text, "A number from 0 to 5.")
        if score > _MOST_STARS:
            raise BadValue("A number from 0 to 5.")
        return score
    return text


def read_text(text: str) -> str:
    """A word to look for. Raises BadValue."""
    if "\x00" in text:
        raise BadValue("This holds a character that cannot be stored.")
    if len(text) > _MAX_LENGTH:
        raise BadValue(f"At most {_MAX_LENGTH} characters.")
    return text


def read_choice(text: str, choices: Collection[str]) -> str:
    """One of `choices`. Raises BadValue."""
    if text not in choices:
        raise BadValue(f"One of: {', '.join(choices)}.")
    return text


def read_dollars(text: str) -> Decimal:
    """An amount of USD. Raises BadValue."""
    return read_amount(text.removeprefix("$"), "An amount in US dollars, such as 0.05.")


def read_day(text: str) -> date:
    """A day that has a beginning in every zone. Raises BadValue."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadValue("A date such as 2026-11-25.") from None
    # one day of room on both sides for the change of zone
    if not date(1970, 1, 2) <= day <= date(9999, 12, 30):
        raise BadValue("A date from 1970 to 9999.")
    return day


def read_amount(text: str, complaint: str) -> Decimal:
    """A number from 0 on. Raises BadValue with `complaint`."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise BadValue(complaint) from None
    if not amount.is_finite() or amount < 0 or abs(amount.adjusted()) > _MAX_AMOUNT_DIGITS:
        raise BadValue(complaint)
    return amount
