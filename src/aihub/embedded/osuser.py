"""Running PostgreSQL when AI Hub runs as root: PostgreSQL refuses root, so it gets another user."""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from aihub.embedded.binaries import CLEAN_ENVIRONMENT, Binaries
from aihub.embedded.errors import BinariesNotFound, NoUnprivilegedUser

_USUAL_USERS = ("postgres", "nobody")


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class OsUser:
    """An unprivileged account of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> _Identity:
        """The arguments of `subprocess` that make a program run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def identity_of(user: OsUser | None) -> _Identity:
    """As `OsUser.identity`; empty (stay who we are) for None."""
    return user.identity if user is not None else {}


def choose_os_user(name: str | None, cluster: Path) -> OsUser | None:
    """The user to run the server as; None means the one we already are.

    As root: `name` if given, else the owner of the existing `cluster`, else `postgres` or
    `nobody`, whichever exists. Raises NoUnprivilegedUser.
    """
    if os.geteuid() != 0:
        return None
    if name is None and cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return OsUser(f"with id {owner.st_uid}", owner.st_uid, owner.st_gid)
    for candidate in (name,) if name is not None else _USUAL_USERS:
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return OsUser(candidate, entry.pw_uid, entry.pw_gid)
    wanted = f"the user {name!r}" if name is not None else " or ".join(_USUAL_USERS)
    raise NoUnprivilegedUser(
        f"PostgreSQL does not run as root, and there is no unprivileged {wanted}. Run AI Hub as a "
        "normal user, or name an existing unprivileged user for the server."
    )


def first_unreachable(folder: Path, user: OsUser) -> Path | None:
    """The topmost folder on the way to `folder` that `user` may not enter, or None."""
    path = folder.resolve()
    for step in (*reversed(path.parents), path):
        if not _can_enter(step, user):
            return step
    return None


def reachable_binaries(binaries: Binaries, user: OsUser | None, copies: Path) -> Binaries:
    """Binaries that `user` can run: the given ones, else a copy of them under `copies`.

    A virtual environment under /root is the usual case. Raises BinariesNotFound.
    """
    if user is None or _can_run(binaries, user):
        return binaries
    install = binaries.bin_dir.parent
    age = (binaries.bin_dir / "postgres").stat().st_mtime_ns
    key = hashlib.sha256(f"{install}:{age}".encode()).hexdigest()[:12]
    target = copies / f"{binaries.version}-{key}"
    if not target.exists():
        _copy(install, target)
    inside = target / install.parent.name / install.name / binaries.bin_dir.name
    copied = Binaries(inside, binaries.version)
    if not _can_run(copied, user):
        raise BinariesNotFound(
            f"The user {user.name} can run neither PostgreSQL in {binaries.bin_dir} nor a copy of "
            "it. Set AIHUB_PG_BIN to an installation that every user can read, or run AI Hub as a "
            "normal user."
        )
    return copied


def _copy(install: Path, target: Path) -> None:
    """Copy programs, libraries and data; a copy cut short is never taken for a whole one.

    Programs in a wheel find some libraries beside their package, by a relative path, so the last
    two folders keep their names.
    """
    package = install.parent
    shutil.rmtree(target.parent, ignore_errors=True)  # older versions, and halves
    fresh = target.with_name(target.name + ".new")
    for part in ("bin", "lib", "share"):
        _copy_tree(install / part, fresh / package.name / install.name / part)
    _copy_tree(package / ".dylibs", fresh / package.name / ".dylibs")
    libraries = f"{package.name}.libs"
    _copy_tree(package.parent / libraries, fresh / libraries)
    for path in (target.parent, *target.parent.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    fresh.rename(target)


def _copy_tree(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)


def _can_enter(folder: Path, user: OsUser) -> bool:
    return _succeeds(["/bin/sh", "-c", 'cd "$0"', str(folder)], user)


def _can_run(binaries: Binaries, user: OsUser) -> bool:
    programs = (binaries.bin_dir / "postgres", binaries.bin_dir / "initdb")
    return all(_succeeds([str(program), "--version"], user) for program in programs)


def _succeeds(command: list[str], user: OsUser) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=CLEAN_ENVIRONMENT,
            **user.identity,
        )
    except PermissionError:
        return False
    return done.returncode == 0
