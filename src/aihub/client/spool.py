"""The durable queue: a SQLite file that several processes may share.

Each open spool owns the events it appended (column `owner`) and holds a lock on a file of its own
for as long as it lives. A lock that can be taken therefore belongs to an owner that is gone, and
its events may be adopted: nothing is lost when a process dies, and no two live processes send the
same event. The lock is a SQLite one, because that works on every platform Python runs on and is
released by the system, whatever way a process ends.

No SQLite connection may live through a fork (the child would believe to hold the parent's locks),
so every open spool closes its own just before one and the parent opens them again.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from weakref import WeakSet

from aihub.client.events import Event
from aihub.client.spool_file import lock_path, open_file, take_liveness, translate_errors

_EVENT_OVERHEAD = 200  # bytes an event takes in a request beside its body
_SHRINK_PAGES = 5_000  # given back at a time, so that writers do not wait for long


@dataclass(frozen=True, slots=True)
class Spooled:
    """An event in the spool; `seq` is its place in the queue."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event the hub refused for good, with the problem document it gave (JSON)."""

    seq: int
    event: Event
    status: int
    problem: bytes
    failed_at: float


class Spool:
    """Events in order, per owner. Safe for threads. `path` None: in memory, gone with the process.

    Every method raises SpoolError when the file cannot be read or written (a full disk, say);
    a failed `append` has accepted nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._owner = str(uuid4())
        self._lock = threading.Lock()
        self._liveness: sqlite3.Connection | None = None
        with translate_errors(path):
            self._connect()
        if path is not None:
            _on_disk.add(self)

    def adopt(self) -> dict[str, int]:
        """Take over the events of owners that are gone: how many, by organization."""
        adopted: dict[str, int] = {}
        if self._path is None:
            return adopted
        with translate_errors(self._path), self._lock:
            prefix = f"{self._path.name}."
            owners = {
                p.name.removeprefix(prefix).removesuffix(".lock")
                for p in self._path.parent.iterdir()
                if p.name.startswith(prefix) and p.name.endswith(".lock")
            }
            owners |= {row[0] for row in self._db.execute("select distinct owner from events")}
            owners.discard(self._owner)
            if owners:
                with self._transaction():
                    for owner in owners:
                        for organization_id, count in self._adopt_from(owner, self._path):
                            adopted[organization_id] = adopted.get(organization_id, 0) + count
        return adopted

    def append(self, events: Sequence[Event]) -> None:
        """Store events in this order, in one transaction; on return they survive a power cut."""
        with translate_errors(self._path), self._lock, self._transaction():
            self._insert(events)

    def peek(self, organization_id: str, *, max_events: int, max_bytes: int) -> list[Spooled]:
        """The oldest events of an organization: at least one if there is any, then as many as fit
        in both limits."""
        found: list[Spooled] = []
        size = 0
        with translate_errors(self._path), self._lock:
            rows = self._db.execute(
                "select seq, id, type, organization_id, conversation_id, body from events"
                " where owner = ? and organization_id = ? order by seq limit ?",
                (self._owner, organization_id, max_events),
            )
            for seq, id_, type_, organization, conversation_id, body in rows:
                size += len(body) + _EVENT_OVERHEAD
                if found and size > max_bytes:
                    break
                found.append(Spooled(seq, Event(id_, type_, organization, conversation_id, body)))
            rows.close()
        return found

    def settle(
        self,
        done: Iterable[int],
        *,
        rejected: Iterable[Rejected] = (),
        aliases: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Drop what is done, set aside what was refused, remember other ids: all or nothing.

        A power cut may undo it: then the events are sent again, which changes nothing.
        """
        with translate_errors(self._path), self._lock, self._transaction(synchronous="normal"):
            self._db.executemany(
                "insert or replace into aliases (made_id, conversation_id) values (?, ?)", aliases
            )
            gone = [(seq,) for seq in done]
            for r in rejected:
                e = r.event
                self._db.execute(
                    "insert or replace into failed values (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(e.id, e.organization_id, e.type, e.conversation_id, e.body),
                        *(r.status, r.problem, r.failed_at),
                    ),
                )
                gone.append((r.seq,))
            self._db.executemany("delete from events where seq = ?", gone)

    def count(self, organization_id: str) -> int:
        """How many events of an organization wait."""
        with translate_errors(self._path), self._lock:
            row = self._db.execute(
                "select count(*) from events where owner = ? and organization_id = ?",
                (self._owner, organization_id),
            ).fetchone()
        return int(row[0])

    def aliases(self) -> dict[str, str]:
        """Ids made here for conversations that the hub knows under another id."""
        with translate_errors(self._path), self._lock:
            return dict(self._db.execute("select made_id, conversation_id from aliases"))

    def organizations(self, limit: int) -> list[tuple[str, str]]:
        """(conversation, organization) of what waits, newest last, at most `limit`."""
        with translate_errors(self._path), self._lock:
            rows = self._db.execute(
                "select conversation_id, organization_id from events"
                " where owner = ? and conversation_id is not null order by seq desc limit ?",
                (self._owner, limit),
            ).fetchall()
        return rows[::-1]

    def failed(self) -> list[Rejected]:
        """What was refused for good, oldest first, whoever sent it."""
        with translate_errors(self._path), self._lock:
            rows = self._db.execute(
                "select rowid, id, type, organization_id, conversation_id, body, status, problem,"
                " failed_at from failed order by rowid"
            ).fetchall()
        return [Rejected(row[0], Event(*row[1:6]), *row[6:]) for row in rows]

    def requeue_failed(self, event_ids: Sequence[str]) -> dict[str, int]:
        """Put refused events (all, when none is named) at the end of the queue: how many, by
        organization."""
        counts: dict[str, int] = {}
        chosen = [r.event for r in self.failed() if not event_ids or r.event.id in event_ids]
        with translate_errors(self._path), self._lock, self._transaction():
            for e in chosen:
                if self._db.execute("delete from failed where id = ?", (e.id,)).rowcount:
                    self._insert([e])
                    counts[e.organization_id] = counts.get(e.organization_id, 0) + 1
        return counts

    def discard_failed(self, event_ids: Sequence[str]) -> int:
        """Delete refused events for ever (all, when none is named): how many."""
        chosen = [r.event.id for r in self.failed() if not event_ids or r.event.id in event_ids]
        with translate_errors(self._path), self._lock, self._transaction():
            return self._db.executemany(
                "delete from failed where id = ?", [(id_,) for id_ in chosen]
            ).rowcount

    def shrink(self) -> None:
        """Give part of the file's free space back to the system, after a long time without hub."""
        with translate_errors(self._path), self._lock:
            # as a script: `execute` stops after the first page
            self._db.executescript(f"pragma incremental_vacuum({_SHRINK_PAGES})")

    def close(self) -> None:
        """Give up the lock; what is left can be adopted at once."""
        _on_disk.discard(self)
        with self._lock:
            self._disconnect()
            if self._path is not None:
                lock_path(self._path, self._owner).unlink(missing_ok=True)

    def before_fork(self) -> None:
        """Close every connection, and let nobody open one until the fork is over."""
        self._lock.acquire()
        self._disconnect()

    def after_fork_in_parent(self) -> None:
        """Go on. In the child nothing does: it opens a spool of its own."""
        try:
            with translate_errors(self._path):
                self._connect()
        finally:
            self._lock.release()

    def _insert(self, events: Sequence[Event]) -> None:
        self._db.executemany(
            "insert into events (owner, organization_id, id, type, conversation_id, body)"
            " values (?, ?, ?, ?, ?, ?)",
            [
                (self._owner, e.organization_id, e.id, e.type, e.conversation_id, e.body)
                for e in events
            ],
        )

    def _connect(self) -> None:
        self._db = open_file(self._path)
        if self._path is not None:
            with self._transaction():  # the write lock keeps others from adopting meanwhile
                self._liveness = take_liveness(lock_path(self._path, self._owner))
                if self._liveness is None:
                    raise sqlite3.OperationalError("the file's folder cannot hold a lock")

    def _disconnect(self) -> None:
        self._db.close()
        if self._liveness is not None:
            self._liveness.close()

    def _adopt_from(self, owner: str, path: Path) -> list[tuple[str, int]]:
        lock = take_liveness(lock_path(path, owner))
        if lock is None:
            return []  # alive
        counts = self._db.execute(
            "select organization_id, count(*) from events where owner = ? group by 1", (owner,)
        ).fetchall()
        self._db.execute("update events set owner = ? where owner = ?", (self._owner, owner))
        lock.close()
        lock_path(path, owner).unlink(missing_ok=True)
        return counts

    @contextmanager
    def _transaction(self, *, synchronous: str = "full") -> Iterator[None]:
        """`synchronous` full: on the disk at the end; normal: in the system's hands."""
        self._db.execute(f"pragma synchronous = {synchronous}")
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite may have rolled back already
                self._db.execute("rollback")
            raise


_on_disk: "WeakSet[Spool]" = WeakSet()
_closed_for_fork: list[Spool] = []


def _before_fork() -> None:
    for spool in list(_on_disk):
        spool.before_fork()
        _closed_for_fork.append(spool)


def _after_fork_in_parent() -> None:
    while _closed_for_fork:
        _closed_for_fork.pop().after_fork_in_parent()


def _after_fork_in_child() -> None:
    _closed_for_fork.clear()
    _on_disk.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
