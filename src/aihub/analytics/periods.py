"""From what a caller says about time to a period: pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aihub.analytics.models import Period
from aihub.kit.errors import Invalid

_QUARTER = 900
DEFAULT_DAYS = 30
MOST_DAYS = 1_100
_EARLIEST = date(2000, 1, 1)


def read_zone(name: str, field: str = "timezone") -> ZoneInfo:
    """A zone by its IANA name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid.field(field, "must be a time zone such as Europe/Berlin") from error


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins there."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day there."""
    return at.astimezone(zone).date()


def of_days(first: date, last: date, zone: ZoneInfo, *, own_days: bool = True) -> Period:
    """The days `first` until before `last`; `own_days`: of each organization's own zone."""
    return Period(midnight(first, zone), midnight(last, zone), first, last, zone.key, own_days)


def floor_quarter(at: datetime) -> datetime:
    """The quarter of an hour that `at` is in."""
    return datetime.fromtimestamp(at.timestamp() // _QUARTER * _QUARTER, UTC)


def ceil_quarter(at: datetime) -> datetime:
    """The first quarter of an hour not before `at`."""
    return floor_quarter(at + timedelta(seconds=_QUARTER, microseconds=-1))


def of_times(from_: datetime, to: datetime, zone: ZoneInfo) -> Period:
    """From one quarter of an hour to another; days are those of `zone`."""
    last = day_of(to - timedelta(microseconds=1), zone) + timedelta(days=1)
    return Period(from_, to, day_of(from_, zone), last, zone.key, by_days=False)


def resolve(
    from_: str | None,
    to: str | None,
    *,
    zone: ZoneInfo,
    own_days: bool,
    now: datetime,
    days: int = DEFAULT_DAYS,
) -> Period:
    """What a query means. Days (`to` included) or times at quarters of an hour (`to` not).

    `own_days`: as of `of_days`. Without `from_` the last `days`, without `to` until the end of
    today. Raises Invalid.
    """
    today = day_of(now, zone)
    last: date | datetime = _read(to, "to") if to is not None else today
    if from_ is not None:
        first: date | datetime = _read(from_, "from")
    else:
        end = last if not isinstance(last, datetime) else day_of(last, zone)
        first = end - timedelta(days=days - 1)
    if not isinstance(first, datetime) and not isinstance(last, datetime):
        period = of_days(first, last + timedelta(days=1), zone, own_days=own_days)
    else:
        period = of_times(
            _moment(first, zone, "from"), _moment(last, zone, "to", is_end=True), zone
        )
    if period.from_ >= period.to:
        raise Invalid.field("to", "must be after from")
    if period.days > MOST_DAYS:
        raise Invalid.field("from", f"is more than {MOST_DAYS:,} days before to")
    return period


def previous(period: Period) -> Period:
    """The period of the same length before it."""
    zone = ZoneInfo(period.timezone)
    if period.by_days or _is_whole(period, zone):
        first = period.first - timedelta(days=period.days)
        return of_days(first, period.first, zone, own_days=period.by_days)
    return of_times(period.from_ - (period.to - period.from_), period.from_, zone)


def month_to_date(
    today: date, zone: ZoneInfo, *, own_days: bool = True
) -> tuple[Period, Period, date]:
    """This month until today, as many days of the month before, and the first of the next."""
    first = today.replace(day=1)
    month_end = (first + timedelta(days=32)).replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    until = min(before + timedelta(days=today.day), first)
    current = of_days(first, today + timedelta(days=1), zone, own_days=own_days)
    return current, of_days(before, until, zone, own_days=own_days), month_end


def _is_whole(period: Period, zone: ZoneInfo) -> bool:
    return period.from_ == midnight(period.first, zone) and period.to == midnight(period.last, zone)


def _read(text: str, field: str) -> date | datetime:
    try:
        if len(text) == len("2026-01-31"):
            read: date | datetime = date.fromisoformat(text)
        else:
            read = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid.field(field, "must be a day or a time such as 2026-01-31") from error
    if not _EARLIEST <= (read.date() if isinstance(read, datetime) else read) < date(2200, 1, 1):
        raise Invalid.field(field, "must be from 2000 to 2199")
    return read


def _moment(
    given: date | datetime, zone: ZoneInfo, field: str, *, is_end: bool = False
) -> datetime:
    if not isinstance(given, datetime):
        return midnight(given + timedelta(days=1) if is_end else given, zone)
    at = (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(UTC)
    if floor_quarter(at) != at:
        raise Invalid.field(field, "must be at a quarter of an hour, such as 10:15")
    return at
