"""`/health/live`, `/health/ready` and `/metrics`, on a real database."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from .conftest import Server, Watch

TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize(
    ("token", "host", "headers", "status"),
    [
        (None, "127.0.0.1", {}, 200),
        (None, "127.9.9.9", {}, 200),
        (None, "::1", {}, 200),
        (None, "::ffff:127.0.0.1", {}, 200),
        (None, "10.0.0.1", {}, 401),
        (None, "testclient", {}, 401),
        (None, "127.0.0.1", {"X_Forwarded_For": "127.0.0.1"}, 401),
        (None, "127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 401),
        (None, "127.0.0.1", {"X_Real_IP": "127.0.0.1"}, 401),
        (TOKEN, "10.0.0.1", {"Authorization": f"Bearer {TOKEN}"}, 200),
        (TOKEN, "10.0.0.1", {"Authorization": f"bearer {TOKEN}"}, 200),
        (TOKEN, "10.0.0.1", {"Authorization": f"Bearer {TOKEN}x"}, 401),
        (TOKEN, "10.0.0.1", {"Authorization": f"Basic {TOKEN}"}, 401),
        (TOKEN, "127.0.0.1", {}, 401),
    ],
)
async def test_who_may_read_the_figures(
    watch: Watch, token: str | None, host: str, headers: dict[str, str], status: int
) -> None:
    async with watch(token=token) as hub:
        answer = await hub.ask("/metrics", host=host, **headers)
    assert answer.status_code == status
    assert ("aihub_build_info" in answer.text) == (status == 200)


async def test_the_figures_are_there(watch: Watch, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "database_folder": tmp_path,
        "price_book_version": lambda: "r7.12",
        "has_room": lambda: True,
    }
    async with watch(**options) as hub:
        await hub.group.submit([1, 2, 3])
        await hub.ask("/health/live")
        found = await hub.figures()
    assert found['aihub_build_info{version="1.2.3"}'] == 1
    assert found['aihub_price_book_info{version="r7.12"}'] == 1
    assert found["aihub_database_up"] == 1
    assert found["aihub_db_pool_size"] >= 1
    assert found["aihub_db_pool_max"] == 3
    assert found["aihub_db_pool_waiting"] == 0
    assert found["aihub_writer_waiting"] == 0
    assert found["aihub_writer_flush_size_sum"] == 3
    assert found["aihub_writer_flush_duration_seconds_count"] == 1
    assert found["aihub_http_requests_in_flight"] == 1  # this one
    assert found["aihub_disk_free_bytes"] > 0
    assert found["aihub_migrations_missing"] == 0
    assert found["aihub_unpriced_calls"] >= 0
    assert found["aihub_reports_late"] >= 0
    assert found['aihub_check_ok{check="writes"}'] == 1
    assert found["process_resident_memory_bytes"] > 0
    live = 'method="GET",route="/health/live",status="200"'
    assert found[f"aihub_http_request_duration_seconds_count{{{live}}}"] == 1
    assert not [name for name in found if "_created" in name]


async def test_who_waits_for_a_connection_is_counted(watch: Watch) -> None:
    async with watch(max_size=2) as hub:
        go_on = asyncio.Event()

        async def hold() -> None:
            async with hub.db.read():
                await go_on.wait()

        holding = [asyncio.create_task(hold()) for _ in range(5)]
        await asyncio.sleep(0.2)
        figures = hub.db.figures()
        go_on.set()
        await asyncio.gather(*holding)
        after = hub.db.figures()
    assert (figures.size, figures.idle, figures.waiting) == (2, 0, 3)
    assert (after.idle, after.waiting) == (2, 0)


async def test_what_the_writer_does_is_seen(watch: Watch) -> None:
    async with watch() as hub:
        hub.gate.is_open.clear()
        waiting = [asyncio.create_task(hub.group.submit([n] * 10)) for n in range(5)]
        await asyncio.sleep(0.05)
        figures = hub.group.figures()
        hub.gate.is_open.set()
        await asyncio.gather(*waiting)
        after = hub.group.figures()
    assert figures.waiting == 3  # two flushers have one each
    assert figures.oldest_seconds > 0.01
    assert (after.waiting, after.oldest_seconds, after.is_running) == (0, 0, True)
    assert not hub.group.figures().is_running


async def test_all_is_well(watch: Watch, server: Server) -> None:
    async with watch() as hub:
        live, ready = await hub.ask("/health/live"), await hub.ask("/health/ready")
    assert live.json() == {"status": "ok", "version": "1.2.3"}
    assert ready.status_code == 200
    found = ready.json()
    assert (found["database"], found["writes"], found["migrations"]) == ("ok", "ok", "ok")
    assert (found["status"] == "ok") == (found["notes"] == [])


async def test_a_full_disk_is_served_with(watch: Watch) -> None:
    async with watch(has_room=lambda: False) as hub:
        ready = await hub.ask("/health/ready")
    assert ready.status_code == 200
    assert (ready.json()["status"], ready.json()["writes"]) == ("degraded", "refused")


async def test_a_writer_that_has_ended_serves_nobody(watch: Watch) -> None:
    async with watch() as hub:
        await hub.group.stop()
        ready = await hub.ask("/health/ready")
        found = await hub.figures()
    assert ready.status_code == 503
    assert ready.json()["code"] == "not_ready"
    assert ready.json()["checks"]["writes"] == "stopped"
    assert found['aihub_check_ok{check="writes"}'] == 0


async def test_a_database_without_our_tables_serves_nobody(watch: Watch, server: Server) -> None:
    async with watch(server.empty_dsn) as hub:
        ready = await hub.ask("/health/ready")
        found = await hub.figures()
    assert ready.status_code == 503
    assert ready.json()["checks"]["migrations"] == "missing"
    assert found["aihub_migrations_missing"] > 5
    assert found["aihub_database_up"] == 1


async def test_figures_are_told_while_the_database_is_away(watch: Watch, server: Server) -> None:
    async with watch() as hub:
        admin = await asyncpg.connect(f"{server.admin_dsn.rpartition('/')[0]}/postgres")
        database = server.dsn.rpartition("/")[2]
        try:
            await _shut(admin, database, is_shut=True)
            ready = await hub.ask("/health/ready")
            live = await hub.ask("/health/live")
            found = await hub.figures()
        finally:
            await _shut(admin, database, is_shut=False)
            await admin.close()
    assert (ready.status_code, ready.json()["code"]) == (503, "database_unavailable")
    assert live.status_code == 200
    assert found["aihub_database_up"] == 0
    assert "process_cpu_seconds_total" in found


async def _shut(admin: asyncpg.Connection, database: str, *, is_shut: bool) -> None:
    """Let nobody in any more, and throw out who is there."""
    await admin.execute(f"alter database {database} allow_connections {not is_shut}")
    if is_shut:
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = $1 and pid <> pg_backend_pid()",
            database,
        )
