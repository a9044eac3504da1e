"""Applying the files: once, whole, in order, one runner at a time, with every error told."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from aihub.kit import migrate as module
from aihub.kit.migrate import (
    DatabaseIsNewer,
    DirectConnectionNeeded,
    LateMigration,
    MigrationFailed,
    migrate,
    migrations_folder,
    pending,
    read_folder,
)

ALL = [file.version for file in read_folder(migrations_folder())]
A, B, C = "20260101000000", "20260201000000", "20260301000000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small migrations."""
    write(tmp_path, A, "expand_a", "set lock_timeout = '5s';\ncreate table public.a (n integer);")
    write(tmp_path, B, "expand_b", "set lock_timeout = '5s';\ncreate table public.b (n integer);")
    return tmp_path


def write(folder: Path, version: str, name: str, text: str) -> None:
    (folder / f"{version}_{name}.sql").write_text(text)


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    return sorted(row["tablename"] for row in rows)


async def test_all_is_applied_once_by_a_role_that_is_no_superuser(connect, empty) -> None:
    hub = await connect(empty)
    assert not await hub.fetchval("select rolsuper from pg_roles where rolname = current_user")
    assert await pending(hub) == ALL
    heard = []
    assert await migrate(hub, report=lambda migration: heard.append(migration.path.name)) == ALL
    assert heard == [file.path.name for file in read_folder(migrations_folder())]
    assert await pending(hub) == []
    assert await migrate(hub) == []


async def test_a_file_run_twice_by_hand_does_no_harm(connect, database) -> None:
    hub = await connect(database)
    before = await hub.fetch(
        "select * from pg_class where relnamespace::regnamespace::text ~ 'hub'"
    )
    for file in read_folder(migrations_folder()):
        await hub.execute("reset all")
        await hub.execute(file.path.read_text())
    after = await hub.fetch("select * from pg_class where relnamespace::regnamespace::text ~ 'hub'")
    assert len(after) == len(before)


async def test_the_history_is_the_one_of_the_supabase_cli(connect, empty, folder) -> None:
    hub = await connect(empty)
    await migrate(hub, folder)
    rows = await hub.fetch(
        "select version, name, statements from supabase_migrations.schema_migrations"
    )
    text = (folder / f"{A}_expand_a.sql").read_text()
    assert tuple(rows[0]) == (A, "expand_a", [text])
    columns = await hub.fetch(
        "select attname, atttypid::regtype::text, attnotnull from pg_attribute where attnum > 0 "
        "and attrelid = 'supabase_migrations.schema_migrations'::regclass order by attnum"
    )
    assert [tuple(column) for column in columns] == [
        ("version", "text", True),
        ("statements", "text[]", False),
        ("name", "text", False),
    ]


async def test_what_the_cli_has_applied_is_not_applied_again(connect, empty, folder) -> None:
    hub = await connect(empty)
    await hub.execute("create schema supabase_migrations")
    await hub.execute(
        "create table supabase_migrations.schema_migrations (version text not null primary key)"
    )
    await hub.execute(f"insert into supabase_migrations.schema_migrations values ('{A}')")
    assert await migrate(hub, folder) == [B]
    assert await tables(hub) == ["b"]


async def test_with_nothing_to_do_it_asks_once(connect, database) -> None:
    hub = await connect(database)
    said = []
    hub.add_query_logger(lambda record: said.append(record.query))
    assert await migrate(hub) == []
    await asyncio.sleep(0)  # loggers are called afterwards
    assert len(said) == 1


async def test_the_settings_of_a_file_end_with_it(connect, empty, folder) -> None:
    write(
        folder,
        C,
        "expand_c",
        "create table public.c as select current_setting('lock_timeout') as l;",
    )
    hub = await connect(empty)
    await migrate(hub, folder)
    assert await hub.fetchval("select l from public.c") == "0"
    assert await hub.fetchval("show lock_timeout") == "0"


async def test_a_broken_file_leaves_nothing_and_is_named(connect, empty, folder) -> None:
    write(folder, C, "expand_c", "create table public.c (n integer);\nselect\n  1 / 0;")
    hub = await connect(empty)
    with pytest.raises(MigrationFailed, match=rf"{C}_expand_c\.sql.*division by zero.*Nothing"):
        await migrate(hub, folder)
    assert await tables(hub) == ["a", "b"]
    assert await pending(hub, folder) == [C]
    write(folder, C, "expand_c", "create table public.c (n integer);")
    assert await migrate(hub, folder) == [C]


async def test_a_broken_file_is_told_with_its_line(connect, empty, folder) -> None:
    write(folder, C, "expand_c", "select 1;\n\nselect nothing;")
    with pytest.raises(MigrationFailed, match=r"expand_c\.sql, line 3: .*\(42703\)"):
        await migrate(await connect(empty), folder)


async def test_a_lock_that_does_not_come_is_told(connect, empty, folder) -> None:
    hub, reader = await connect(empty), await connect(empty)
    await migrate(hub, folder)
    write(
        folder, C, "contract_c", "set lock_timeout = '50ms';\nalter table public.a add m integer;"
    )
    async with reader.transaction():
        await reader.fetch("select * from public.a")
        with pytest.raises(MigrationFailed, match="A long transaction was in its way"):
            await migrate(hub, folder)
    assert await migrate(hub, folder) == [C]


async def test_a_file_older_than_the_newest_applied_is_refused(connect, empty, folder) -> None:
    hub = await connect(empty)
    await migrate(hub, folder)
    write(folder, "20260115000000", "expand_late", "select 1;")
    for ask in (pending, migrate):
        with pytest.raises(LateMigration, match=r"20260115000000_expand_late\.sql"):
            await ask(hub, folder)


async def test_a_database_of_a_newer_release_is_refused(connect, empty, folder) -> None:
    hub = await connect(empty)
    await migrate(hub, folder)
    (folder / f"{B}_expand_b.sql").unlink()
    for ask in (pending, migrate):
        with pytest.raises(DatabaseIsNewer, match=B):
            await ask(hub, folder)


async def test_an_online_file_runs_outside_a_transaction(connect, empty, folder) -> None:
    write(folder, C, "online_c", "create index concurrently if not exists c on public.a (n)")
    hub = await connect(empty)
    assert await migrate(hub, folder) == [A, B, C]
    assert await hub.fetchval("select indisvalid from pg_index where indexrelid = 'c'::regclass")


async def test_in_a_transaction_it_refuses(connect, empty, folder) -> None:
    hub = await connect(empty)
    async with hub.transaction():
        with pytest.raises(DirectConnectionNeeded):
            await migrate(hub, folder)


async def test_of_two_runners_one_waits(connect, empty, folder) -> None:
    write(folder, B, "expand_b", "create table public.b (n integer);\nselect pg_sleep(0.3);")
    # the other's waiting must not hold this one back
    write(folder, C, "online_c", "create index concurrently if not exists c on public.a (n)")
    runners = [migrate(await connect(empty), folder) for _ in range(3)]
    done = await asyncio.wait_for(asyncio.gather(*runners), 20)
    assert sorted(done) == [[], [], [A, B, C]]


async def test_a_runner_that_dies_leaves_the_lock(connect, empty, folder) -> None:
    write(folder, B, "expand_b", "create table public.b (n integer);\nselect pg_sleep(30);")
    dying = await connect(empty)
    run = asyncio.ensure_future(migrate(dying, folder))
    hub = await connect(empty)
    while "a" not in await tables(hub):  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.02)
    await hub.execute(f"select pg_terminate_backend({dying.get_server_pid()})")
    with pytest.raises(MigrationFailed, match=r"expand_b.*connection was lost"):
        await run
    write(folder, B, "expand_b", "create table public.b (n integer);")
    assert await migrate(hub, folder) == [B]


# ---------- poolers ----------


@pytest.fixture
def start_pooler(server) -> Iterator[Callable[[str], int]]:
    """Starts a PgBouncer of the given mode before the server and tells its port."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    login, _, address = server.embedded.dsn.removeprefix("postgresql://").partition("@")
    host, _, server_port = address.partition("/")[0].partition(":")
    home = Path(tempfile.mkdtemp(dir=server.home))
    processes = []

    def start(mode: str) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (home / "users").write_text(f'"postgres" "{login.partition(":")[2]}"\n')
        (home / "ini").write_text(
            f"[databases]\n* = host={host} port={server_port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {home}/users\npool_mode = {mode}\n"
            "default_pool_size = 5\nserver_round_robin = 1\n"
            "ignore_startup_parameters = extra_float_digits\n"
        )
        other_user = {}
        if os.geteuid() == 0:  # as root it refuses to run
            other_user = {"user": "nobody"}
            for path in (home, *home.iterdir()):
                shutil.chown(path, "nobody")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(subprocess.Popen([program, home / "ini"], **quiet, **other_user))
        return port

    yield start
    for process in processes:
        process.terminate()
        process.wait()


async def connect_through(server, port: int, database: str) -> asyncpg.Connection:
    login = server.embedded.dsn.rpartition("@")[0]
    dsn = f"{login}@127.0.0.1:{port}/{database}"
    deadline = time.monotonic() + 10
    while True:
        try:
            return await asyncpg.connect(dsn, statement_cache_size=0)
        except OSError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_pooler_in_session_mode_will_do(server, start_pooler, empty, folder) -> None:
    hub = await connect_through(server, start_pooler("session"), empty)
    assert await migrate(hub, folder) == [A, B]
    hub.terminate()


@pytest.mark.parametrize("port_is_known", [True, False])
async def test_a_pooler_in_transaction_mode_is_refused(
    server, start_pooler, empty, folder, connect, monkeypatch, port_is_known: bool
) -> None:
    port = start_pooler("transaction")
    if port_is_known:
        monkeypatch.setattr(module, "_TRANSACTION_POOLER_PORT", port)
    clients = [await connect_through(server, port, empty) for _ in range(4)]
    await asyncio.gather(*(client.execute("select pg_sleep(0.2)") for client in clients))
    assert await pending(clients[0], folder) == [A, B]
    with pytest.raises(DirectConnectionNeeded, match="5432"):
        await migrate(clients[0], folder)
    for client in clients:
        client.terminate()
    assert await tables(await connect(empty)) == []
