"""When to run: back-off and calendars."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter  # type: ignore[import-untyped] # ships no types

from aihub.jobs.models import Schedule, WorkerOptions
from aihub.kit.errors import Invalid

_FIELDS = 5


def retry_delay(attempts: int, options: WorkerOptions) -> timedelta:
    """The pause after an error when the job was put back `attempts` times before."""
    factor = 1 << min(attempts, 32)  # beyond that any pause is the longest
    return min(options.first_delay * factor, options.longest_delay)


def check_schedule(schedule: Schedule) -> None:
    """Raises Invalid for an expression or a time zone that is none."""
    if len(schedule.cron.split()) != _FIELDS or not croniter.is_valid(schedule.cron):
        raise Invalid.field("cron", f"{schedule.cron!r} is no expression of five fields")
    find_zone(schedule.timezone)


def find_zone(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid.field("timezone", f"{name!r} is no time zone") from error


def next_time(schedule: Schedule, after: datetime) -> datetime:
    """The first time after `after` that the schedule names, in UTC.

    A local time that the clocks leave out comes as much later as they are put forward; one that
    they show twice comes once, the first time.
    """
    zone = find_zone(schedule.timezone)
    local = after.astimezone(zone).replace(tzinfo=None)
    times = croniter(schedule.cron, local)
    while True:
        found: datetime = times.get_next(datetime).replace(tzinfo=zone).astimezone(UTC)
        if found > after:
            return found


def latest_time(schedule: Schedule, due: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The last time that has come by `now` (at least `due`), and the next one after `now`.

    All that was missed between the two is caught up by one run.
    """
    following = next_time(schedule, now)
    zone = find_zone(schedule.timezone)
    times = croniter(schedule.cron, following.astimezone(zone).replace(tzinfo=None))
    before = times.get_prev(datetime).replace(tzinfo=zone).astimezone(UTC)
    return max(due, before) if before <= now else due, following
