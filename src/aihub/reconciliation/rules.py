"""Decisions about days, drift and alarms: no clock, no connection."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from aihub.kit.errors import Invalid
from aihub.reconciliation.models import Options

MAX_DAYS = 100
"""The longest report, in days."""
MAX_FETCH_DAYS = 365
FIRST_FETCH_DAYS = 30
REPORT_DAYS = 30

_DRIFT_DIGITS = Decimal("0.000001")


def is_closed(day: date, *, now: datetime, close_hours: int) -> bool:
    """Whether the bill of a UTC day is taken as complete: its end is `close_hours` ago."""
    return now >= _end_of(day) + timedelta(hours=close_hours)


def last_closed_day(now: datetime, close_hours: int) -> date:
    """The latest day that is closed."""
    return (now.astimezone(UTC) - timedelta(hours=close_hours)).date() - timedelta(days=1)


def fetch_window(
    *, now: datetime, options: Options, days: int | None, fetched_until: date | None
) -> tuple[date, date]:
    """The days to fetch, [start, end): closed ones only, the last few of them again.

    `days`: that many. Otherwise from where the last fetch ended (`fetched_until`, exclusive), with
    `rerun_days` before it since bills still change; the first time a month.
    """
    end = last_closed_day(now, options.close_hours) + timedelta(days=1)
    if days is not None:
        return end - timedelta(days=days), end
    if fetched_until is None:
        return end - timedelta(days=FIRST_FETCH_DAYS), end
    start = min(fetched_until, end) - timedelta(days=options.rerun_days)
    return max(start, end - timedelta(days=MAX_FETCH_DAYS)), end


def check_days(first_day: date, last_day: date, field: str = "to") -> None:
    """Raises Invalid for days in the wrong order, or too many."""
    if last_day < first_day:
        raise Invalid.field(field, "must not be before `from`")
    if (last_day - first_day).days >= MAX_DAYS:
        raise Invalid.field(field, f"a report has {MAX_DAYS} days at most")


def drift_of(hub: Decimal | int, provider: Decimal | int) -> Decimal | None:
    """(hub - provider) / provider, to six decimals; None where the provider has nothing."""
    if not provider:
        return None
    with localcontext(prec=60):
        return (Decimal(hub - provider) / Decimal(provider)).quantize(
            _DRIFT_DIGITS, ROUND_HALF_EVEN
        )


def is_beyond(hub: Decimal | int, provider: Decimal | int, limit: Decimal) -> bool:
    """Whether the two differ by more than `limit` of the provider's figure, exactly."""
    return abs(Decimal(hub - provider)) > limit * abs(Decimal(provider))


def is_alarm(hub: Decimal, provider: Decimal, options: Options) -> bool:
    """Whether somebody should look: beyond the limit and beyond the floor."""
    return abs(hub - provider) > options.floor and is_beyond(hub, provider, options.drift_limit)


def percent(part: Decimal | int, whole: Decimal | int, digits: int = 1) -> str:
    """`part` of `whole` in percent, for people: `3.1`."""
    if not whole:
        return "100"
    value = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1).scaleb(-digits))
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)
