"""Watching free space, so that writes are refused before the disk is full and not after.

PostgreSQL stops itself when it cannot write its log. So the hub stops taking writes a little
earlier, and a reserve file of ours gives way at that moment: the room it leaves carries
PostgreSQL through checkpoints while it goes on serving reads.
"""

import contextlib
import errno
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20
RESERVE_BYTES = 48 * _MIB
_MARGIN_BYTES = 16 * _MIB
_LOWEST_THRESHOLD, _HIGHEST_THRESHOLD = 32 * _MIB, 256 * _MIB
_SHARE_OF_DISK = 20  # one twentieth
_ABANDONED_S = 60.0


@dataclass(frozen=True)
class DiskState:
    """Whether writes may go on; free space and the least that is wanted, in bytes."""

    ok: bool
    free_bytes: int
    threshold_bytes: int


class DiskGuard:
    """Guards the file system that `data_dir` (made when missing) lies on.

    `min_free_bytes`: writes stop below it; None for 5 % of the file system, within 32 to 256 MiB.
    Several guards, in several processes, may watch one folder.
    """

    def __init__(self, data_dir: Path, min_free_bytes: int | None = None) -> None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = data_dir
        self._reserve = data_dir / "reserve"
        self._unfinished = data_dir / "reserve.new"
        self._min_free_bytes = min_free_bytes
        self._tripped = False
        self._mutex = threading.Lock()

    def check(self) -> DiskState:
        """Look at the disk, and let the reserve go or make it anew; two system calls mostly.

        After a shortage `ok` comes back only when the room suffices for the threshold, the reserve
        and a margin, so that it does not flicker.
        """
        with self._mutex:
            free, threshold = self._measure()
            if free < threshold:
                self._tripped = True
                self._reserve.unlink(missing_ok=True)
                self._unfinished.unlink(missing_ok=True)
                free, _ = self._measure()
            elif self._reserve.exists():  # after a shortage: made by another guard
                self._tripped = self._tripped and free < threshold + _MARGIN_BYTES
            elif free > threshold + RESERVE_BYTES + _MARGIN_BYTES and self._make_reserve():
                self._tripped = False
                free, _ = self._measure()
            return DiskState(not self._tripped, free, threshold)

    def _measure(self) -> tuple[int, int]:
        """Free bytes for PostgreSQL (which is not root), and the threshold."""
        found = os.statvfs(self._folder)
        threshold = self._min_free_bytes
        if threshold is None:
            share = found.f_blocks * found.f_frsize // _SHARE_OF_DISK
            threshold = max(_LOWEST_THRESHOLD, min(_HIGHEST_THRESHOLD, share))
        return found.f_bavail * found.f_frsize, threshold

    def _make_reserve(self) -> bool:
        """Really allocate the reserve; False when the room, or the turn, went to another."""
        try:
            fd = os.open(self._unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            self._forget_abandoned()
            return False
        try:
            _allocate(fd, RESERVE_BYTES)
            self._unfinished.replace(self._reserve)
        except OSError as error:
            self._unfinished.unlink(missing_ok=True)
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.ENOENT}:
                return False
            raise
        finally:
            os.close(fd)
        return True

    def _forget_abandoned(self) -> None:
        """Remove what a guard that was killed in the middle has left."""
        with contextlib.suppress(FileNotFoundError):
            if time.time() - self._unfinished.stat().st_mtime > _ABANDONED_S:
                self._unfinished.unlink()


def _allocate(fd: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
                raise
        else:
            return
    block = os.urandom(_MIB)  # zeros may be stored as nothing
    for _ in range(size // _MIB):
        os.write(fd, block)
