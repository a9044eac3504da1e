"""One server process group on one data folder: is it up, start it, stop it.

The heart of it is `server.lock`: the postmaster and with it all its children inherit the locked
file, so the lock is free exactly when none of them lives any more. That holds for zombies, re-used
process numbers and hubs that were killed, where `postmaster.pid` misleads; and since a server
started by hand does not have the lock, it also tells whose server it is.
"""

import contextlib
import functools
import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

from aihub.embedded.binaries import CLEAN_ENVIRONMENT, Binaries
from aihub.embedded.cluster import ADMIN, set_up
from aihub.embedded.config import choose_port, render_settings
from aihub.embedded.errors import StartFailed, StopFailed
from aihub.embedded.folder import DataFolder, write_file
from aihub.embedded.locks import FileLock
from aihub.embedded.osuser import OsUser, identity_of
from aihub.embedded.processes import (
    Life,
    PidFile,
    look_at,
    read_pid_file,
    stop_processes_titled,
)
from aihub.embedded.wire import Connection, Login, ServerRefused, WireError

STOP_TIMEOUT_S = 60.0
_POLL_S = 0.05
_TAIL = 3000
_TOO_MANY_CONNECTIONS = "53300"
_PASSING_CLASSES = {"53", "57"}  # short of something; starting up or shutting down


class Server:
    """What can be seen of, and done to, the server of a data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._log_sizes: dict[Path, int] = {}
        self.last_problem = ""

    @functools.cached_property
    def name(self) -> str:
        """Unique for the folder; begins the titles of the server's child processes."""
        return "aihub-" + hashlib.sha256(str(self._folder.root).encode()).hexdigest()[:10]

    @functools.cached_property
    def _admin_password(self) -> str:
        return self._folder.password_of(ADMIN)

    def pid_file(self) -> PidFile | None:
        """What postmaster.pid says, true or not."""
        return read_pid_file(self._folder.pid_file)

    def serving_port(self) -> int | None:
        """The port where a server of this very data folder answers, or None."""
        claimed = self.pid_file()
        if claimed is None or claimed.port is None:
            return None
        return claimed.port if self.answers(claimed.port) else None

    def answers(self, port: int) -> bool:
        """Whether a real login works at `port` and the server there has our data folder."""
        login = Login(port, ADMIN, self._admin_password, "postgres")
        try:
            with Connection(login) as connection:
                ((folder,),) = connection.query("show data_directory")
            return folder is not None and Path(folder).samefile(self._folder.cluster)
        except ServerRefused as refusal:
            self.last_problem = str(refusal)
            return refusal.sqlstate == _TOO_MANY_CONNECTIONS
        except (WireError, OSError) as error:
            self.last_problem = str(error)
            return False

    def set_up_role(self, port: int) -> bool:
        """Make the role and the database if need be; False when the server went away meanwhile."""
        try:
            set_up(port, self._folder)
        except (WireError, OSError) as error:
            self.last_problem = str(error)
            if isinstance(error, ServerRefused) and error.sqlstate[:2] not in _PASSING_CLASSES:
                raise StartFailed(
                    f"The server runs, but the role and database of AI Hub cannot be made: {error}."
                    f" Its log is in {self._folder.log}."
                ) from error
            return False
        return True

    def life(self) -> Life:
        """What the process named in postmaster.pid is."""
        claimed = self.pid_file()
        return look_at(claimed.pid, self._folder.cluster) if claimed else Life.GONE

    def sweep(self, *, kill: bool) -> None:
        """End the children of a dead postmaster; they would keep its shared memory."""
        stop_processes_titled(f"postgres: {self.name}: ", kill=kill)

    def launch(
        self, binaries: Binaries, user: OsUser | None, server_lock: FileLock, *, other_port: bool
    ) -> None:
        """Start a postmaster and return at once; it and all its children share `server_lock`.

        To be called only while no server lives on the folder.
        """
        folder = self._folder
        port = choose_port(None if other_port else folder.remembered_port())
        folder.remember_port(port)
        settings = render_settings(
            port=port,
            name=self.name,
            log=folder.log,
            has_statements=binaries.has_library("pg_stat_statements"),
        )
        write_file(folder.settings, settings, mode=0o644)
        self._log_sizes = {path: path.stat().st_size for path in folder.log.glob("*.log")}
        # the shell lets go of the server, so that it is nobody's child, belongs to no terminal
        # (Ctrl-C) and outlives us; its output goes to a file, for a pipe would keep readers waiting
        with folder.console.open("w") as console:
            subprocess.run(  # noqa: S603 - our own words
                [
                    *("/bin/sh", "-c", '"$@" &', "sh"),
                    *(str(binaries.bin_dir / "postgres"), "-D", str(folder.cluster)),
                ],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=CLEAN_ENVIRONMENT,
                umask=0o077,
                start_new_session=True,
                pass_fds=(server_lock.fd,),
                **identity_of(user),
            )

    def said(self) -> str:
        """What the server has written since it was launched last, its end."""
        texts = [self._folder.console.read_text(errors="replace")]
        for path in sorted(self._folder.log.glob("*.log")):
            size, before = path.stat().st_size, self._log_sizes.get(path, 0)
            if size != before:
                with path.open("rb") as file:
                    file.seek(before if size > before else 0)
                    texts.append(file.read().decode(errors="replace"))
        return "".join(texts)[-_TAIL:].strip()

    def stop(self) -> None:
        """Stop the server with a fast shutdown if our launcher started it. Raises StopFailed."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        told = False
        while time.monotonic() < deadline:
            lock = FileLock.try_exclusive(self._folder.server_lock)
            if lock is not None:  # no server of ours lives
                lock.close()
                return
            claimed = self.pid_file()
            life = look_at(claimed.pid, self._folder.cluster) if claimed else Life.GONE
            if life in {Life.GONE, Life.FOREIGN}:
                self.sweep(kill=False)
            elif claimed and life is Life.SERVER and not told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(claimed.pid, signal.SIGINT)
                told = True
            time.sleep(_POLL_S)
        raise StopFailed(
            f"The server on {self._folder.cluster} was told to stop and is still running after "
            f"{STOP_TIMEOUT_S:.0f} s. It may be writing to a slow disk: give it time, or stop it "
            f"with `pg_ctl -D {self._folder.cluster} -m immediate stop`; nothing stored is lost."
        )
