"""Rollups are what raw rows add up to, whatever happens while they are kept."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from aihub.analytics import api as analytics
from aihub.kit.ids import uuid7_time

from . import recomputing, rows, whole
from .conftest import fixture

FAMILIES = {
    "public.ai_usage_slots": "organization_id, slot, provider, model, module, source, endpoint",
    "public.ai_conversation_slots": "organization_id, kind, slot, module, source, provider, model",
    "public.ai_usage_days": "organization_id, day, provider, model, module, source, endpoint",
    "public.ai_conversation_days": "organization_id, kind, day, module, source, provider, model",
    "public.ai_user_days": "organization_id, day, user_id, module",
    "public.ai_user_intents": "organization_id, day, user_id, intent",
    "hub.usage_sum_days": "organization_id, detail, day, provider, model, endpoint",
    "hub.user_months": "organization_id, month, user_id",
}


async def rollups(connection: Any, organization: UUID) -> dict[str, list[str]]:
    """Every row as text, in order."""
    return {
        table: [
            row[0]
            for row in await connection.fetch(
                f"select t::text from {table} t where organization_id = $1 order by {key}",
                organization,
            )
        ]
        for table, key in FAMILIES.items()
    }


async def sums(connection: Any, organization: UUID) -> tuple[Any, ...]:
    """What no erasure and no retention may change."""
    row = await connection.fetchrow(
        "select (select row(sum(calls), sum(errors), sum(total_tokens), sum(cost), sum(price)) "
        "from public.ai_usage_slots where organization_id = $1), "
        "(select row(sum(conversations), sum(messages), sum(rated), sum(completed), "
        "sum(feedbacks), sum(score_sum)) from public.ai_conversation_slots "
        "where organization_id = $1 and kind = 0)",
        organization,
    )
    return tuple(row)


async def check(connection: Any, organization: UUID) -> None:
    """Slots beside plain Python."""
    raw = (await recomputing.export(connection)).of(organization)
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    exact = recomputing.usage(raw, first, last, "UTC", ["hour", "provider", "model", "module"])
    stored: dict[Any, Any] = {}
    for row in await connection.fetch(
        "select * from public.ai_usage_slots where organization_id = $1", organization
    ):
        hour = recomputing.time_key(row["slot"], "hour", "UTC")
        key = (hour, *(row[name] or None for name in ("provider", "model", "module")))
        found = stored.setdefault(key, dict.fromkeys(("calls", "errors", "tokens", "cost"), 0))
        found["calls"] += row["calls"]
        found["errors"] += row["errors"]
        found["tokens"] += row["total_tokens"]
        found["cost"] += row["cost"]
        assert sum(row["latency_counts"]) <= row["calls"]
    assert stored == {
        key: {
            "calls": group["calls"],
            "errors": group["errors"],
            "tokens": group["total_tokens"],
            "cost": group["cost"],
        }
        for key, group in exact.items()
        if group["calls"]
    }
    count = await connection.fetchval(
        "select coalesce(sum(conversations), 0) from public.ai_conversation_slots "
        "where organization_id = $1 and kind = 0",
        organization,
    )
    assert count == len(raw.conversations)


@fixture
async def organization(cast: Any, connection: Any) -> UUID:
    """With some weeks of rows."""
    found: UUID = cast.ada.organization
    await rows.fill(connection, found, seed=3, conversations=60)
    return found


async def test_late_rows_and_double_ticks(organization, connection, catch_up) -> None:
    await catch_up()
    await check(connection, organization)
    before = await rollups(connection, organization)
    await catch_up()
    assert await rollups(connection, organization) == before
    chosen = random.Random(4)
    late = datetime.now(UTC) - timedelta(days=40)
    await rows.add_call(connection, organization, late, chosen)
    await rows.add_conversation(connection, organization, late, chosen, None)
    await catch_up()
    await check(connection, organization)
    assert await rollups(connection, organization) != before


async def test_concurrent_writers_and_tickers(organization, connection, hub, dsn) -> None:
    """Commits out of order, some rolled back, some of them weeks late, under two tickers."""
    is_over = asyncio.Event()

    async def write(seed: int) -> None:
        chosen = random.Random(seed)
        own: Any = await asyncpg.connect(dsn)
        for _ in range(12):
            with suppress(_GivenUpError):
                async with own.transaction():
                    age = timedelta(minutes=chosen.choice([0, 1, 20, 55 * 1440]))
                    at = datetime.now(UTC) - age
                    await rows.add_call(own, organization, at, chosen)
                    await rows.add_conversation(own, organization, at, chosen, None)
                    await asyncio.sleep(chosen.random() / 5)
                    if chosen.random() < 0.2:
                        raise _GivenUpError
        await own.close()

    async def tick() -> int:
        ran = 0
        while not is_over.is_set():
            async with hub.db.write() as own:
                ran += (await analytics.tick(own)).ran
            await asyncio.sleep(0.02)
        return ran

    await connection.fetchval("select hub.ensure_partitions(now() - interval '60 days', now())")
    tickers = [asyncio.create_task(tick()) for _ in range(2)]
    await asyncio.gather(*(write(seed) for seed in range(8)))
    await asyncio.sleep(0.1)
    is_over.set()
    assert sum(await asyncio.gather(*tickers)) > 5
    async with hub.db.write() as own:
        await analytics.tick(own)
    await check(connection, organization)


class _GivenUpError(Exception):
    pass


async def test_rebuilding_gives_the_same_rows(organization, connection, hub, catch_up) -> None:
    await catch_up()
    before = await rollups(connection, organization)
    assert all(before.values())
    await connection.execute(
        "update public.ai_usage_slots set calls = calls + 1 where organization_id = $1",
        organization,
    )
    await connection.execute("delete from public.ai_conversation_slots")
    async with hub.db.write() as own:
        await analytics.rebuild(own)
    # a piece at a time: what a restart in between leaves undone is known to whoever comes next
    async with hub.db.write() as own:
        assert (await analytics.tick(own)).more
    async with hub.db.read() as own:
        assert (await analytics.status(own)).rebuild_from is not None
    await catch_up()
    assert await rollups(connection, organization) == before
    async with hub.db.read() as own:
        state = await analytics.status(own)
    assert (state.rebuild_from, state.due_days) == (None, 0)


async def test_a_part_is_rebuilt(organization, connection, hub, catch_up) -> None:
    await catch_up()
    before = await rollups(connection, organization)
    await connection.execute("update public.ai_usage_slots set calls = calls + 1")
    now = datetime.now(UTC)
    async with hub.db.write() as own:
        await analytics.rebuild(own, now - timedelta(days=90), now + timedelta(hours=1))
    await catch_up()
    assert await rollups(connection, organization) == before


async def test_a_step_that_failed_is_done_again(organization, connection, hub, catch_up) -> None:
    await catch_up()
    await rows.add_call(connection, organization, datetime.now(UTC), random.Random(5))
    with suppress(_GivenUpError):
        async with hub.db.write() as own:
            assert (await analytics.tick(own)).slots
            raise _GivenUpError
    await catch_up()
    await check(connection, organization)


async def test_another_server_numbers_transactions_anew(
    organization, connection, hub, catch_up
) -> None:
    """A restored copy: the number reached is another server's, and rows bear such numbers, too."""
    await catch_up()
    await rows.add_call(connection, organization, datetime.now(UTC), random.Random(6))
    await connection.execute("update hub.rollup_state set cluster_id = 1, next_xid = '99999999999'")
    await connection.execute(
        "update public.ai_calls set ingest_xid = '99999999999' where organization_id = $1",
        organization,
    )
    await catch_up()
    await check(connection, organization)
    async with hub.db.write() as own:
        assert (await analytics.tick(own)).slots == 0


async def test_erasing_changes_no_sum_and_forgets_the_person(
    organization, connection, hub, catch_up
) -> None:
    await connection.execute(
        "insert into public.ai_transitions (conversation_id, conversation_created_at, "
        "organization_id, id, from_status, to_status, actor, at) select id, created_at, "
        "organization_id, gen_random_uuid(), 'active', 'completed', 'test', "
        "created_at + interval '1 hour' from public.ai_conversations where organization_id = $1",
        organization,
    )
    await catch_up()
    before = await sums(connection, organization)
    slots = await rollups(connection, organization)
    erased = await connection.fetch(
        "select id, user_id from public.ai_conversations where organization_id = $1 "
        "and user_id = (select user_id from public.ai_conversations where organization_id = $1 "
        "and user_id is not null limit 1)",
        organization,
    )
    for row in erased:
        assert await connection.fetchval(
            "select hub.erase_conversation_v1($1, $2, $3)",
            *(organization, row["id"], uuid7_time(row["id"])),
        )
    await connection.execute(  # its calls that stand alone, as an erasure of the person would
        "update public.ai_calls set user_id = null, ingest_xid = pg_current_xact_id() "
        "where organization_id = $1 and user_id = $2",
        *(organization, erased[0]["user_id"]),
    )
    await catch_up()
    after = await rollups(connection, organization)
    for table in ("public.ai_usage_slots", "public.ai_conversation_slots"):
        assert after[table] == slots[table]
    assert await sums(connection, organization) == before
    for table in ("public.ai_user_days", "public.ai_user_intents"):
        assert not any(str(erased[0]["user_id"]) in text for text in after[table])
    async with hub.db.write() as own:
        await analytics.rebuild(own)
    await catch_up()
    assert await rollups(connection, organization) == after


async def test_retention_changes_no_rollup(organization, connection, hub, catch_up) -> None:
    await catch_up()
    before = await rollups(connection, organization)
    old = datetime.now(UTC) - timedelta(days=10)
    async with connection.transaction():
        gone = await connection.fetch(
            "select id, created_at from public.ai_conversations "
            "where organization_id = $1 and created_at < $2",
            *(organization, old),
        )
        ids, times = [r["id"] for r in gone], [r["created_at"] for r in gone]
        await connection.execute(
            "select hub.keep_conversations_v1($1, $2, $3, false)",
            *([organization] * len(ids), ids, times),
        )
        calls = await connection.fetch(
            "select id, occurred_at from public.ai_calls "
            "where organization_id = $1 and occurred_at < $2",
            *(organization, old),
        )
        assert len(ids) > 5 < len(calls)
        for table in ("ai_messages", "ai_feedback"):
            await connection.execute(
                f"delete from public.{table} where conversation_id = any ($1)", ids
            )
        await connection.execute("delete from public.ai_conversations where id = any ($1)", ids)
        await connection.execute(
            "select hub.keep_calls_v1($1, $2, $3)",
            *([organization] * len(calls), [r["id"] for r in calls]),
            [r["occurred_at"] for r in calls],
        )
        await connection.execute(
            "delete from public.ai_calls where organization_id = $1 and occurred_at < $2",
            *(organization, old),
        )
    async with hub.db.write() as own:
        await analytics.rebuild(own)
    await catch_up()
    after = await rollups(connection, organization)
    # a call of the last days belongs to a conversation that is gone; all else is the same row
    assert after == before


async def test_days_follow_the_time_zone(organization, connection, catch_up) -> None:
    await catch_up()
    before = await rollups(connection, organization)
    for zone in ("Asia/Kathmandu", "UTC"):
        await connection.execute(
            "update public.ai_organizations set timezone = $2 where id = $1",
            *(organization, zone),
        )
        await catch_up()
        after = await rollups(connection, organization)
        assert (after["public.ai_usage_days"] == before["public.ai_usage_days"]) == (zone == "UTC")
    assert after == before


async def test_a_changed_module_moves_a_conversation(organization, connection, catch_up) -> None:
    await catch_up()
    id_ = await rows.add_conversation(
        connection, organization, datetime.now(UTC) - timedelta(days=3), random.Random(7), None
    )
    await catch_up()
    await connection.execute(
        "update public.ai_conversations set module = 'moved', ingest_xid = pg_current_xact_id() "
        "where id = $1",
        id_,
    )
    await catch_up()
    moved = await connection.fetchrow(
        "select sum(conversations) as n, sum(feedbacks) as f from public.ai_conversation_slots "
        "where organization_id = $1 and kind = 0 and module = 'moved'",
        organization,
    )
    given = await connection.fetchval(
        "select count(*) from public.ai_feedback where conversation_id = $1", id_
    )
    assert (moved["n"], moved["f"]) == (1, given)


async def test_a_conversation_changed_by_its_owner_moves(cast, connection, catch_up) -> None:
    """Through HTTP: what it had counted for before, it counts for no more."""
    ada = cast.ada
    id_ = await ada.converse(module="support", intent_chain=["refund"])
    await ada.say(id_, role="assistant", model="gpt-4o", tokens=10)
    await ada.post(f"/conversations/{id_}/feedback", {"score": 4})
    await ada.post(f"/conversations/{id_}/complete")
    await catch_up()
    await whole.check(connection, ada.organization)
    reply = await ada.ask("PATCH", f"/conversations/{id_}", {"module": "sales"})
    assert reply.status == 200
    await catch_up()
    await whole.check(connection, ada.organization)


async def test_reopening_from_the_archive_completes_nothing(cast, connection, catch_up) -> None:
    ada = cast.ada
    id_ = await ada.converse()
    for action in ("complete", "archive"):
        await ada.post(f"/conversations/{id_}/{action}")
    reply = await ada.ask(
        "POST", f"/conversations/{id_}/messages", {"role": "user", "content": "a"}, reopen="true"
    )
    assert reply.status == 201
    await catch_up()
    completed = await connection.fetchval(
        "select sum(completed)::integer from public.ai_conversation_slots "
        "where organization_id = $1",
        ada.organization,
    )
    assert completed == 1
