"""Making PostgreSQL's data folder, and the role and database that AI Hub uses in it."""

import os
import shutil
import subprocess
from pathlib import Path

from aihub.embedded.binaries import CLEAN_ENVIRONMENT, Binaries, find_binaries_of_major
from aihub.embedded.errors import InitFailed, WrongMajorVersion
from aihub.embedded.folder import DataFolder, sync_folder, write_file
from aihub.embedded.locks import FileLock
from aihub.embedded.osuser import OsUser, identity_of
from aihub.embedded.wire import Connection, Login, ServerRefused, scram_verifier

ADMIN = "supabase_admin"
ROLE = "postgres"
DATABASE = "aihub"

_BUILTIN_LOCALE_SINCE = 17
_INCLUDE = (
    "\n# AI Hub's settings; yours go into local.conf beside this file.\ninclude '../aihub.conf'\n"
)
_NEEDS_SETTING_UP = {
    "28P01",  # no such role, or another password than the one we keep
    "28000",  # the role may not log in
    "3D000",  # no such database
}


def initialise(
    folder: DataFolder, binaries: Binaries, user: OsUser | None, server_lock: FileLock
) -> None:
    """Make `folder.cluster` unless it is there; raises InitFailed.

    It is made under another name and renamed when whole, so that an end in the middle leaves
    nothing that looks like a database. Held by initdb too, `server_lock` keeps two of them apart
    even when the hub that started the first is gone.
    """
    fresh = folder.root / "cluster.init"
    password_file = folder.root / "cluster.init.password"
    if fresh.exists():
        shutil.rmtree(fresh)
    password_file.unlink(missing_ok=True)
    if folder.cluster.exists():
        return
    write_file(password_file, folder.password_of(ADMIN) + "\n", mode=0o600)
    fresh.mkdir(mode=0o700)
    if user is not None:
        os.chown(fresh, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)
    try:
        _run_initdb(fresh, password_file, binaries, user, server_lock)
    finally:
        password_file.unlink(missing_ok=True)
    _append_durably(fresh / "postgresql.conf", _INCLUDE)
    sync_folder(fresh)
    fresh.rename(folder.cluster)
    sync_folder(folder.root)


def check_major(folder: DataFolder, binaries: Binaries) -> None:
    """Raise WrongMajorVersion unless the binaries can serve the data folder."""
    found = (folder.cluster / "PG_VERSION").read_text().strip()
    if found == str(binaries.major):
        return
    old = find_binaries_of_major(int(found)) if found.isdecimal() else None
    where = f"{old.bin_dir} has them" if old else f"install PostgreSQL {found}"
    raise WrongMajorVersion(
        f"The data folder {folder.cluster} was made by PostgreSQL {found}; the programs in "
        f"{binaries.bin_dir} are PostgreSQL {binaries.version}. To go on with {found}, set "
        f"AIHUB_PG_BIN to a folder with the programs of PostgreSQL {found} ({where}). To move to "
        f"{binaries.major}: start it that way once more, save everything with that version's "
        f"`pg_dumpall`, set AIHUB_HOME to an empty folder, start AI Hub there and load the dump."
    )


def hand_over(folder: DataFolder, user: OsUser | None) -> None:
    """Give cluster and log to `user` when another one ran the server before; none may run now."""
    folder.log.mkdir(mode=0o700, exist_ok=True)
    if user is None:
        return
    for top in (folder.log, folder.cluster):
        if top.stat().st_uid != user.uid:
            for path in (*top.rglob("*"), top):  # the top last: it says "all done"
                os.chown(path, user.uid, user.gid, follow_symlinks=False)


def set_up(port: int, folder: DataFolder) -> None:
    """See to it that ROLE can log in to DATABASE with the password we keep.

    Usually one connection finds that it can. Safe to repeat after an end in the middle. Raises
    WireError or OSError when the server is not ready for it.
    """
    password = folder.password_of(ROLE)
    try:
        with Connection(Login(port, ROLE, password, DATABASE)):
            return
    except ServerRefused as refusal:
        if refusal.sqlstate not in _NEEDS_SETTING_UP:
            raise
    with Connection(Login(port, ADMIN, folder.password_of(ADMIN), "postgres")) as admin:
        known = admin.query(f"select from pg_roles where rolname = '{ROLE}'")
        admin.query(
            f"{'alter' if known else 'create'} role {ROLE} login nosuperuser createdb createrole "
            f"bypassrls replication password '{scram_verifier(password)}'"
        )
        if not admin.query(f"select from pg_database where datname = '{DATABASE}'"):
            admin.query(f"create database {DATABASE} owner {ROLE}")


def _run_initdb(
    target: Path,
    password_file: Path,
    binaries: Binaries,
    user: OsUser | None,
    server_lock: FileLock,
) -> None:
    command = [
        str(binaries.bin_dir / "initdb"),
        *("-D", str(target), "-U", ADMIN, "-A", "scram-sha-256", "-E", "UTF8"),
        *("--data-checksums", "--no-instructions", f"--pwfile={password_file}"),
    ]
    if binaries.major >= _BUILTIN_LOCALE_SINCE:
        # the same order on every system, and no index broken by an update of its C library
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    said = ""
    for locale in ("C.UTF-8", "C"):  # not every system has the first
        done = subprocess.run(  # noqa: S603 - our own words
            [*command, f"--locale={locale}"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=CLEAN_ENVIRONMENT,
            start_new_session=True,
            pass_fds=(server_lock.fd,),
            **identity_of(user),
        )
        if done.returncode == 0:
            return
        said = done.stdout.strip()
        if "invalid locale" not in said:
            break
    raise InitFailed(
        f"PostgreSQL {binaries.version} could not make a data folder under {target.parent}. "
        f"Make room or mend what it names, then start again:\n{said[-2000:]}"
    )


def _append_durably(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
