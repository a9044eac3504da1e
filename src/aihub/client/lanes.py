"""Who may be sent to the hub now: one lane an organization, in order within it, with pauses."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aihub.client.errors import HubError, HubUnavailable, RateLimited

_FIRST_PAUSE_SECONDS = 0.1
_MAX_PAUSE_SECONDS = 5.0  # a hub that comes back is noticed within this
_MAX_DOUBLINGS = 10


@dataclass(slots=True)
class Backoff:
    """A pause that doubles with each failure, between half and all of it (jitter), at least as
    long as the hub asks for."""

    failures: int = 0
    until: float = 0.0
    _failed_at: float = 0.0

    def fail(self, started_at: float, retry_after: float | None) -> None:
        """Count a failed attempt; attempts that ran side by side count once."""
        now = time.monotonic()
        if started_at >= self._failed_at:
            self.failures += 1
        self._failed_at = now
        pause = _FIRST_PAUSE_SECONDS * 2.0 ** min(self.failures - 1, _MAX_DOUBLINGS)
        jittered = min(pause, _MAX_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self.until = now + max(jittered, retry_after or 0.0)

    def succeed(self) -> None:
        """Forget the failures."""
        self.failures, self.until = 0, 0.0


@dataclass(slots=True)
class _Lane:
    waiting: int = 0
    is_busy: bool = False
    backoff: Backoff = field(default_factory=Backoff)
    refusal: HubError | None = None


class Lanes:
    """Counts what waits and hands out lanes, each to one sender at a time. Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lanes: dict[str, _Lane] = {}
        self._hub = Backoff()
        self._away_since: float | None = None
        self._last_error: HubError | None = None
        self.is_stopped = False

    def add(self, counts: Mapping[str, int]) -> None:
        """Events were appended: how many, by organization."""
        with self._changed:
            for organization_id, count in counts.items():
                lane = self._lanes.setdefault(organization_id, _Lane())
                # a sender may have found and sent them before they were counted here: then the
                # count was below zero, and is right again now
                lane.waiting += count
                self._drop_if_empty(organization_id, lane)
            self._changed.notify_all()

    def take(self, timeout: float) -> str | None:
        """A lane that has events and is not pausing; None after `timeout` seconds without one, or
        when stopped."""
        until = time.monotonic() + timeout
        with self._changed:
            while not self.is_stopped:
                now = time.monotonic()
                if (organization_id := self._ready(now)) is not None:
                    lane = self._lanes.pop(organization_id)
                    lane.is_busy = True
                    self._lanes[organization_id] = lane  # last in turn from here on
                    return organization_id
                if now >= until:
                    return None
                self._changed.wait(min(self._next_change(now), until) - now)
        return None

    def correct(self, organization_id: str, waiting: int) -> None:
        """Set the count of a lane in hand: its events were not where they should be."""
        with self._changed:
            self._lanes[organization_id].waiting = waiting

    def release(self, organization_id: str) -> None:
        """Give a lane back."""
        with self._changed:
            lane = self._lanes[organization_id]
            lane.is_busy = False
            self._drop_if_empty(organization_id, lane)
            self._changed.notify_all()

    def succeeded(self, organization_id: str, gone: int) -> None:
        """The hub answered; `gone` events have left the spool."""
        with self._changed:
            lane = self._lanes[organization_id]
            lane.waiting -= gone
            lane.refusal = None
            lane.backoff.succeed()
            self._hub.succeed()
            self._away_since = self._last_error = None
            self._changed.notify_all()

    def failed(self, organization_id: str, error: HubError, started_at: float) -> None:
        """An attempt failed: everything pauses when the hub is away, the lane alone otherwise."""
        with self._changed:
            self._last_error = error
            lane = self._lanes[organization_id]
            if isinstance(error, HubUnavailable):
                self._hub.fail(started_at, error.retry_after)
                if self._away_since is None:
                    self._away_since = started_at
            else:
                lane.backoff.fail(started_at, error.retry_after)
                lane.refusal = None if isinstance(error, RateLimited) else error
                self._away_since = None

    def refusal(self, organization_id: str) -> HubError | None:
        """Why the hub takes nothing of this organization at present, if it said so."""
        with self._changed:
            lane = self._lanes.get(organization_id)
            return lane.refusal if lane else None

    def patience(self, timeout: float) -> float:
        """Seconds a caller should wait: `timeout`, less what the hub has been away already."""
        with self._changed:
            if self._away_since is None:
                return timeout
            return max(0.0, timeout - (time.monotonic() - self._away_since))

    @property
    def last_error(self) -> HubError | None:
        """Why the last attempt failed; None when it did not."""
        return self._last_error

    @property
    def waiting(self) -> int:
        """Events that have not left the spool."""
        with self._changed:
            return sum(max(0, lane.waiting) for lane in self._lanes.values())

    def wait_until_empty(self, timeout: float) -> bool:
        """Whether everything left the spool within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(lane.waiting for lane in self._lanes.values()), timeout
            )

    def stop(self) -> None:
        """Let every `take` return None from now on."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()

    def _drop_if_empty(self, organization_id: str, lane: _Lane) -> None:
        if lane.waiting == 0 and not lane.is_busy:
            del self._lanes[organization_id]

    def _ready(self, now: float) -> str | None:
        if now < self._hub.until:
            return None
        for organization_id, lane in self._lanes.items():
            if lane.waiting > 0 and not lane.is_busy and now >= lane.backoff.until:
                return organization_id
        return None

    def _next_change(self, now: float) -> float:
        if now < self._hub.until:
            return self._hub.until
        pauses = (
            lane.backoff.until
            for lane in self._lanes.values()
            if lane.waiting > 0 and not lane.is_busy
        )
        return min(pauses, default=float("inf"))
