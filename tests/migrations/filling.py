"""Rows in every table, stored through the hub's own functions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from aihub.kit.ids import uuid7, uuid7_time


@dataclass(frozen=True)
class Tenant:
    """An organization, one of its conversations and one of its members."""

    id: UUID
    external_id: str
    conversation: UUID
    member: UUID


@dataclass(frozen=True)
class Row:
    """A message or a call to be stored."""

    organization: UUID
    conversation: UUID | None
    id: UUID
    is_call: bool = True
    at: datetime | None = None
    reopen: bool = False
    look_up: bool = False

    @property
    def conversation_at(self) -> datetime | None:
        return self.conversation and uuid7_time(self.conversation)


async def call(connection: asyncpg.Connection, function: str, *values: Any) -> list[asyncpg.Record]:
    """The rows that a function of set-based arguments answers."""
    words = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    return await connection.fetch(f"select * from hub.{function}({words})", *values)


async def create_conversation(
    connection: asyncpg.Connection, organization: UUID, at: datetime | None = None
) -> UUID:
    made = uuid7(int(at.timestamp() * 1000)) if at else uuid7()
    (row,) = await connection.fetch(
        "select * from hub.create_conversations_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *([organization], [made], [uuid7_time(made)], ["user-1"], [None], [f"key-{made}"]),
        *(["web"], ["support"], ["[]"], ["{}"], [uuid7_time(made)]),
    )
    assert row["outcome"] == "created"
    return made


async def add_messages(connection: asyncpg.Connection, *rows: Row) -> list[tuple[str, int | None]]:
    """Store messages; `is_call` gives them tokens, a cost and a row of ai_calls."""

    def for_calls(value: Any) -> list[Any]:
        return [value if row.is_call else None for row in rows]

    n = len(rows)
    answers = await call(
        connection,
        "add_messages_v1",
        *([r.organization for r in rows], [r.conversation for r in rows]),
        *(
            [r.conversation_at for r in rows],
            [r.id for r in rows],
            ["assistant"] * n,
            ["Hello"] * n,
        ),
        *(
            [None] * n,
            [None] * n,
            ["m"] * n,
            ["p"] * n,
            ["a"] * n,
            [3] * n,
            [0] * n,
            [2] * n,
            [0] * n,
        ),
        *([5] * n, [None] * n, [None] * n, [None] * n, for_calls(1), for_calls(2)),
        *(for_calls("priced"), [None] * n, ["[]"] * n, for_calls("v1"), [7] * n, [None] * n),
        *(
            [None] * n,
            ["{}"] * n,
            [r.at or uuid7_time(r.id) for r in rows],
            [r.reopen for r in rows],
        ),
        ["test"] * n,
    )
    return [(answer["outcome"], answer["seq"]) for answer in answers]


async def record_calls(connection: asyncpg.Connection, *rows: Row) -> list[str]:
    """Store calls that stand alone."""
    n = len(rows)
    answers = await call(
        connection,
        "record_calls_v1",
        *([r.organization for r in rows], [r.id for r in rows]),
        *([r.at or uuid7_time(r.id) for r in rows], [r.conversation for r in rows]),
        *([r.conversation_at for r in rows], ["user-2"] * n, [None] * n, [None] * n, ["p"] * n),
        *(
            ["m"] * n,
            ["a"] * n,
            [3] * n,
            [0] * n,
            [2] * n,
            [0] * n,
            [5] * n,
            [None] * n,
            [None] * n,
        ),
        *(
            [None] * n,
            ["{}"] * n,
            [1] * n,
            [2] * n,
            ["priced"] * n,
            [None] * n,
            ["[]"] * n,
            ["v1"] * n,
        ),
        *([7] * n, [None] * n, [r.look_up for r in rows]),
    )
    return [answer["outcome"] for answer in answers]


async def move(
    connection: asyncpg.Connection, organization: UUID, conversation: UUID, transition: UUID
) -> tuple[str | None, bool]:
    """Pause the conversation."""
    return tuple(
        await connection.fetchrow(
            "select * from hub.move_conversation_v1($1, $2, $3, $4, $5, 'test', null, $6, $7)",
            *(organization, conversation, uuid7_time(conversation), ["active"], ["paused"]),
            *(datetime.now(UTC), transition),
        )
    )


async def create_tenant(connection: asyncpg.Connection, external_id: str) -> Tenant:
    """An organization with at least one row in every table."""
    member = uuid4()
    organization = await connection.fetchval(
        "insert into public.ai_organizations (external_id, name) values ($1, $1) returning id",
        external_id,
    )
    await connection.execute(
        "insert into public.ai_members (organization_id, account_id) values ($1, $2)",
        *(organization, member),
    )
    conversation = await create_conversation(connection, organization)
    rows = [Row(organization, conversation, uuid7()), Row(organization, conversation, uuid7())]
    assert await add_messages(connection, *rows) == [("created", 1), ("created", 2)]
    assert await record_calls(connection, Row(organization, None, uuid7())) == ["created"]
    await connection.fetch(
        "select * from hub.add_feedback_v1($1, $2, $3, $4, array[4.5], array['good'], $5, $6)",
        *([organization], [conversation], [uuid7_time(conversation)], [uuid7()], [rows[0].id]),
        [datetime.now(UTC)],
    )
    assert await move(connection, organization, conversation, uuid7()) == ("active", True)
    await _fill_the_internal_tables(connection, organization, conversation)
    await _fill_the_rollups(connection, organization, conversation)
    await _fill_jobs_and_reports(connection, organization)
    return Tenant(organization, external_id, conversation, member)


async def _fill_the_internal_tables(
    connection: asyncpg.Connection, organization: UUID, conversation: UUID
) -> None:
    account = await connection.fetchval(
        "insert into hub.accounts (email) values ($1) returning id", f"{organization}@example.com"
    )
    token = organization.bytes
    await connection.execute(
        "insert into hub.sessions (token_hash, account_id, email, expires_at) "
        "values ($1, $2, 'a@example.com', now())",
        *(token, account),
    )
    await connection.execute(
        "insert into hub.sign_in_links values ($1, $2, now())", *(token, account)
    )
    await connection.execute(
        "insert into hub.api_keys (organization_id, prefix, key_hash, scopes) "
        "values ($1, 'p', $2, '{}')",
        *(organization, token),
    )
    await connection.execute(
        "insert into hub.idempotency_keys "
        "(organization_id, key_hash, request_hash, conversation_ids) "
        "values ($1, $2, $2, array[$3::uuid])",
        *(organization, token, conversation),
    )
    await connection.execute(
        "insert into hub.markup_rules (id, rule_key, version, organization_id, valid_from) "
        "values ($1, $2, 1, $1, now())",
        *(organization, f"rule-{organization}"),
    )
    await connection.execute(
        "with account as (insert into hub.provider_accounts (id, provider, kind, name) "
        "values ($1, 'bedrock', 'export', 'a') returning id), "
        "bill as (insert into hub.provider_bills (account_id, source, provider, day, line, kind, "
        "run_id) select id, 'aws', 'bedrock', current_date, 'l', 'cost', id from account) "
        "insert into hub.fetch_progress (id, account_id, source, window_start, window_end) "
        "select id, id, 'aws', current_date, current_date + 1 from account",
        organization,
    )
    await connection.execute(
        "with version as (insert into hub.price_book_versions (id, created_by, reason, digest) "
        "select coalesce(max(id), 0) + 1, 'a', 'b', 'c' from hub.price_book_versions returning id) "
        "insert into hub.prices (id, layer, organization_id, provider, model, terms, added_in) "
        "select $1, 'contract', $1, 'p', 'm', '{}', id from version",
        organization,
    )
    await connection.execute(
        "with run as (insert into hub.reprice_runs (id, created_by, filters, price_book_version) "
        "values ($1, 'a', '{}', '1') returning id) "
        "insert into hub.cost_adjustments (organization_id, run_id, call_id, occurred_at, "
        "status_before, price_book_version_before, status_after, price_book_version_after) "
        "select id, id, id, now(), 'unpriced', '1', 'unpriced', '2' from run",
        organization,
    )


async def _fill_the_rollups(
    connection: asyncpg.Connection, organization: UUID, conversation: UUID
) -> None:
    await connection.execute(
        "update public.ai_conversations set intent_chain = '{greeting}' where id = $1", conversation
    )
    await connection.execute(
        "select hub.keep_conversations_v1(array[$1::uuid], array[$2::uuid], "
        "array[hub.uuid7_time($2::uuid)])",
        *(organization, conversation),
    )
    await connection.execute(
        "insert into hub.kept_calls (organization_id, slot, provider, model, module, source, "
        "endpoint, calls, errors, unpriced, estimated, input_tokens, cached_input_tokens, "
        "output_tokens, reasoning_tokens, total_tokens, cost, price) "
        "select $1, hub.slot_of(now()), '', '', '', '', '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0",
        organization,
    )
    await connection.execute("select hub.tick_rollups_v1()")
    # the days of today as if they were over, and open again
    await connection.execute("update hub.rollup_days set ends = now()")
    assert await connection.fetchval("select hub.settle_days_v1()")
    await connection.execute("update public.ai_usage_slots set slot = slot - interval '1 hour'")
    await connection.execute(
        "update public.ai_conversation_slots set slot = slot - interval '1 hour'"
    )
    assert await connection.fetchval("select hub.sum_slots_v1()")
    await connection.execute(
        "insert into hub.rollup_days values "
        "($1, current_date + 1, now() + interval '1 day', now() + interval '2 days')",
        organization,
    )


async def _fill_jobs_and_reports(connection: asyncpg.Connection, organization: UUID) -> None:
    await connection.execute(
        "with job as (insert into hub.pgqueuer (priority, status, entrypoint, dedupe_key) "
        "values (0, 'queued', 'a', $1::uuid::text) returning id), "
        "log as (insert into hub.pgqueuer_log (job_id, status, priority, entrypoint) "
        "select id, 'queued', 0, 'a' from job), "
        "statistics as (insert into hub.pgqueuer_statistics (count, priority, status, entrypoint) "
        "values (1, 0, 'queued', $1::text)), "
        "schedule as (insert into hub.job_schedules (name, cron, next_run_at) "
        "values ($1::text, '0 0 * * *', now())), "
        "worker as (insert into hub.job_workers (id, host, process, names) "
        "values ($1, 'h', 1, '{a}')) "
        "insert into hub.job_runs (id, job_id, name, attempt, worker_id) "
        "select $1, id, 'a', 1, $1 from job",
        organization,
    )
    await connection.execute(
        "with report as (insert into public.ai_reports (id, organization_id, day, version, "
        "timezone, starts_at, ends_at, due_at, reason, digest, content) "
        "values ($1, $1, current_date, 1, 'UTC', now(), now() + interval '1 day', now(), 'daily', "
        "'', '{}')) "
        "insert into public.ai_engagement_scores values "
        "($1, $1, current_date, now(), 50, 0.5, 0.5, 0.5, 0.5, 1, 1)",
        organization,
    )
