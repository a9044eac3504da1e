"""The server's settings: durable, local, and sized to the machine."""

import os
import random
import socket
from pathlib import Path

_MIB = 1 << 20
_LARGEST_BUFFERS = 1024 * _MIB
_SMALLEST_BUFFERS = 16 * _MIB
# below the ranges that systems give to outgoing connections, which could take the port meanwhile
_PORTS = range(20_000, 30_000)
_TRIES = 50
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def render_settings(*, port: int, name: str, log: Path, has_statements: bool) -> str:
    """The text of our configuration file; `name` shows in the titles of the server's processes."""
    settings: dict[str, str] = {
        "cluster_name": name,
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        # one door is enough, and a socket's path must be shorter than most folders are
        "unix_socket_directories": "",
        "max_connections": "100",
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "wal_level": "logical",
        "max_wal_size": "2GB",
        "shared_buffers": f"{shared_buffers() // _MIB}MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "shared_preload_libraries": "pg_stat_statements" if has_statements else "",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # the launcher reads the log to tell one failure from another
        "lc_messages": "C",
        "logging_collector": "on",
        "log_destination": "stderr",
        "log_directory": str(log),
        "log_filename": "postgresql-%a.log",
        "log_file_mode": "0600",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # details quote rows, and what people say to an AI does not belong into a log
        "log_error_verbosity": "terse",
    }
    lines = [f"{key} = {_quote(value)}" for key, value in settings.items()]
    head = "# Written by AI Hub at each start. Your own settings go into cluster/local.conf.\n"
    return head + "\n".join(lines) + "\ninclude_if_exists = 'cluster/local.conf'\n"


def shared_buffers() -> int:
    """A quarter of the memory, at most 1 GiB, in bytes."""
    return max(_SMALLEST_BUFFERS, min(_LARGEST_BUFFERS, _memory() // 4))


def choose_port(preferred: int | None) -> int:
    """A free port of 127.0.0.1: the preferred one if nobody has it."""
    if preferred is not None and _is_free(preferred):
        return preferred
    for port in random.sample(_PORTS, _TRIES):
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # as PostgreSQL does: connections that are only waiting out their time do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _memory() -> int:
    """The memory we may use, in bytes: the container's limit, or the machine's size."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            size = min(size, int(text))
    return size


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
