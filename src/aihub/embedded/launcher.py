"""The embedded PostgreSQL as its users see it: have it run, use it, leave it."""

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from aihub.embedded.binaries import Binaries, find_binaries
from aihub.embedded.cluster import ADMIN, DATABASE, ROLE, check_major, hand_over, initialise
from aihub.embedded.errors import DataFolderInUse, EmbeddedError, StartFailed
from aihub.embedded.folder import DataFolder
from aihub.embedded.locks import FileLock
from aihub.embedded.osuser import OsUser, choose_os_user, reachable_binaries
from aihub.embedded.processes import Life
from aihub.embedded.server import Server

START_TIMEOUT_S = 120.0  # replaying two gigabytes of log after a crash takes its time
_RETRY_S = 15.0  # for what passes by itself: memory still held, a lock file, a port
_ORPHANS_GRACE_S = 0.5
_ORPHANS_KILL_S = 5.0
_POLL_S = 0.05

_PORT_TAKEN = ("could not create any TCP/IP sockets", "could not bind IPv4 address")
_PASSING = ("pre-existing shared memory block", "lock file", *_PORT_TAKEN)


@dataclass(frozen=True)
class EmbeddedSettings:
    """Where the data is, and which programs serve it.

    data_dir: a folder of AI Hub's own; made when missing. bin_dir: the folder of PostgreSQL's
    programs (AIHUB_PG_BIN), None to look for them. os_user: as root, the operating system user
    that runs the server; None for `postgres` or `nobody`.
    """

    data_dir: Path
    bin_dir: Path | None = None
    os_user: str | None = None


class EmbeddedPostgres:
    """A use of the server on a data folder. Every call blocks; safe to call from any thread.

    Any number of processes may use one folder: the first starts the server, the last to leave
    stops it, and one that dies leaves the others, or the next, a running server.
    """

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self._folder = DataFolder(settings.data_dir.expanduser().absolute())
        self._server = Server(self._folder)
        self._mutex = threading.Lock()
        self._use: FileLock | None = None
        self._port: int | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        self.ensure_running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def dsn(self) -> str:
        """The address for the role `postgres`, which is not a superuser."""
        return self._dsn_of(ROLE)

    @property
    def admin_dsn(self) -> str:
        """The address for the superuser `supabase_admin`: for preparing the database only."""
        return self._dsn_of(ADMIN)

    def ensure_running(self) -> str:
        """Have the server run, start using it, and give its `dsn`. Cheap when it runs already.

        The port, and so the address, may change when the server had to be started anew. Raises a
        kind of EmbeddedError.
        """
        with self._mutex:
            if self.is_alive():
                return self.dsn
            self._folder.prepare()
            with FileLock.wait_exclusive(self._folder.control_lock), contextlib.ExitStack() as undo:
                if self._use is None:
                    self._use = FileLock.share(self._folder.users_lock)
                    undo.callback(self._leave)
                self._port = self._bring_up()
                undo.pop_all()
            return self.dsn

    def is_alive(self) -> bool:
        """Whether the server answers a real login now: about a millisecond of work."""
        port = self._port
        return self._use is not None and port is not None and self._server.answers(port)

    def release(self) -> None:
        """Stop using the server. The last user stops it, unless it was started by hand."""
        with self._mutex:
            if self._use is None:
                return
            if not self._folder.root.exists():  # removed under us, and the server ends itself
                self._leave()
                return
            with FileLock.wait_exclusive(self._folder.control_lock):
                self._leave()
                last = FileLock.try_exclusive(self._folder.users_lock)
                if last is not None:
                    with last:
                        self._server.stop()

    def _leave(self) -> None:
        if self._use is not None:
            self._use.close()
        self._use = None
        self._port = None

    def _dsn_of(self, role: str) -> str:
        if self._port is None:
            raise EmbeddedError("The server is not in use yet: call ensure_running() first.")
        password = self._folder.password_of(role)  # of letters that an address may hold
        return f"postgresql://{role}:{password}@127.0.0.1:{self._port}/{DATABASE}"

    def _bring_up(self) -> int:
        """The port of a running server: the one that runs, or one started now.

        A loop of small steps, because in every state of the server the next thing may happen:
        it comes up, it dies, its children go at last, another takes the port.
        """
        attempt = _Attempt(self._folder, self._server, self._settings)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            port = self._server.serving_port()
            if port is not None and self._server.set_up_role(port):
                return port
            lock = FileLock.try_exclusive(self._folder.server_lock)
            if lock is None:
                attempt.wait_for_processes()
            else:
                with lock:
                    attempt.start(lock)
            time.sleep(_POLL_S)
        raise StartFailed(
            f"The server on {self._folder.cluster} has not answered for {START_TIMEOUT_S:.0f} s "
            f"({self._server.last_problem}). See its log in {self._folder.log}; if it is still "
            "recovering, start AI Hub again a little later."
        )


class _Attempt:
    """The state of one effort to bring the server up."""

    def __init__(self, folder: DataFolder, server: Server, settings: EmbeddedSettings) -> None:
        self._folder = folder
        self._server = server
        self._settings = settings
        self._began = time.monotonic()
        self._orphaned_at: float | None = None
        self._launched = False
        self._tools: tuple[Binaries, OsUser | None] | None = None

    def wait_for_processes(self) -> None:
        """Processes of our server live but do not answer: help them go if they are orphans."""
        if self._server.life() not in {Life.GONE, Life.FOREIGN}:
            self._orphaned_at = None
            return
        now = time.monotonic()
        self._orphaned_at = self._orphaned_at or now
        age = now - self._orphaned_at
        if age > _ORPHANS_GRACE_S:
            self._server.sweep(kill=age > _ORPHANS_KILL_S)

    def start(self, lock: FileLock) -> None:
        """No process of ours lives: start one, unless a server started by hand is there."""
        waited = time.monotonic() - self._began
        life = self._server.life()
        if life is Life.SERVER:
            if waited > _RETRY_S:
                raise DataFolderInUse(self._stranger())
            return
        if life in {Life.GONE, Life.FOREIGN}:
            # left by a crash; PostgreSQL would take a zombie or a stranger for its postmaster. That
            # no child of it lives either, it finds out by itself from its shared memory.
            self._folder.pid_file.unlink(missing_ok=True)
        said = self._server.said() if self._launched else ""
        if self._launched and (waited > _RETRY_S or not any(sign in said for sign in _PASSING)):
            raise StartFailed(
                f"PostgreSQL did not start on {self._folder.cluster}. Mend what it names, then "
                f"start AI Hub again (its log is in {self._folder.log}):\n{said}"
            )
        binaries, user = self._find_tools()
        if not self._launched:
            initialise(self._folder, binaries, user, lock)
            check_major(self._folder, binaries)
            hand_over(self._folder, user)
        port_taken = any(sign in said for sign in _PORT_TAKEN)
        self._server.launch(binaries, user, lock, other_port=port_taken)
        self._launched = True

    def _find_tools(self) -> tuple[Binaries, OsUser | None]:
        if self._tools is None:
            user = choose_os_user(self._settings.os_user, self._folder.cluster)
            self._folder.require_reachable(user)
            found = find_binaries(self._settings.bin_dir)
            binaries = reachable_binaries(found, user, self._folder.root / "binaries")
            self._tools = (binaries, user)
        return self._tools

    def _stranger(self) -> str:
        claimed = self._server.pid_file()
        pid, port = (claimed.pid, claimed.port) if claimed else (None, None)
        return (
            f"Process {pid} serves {self._folder.cluster} but was not started by AI Hub and does "
            f"not let it in at 127.0.0.1:{port} ({self._server.last_problem}). Let it listen "
            f"there, or stop it with `pg_ctl -D {self._folder.cluster} stop`, then start AI Hub "
            "again."
        )
