"""Keeps the demo alive: conversations that happen while one watches."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from aihub.demo.filling import StoredEvent, StoreEvents
from aihub.demo.generator import DEFAULT_SEED, Event, format_ms
from aihub.demo.organizations import ORGANIZATIONS, DemoOrganization
from aihub.demo.script import Script, ScriptedMessage, write_script
from aihub.kit.ids import datetime_ms, uuid7

_log = logging.getLogger(__name__)

MEAN_SECONDS = 1.5
RETRY_SECONDS = 2.0
_SHORTEST_SHARE, _LONGEST_SHARE = 0.1, 4.0  # of the mean pause

_OPEN_CONVERSATIONS = 9
_FIRST_ERROR = 400
_SERVER_ERROR = 500


def _read_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Played:
    """A conversation in progress; `position` is its next step."""

    organization: DemoOrganization
    conversation_id: str
    script: Script
    position: int = 0


class Trickle:
    """A few conversations at a time, each event stamped with the moment it is made."""

    def __init__(
        self,
        rng: Random,
        *,
        organizations: Sequence[DemoOrganization] = ORGANIZATIONS,
        clock: Callable[[], datetime] = _read_clock,
    ) -> None:
        self._rng = rng
        self._organizations = organizations
        self._clock = clock
        self._open: list[_Played] = []

    def next_events(self) -> tuple[str, list[Event]]:
        """What happens next, and to which organization: a message, with what comes with it."""
        rng = self._rng
        if not self._open or rng.random() > len(self._open) / _OPEN_CONVERSATIONS:
            return self._begin()
        played = rng.choice(self._open)
        events = self._step(played)
        if played.position == len(played.script.steps):
            self._open.remove(played)
            events += self._end(played)
        return played.organization.id, events

    def _begin(self) -> tuple[str, list[Event]]:
        rng = self._rng
        weights = [organization.daily for organization in self._organizations]
        organization = rng.choices(self._organizations, weights=weights)[0]
        now_ms = datetime_ms(self._clock())
        script = write_script(organization, rng, on=self._clock().date(), seed=DEFAULT_SEED)
        played = _Played(organization, str(uuid7(now_ms)), script)
        self._open.append(played)
        body = {**script.conversation, "started_at": format_ms(now_ms)}
        event = {"type": "conversation", "id": played.conversation_id, "body": body}
        return organization.id, [event, *self._step(played)]

    def _step(self, played: _Played) -> list[Event]:
        """The next message, and those that follow it at once: a prompt's question, a call."""
        events: list[Event] = []
        steps = played.script.steps
        while played.position < len(steps):
            step = steps[played.position]
            played.position += 1
            body = {"conversation_id": played.conversation_id, **step.body}
            if isinstance(step, ScriptedMessage):
                events.append(self._stamp("message", body, "created_at"))
                if step.body["role"] != "system":
                    break
            else:
                people = {k: played.script.conversation[k] for k in ("user_id", "module")}
                events.append(self._stamp("call", body | people, "occurred_at"))
        return events

    def _end(self, played: _Played) -> list[Event]:
        script, owner = played.script, {"conversation_id": played.conversation_id}
        events = []
        if script.feedback is not None:
            events.append(self._stamp("feedback", owner | script.feedback, "at"))
        if not script.is_left:
            events.append(self._stamp("transition", owner | {"action": "complete"}, "at"))
        return events

    def _stamp(self, kind: str, body: Event, time_field: str) -> Event:
        now_ms = datetime_ms(self._clock())
        return {
            "type": kind,
            "id": str(uuid7(now_ms)),
            "body": body | {time_field: format_ms(now_ms)},
        }


async def run_trickle(
    store: StoreEvents,
    *,
    stop: asyncio.Event,
    trickle: Trickle,
    mean_seconds: float = MEAN_SECONDS,
    retry_seconds: float = RETRY_SECONDS,
    transient: tuple[type[Exception], ...] = (OSError,),
) -> int:
    """Store new messages until `stop` is set, one every `mean_seconds` on average.

    While the store answers with a server error or raises one of `transient`, the same events are
    offered again: their ids make that harmless. Returns the number of events stored; what was
    begun when `stop` is set is finished first.
    """
    rng = Random()  # noqa: S311 - pauses need no secret
    stored = 0
    while not stop.is_set():
        organization, events = trickle.next_events()
        for event, result in await _offer(
            store, organization, events, stop=stop, transient=transient, retry_seconds=retry_seconds
        ):
            if result.status >= _FIRST_ERROR:
                _log.warning("demo %s refused: %s", event["type"], result.error)
            else:
                stored += 1
        share = min(max(rng.expovariate(1), _SHORTEST_SHARE), _LONGEST_SHARE)
        await _wait(stop, mean_seconds * share)
    return stored


async def _offer(
    store: StoreEvents,
    organization: str,
    events: list[Event],
    *,
    stop: asyncio.Event,
    transient: tuple[type[Exception], ...],
    retry_seconds: float,
) -> list[tuple[Event, StoredEvent]]:
    """Store the events, again and again while the store is away; nothing when stopped meanwhile."""
    while not stop.is_set():
        try:
            results = await store(organization, events)
        except transient as error:
            _log.warning("demo events wait: %s", error)
        else:
            if all(result.status < _SERVER_ERROR for result in results):
                return list(zip(events, results, strict=True))
            _log.warning("demo events wait: the store answers with a server error")
        await _wait(stop, retry_seconds)
    return []


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
