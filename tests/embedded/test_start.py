"""A fresh server: who gets in, how it is set, and that it comes back as it was."""

import re
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from ..support.database import running_server

SUPABASE_ROLES = """
create role anon nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, service_role to authenticator;
"""


def test_nobody_gets_in_without_the_password(place, home, fetch):
    server = place.use()
    dsn = server.ensure_running()
    address = urlsplit(dsn)

    assert fetch(dsn, "select current_user::text, current_database()::text") == [
        ("postgres", "aihub")
    ]
    for role in ("postgres", "supabase_admin"):
        stranger = f"postgresql://{role}:guess@127.0.0.1:{address.port}/aihub"
        with pytest.raises(asyncpg.InvalidPasswordError):
            fetch(stranger, "select 1")
    hba = fetch(server.admin_dsn, "select distinct auth_method from pg_hba_file_rules")
    assert hba == [("scram-sha-256",)]
    for secret in place.data_dir.glob("*.password"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert {path.name for path in place.data_dir.glob("*.password")} == {
        "postgres.password",
        "supabase_admin.password",
    }


def test_the_password_is_asked_for_on_a_socket_too(place, home, fetch):
    place.use().ensure_running()
    place.uses[0].release()
    sockets = home / "sockets"
    sockets.mkdir()
    sockets.chmod(0o777)
    place.pg_ctl("-o", f"-k {sockets}", "-l", "/dev/null", "start")
    server = place.use()
    port = urlsplit(server.ensure_running()).port
    try:
        with pytest.raises(asyncpg.InvalidPasswordError):
            fetch(f"postgresql://postgres:guess@/aihub?host={sockets}&port={port}", "select 1")
        password = (place.data_dir / "postgres.password").read_text().strip()
        right = f"postgresql://postgres:{password}@/aihub?host={sockets}&port={port}"
        assert fetch(right, "select 1") == [(1,)]
    finally:
        place.pg_ctl("-m", "fast", "stop")


def test_only_this_machine_can_reach_it(place):
    port = urlsplit(place.use().ensure_running()).port
    listening = {
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    }
    assert listening in ({f"0100007F:{port:04X}"}, set())
    with socket.create_connection(("127.0.0.1", port)):
        pass


def test_the_role_is_no_superuser_and_can_prepare_the_database(place, fetch):
    server = place.use()
    dsn = server.ensure_running()
    rights = "rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication"
    role = f"select {rights} from pg_roles where rolname = "

    assert fetch(dsn, role + "'postgres'") == [(False, True, True, True, True)]
    assert fetch(server.admin_dsn, role + "'supabase_admin'")[0][0] is True
    for statement in filter(None, map(str.strip, SUPABASE_ROLES.split(";"))):
        fetch(dsn, statement)
    fetch(dsn, "create extension pg_trgm")
    members = "select roleid::regrole::text from pg_auth_members"
    assert ("anon",) in fetch(dsn, f"{members} where member = 'authenticator'::regrole")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("wal_level", "logical"),
        ("data_checksums", "on"),
        ("jit", "off"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("password_encryption", "scram-sha-256"),
        ("max_connections", "100"),
        ("server_encoding", "UTF8"),
        ("max_wal_size", "2GB"),
    ],
    ids=lambda value: value or "empty",
)
def test_settings(running, fetch, setting, value):
    assert fetch(running.admin_dsn, f"show {setting}") == [(value,)]


@pytest.fixture(scope="module")
def running():
    with running_server() as server:
        yield server


def test_letters_beyond_ascii_are_letters(running, fetch):
    assert fetch(running.dsn, "select lower('ÀÉÎ'), upper('straße'), 'É' ~ '^\\w$'") == [
        ("àéî", "STRASSE" if running_folds_fully(running, fetch) else "STRAßE", True)
    ]


def running_folds_fully(running, fetch):
    """Whether the server maps one letter to several, as the full Unicode rules do."""
    return fetch(running.dsn, "select upper('ß')") == [("SS",)]


def test_the_users_environment_does_not_leak_in(place, fetch, monkeypatch):
    for name, value in {
        "PGDATA": "/nowhere",
        "PGPORT": "1",
        "PGHOST": "/nowhere",
        "PGOPTIONS": "-c fsync=off",
        "PGPASSFILE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    server = place.use()
    server.ensure_running()
    assert fetch(server.admin_dsn, "show fsync") == [("on",)]


def test_a_second_start_finds_everything_as_it_was(place, fetch):
    first = place.use()
    dsn = first.ensure_running()
    fetch(dsn, "create table kept as select 42 as answer")
    first.release()
    assert not first.is_alive()
    assert not (place.cluster / "postmaster.pid").exists()

    second = place.use()
    assert second.ensure_running() == dsn
    assert second.is_alive()
    assert fetch(dsn, "select answer from kept") == [(42,)]


def test_a_lost_role_and_database_are_made_again(place, fetch):
    server = place.use()
    dsn = server.ensure_running()
    elsewhere = re.sub("/aihub$", "/postgres", server.admin_dsn)
    fetch(elsewhere, "drop database aihub")
    fetch(elsewhere, "alter role postgres superuser password 'other'")
    server.release()

    assert server.ensure_running() == dsn
    assert fetch(dsn, "select rolsuper from pg_roles where rolname = 'postgres'") == [(False,)]


def test_the_operators_own_settings_are_kept(place, fetch):
    server = place.use()
    server.ensure_running()
    server.release()
    (place.cluster / "local.conf").write_text("work_mem = '9MB'\n")
    (place.cluster / "local.conf").chmod(0o644)

    assert fetch(server.ensure_running(), "show work_mem") == [("9MB",)]


def test_a_taken_port_is_exchanged_for_another(place, fetch):
    server = place.use()
    old = urlsplit(server.ensure_running()).port
    server.release()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", old))
        other.listen()
        dsn = server.ensure_running()
        assert urlsplit(dsn).port != old
        assert fetch(dsn, "select 1") == [(1,)]
    assert (place.data_dir / "port").read_text().strip() == str(urlsplit(dsn).port)
