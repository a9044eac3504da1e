"""What processes cost: CPU, memory, and how fast a core is just now."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it has no types

REFERENCE_MS = 20.0


def calibrate() -> float:
    """CPU milliseconds of half a million additions, about 20 on a free core.

    On a virtual machine with busy neighbours it may be the triple, hence the scaled figures.
    """
    return statistics.median(_add_up() for _ in range(5))


def _add_up() -> float:
    began = time.process_time()
    total = 0
    for number in range(200_000):
        total += number
    return (time.process_time() - began) * 2_500


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, of its children, and of those of them that have ended."""
    total = 0.0
    try:
        parent = psutil.Process(pid)
        times = parent.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in parent.children(recursive=True):
            try:
                own = child.cpu_times()
                total += own.user + own.system
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return total


def rss_mb(pid: int) -> float:
    """Resident memory of one process and its children, in MiB."""
    parent = psutil.Process(pid)
    found: Iterable[psutil.Process] = [parent, *parent.children(recursive=True)]
    return float(sum(process.memory_info().rss for process in found)) / 2**20


def pss_mb(pid: int) -> float:
    """Memory of a process and its children with what they share counted once, in MiB."""
    total = 0
    parent = psutil.Process(pid)
    for process in [parent, *parent.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except (psutil.Error, AttributeError):
            continue
    return float(total) / 2**20


def folder_mb(folder: Path) -> float:
    """What the files below take on the disk, in MiB."""
    blocks = sum(p.lstat().st_blocks for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    return blocks * 512 / 2**20


def busy_seconds() -> float:
    """CPU seconds that anybody has used on this machine."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


@dataclass
class Meter:
    """CPU of the server and of PostgreSQL between `start` and `stop`, scaled to a free core."""

    server_pid: int
    database_pid: int

    def start(self) -> "Meter":
        """Begin."""
        self._calibration = calibrate()
        self._server, self._database = cpu_of(self.server_pid), cpu_of(self.database_pid)
        return self

    def stop(self) -> "Cpu":
        """What was used since."""
        server = cpu_of(self.server_pid) - self._server
        database = cpu_of(self.database_pid) - self._database
        calibration = (self._calibration + calibrate()) / 2
        return Cpu(server, database, calibration)


@dataclass(frozen=True)
class Cpu:
    """CPU seconds, and the calibration (ms) around them."""

    server: float
    database: float
    calibration: float

    def scaled_ms(self, count: int) -> tuple[float, float]:
        """(server, database) milliseconds for each of `count`, on a free core."""
        factor = 1e3 / max(1, count) * REFERENCE_MS / self.calibration
        return self.server * factor, self.database * factor
