"""Opening the spool's file and the locks beside it."""

import hashlib
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aihub.client.errors import SpoolError

_VERSION = 1
_BUSY_MS = 30_000  # how long to wait for another process's transaction
MAX_ALIASES = 100_000  # the latest are kept

_SCHEMA = """
create table if not exists events (
  seq integer primary key autoincrement,
  owner text not null,
  organization_id text not null,
  id text not null,
  type text not null,
  conversation_id text,
  body blob not null
);
create index if not exists events_owner_idx on events (owner, organization_id, seq);
create table if not exists failed (
  id text primary key,
  organization_id text not null,
  type text not null,
  conversation_id text,
  body blob not null,
  status integer not null,
  problem blob not null,
  failed_at real not null
);
create table if not exists aliases (
  seq integer primary key autoincrement,
  made_id text not null unique,
  conversation_id text not null
);
"""


def default_spool_path(base_url: str, api_key: str) -> Path:
    """A file in the user's state folder; the key itself is not in its name or inside it."""
    name = hashlib.sha256(f"{base_url}\n{api_key}".encode()).hexdigest()[:16]
    folders = {"darwin": "Library/Application Support", "win32": "AppData/Local"}
    return Path.home() / folders.get(sys.platform, ".local/state") / "aihub" / f"spool-{name}.db"


def open_file(path: Path | None) -> sqlite3.Connection:
    """A connection to a spool, made if there is none; in memory without a path."""
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds what people wrote; -wal and -shm take the same mode
    db = _connect(path or ":memory:", timeout_ms=_BUSY_MS)
    version = db.execute("pragma user_version").fetchone()[0]
    if version > _VERSION:
        raise sqlite3.DatabaseError(f"the file is of a newer client (format {version})")
    if version == 0:
        db.execute("pragma auto_vacuum = incremental")  # before the first table, or never
    _use_wal(db)
    db.execute("pragma secure_delete = fast")  # what was sent should not linger in free space
    if version < _VERSION:
        db.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {_VERSION}; commit;")
    db.execute(
        "delete from aliases where seq <= (select max(seq) from aliases) - ?", (MAX_ALIASES,)
    )
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. SQLite does not wait for another process in this statement, so
    two that create the file together would fail without the loop."""
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _connect(path: Path | str, *, timeout_ms: int) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute(f"pragma busy_timeout = {timeout_ms}")
    return db


def lock_path(path: Path, owner: str) -> Path:
    """The file that an owner of events in the spool `path` holds a lock on."""
    return path.with_name(f"{path.name}.{owner}.lock")


def take_liveness(path: Path) -> sqlite3.Connection | None:
    """The lock of an owner, held until the connection is closed or its process ends; None when a
    live process has it."""
    lock = _connect(path, timeout_ms=0)
    try:
        lock.execute("begin exclusive")
    except sqlite3.OperationalError:
        lock.close()
        return None
    return lock


@contextmanager
def translate_errors(path: Path | None) -> Iterator[None]:
    """SQLite's and the system's errors as SpoolError, with the file named."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SpoolError(f"spool {path or 'in memory'}: {error}", code="spool") from error
