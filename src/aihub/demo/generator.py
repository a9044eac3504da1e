"""The sample month as events: every conversation of every day up to now, the same each time.

A day's conversations follow from the seed, the organization and the date. A later run brings the
same ids for the days both have, so that filling a hub again adds only what is new.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from aihub.demo.organizations import DemoOrganization
from aihub.demo.script import USUAL_ERRORS, Script, ScriptedMessage, write_script
from aihub.kit.ids import datetime_ms, derive_uuid7

Event = dict[str, Any]

DEFAULT_SEED = "aihub-demo"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BAD_DAYS = 0.07  # now and then a provider has one
_BAD_DAY_ERRORS = 0.11
_IS_ARCHIVED = 0.12
_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS
_SATURDAY = 5
_PAUSE_AFTER_MS = 30 * _MINUTE_MS  # the hub's own rules for those who just went away
_COMPLETE_AFTER_MS = _DAY_MS


def generate_events(
    organization: DemoOrganization,
    *,
    now: datetime,
    days: int = 30,
    scale: float = 1.0,
    seed: str = DEFAULT_SEED,
) -> Iterator[Event]:
    """The events of the `days` before `now` (aware), conversation by conversation.

    Within a conversation they are in order; none lies after `now`, so the latest conversations
    are unfinished. `scale` multiplies the number of conversations a day.
    """
    zone = ZoneInfo(organization.time_zone)
    first = (now - timedelta(days=days)).astimezone(zone).date()
    last = now.astimezone(zone).date()
    earliest_ms, now_ms = datetime_ms(now - timedelta(days=days)), datetime_ms(now)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        rng = Random(f"{seed}:{organization.id}:{day}")  # noqa: S311 - repeatable on purpose
        error_rate = _BAD_DAY_ERRORS if rng.random() < _BAD_DAYS else USUAL_ERRORS
        starts = _draw_starts(rng, organization, day=day, zone=zone, scale=scale)
        for number, start_ms in enumerate(starts):
            if not earliest_ms <= start_ms <= now_ms:
                continue
            name = f"{seed}:{organization.id}:{day}:{number}"
            script = write_script(
                organization,
                Random(name),  # noqa: S311 - repeatable on purpose
                on=day,
                seed=seed,
                error_rate=error_rate,
            )
            yield from _play(script, name=name, start_ms=start_ms, now_ms=now_ms)


def format_ms(ms: int) -> str:
    """ISO 8601 in UTC of milliseconds since 1970, exact to the millisecond."""
    at = _EPOCH + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _draw_starts(
    rng: Random, organization: DemoOrganization, *, day: date, zone: ZoneInfo, scale: float
) -> list[int]:
    """When the day's conversations start, in order, in milliseconds since 1970."""
    expected = organization.daily * scale * rng.uniform(0.8, 1.2)
    if day.weekday() >= _SATURDAY:
        expected *= organization.weekend_factor
    count = int(expected + rng.random())
    hours = rng.choices(range(24), weights=organization.hours, k=count)
    return sorted(
        datetime_ms(datetime.combine(day, time(hour, rng.randrange(60)), zone))
        + rng.randrange(_MINUTE_MS)
        for hour in hours
    )


def _play(script: Script, *, name: str, start_ms: int, now_ms: int) -> Iterator[Event]:
    """The script's events with their times and ids, up to now."""
    conversation_id = str(derive_uuid7(start_ms, name))
    yield {
        "type": "conversation",
        "id": conversation_id,
        "body": {**script.conversation, "started_at": format_ms(start_ms)},
    }
    at_ms = start_ms
    owner = {"conversation_id": conversation_id}
    for number, step in enumerate(script.steps):
        at_ms += max(step.pause_ms, 1 if number else 0)
        if at_ms > now_ms:
            return
        step_id = str(derive_uuid7(at_ms, f"{name}:{number}"))
        if isinstance(step, ScriptedMessage):
            body = owner | step.body | {"created_at": format_ms(at_ms)}
            yield {"type": "message", "id": step_id, "body": body}
        else:
            people = {k: script.conversation[k] for k in ("user_id", "module")}
            body = owner | people | step.body | {"occurred_at": format_ms(at_ms)}
            yield {"type": "call", "id": step_id, "body": body}
    for after_ms, kind, body in _plan_ending(script, name):
        at_ms += after_ms
        if at_ms > now_ms:
            return
        event_id = str(derive_uuid7(at_ms, f"{name}:{kind}:{body.get('action')}"))
        yield {"type": kind, "id": event_id, "body": owner | body | {"at": format_ms(at_ms)}}


def _plan_ending(script: Script, name: str) -> Iterator[tuple[int, str, Event]]:
    """What follows the last message: the pause before it, the event's type and its body."""
    rng = Random(f"{name}:ending")  # noqa: S311 - repeatable on purpose
    if script.is_left:
        yield _PAUSE_AFTER_MS, "transition", {"action": "pause"}
        yield _COMPLETE_AFTER_MS - _PAUSE_AFTER_MS, "transition", {"action": "complete"}
        return
    if script.feedback is not None:
        yield rng.randint(4_000, 60_000), "feedback", script.feedback
    yield rng.randint(5_000, 240_000), "transition", {"action": "complete"}
    if rng.random() < _IS_ARCHIVED:
        yield rng.randint(_DAY_MS, 5 * _DAY_MS), "transition", {"action": "archive"}
