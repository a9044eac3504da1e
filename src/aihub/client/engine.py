"""The one path of every write: into the spool, from there to the hub, and back to who waits.

Caller's thread                         sender threads
enqueue → commit (durable) ─ lanes ─→   take a lane → peek → POST /v1/batch → settle
        ←──────────── answer ──────────────────────────────────────────────────┘
"""

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from aihub.client.delivery import Verdict, judge
from aihub.client.errors import HubError, SpoolError
from aihub.client.events import Event, encode_batch
from aihub.client.lanes import Lanes
from aihub.client.organizations import REMEMBERED, Organizations
from aihub.client.spool import Rejected, Spool, Spooled
from aihub.client.spool_file import MAX_ALIASES
from aihub.client.transport import Address, organization_header, unavailable

_SENDERS = 4  # organizations that are served side by side; within one, order needs one at a time
_MAX_EVENTS = 500
_MAX_BYTES = 4_000_000
_ADOPTION_SECONDS = 10.0

_log = logging.getLogger("aihub.client")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A write on its way. `stored`: it is in the spool. `answer`: the object as JSON, empty where
    it has to be read; or the error that tells why not."""

    event: Event
    stored: "Future[None]" = field(default_factory=Future)
    answer: "Future[bytes]" = field(default_factory=Future)


class Engine:
    """Spools events, sends them and answers. Safe for threads; belongs to one process."""

    def __init__(self, address: Address, spool_path: Path | None) -> None:
        self.client: httpx.Client = address.open_client()
        self.organizations = Organizations()
        self.lanes = Lanes()
        self._spool = Spool(spool_path)
        self._pid = os.getpid()
        self._queue: deque[Ticket] = deque()
        self._append_lock = threading.Lock()
        self._waiting: dict[str, Future[bytes]] = {}
        self._aliases: dict[str, str] = self._spool.aliases()
        self._adopt_lock = threading.Lock()
        self._adopted_at = 0.0
        self._adopt()
        self._threads = [
            threading.Thread(target=self._send_all, name=f"aihub-sender-{n}", daemon=True)
            for n in range(_SENDERS)
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close, 2.0)

    # ---------- the caller's side ----------

    def enqueue(self, event: Event, *, is_awaited: bool) -> Ticket:
        """Take an event's place in the order. Does not block; `commit` has to follow."""
        if self.lanes.is_stopped:
            raise HubError("this client is closed", code="closed")
        ticket = Ticket(event)
        if is_awaited:
            self._waiting[event.id] = ticket.answer
        self._queue.append(ticket)
        return ticket

    def commit(self, ticket: Ticket) -> None:
        """Return when the event is on disk; raises SpoolError when it cannot be put there.

        Whoever comes first writes what all the others have queued: one transaction for many.
        """
        with self._append_lock:
            if not ticket.stored.done():
                batch = [self._queue.popleft() for _ in range(len(self._queue))]
                self._append(batch)
        ticket.stored.result()

    def forget(self, ticket: Ticket) -> None:
        """Nobody waits for this answer any more."""
        self._waiting.pop(ticket.event.id, None)

    def resolve(self, conversation_id: str) -> str:
        """The id by which the hub knows a conversation."""
        return self._aliases.get(conversation_id, conversation_id)

    def failed(self) -> list[Rejected]:
        """Events refused for good, oldest first."""
        return self._spool.failed()

    def retry_failed(self, event_ids: Sequence[str]) -> int:
        """Queue refused events again (all, when none is named): how many."""
        with self._append_lock:
            counts = self._spool.requeue_failed(event_ids)
            self.lanes.add(counts)
        return sum(counts.values())

    def discard_failed(self, event_ids: Sequence[str]) -> int:
        """Delete refused events for ever (all, when none is named): how many."""
        return self._spool.discard_failed(event_ids)

    def flush(self, timeout: float) -> bool:
        """Whether everything was answered within `timeout` seconds."""
        return self.lanes.wait_until_empty(timeout)

    def close(self, timeout: float) -> None:
        """Send what can be sent within `timeout` seconds, then stop; the rest stays spooled."""
        if os.getpid() != self._pid or self.lanes.is_stopped:
            return  # a forked child owns none of this
        atexit.unregister(self.close)
        if not self.flush(self.lanes.patience(timeout)):
            _log.warning("closed with %d events unsent", self.lanes.waiting)
        self.lanes.stop()
        until = time.monotonic() + timeout  # a request on its way gets as long to end
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.client.close()
        self._spool.close()

    # ---------- the sender's side ----------

    def _append(self, batch: list[Ticket]) -> None:
        try:
            self._spool.append([ticket.event for ticket in batch])
        except BaseException as error:
            # Told to all whose events were in this batch, or they would wait for ever: even when it
            # was this thread alone that was interrupted.
            told = error if isinstance(error, SpoolError) else SpoolError(f"not stored: {error!r}")
            for ticket in batch:
                self.forget(ticket)
                ticket.stored.set_exception(told)
            if told is error:
                return
            raise
        counts: dict[str, int] = {}
        for ticket in batch:
            event = ticket.event
            counts[event.organization_id] = counts.get(event.organization_id, 0) + 1
            self.organizations.remember(event.conversation_id, event.organization_id)
        self.lanes.add(counts)
        for ticket in batch:
            ticket.stored.set_result(None)

    def _send_all(self) -> None:
        while not self.lanes.is_stopped:
            organization_id = self.lanes.take(_ADOPTION_SECONDS)
            if organization_id is None:
                self._adopt_if_due()
                continue
            started_at = time.monotonic()
            try:
                self._send_lane(organization_id)
            except HubError as error:  # the spool's
                _log.warning("%s", error)
                self.lanes.failed(organization_id, error, started_at)
            except Exception as error:  # noqa: BLE001
                # A defect must not end the thread: the events would wait for ever, unseen.
                _log.exception("sending failed")
                self.lanes.failed(organization_id, HubError(repr(error)), started_at)
            finally:
                self.lanes.release(organization_id)

    def _send_lane(self, organization_id: str) -> None:
        batch = self._spool.peek(organization_id, max_events=_MAX_EVENTS, max_bytes=_MAX_BYTES)
        if batch:
            self._deliver(organization_id, batch)
        else:  # another process took them over, or the file was replaced
            with self._append_lock:
                self.lanes.correct(organization_id, self._spool.count(organization_id))

    def _deliver(self, organization_id: str, batch: list[Spooled]) -> bool:
        """Send a batch, in halves where the hub refuses it as a whole. False: stop for now."""
        started_at = time.monotonic()
        verdict = self._post(organization_id, batch)
        if verdict.is_divisible:
            middle = len(batch) // 2
            return self._deliver(organization_id, batch[:middle]) and self._deliver(
                organization_id, batch[middle:]
            )
        if verdict.done or verdict.rejected:
            self._settle(organization_id, verdict)
        if verdict.failure is None:
            return True
        self._tell_failure(organization_id, batch, verdict.failure, started_at)
        return False

    def _post(self, organization_id: str, batch: list[Spooled]) -> Verdict:
        content = encode_batch((s.event for s in batch), self._aliases)
        headers = {"Content-Type": "application/json", **organization_header(organization_id)}
        try:
            response = self.client.post("/v1/batch", content=content, headers=headers)
        except httpx.HTTPError as error:
            return Verdict(failure=unavailable(error))
        return judge(batch, response.status_code, response.headers, response.content)

    def _settle(self, organization_id: str, verdict: Verdict) -> None:
        self._remember(verdict.aliases)
        rejected = [r for r, _ in verdict.rejected]
        try:
            self._spool.settle(
                [s.seq for s, _ in verdict.done], rejected=rejected, aliases=verdict.aliases
            )
            self.lanes.succeeded(organization_id, len(verdict.done) + len(rejected))
        finally:
            # Told even when the spool cannot forget them (a full disk): the hub has decided, and
            # an event that is sent again gets the same answer.
            for spooled, data in verdict.done:
                self._tell(spooled, data)
            for refused, error in verdict.rejected:
                _log.warning("the hub refused a %s for good: %s", refused.event.type, error)
                self._tell(refused, error)

    def _remember(self, aliases: list[tuple[str, str]]) -> None:
        self._aliases.update(aliases)
        while len(self._aliases) > MAX_ALIASES:
            del self._aliases[next(iter(self._aliases))]

    def _tell_failure(
        self, organization_id: str, batch: list[Spooled], error: HubError, started_at: float
    ) -> None:
        if self.lanes.last_error is None:
            _log.warning("events stay in the spool: %s", error)
        self.lanes.failed(organization_id, error, started_at)
        if self.lanes.refusal(organization_id) is not None:
            for spooled in batch:
                self._tell(spooled, error)

    def _tell(self, entry: Spooled | Rejected, outcome: bytes | HubError) -> None:
        """Answer who waits for an event; nobody may, by now."""
        answer = self._waiting.pop(entry.event.id, None)
        if answer is None or not answer.set_running_or_notify_cancel():
            return
        if isinstance(outcome, HubError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def _adopt_if_due(self) -> None:
        if self._adopt_lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._adopted_at >= _ADOPTION_SECONDS:
                    self._adopt()
                    self._spool.shrink()
            except SpoolError as error:
                _log.warning("%s", error)
            finally:
                self._adopt_lock.release()

    def _adopt(self) -> None:
        """Take over what processes that are gone have left in the spool."""
        self._adopted_at = time.monotonic()
        if counts := self._spool.adopt():
            for conversation_id, organization_id in self._spool.organizations(REMEMBERED):
                self.organizations.remember(conversation_id, organization_id)
            self._aliases |= self._spool.aliases()
            self.lanes.add(counts)
            _log.info("resuming %d events that were left in the spool", sum(counts.values()))
