"""Advisory file locks (`flock`): the kernel drops them when their holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FileLock:
    """A held lock on a file. Closing it, or the end of every process that has it, lets it go.

    Each object opens the file anew, so two of them exclude each other within one process too.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def wait_exclusive(cls, path: Path) -> "FileLock":
        """Wait until nobody else holds the lock in any form."""
        return cls(_open_locked(path, fcntl.LOCK_EX))

    @classmethod
    def try_exclusive(cls, path: Path) -> "FileLock | None":
        """The lock, or None when somebody holds it in any form."""
        try:
            return cls(_open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            return None

    @classmethod
    def share(cls, path: Path) -> "FileLock":
        """A shared lock: any number of holders, no exclusive one. Waits for an exclusive one."""
        return cls(_open_locked(path, fcntl.LOCK_SH))

    def close(self) -> None:
        """Let go. A child that was given `fd` keeps the lock until it ends."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open_locked(path: Path, operation: int) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, operation)
    except BaseException:
        os.close(fd)
        raise
    return fd
