"""Pure decisions: the life cycle, the acceptable range of times, the order of writes."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aihub.kit.errors import Invalid
from aihub.kit.ids import is_uuid7, uuid7_time

ACTIONS: dict[str, dict[str, str]] = {
    "pause": {"active": "paused"},
    "resume": {"paused": "active"},
    "complete": {"active": "completed", "paused": "completed"},
    "archive": {"completed": "archived"},
    "reopen": {"completed": "active", "archived": "completed"},
}
"""What each action turns a status into; anything else is not legal."""

OLDEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing of this kind happened before; older times are mistakes and would make partitions."""
CLOCK_SKEW = timedelta(days=1)


def legal_actions(status: str) -> list[str]:
    """The actions that a conversation of this status allows."""
    return [action for action, moves in ACTIONS.items() if status in moves]


def check_time(
    at: datetime, *, now: datetime, field: str, ahead: timedelta | None = None
) -> datetime:
    """`at` in UTC. Raises Invalid outside of 2020 to a day from now (or `ahead`), or without an
    offset."""
    if at.tzinfo is None:
        raise Invalid.field(field, "needs an offset from UTC, such as Z or +01:00")
    if not OLDEST <= at <= now + (ahead or CLOCK_SKEW):
        days = (ahead or CLOCK_SKEW).days
        told = "one day" if days == 1 else f"{days} days"
        raise Invalid.field(field, f"must lie between 2020-01-01 and {told} from now")
    return at.astimezone(UTC)


def check_id(given: UUID, *, now: datetime, field: str = "id") -> UUID:
    """`given`, a UUIDv7 of an acceptable time. Raises Invalid."""
    at = find_time(given)
    if at is None:
        raise Invalid.field(field, "must be a UUID of version 7")
    check_time(at, now=now, field=field)
    return given


def find_time(given: UUID) -> datetime | None:
    """The time inside an id; None for an id that nothing of ours can have."""
    if not is_uuid7(given):
        return None
    try:
        return uuid7_time(given)
    except OverflowError:  # 48 bits of milliseconds reach beyond the year 9999
        return None


def plan_stages(items: Iterable[tuple[Hashable, int]]) -> Sequence[tuple[int, int]]:
    """When each write is to run, as (round, rank): all of one pair can run together.

    Each item names what it belongs to and the rank of its kind. Writes of one owner keep their
    order: a kind of a lower rank than the one before it waits for the next round.
    """
    last: dict[Hashable, tuple[int, int]] = {}
    stages = []
    for owner, rank in items:
        turn, before = last.get(owner, (0, rank))
        stage = (turn + (rank < before), rank)
        last[owner] = stage
        stages.append(stage)
    return stages
