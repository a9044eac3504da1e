"""Bringing a database to this release's schema: the files of `supabase/migrations`, in order.

The history is the one the Supabase CLI keeps, so a database may be migrated by `supabase db push`
one day and by AI Hub the next. Files are named `<14 digits>_<phase>_<slice>_<what>.sql`:

* `expand`: safe while the last release runs.
* `contract`: only once no running code needs what it removes.
* `online`: one statement that cannot run in a transaction.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg

_FILE_NAME = re.compile(r"(\d{14})_((expand|contract|online)_[a-z0-9][a-z0-9_]*)\.sql")
_LOCK_KEY = 0x61696875625F6D67  # "aihub_mg"
_LOCK_POLL_S = 0.1
_TRANSACTION_POOLER_PORT = 6543  # Supabase's

_APPLIED = "select version from supabase_migrations.schema_migrations"
_SPLIT_SIGNS = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""What asyncpg gets to hear when a pooler has moved it to another session."""

_REMEMBER = (
    "insert into supabase_migrations.schema_migrations (version, name, statements) "
    "values ($1, $2, $3)"
)
# statement by statement what the Supabase CLI does
_HISTORY = """
set lock_timeout = '4s';
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text not null primary key
);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
"""


class MigrationError(Exception):
    """The database could not be brought to this release's schema."""


class MigrationFilesInvalid(MigrationError):
    """The folder of migrations is missing, or holds a file whose name is not one of a migration."""


class DatabaseIsNewer(MigrationError):
    """The database has migrations that this release does not know."""


class LateMigration(MigrationError):
    """A file is older than the newest migration applied and was not applied itself."""


class DirectConnectionNeeded(MigrationError):
    """The connection is in a transaction or goes through a pooler that splits the session."""


class MigrationFailed(MigrationError):
    """PostgreSQL refused a file; nothing of that file stays, what came before it does."""


@dataclass(frozen=True)
class Migration:
    """One file: `version` is its 14 digits, `name` the rest, `phase` the name's first word."""

    path: Path
    version: str
    name: str
    phase: str

    @property
    def in_transaction(self) -> bool:
        """Whether the file runs, with its row of the history, in one transaction."""
        return self.phase != "online"


def migrations_folder() -> Path:
    """The folder of this release's migrations: in the installed package, else in the checkout.

    Raises MigrationFilesInvalid when there is neither.
    """
    here = Path(__file__).resolve()
    packaged, checkout = here.parents[1] / "migrations", here.parents[3] / "supabase" / "migrations"
    for folder in (packaged, checkout):
        if folder.is_dir():
            return folder
    raise MigrationFilesInvalid(
        f"The migrations are missing: neither {packaged} nor {checkout} exists. Install aihub anew."
    )


def read_folder(folder: Path) -> list[Migration]:
    """The folder's migrations, oldest first. Raises MigrationFilesInvalid."""
    found: dict[str, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationFilesInvalid(
                f"{path} is not named <14 digits>_<phase>_<slice>_<what>.sql with a phase of "
                "expand, contract or online. Rename it."
            )
        version, name, phase = match.groups()
        if version in found:
            raise MigrationFilesInvalid(
                f"{found[version].path.name} and {path.name} have the same version. Give the newer "
                "one its own."
            )
        found[version] = Migration(path, version, name, phase)
    if not found:
        raise MigrationFilesInvalid(f"There is no migration in {folder}. Install aihub anew.")
    return list(found.values())


async def pending(connection: asyncpg.Connection, folder: Path | None = None) -> list[str]:
    """The versions still to be applied, oldest first: one query, which changes nothing.

    `folder` is migrations_folder() when omitted. Works through any pooler, outside a transaction.
    Raises DatabaseIsNewer, LateMigration or MigrationFilesInvalid.
    """
    files = read_folder(folder or migrations_folder())
    return [migration.version for migration in _missing(files, await _applied(connection))]


async def migrate(
    connection: asyncpg.Connection,
    folder: Path | None = None,
    *,
    report: Callable[[Migration], None] | None = None,
) -> list[str]:
    """Apply what is missing, oldest first, and return the versions applied.

    `folder` is migrations_folder() when omitted; `report` hears of each file before it runs. With
    nothing to do this is one query. Otherwise it needs a direct or session-mode connection, whose
    session settings it resets, and waits without limit for another runner to end. Cancelling it
    leaves whole files applied. Raises a kind of MigrationError.
    """
    if connection.is_in_transaction():
        raise DirectConnectionNeeded("Migrations need a connection that is not in a transaction.")
    files = read_folder(folder or migrations_folder())
    if not _missing(files, await _applied(connection)):
        return []
    try:
        async with _only_runner(connection) as backend:
            missing = _missing(files, await _applied(connection))
            if missing:
                await connection.execute(_HISTORY)
            for migration in missing:
                if report is not None:
                    report(migration)
                await _apply(connection, migration, backend)
            return [migration.version for migration in missing]
    except _SPLIT_SIGNS as error:
        raise _split_session() from error


def _missing(files: list[Migration], applied: set[str]) -> list[Migration]:
    known = {migration.version for migration in files}
    if strange := sorted(applied - known):
        raise DatabaseIsNewer(
            f"The database has migrations that this release does not know: {', '.join(strange)}. "
            "It was used by a newer release of aihub: install that one (or a newer one) here. If "
            "another program keeps its own migrations in this database, give aihub one of its own."
        )
    missing = [migration for migration in files if migration.version not in applied]
    newest = max(applied, default="")
    if late := [migration.path.name for migration in missing if migration.version < newest]:
        raise LateMigration(
            f"Not applied, but older than {newest}, which is: {', '.join(late)}. Give a new file a "
            "newer version; if these were applied by hand, say so with `supabase migration repair`."
        )
    return missing


async def _applied(connection: asyncpg.Connection) -> set[str]:
    try:
        rows = await connection.fetch(_APPLIED)
    except asyncpg.UndefinedTableError:
        return set()
    return {row["version"] for row in rows}


@contextlib.asynccontextmanager
async def _only_runner(connection: asyncpg.Connection) -> AsyncIterator[int]:
    """Hold the lock that keeps runners apart; gives the number of the session's server process."""
    backend = await _backend(connection)
    if _port(connection) == _TRANSACTION_POOLER_PORT and backend != connection.get_server_pid():
        raise _split_session()
    # asks again and again, because a session that waits inside pg_advisory_lock holds a snapshot,
    # and `create index concurrently` of the other runner would wait for that one in turn
    while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK_KEY):  # noqa: ASYNC110
        await asyncio.sleep(_LOCK_POLL_S)
    try:
        await _require_session(connection, backend)
        yield backend
    finally:
        if not connection.is_closed():
            await connection.execute(f"select pg_advisory_unlock({_LOCK_KEY}); reset all")


async def _apply(connection: asyncpg.Connection, migration: Migration, backend: int) -> None:
    text = migration.path.read_text(encoding="utf-8")
    await connection.execute("reset all")
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await _require_session(connection, backend)
                await connection.execute(text)  # no parameters: the file goes as a whole
                await connection.execute(_REMEMBER, migration.version, migration.name, [text])
        else:
            await _require_session(connection, backend)
            await connection.execute(text)
            await connection.execute(_REMEMBER, migration.version, migration.name, [text])
    except _SPLIT_SIGNS:
        raise
    except asyncpg.PostgresError as error:
        raise MigrationFailed(_complaint(migration, text, error)) from error
    except (asyncpg.InterfaceError, OSError) as error:
        raise MigrationFailed(
            f"{migration.path.name}: the connection was lost ({error}). Start again: what was "
            "applied is not applied again."
        ) from error


def _complaint(migration: Migration, text: str, error: asyncpg.PostgresError) -> str:
    position = getattr(error, "position", None)
    line = f", line {text.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
    advice = "Nothing of this file was kept."
    if isinstance(error, asyncpg.LockNotAvailableError):
        advice += " A long transaction was in its way: end it, or just start again later."
    elif not migration.in_transaction:
        advice = "It runs outside a transaction: see what it has left (an invalid index, say)."
    return f"{migration.path.name}{line}: {error} ({error.sqlstate}). {advice}"


async def _require_session(connection: asyncpg.Connection, backend: int) -> None:
    if await _backend(connection) != backend:
        raise _split_session()


async def _backend(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("select pg_backend_pid()"))


def _port(connection: asyncpg.Connection) -> int | None:
    # asyncpg has no public name for it; without it only the early warning is lost
    address = getattr(connection, "_addr", None)
    return address[1] if isinstance(address, tuple) else None


def _split_session() -> DirectConnectionNeeded:
    return DirectConnectionNeeded(
        "This connection goes through a pooler in transaction mode, which hands every transaction "
        "to another session. Migrations need one session: use the direct connection or the pooler "
        "in session mode, on Supabase port 5432 instead of 6543."
    )
