"""Rollups while writers, tickers and the server itself fail: every row of every table is right."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from aihub.analytics import api as analytics
from aihub.embedded import EmbeddedPostgres
from aihub.kit.db import AWAY, Database, DatabaseOptions
from aihub.kit.errors import DatabaseAway

from ..support.database import migrated_server
from . import rows, whole

pytestmark = pytest.mark.fault

_TICKER = """
import asyncio, sys
from aihub.analytics import api as analytics
from aihub.kit.db import Database, DatabaseOptions

async def main():
    db = Database(lambda: sys.argv[1], DatabaseOptions(min_size=1, max_size=2))
    await db.open()
    ticker = analytics.Ticker(db)
    print("ticking", flush=True)
    while True:
        await ticker.step()
        await asyncio.sleep(0.01)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Of these tests alone: it is killed, and it keeps what it has acknowledged."""
    with migrated_server(
        "select hub.ensure_partitions(now() - interval '60 days', now())"
    ) as found:
        yield found


async def _kill(server: EmbeddedPostgres) -> None:
    admin = await asyncpg.connect(server.admin_dsn)
    folder = Path(await admin.fetchval("show data_directory"))
    os.kill(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)
    with suppress(*AWAY):
        await admin.close()


async def _organization(connection: Any, zone: str = "Asia/Kathmandu") -> UUID:
    found: UUID = await connection.fetchval(
        "insert into public.ai_organizations (external_id, name, timezone) "
        "values (gen_random_uuid()::text, 'x', $1) returning id",
        zone,
    )
    return found


async def _catch_up(dsn: str) -> None:
    db = Database(lambda: dsn, DatabaseOptions(min_size=1, max_size=2))
    await db.open()
    await analytics.catch_up(db)
    await db.close()


async def _check(dsn: str, organization: UUID) -> None:
    """Right, and the same bytes after all was computed anew."""
    await _catch_up(dsn)
    connection = await asyncpg.connect(dsn)
    counts = await whole.check(connection, organization)
    assert all(counts.values()), counts
    before = await whole.texts(connection, organization)
    await analytics.rebuild(connection)
    await _catch_up(dsn)
    assert await whole.texts(connection, organization) == before
    await connection.close()


class _GivenUpError(Exception):
    pass


class Writers:
    """Connections that store rows of now, of a while ago and of up to 55 days ago; some give up."""

    def __init__(self, dsn: str, organization: UUID, users: list[UUID]) -> None:
        self._dsn = dsn
        self._organization = organization
        self._users = users
        self.stored = 0

    async def write(self, seed: int, rounds: int) -> None:
        chosen = random.Random(seed)
        own: Any = None
        for _ in range(rounds):
            with suppress(_GivenUpError, *AWAY, asyncpg.PostgresError):
                if own is None or own.is_closed():
                    own = await asyncpg.connect(self._dsn, timeout=5)
                async with own.transaction():
                    await self._write_some(own, chosen)
                self.stored += 1
            await asyncio.sleep(chosen.random() / 50)
        if own is not None:
            await own.close()

    async def _write_some(self, own: Any, chosen: random.Random) -> None:
        for _ in range(chosen.randrange(1, 4)):
            minutes = chosen.choice([0, 1, 20, 1440, chosen.randrange(55 * 1440)])
            at = datetime.now(UTC) - timedelta(minutes=minutes)
            user = chosen.choice([*self._users, None])
            if chosen.random() < 0.3:  # a part of it is taken back
                with suppress(_GivenUpError):
                    async with own.transaction():
                        await rows.add_call(own, self._organization, at, chosen)
                        raise _GivenUpError
            await rows.add_call(own, self._organization, at, chosen, user_id=user)
            await rows.add_conversation(own, self._organization, at, chosen, user)
            await asyncio.sleep(chosen.random() / 10)
        if chosen.random() < 0.2:
            raise _GivenUpError


def _start_ticker(dsn: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _TICKER, dsn], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ticking\n"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def _until_ticking(connection: Any) -> None:
    """A tick is under way just now."""
    async with asyncio.timeout(30):
        while not await connection.fetchval(  # noqa: ASYNC110 - nobody is told
            "select exists (select from pg_locks where locktype = 'advisory' and granted)"
        ):
            await asyncio.sleep(0.001)


async def test_tickers_in_two_processes_one_of_them_killed(server) -> None:
    connection = await asyncpg.connect(server.dsn)
    organization = await _organization(connection)
    writers = Writers(server.dsn, organization, await rows.add_users(connection, organization, 5))
    tickers = [_start_ticker(server.dsn) for _ in range(2)]
    try:
        writing = asyncio.gather(*(writers.write(seed, 10) for seed in range(8)))
        for _ in range(3):
            await _until_ticking(connection)
            os.kill(tickers[0].pid, signal.SIGKILL)
            _end(tickers.pop(0))
            tickers.append(_start_ticker(server.dsn))
        await writing
    finally:
        for ticker in tickers:
            _end(ticker)
    await connection.close()
    assert writers.stored > 40
    await _check(server.dsn, organization)


async def test_the_server_is_killed_in_the_middle_of_a_tick(server) -> None:
    connection = await asyncpg.connect(server.dsn)
    organization = await _organization(connection, "America/St_Johns")
    users = await rows.add_users(connection, organization, 5)
    writers = Writers(server.dsn, organization, users)
    await asyncio.gather(*(writers.write(seed, 3) for seed in range(20, 24)))
    tick = connection.transaction()
    await tick.start()
    assert (await analytics.tick(connection)).slots > 0
    await _kill(server)
    with suppress(*AWAY, asyncpg.PostgresError):
        await tick.commit()
    server.ensure_running()
    writers = Writers(server.dsn, organization, users)
    await asyncio.gather(*(writers.write(seed, 3) for seed in range(30, 34)))
    await _check(server.dsn, organization)


async def test_a_long_writer_hides_nothing(server) -> None:
    """Its own rows come when it commits; those of others meanwhile, however many they are."""
    connection = await asyncpg.connect(server.dsn)
    await _catch_up(server.dsn)
    organization = await _organization(connection)
    chosen = random.Random(8)
    users = await rows.add_users(connection, organization, 3)
    late = await asyncpg.connect(server.dsn)
    now = datetime.now(UTC)
    async with late.transaction():
        await rows.add_call(late, organization, now - timedelta(days=50), chosen)
        await rows.add_conversation(late, organization, now, chosen, users[0])
        for n in range(12):
            await rows.add_call(connection, organization, now - timedelta(hours=n), chosen)
            await connection.execute("select * from hub.tick_rollups_v1(5, 3)")
        for _ in range(4):
            await connection.execute("select * from hub.tick_rollups_v1(5, 3)")
        seen = await connection.fetchval(
            "select sum(calls)::integer from public.ai_usage_slots where organization_id = $1",
            organization,
        )
        for n in range(4):
            at = now - timedelta(days=2 + n)
            await rows.add_conversation(connection, organization, at, chosen, users[n % 3])
    assert seen == 12
    await late.close()
    await connection.close()
    await _check(server.dsn, organization)


async def test_raw_rows_go_and_others_come_late(server) -> None:
    """Retention, then a rebuild, then late rows in the very same slots, and a rebuild again."""
    connection = await asyncpg.connect(server.dsn)
    organization = await _organization(connection)
    await rows.fill(connection, organization, seed=11, conversations=40)
    await _catch_up(server.dsn)
    await whole.check(connection, organization)
    before = await whole.texts(connection, organization)
    ids, times = await _retain(connection, organization, datetime.now(UTC) - timedelta(days=5))
    await analytics.rebuild(connection)
    await _catch_up(server.dsn)
    assert await whole.texts(connection, organization) == before
    chosen = random.Random(12)
    for at in times[:10]:
        await rows.add_call(
            connection, organization, at, chosen, id=UUID(int=chosen.getrandbits(128))
        )
    await _catch_up(server.dsn)
    after = await whole.texts(connection, organization)
    for table in ("public.ai_conversation_slots", "public.ai_user_intents"):
        assert after[table] == before[table]
    sums = "select sum(calls)::integer from public.ai_usage_slots where organization_id = $1"
    kept = await connection.fetchval(
        "select sum(calls)::integer from hub.kept_calls where organization_id = $1", organization
    )
    left = await connection.fetchval(
        "select count(*)::integer from public.ai_calls where organization_id = $1", organization
    )
    assert await connection.fetchval(sums, organization) == kept + left
    await analytics.rebuild(connection)
    await _catch_up(server.dsn)
    assert await whole.texts(connection, organization) == after
    assert len(ids) > 5
    await connection.close()


async def test_live_views_outlast_the_server(server) -> None:
    connection = await asyncpg.connect(server.dsn)
    organization = await _organization(connection)
    chosen = random.Random(14)
    db = Database(lambda: server.dsn, DatabaseOptions(min_size=1, max_size=2))
    await db.open()
    live = analytics.Live(db)
    await live.start()
    async with live.watch(organization) as watch:
        first = await watch.next(20)
        assert first is not None
        assert first.numbers.tokens_per_minute == 0
        await _kill(server)
        assert await watch.next(0.5) is None
        server.ensure_running()
        connection = await asyncpg.connect(server.dsn)
        await rows.add_call(connection, organization, datetime.now(UTC), chosen, total_tokens=9)
        async with asyncio.timeout(60):
            while (found := await watch.next(5)) is None or found.numbers.tokens_per_minute != 9:
                assert not watch.is_over
        await connection.close()
    await live.stop()
    await db.close()


async def test_calls_do_not_go_before_their_conversation(server) -> None:
    """What models a conversation used is read from its calls."""
    connection = await asyncpg.connect(server.dsn)
    organization = await _organization(connection)
    await rows.fill(connection, organization, seed=13, conversations=20)
    with pytest.raises(asyncpg.ObjectInUseError):
        await _drop_calls(connection, organization, datetime.now(UTC))
    await connection.close()


async def _retain(
    connection: Any, organization: UUID, before: datetime
) -> tuple[list[UUID], list[datetime]]:
    """As a retention will: what goes is kept as sums first, in the same transaction."""
    async with connection.transaction():
        gone = await connection.fetch(
            "select id, created_at as at from public.ai_conversations "
            "where organization_id = $1 and created_at < $2",
            *(organization, before),
        )
        ids, times = [row["id"] for row in gone], [row["at"] for row in gone]
        await connection.execute(
            "select hub.keep_conversations_v1($1, $2, $3, false)",
            *([organization] * len(ids), ids, times),
        )
        for table in ("ai_messages", "ai_feedback", "ai_transitions"):
            await connection.execute(
                f"delete from public.{table} where conversation_id = any ($1)", ids
            )
        await connection.execute("delete from public.ai_conversations where id = any ($1)", ids)
        await _drop_calls(connection, organization, before)
    return ids, times


async def _drop_calls(connection: Any, organization: UUID, before: datetime) -> None:
    calls = await connection.fetch(
        "select id, occurred_at as at from public.ai_calls "
        "where organization_id = $1 and occurred_at < $2",
        *(organization, before),
    )
    await connection.execute(
        "select hub.keep_calls_v1($1, $2, $3)",
        *([organization] * len(calls), [row["id"] for row in calls]),
        [row["at"] for row in calls],
    )
    await connection.execute(
        "delete from public.ai_calls where organization_id = $1 and occurred_at < $2",
        *(organization, before),
    )


async def test_a_ticker_that_was_overtaken_does_not_begin_anew(server) -> None:
    """Its snapshot is older than the mark that another one has left."""
    connection, other = [await asyncpg.connect(server.dsn) for _ in "12"]
    await _catch_up(server.dsn)
    await connection.fetchval("select pg_current_xact_id()")  # there is something to look for
    async with other.transaction():
        await other.execute("select 1 from hub.rollup_state for update")
        tick = asyncio.create_task(analytics.tick(connection))
        async with asyncio.timeout(30):
            while not await other.fetchval(  # noqa: ASYNC110 - nobody is told
                "select exists (select from pg_locks where not granted)"
            ):
                await asyncio.sleep(0.01)
        burner = await asyncpg.connect(server.dsn)
        for _ in range(20):
            await burner.fetchval("select pg_current_xact_id()")
        await burner.close()
        await other.execute(
            "update hub.rollup_state set next_xid = pg_snapshot_xmax(pg_current_snapshot())"
        )
    assert not (await tick).more
    async with connection.transaction():
        assert (await analytics.status(connection)).rebuild_from is None
    await other.close()
    await connection.close()


async def test_a_tick_that_takes_too_long_is_smaller_the_next_time(server) -> None:
    """It would run into the limit of a statement again and again, and nothing would ever come."""
    connection = await asyncpg.connect(server.dsn)
    organization = await _organization(connection)
    await rows.fill(connection, organization, seed=21, conversations=10)
    await connection.execute("alter role current_user set statement_timeout = '1ms'")
    db = Database(lambda: server.dsn)
    try:
        await db.open()
        ticker = analytics.Ticker(db)
        sizes = [ticker.most_rows]
        for _ in range(3):
            with pytest.raises(DatabaseAway):
                await ticker.step()
            sizes.append(ticker.most_rows)
        assert sizes == sorted(set(sizes), reverse=True)
    finally:
        await connection.execute("alter role current_user reset statement_timeout")
        await db.close()
    await _catch_up(server.dsn)
    await whole.check(connection, organization)
    await connection.close()
