"""An embedded PostgreSQL: found, made, started, watched and stopped by AI Hub itself.

    with EmbeddedPostgres(EmbeddedSettings(data_dir=Path("data"))) as server:
        connect(server.dsn)

Works on Linux and macOS, as a normal user and as root. Uses nothing but the standard library and
PostgreSQL's own programs, and reads no environment variable. `DiskGuard` says when the disk is too
full to go on writing.
"""

from aihub.embedded.binaries import Binaries, find_binaries
from aihub.embedded.disk import DiskGuard, DiskState
from aihub.embedded.errors import (
    BinariesNotFound,
    DataFolderInUse,
    DataFolderUnusable,
    EmbeddedError,
    InitFailed,
    NoUnprivilegedUser,
    StartFailed,
    StopFailed,
    WrongMajorVersion,
)
from aihub.embedded.launcher import EmbeddedPostgres, EmbeddedSettings

__all__ = [
    "Binaries",
    "BinariesNotFound",
    "DataFolderInUse",
    "DataFolderUnusable",
    "DiskGuard",
    "DiskState",
    "EmbeddedError",
    "EmbeddedPostgres",
    "EmbeddedSettings",
    "InitFailed",
    "NoUnprivilegedUser",
    "StartFailed",
    "StopFailed",
    "WrongMajorVersion",
    "find_binaries",
]
