"""Months: made ahead, made on demand, and never in anybody's way."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from . import filling

OLD = datetime(2023, 3, 15, tzinfo=UTC)
PARENTS = 5
ENSURE_OLD = "select hub.ensure_partitions($1, $1)"


async def months(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select right(relname, 6) as month from pg_class where relname ~ '^ai_calls_\\d{6}$' "
        "and relnamespace = 'hub_part'::regnamespace order by 1"
    )
    return [row["month"] for row in rows]


async def test_three_months_ahead_are_there(connect, database) -> None:
    hub = await connect(database)
    rows = await hub.fetch(
        "select to_char(date_trunc('month', now() at time zone 'UTC') + n * interval '1 month', "
        "'YYYYMM') from generate_series(-1, 3) n"
    )
    assert await months(hub) == [row[0] for row in rows]
    assert await hub.fetchval("select hub.ensure_partitions()") == 0


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"])
@pytest.mark.parametrize("style", ["SQL, DMY", "German", "Postgres, MDY"])
async def test_the_bounds_are_months_of_utc_in_any_session(connect, database, zone, style) -> None:
    hub = await connect(database, server_settings={"timezone": zone, "datestyle": style})
    assert await hub.fetchval(ENSURE_OLD, OLD) == PARENTS
    await hub.execute("set timezone = 'UTC'; set datestyle = 'ISO'")
    bound = await hub.fetchval(
        "select pg_get_expr(relpartbound, oid) from pg_class where relname = 'ai_calls_202303'"
    )
    assert bound == "FOR VALUES FROM ('2023-03-01 00:00:00+00') TO ('2023-04-01 00:00:00+00')"


async def test_an_old_month_can_be_used_once_it_is_made(connect, database) -> None:
    hub = await connect(database)
    organization = filling.uuid4()
    with pytest.raises(asyncpg.CheckViolationError):  # what the store retries after
        await filling.create_conversation(hub, organization, OLD)
    assert await hub.fetchval(ENSURE_OLD, OLD) == PARENTS
    assert await hub.fetchval(ENSURE_OLD, OLD) == 0
    conversation = await filling.create_conversation(hub, organization, OLD)
    row = filling.Row(organization, conversation, filling.uuid7(), at=OLD)
    assert await filling.add_messages(hub, row) == [("created", 1)]


async def test_a_new_month_is_protected(connect, database) -> None:
    hub = await connect(database)
    await hub.fetchval(ENSURE_OLD, OLD)
    rows = await hub.fetch(
        "select relname, relrowsecurity, relacl::text from pg_class where relkind = 'r' "
        "and relnamespace = 'hub_part'::regnamespace"
    )
    assert len(rows) == PARENTS * 6
    assert {row["relrowsecurity"] for row in rows} == {True}
    assert {row["relacl"] for row in rows} == {None}  # nobody but the owner


async def test_no_reader_and_no_writer_is_in_the_way(connect, database) -> None:
    hub, reader, writer = [await connect(database) for _ in range(3)]
    await hub.execute("set lock_timeout = '1s'")
    async with reader.transaction(), writer.transaction():
        for parent in ("conversations", "messages", "calls", "transitions", "feedback"):
            await reader.fetch(f"select * from public.ai_{parent}")
        tenant = await filling.create_tenant(writer, "alpha")
        assert await hub.fetchval(ENSURE_OLD, OLD) == PARENTS
        # and they go on, also while the month is not committed yet
        async with hub.transaction():
            await hub.fetchval(ENSURE_OLD, datetime(2023, 5, 1, tzinfo=UTC))
            await writer.execute("set local lock_timeout = '1s'")
            row = filling.Row(tenant.id, tenant.conversation, filling.uuid7())
            assert await filling.add_messages(writer, row) == [("created", 3)]
            assert await reader.fetch("select * from public.ai_messages") == []


async def test_two_at_once_make_each_month_once(connect, database) -> None:
    hubs = [await connect(database) for _ in range(4)]
    until = datetime(2023, 5, 1, tzinfo=UTC)
    calls = [hub.fetchval("select hub.ensure_partitions($1, $2)", OLD, until) for hub in hubs]
    assert sorted(await asyncio.gather(*calls)) == [0, 0, 0, PARENTS * 3]


@pytest.mark.parametrize("bound", ["infinity", "-infinity"])
async def test_endless_times_are_refused(connect, database, bound) -> None:
    hub = await connect(database)
    for bounds in (f"'{bound}', now()", f"now(), '{bound}'"):
        with pytest.raises(asyncpg.DatetimeFieldOverflowError):
            await hub.execute(f"select hub.ensure_partitions({bounds})", timeout=5)
