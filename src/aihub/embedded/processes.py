"""Looking at other processes: `postmaster.pid` alone proves nothing.

A process number in a file may belong to a zombie (containers without an init) or, after a crash,
to somebody else altogether.
"""

import contextlib
import enum
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PORT_LINE, _STATUS_LINE = 3, 7


class Life(enum.Enum):
    """What a process number stands for."""

    GONE = "no process, or a zombie"
    SERVER = "a postmaster of the data folder"
    FOREIGN = "another program"
    UNKNOWN = "a process we may not look at"


@dataclass(frozen=True)
class PidFile:
    """The content of `postmaster.pid`; `port` is None while the server has not got that far."""

    pid: int
    port: int | None
    status: str


def read_pid_file(path: Path) -> PidFile | None:
    """The content of `postmaster.pid`, or None when there is none or it is cut off."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdecimal():
        return None
    port = lines[_PORT_LINE].strip() if len(lines) > _PORT_LINE else ""
    return PidFile(
        pid=int(lines[0]),
        port=int(port) if port.isdecimal() else None,
        status=lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else "",
    )


def look_at(pid: int, cluster: Path) -> Life:
    """Whether `pid` is a living postmaster that serves the folder `cluster`."""
    _reap(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return Life.GONE
    except PermissionError:
        pass  # it lives, as another user
    words = _command(pid)
    if words is None:
        return Life.UNKNOWN
    if not words:
        return Life.GONE
    if Path(words[0]).name not in {"postgres", "postmaster"}:
        return Life.FOREIGN
    return _whose(words, cluster)


def stop_processes_titled(prefix: str, *, kill: bool) -> None:
    """Ask (SIGQUIT) or force (SIGKILL) every process whose title begins with `prefix` to end."""
    for pid, title in _titles():
        if title.startswith(prefix):
            try:
                os.kill(pid, signal.SIGKILL if kill else signal.SIGQUIT)
            except ProcessLookupError:
                continue


def _whose(words: list[str], cluster: Path) -> Life:
    """Servers started by hand may say `-D folder`, `-Dfolder`, or nothing (PGDATA)."""
    for at, word in enumerate(words):
        if word.startswith("-D"):
            folder = word[2:] or (words[at + 1] if at + 1 < len(words) else "")
            try:
                same = Path(folder).is_absolute() and Path(folder).samefile(cluster)
            except FileNotFoundError:
                same = False
            except PermissionError:
                return Life.UNKNOWN
            if same:
                return Life.SERVER
            return Life.FOREIGN if Path(folder).is_absolute() else Life.UNKNOWN
    return Life.UNKNOWN


def _reap(pid: int) -> None:
    """Clear a zombie where that is our part: process 1 of a container inherits all orphans."""
    if os.getpid() == 1:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _command(pid: int) -> list[str] | None:
    """The command line in words: empty for a zombie, None when it may not be read."""
    if not _PROC.joinpath("self").exists():
        return _ps_command(pid)
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None if _PROC.joinpath(str(pid)).exists() else []
    except PermissionError:
        return None
    return [word.decode(errors="replace") for word in raw.rstrip(b"\0").split(b"\0") if word]


def _ps_command(pid: int) -> list[str] | None:
    lines = _ps("-o", "stat=,command=", "-p", str(pid))
    if not lines or lines[0].split(None, 1)[0].startswith("Z"):
        return []
    rest = lines[0].split(None, 1)[1:]
    return re.split(r"\s+", rest[0]) if rest else None


def _titles() -> Iterator[tuple[int, str]]:
    if not _PROC.joinpath("self").exists():
        for line in _ps("-axo", "pid=,command="):
            number, _, title = line.strip().partition(" ")
            yield int(number), title.strip()
        return
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                raw = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            yield int(entry.name), raw.replace(b"\0", b" ").decode(errors="replace").strip()


def _ps(*options: str) -> list[str]:
    done = subprocess.run(  # noqa: S603 - fixed program
        ["/bin/ps", *options], check=False, capture_output=True, text=True, env={"LC_ALL": "C"}
    )
    return done.stdout.splitlines()
