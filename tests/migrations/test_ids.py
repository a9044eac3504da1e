"""An id that is used again hinders nobody, and a retry changes nothing."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from . import filling
from .filling import Row, add_messages, record_calls, uuid7


@pytest.fixture
async def hub(connect, database) -> asyncpg.Connection:
    return await connect(database)


@pytest.fixture
async def organization(hub) -> UUID:
    return await hub.fetchval(
        "insert into public.ai_organizations (external_id, name) values ('a', 'A') returning id"
    )


async def totals(hub: asyncpg.Connection, conversation: UUID) -> tuple[int, ...]:
    return tuple(
        await hub.fetchrow(
            "select c.message_count, c.total_tokens, c.total_cost::integer, "
            "(select count(*) from public.ai_messages m where m.conversation_id = c.id), "
            "(select count(*) from public.ai_calls k where k.conversation_id = c.id) "
            "from public.ai_conversations c where c.id = $1",
            conversation,
        )
    )


async def test_a_message_with_the_id_of_another_conversations_call(hub, organization) -> None:
    first, second = [await filling.create_conversation(hub, organization) for _ in range(2)]
    taken, before, after = uuid7(), uuid7(), uuid7()
    assert await add_messages(hub, Row(organization, first, taken)) == [("created", 1)]
    rows = [Row(organization, second, id_) for id_ in (before, taken, after, taken)]
    answers = [("created", 1), ("id_taken", None), ("created", 2), ("id_taken", None)]
    assert await add_messages(hub, *rows) == answers
    assert await totals(hub, first) == (1, 5, 1, 1, 1)
    assert await totals(hub, second) == (2, 10, 2, 2, 2)
    again = [("existing", 1), ("id_taken", None), ("existing", 2), ("id_taken", None)]
    assert await add_messages(hub, *rows) == again
    assert await totals(hub, second) == (2, 10, 2, 2, 2)


async def test_one_id_in_two_conversations_of_one_group(hub, organization) -> None:
    first, second = [await filling.create_conversation(hub, organization) for _ in range(2)]
    id_ = uuid7()
    answers = await add_messages(
        hub,
        Row(organization, first, id_),
        Row(organization, second, id_),
        Row(organization, first, id_),
        Row(organization, second, uuid7()),
    )
    assert answers == [("created", 1), ("id_taken", None), ("existing", 1), ("created", 1)]
    assert await totals(hub, second) == (1, 5, 1, 1, 1)


async def test_a_message_with_the_id_of_a_call_that_stands_alone(hub, organization) -> None:
    conversation = await filling.create_conversation(hub, organization)
    id_ = uuid7()
    assert await record_calls(hub, Row(organization, conversation, id_)) == ["created"]
    row = Row(organization, conversation, id_)
    assert await add_messages(hub, row) == [("id_taken", None)]
    assert await totals(hub, conversation) == (0, 5, 1, 0, 1)


async def test_messages_without_a_call_share_an_id(hub, organization) -> None:
    id_ = uuid7()
    for _ in range(2):
        conversation = await filling.create_conversation(hub, organization)
        row = Row(organization, conversation, id_, is_call=False)
        assert await add_messages(hub, row) == [("created", 1)]


async def test_another_organization_may_use_the_same_id(hub, organization) -> None:
    id_ = uuid7()
    for tenant in (organization, uuid7()):
        conversation = await filling.create_conversation(hub, tenant)
        assert await add_messages(hub, Row(tenant, conversation, id_)) == [("created", 1)]


async def test_at_the_same_time_one_gets_the_id(connect, database, hub, organization) -> None:
    conversations = [await filling.create_conversation(hub, organization) for _ in range(2)]
    id_ = uuid7()
    other = await connect(database)
    async with hub.transaction():
        row = Row(organization, conversations[0], id_)
        assert await add_messages(hub, row) == [("created", 1)]
        rows = [Row(organization, conversations[1], i) for i in (id_, uuid7())]
        waiting = asyncio.ensure_future(add_messages(other, *rows))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert await waiting == [("id_taken", None), ("created", 1)]
    assert await totals(hub, conversations[1]) == (1, 5, 1, 1, 1)


async def test_a_call_with_the_id_of_a_message(hub, organization) -> None:
    first, second = [await filling.create_conversation(hub, organization) for _ in range(2)]
    id_ = uuid7()
    await add_messages(hub, Row(organization, first, id_))
    rows = [Row(organization, second, i) for i in (id_, uuid7())]
    assert await record_calls(hub, *rows) == ["existing", "created"]
    assert await totals(hub, first) == (1, 5, 1, 1, 1)
    assert await totals(hub, second) == (0, 5, 1, 0, 1)


async def test_an_orphan_does_not_take_the_id_of_a_call(hub, organization) -> None:
    id_ = uuid7()
    rows = [Row(organization, uuid7(), id_), Row(organization, None, id_)]
    assert await record_calls(hub, *rows) == ["not_found", "created"]


async def test_two_groups_with_the_same_rows_never_deadlock(
    connect, database, hub, organization
) -> None:
    other = await connect(database)
    for _ in range(10):
        rows = [Row(organization, None, uuid7()) for _ in range(50)]
        answers = await asyncio.gather(
            record_calls(hub, *rows), record_calls(other, *reversed(rows))
        )
        assert sorted(answers[0] + answers[1]) == ["created"] * 50 + ["existing"] * 50


async def test_two_conversations_created_crosswise_never_deadlock(
    connect, database, hub, organization
) -> None:
    other = await connect(database)

    async def create(connection: asyncpg.Connection, ids: list[UUID]) -> list[str]:
        n = len(ids)
        times = [filling.uuid7_time(id_) for id_ in ids]
        rows = await connection.fetch(
            "select outcome from hub.create_conversations_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, "
            "$10, $3)",
            *([organization] * n, ids, times, [None] * n, [None] * n, [None] * n, ["api"] * n),
            *([None] * n, ["[]"] * n, ["{}"] * n),
        )
        return [row["outcome"] for row in rows]

    for _ in range(10):
        ids = [uuid7() for _ in range(50)]
        answers = await asyncio.gather(create(hub, ids), create(other, ids[::-1]))
        assert sorted(answers[0] + answers[1]) == ["created"] * 50 + ["existing"] * 50


async def test_a_retry_does_not_reopen(hub, organization) -> None:
    conversation = await filling.create_conversation(hub, organization)
    known = Row(organization, conversation, uuid7(), reopen=True)
    await add_messages(hub, known)
    await hub.execute(
        "update public.ai_conversations set status = 'completed' where id = $1", conversation
    )
    new = Row(organization, conversation, uuid7())
    assert await add_messages(hub, known, new, new) == [
        ("existing", 1),
        ("closed", None),
        ("closed", None),
    ]
    new = Row(organization, conversation, uuid7(), reopen=True)
    assert await add_messages(hub, new, new) == [("created", 2), ("existing", 2)]


async def test_a_move_is_made_once(hub, organization) -> None:
    conversation, transition = await filling.create_conversation(hub, organization), uuid7()
    for _ in range(2):
        answer = await filling.move(hub, organization, conversation, transition)
        assert answer == ("active", True)
    rows = await hub.fetch("select id from public.ai_transitions")
    assert [row["id"] for row in rows] == [transition]
    assert await filling.move(hub, organization, conversation, uuid7()) == ("paused", False)
    assert await filling.move(hub, organization, uuid7(), transition) == (None, False)


async def test_idle_conversations_pause_complete_and_archive(hub, organization) -> None:
    conversation = await filling.create_conversation(hub, organization)
    active = await filling.create_conversation(hub, organization)
    idle = (
        "update public.ai_conversations set last_activity_at = now() - interval '2 days', "
        "ended_at = ended_at - interval '2 days' where id = $1"
    )
    # the rule for archiving looks at the age of the conversation as well, through its index
    await hub.execute("update public.ai_organizations set idle_archive_seconds = 1")
    await hub.execute("select pg_sleep(1)")
    statuses = []
    for _ in range(4):
        await hub.execute(idle, conversation)
        statuses.append(await hub.fetchval("select hub.apply_idle_rules_v1()"))
        statuses.append(
            await hub.fetchval(
                "select status from public.ai_conversations where id = $1", conversation
            )
        )
    assert statuses == [1, "paused", 1, "completed", 1, "archived", 0, "archived"]
    steps = await hub.fetch("select from_status, to_status from public.ai_transitions order by at")
    assert [tuple(step) for step in steps] == [
        ("active", "paused"),
        ("paused", "completed"),
        ("completed", "archived"),
    ]
    assert await hub.fetchval(
        "select status = 'active' from public.ai_conversations where id = $1", active
    )


async def test_an_erased_conversation_is_gone(hub) -> None:
    tenant = await filling.create_tenant(hub, "alpha")
    erase = "select hub.erase_conversation_v1($1, $2, $3)"
    at = filling.uuid7_time(tenant.conversation)
    assert await hub.fetchval(erase, tenant.id, tenant.conversation, at)
    assert not await hub.fetchval(erase, tenant.id, tenant.conversation, at)
    for table in ("conversations", "messages", "feedback", "transitions"):
        assert await hub.fetchval(f"select count(*) from public.ai_{table}") == 0
    assert await hub.fetchval("select count(*) from public.ai_calls") == 3


@pytest.mark.parametrize("plan", ["free", "pro", "business", "enterprise", "paid"])
async def test_the_plans(hub, organization, plan) -> None:
    await hub.execute("update public.ai_organizations set plan = $1", plan)
