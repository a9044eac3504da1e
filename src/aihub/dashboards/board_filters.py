"""The filter of the dashboards: a period, and what of it. In the URL, as in the lists. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aihub.dashboards.filters import read_choice, read_day, read_text
from aihub.dashboards.listing import Asked, check_order, read_asked

PERIODS = {
    "today": "Today",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "month": "This month",
    "last_month": "Last month",
}
SCOPES = {"all": "All organizations"}
MOST_DAYS = 400
_USUAL_DAYS = 30
_DAYS = {
    "today": (1, "today"),
    "24h": (1, "the last 24 hours"),
    "7d": (7, "the last 7 days"),
    "30d": (30, "the last 30 days"),
    "90d": (90, "the last 90 days"),
}
_LABELS = {
    "scope": "View",
    "period": "Period",
    "from": "From",
    "to": "To",
    "module": "Module",
    "model": "Model",
}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a zone, both ends included, and as many days before them."""

    first: date
    last: date
    zone: ZoneInfo
    words: str

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def begins(self) -> datetime:
        """The first moment."""
        return start_of(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return start_of(self.last + timedelta(days=1), self.zone)

    @property
    def each_day(self) -> list[date]:
        """Its days in order."""
        return [self.first + timedelta(days=n) for n in range(self.days)]

    @property
    def urls(self) -> dict[str, str | None]:
        """As the filters of the lists have it."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}

    def before(self) -> "Period":
        """As many days, right before."""
        last = self.first - timedelta(days=1)
        first = last - timedelta(days=self.days - 1)
        noun = "day" if self.days == 1 else f"{self.days} days"
        return Period(first, last, self.zone, f"the {noun} before")


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What the URL of a dashboard asks for."""

    asked: Asked
    period: Period
    module: str | None
    model: str | None
    is_everywhere: bool

    @property
    def lists(self) -> dict[str, str | None]:
        """The same as a filter of the lists of conversations and calls."""
        return {**self.period.urls, "module": self.module, "model": self.model}


def read_board_filter(
    path: str,
    given: Mapping[str, str],
    *,
    now: datetime,
    default: str,
    may_see_all: bool,
    fields: tuple[str, ...] = ("period", "from", "to", "module", "model"),
    periods: Mapping[str, str] = PERIODS,
) -> BoardFilter:
    """`now` is in the zone whose days are meant. Never raises: see `asked.errors`."""
    names = (*(("scope",) if may_see_all else ()), *fields)
    readers = {
        "scope": lambda text: read_choice(text, SCOPES),
        "period": lambda text: read_choice(text, periods),
        "from": read_day,
        "to": read_day,
        "module": read_text,
        "model": read_text,
    }
    asked = read_asked(path, given, {name: _LABELS[name] for name in names}, readers)
    check_order(asked, "from", "to", "This is before “From”.")
    found = asked.found
    period = _plan(found.get("period"), found.get("from"), found.get("to"), now, default)
    if period.days > MOST_DAYS:
        asked.errors["from"] = f"At most {MOST_DAYS} days."
        period = _plan(None, None, None, now, default)
    return BoardFilter(
        asked=asked,
        period=period,
        module=found.get("module"),
        model=found.get("model"),
        is_everywhere="scope" in found,
    )


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day."""
    return datetime.combine(day, time(), zone)


def _plan(
    name: str | None, first: date | None, last: date | None, now: datetime, default: str
) -> Period:
    today = now.date()
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    if first is not None or last is not None:
        ends = min(last or today, today) if first is None or first <= today else last or first
        begins = first or ends - timedelta(days=_USUAL_DAYS - 1)
        return Period(begins, max(begins, ends), zone, f"{_say(begins)} to {_say(ends)}")
    chosen = name or default
    if chosen == "month":
        return Period(today.replace(day=1), today, zone, "this month")
    if chosen == "last_month":
        ends = today.replace(day=1) - timedelta(days=1)
        return Period(ends.replace(day=1), ends, zone, "last month")
    days, words = _DAYS[chosen]
    return Period(today - timedelta(days=days - 1), today, zone, words)


def _say(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
