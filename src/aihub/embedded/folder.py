"""What lies in the data folder, who may read it, and the passwords in it.

cluster/        PostgreSQL's own data folder (owned by the user that runs the server)
aihub.conf      our settings, included from cluster/postgresql.conf, written at each start
*.password      0600, one for each role that can log in
port            the port last used
users.lock      shared lock of everybody who uses the server
control.lock    exclusive lock of whoever starts or stops it
server.lock     held by the server itself and all its processes (see launcher)
log/            PostgreSQL's log, seven files, one for each day of the week
binaries/       a copy of the programs, only when the server's user cannot reach the original
"""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from aihub.embedded.errors import DataFolderUnusable
from aihub.embedded.osuser import OsUser, first_unreachable

_MARK = "users.lock"
_NOT_A_STRANGERS = {_MARK, "control.lock", "server.lock", "reserve", "reserve.new", "lost+found"}


@dataclass(frozen=True)
class DataFolder:
    """The paths under one data folder."""

    root: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data folder (PGDATA)."""
        return self.root / "cluster"

    @property
    def users_lock(self) -> Path:
        """Locked, shared, by everybody who uses the server."""
        return self.root / _MARK

    @property
    def control_lock(self) -> Path:
        """Locked by whoever starts or stops the server."""
        return self.root / "control.lock"

    @property
    def server_lock(self) -> Path:
        """Locked for as long as any process of a server of ours lives."""
        return self.root / "server.lock"

    @property
    def log(self) -> Path:
        """PostgreSQL's log files."""
        return self.root / "log"

    @property
    def console(self) -> Path:
        """What the server says before it opens its log."""
        return self.root / "console.log"

    @property
    def settings(self) -> Path:
        """Our configuration file."""
        return self.root / "aihub.conf"

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's postmaster.pid."""
        return self.cluster / "postmaster.pid"

    def prepare(self) -> None:
        """Make the folder if need be. Raises DataFolderUnusable when it is not ours to use."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._take()
        except OSError as error:
            raise DataFolderUnusable(
                f"The data folder {self.root} cannot be used: {error.strerror}. Make it writable, "
                "or choose another one with AIHUB_HOME."
            ) from error

    def _take(self) -> None:
        names = {entry.name for entry in self.root.iterdir()}
        if _MARK not in names and not names <= _NOT_A_STRANGERS:
            raise DataFolderUnusable(
                f"The folder {self.root} is not empty and was not made by AI Hub. Choose an empty "
                "one with AIHUB_HOME, or reach a server of your own with AIHUB_DATABASE_URL."
            )
        owner, me = self.root.stat().st_uid, os.geteuid()
        if owner != me and _MARK in names:
            raise DataFolderUnusable(
                f"The data folder {self.root} belongs to the user with id {owner}, and AI Hub runs "
                f"as {me}. Run it as that user, or choose another folder with AIHUB_HOME."
            )
        if owner != me:
            os.chown(self.root, me, os.getegid())
        # the server's user passes through to its own subfolders, and can list nothing
        mode = 0o711 if me == 0 else 0o700
        if stat.S_IMODE(self.root.stat().st_mode) != mode:
            self.root.chmod(mode)

    def require_reachable(self, user: OsUser | None) -> None:
        """Raise DataFolderUnusable, naming the folder in the way, unless `user` can get here."""
        if user is None:
            return
        barrier = first_unreachable(self.root, user)
        if barrier is not None:
            raise DataFolderUnusable(
                f"AI Hub runs as root and PostgreSQL as the user {user.name}, who may not enter "
                f"{barrier}, so the data folder {self.root} is out of its reach. Choose another "
                "one with AIHUB_HOME (for example /var/lib/aihub)."
            )

    def password_of(self, role: str) -> str:
        """The password of a role, made at random the first time it is asked for."""
        path = self.root / f"{role}.password"
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            pass
        if self.cluster.exists() and role == "supabase_admin":
            raise DataFolderUnusable(
                f"The file {path} is gone, and with it the way into the server. Put it back from a "
                "backup, or choose another folder with AIHUB_HOME."
            )
        password = secrets.token_urlsafe(24)
        write_file(path, password + "\n", mode=0o600)
        return password

    def remembered_port(self) -> int | None:
        """The port used last time, or None."""
        try:
            text = (self.root / "port").read_text().strip()
        except FileNotFoundError:
            return None
        return int(text) if text.isdecimal() else None

    def remember_port(self, port: int) -> None:
        """Keep the port, so that a restart comes back at the same address."""
        write_file(self.root / "port", f"{port}\n", mode=0o600)


def write_file(path: Path, text: str, *, mode: int) -> None:
    """Replace a file as a whole: a crash leaves the old one or the new one, never half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "w") as file:
        os.fchmod(fd, mode)
        file.write(text)
        file.flush()
        os.fsync(fd)
    fresh.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames within a folder survive a power cut."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
