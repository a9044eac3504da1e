"""The views that Grafana reads, as its role reads them, and the dashboard that uses them."""

import json
import math
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from .conftest import Server, Watch

GRAFANA = Path(__file__).parents[2] / "docs" / "grafana"
DASHBOARD = json.loads((GRAFANA / "aihub.json").read_text("utf-8"))
PASSWORD = "made-for-this-test"

_SLOT = """
insert into public.ai_usage_slots (organization_id, slot, provider, model, module, source, endpoint,
  calls, errors, unpriced, estimated, input_tokens, cached_input_tokens, output_tokens,
  reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
values ($1, $2, 'p', $3, '', 'api', 'chat', $4, 1, $5, 0, 1, 2, 3, 4, 10, $6, $7, $8, $9)
"""


@pytest.fixture
async def owner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(server: Server, owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that `reader.sql` makes."""
    admin = await asyncpg.connect(server.admin_dsn)
    if not await admin.fetchval("select 1 from pg_roles where rolname = 'aihub_reader'"):
        await admin.execute(f"create role aihub_reader login password '{PASSWORD}'")
    await admin.close()
    for _ in range(2):  # it may run again
        await owner.execute((GRAFANA / "reader.sql").read_text("utf-8"))
    address = re.sub(r"//[^@]*@", f"//aihub_reader:{PASSWORD}@", server.dsn)
    connection = await asyncpg.connect(address)
    yield connection
    await connection.close()


@pytest.fixture
async def organization(owner: asyncpg.Connection) -> UUID:
    """An organization in Kolkata, which is five hours and a half ahead."""
    name = f"org-{uuid4()}"
    found = await owner.fetchval(
        "insert into public.ai_organizations (external_id, name, timezone) "
        "values ($1, $1, 'Asia/Kolkata') returning id",
        name,
    )
    assert isinstance(found, UUID)
    return found


async def put(owner: asyncpg.Connection, organization: UUID, slot: datetime, **values: Any) -> None:
    known = {
        "model": "m", "calls": 3, "unpriced": 0, "cost": Decimal(0), "price": Decimal(0),
        "buckets": [], "counts": [],
    }  # fmt: skip
    await owner.execute(_SLOT, organization, slot, *(known | values).values())


async def _views(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select c.oid::regclass::text from pg_class c where c.relkind = 'v' "
        "and c.relnamespace = 'hub'::regnamespace order by 1"
    )
    return [row[0] for row in rows]


async def test_the_reader_may_read_every_view(owner, reader) -> None:
    views = await _views(owner)
    assert len(views) >= 12
    for view in views:
        await reader.fetch(f"select * from {view}")


async def test_the_reader_sees_all_organizations(owner, reader, organization) -> None:
    await put(owner, organization, datetime(2026, 3, 1, tzinfo=UTC))
    for sql in ("select count(*) from hub.v_usage_slots", "select count(*) from hub.v_usage_daily"):
        assert await reader.fetchval(sql) == await owner.fetchval(sql) > 0


@pytest.mark.parametrize(
    "what",
    [
        "content from public.ai_messages",
        "* from public.ai_conversations",
        "* from public.ai_users",
        "* from public.ai_user_days",
        "* from public.ai_calls",
        "user_id from public.ai_calls",
        "name from public.ai_organizations",
        "payload from hub.pgqueuer",
        "error from hub.job_runs",
        "* from hub.api_keys",
        "* from hub.accounts",
        "* from hub.sessions",
    ],
)
async def test_the_reader_reads_nothing_else(reader, what: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch(f"select {what}")


async def test_the_reader_writes_nothing(owner, reader) -> None:
    for table in (*await _views(owner), "public.ai_usage_slots", "hub.pgqueuer"):
        with pytest.raises(asyncpg.PostgresError):
            await reader.execute(f"delete from {table}")


async def test_hours_add_up_to_what_is_stored(owner, reader, organization) -> None:
    hour = datetime(2026, 3, 1, 10, tzinfo=UTC)
    small = Decimal("0.000000000000000001")
    for minutes in (0, 15, 45, 60):
        await put(owner, organization, hour + timedelta(minutes=minutes), cost=small, price=small)
    rows = await reader.fetch(
        "select v.time, v.calls, v.total_tokens, v.cost, v.price from hub.v_usage_hourly v "
        "where v.organization = $1 order by v.time",
        await _name(owner, organization),
    )
    assert [tuple(row) for row in rows] == [
        (hour, 9, 30, 3 * small, 3 * small),
        (hour + timedelta(hours=1), 3, 10, small, small),
    ]


async def test_days_are_those_of_the_organization(owner, reader, organization) -> None:
    for at in (datetime(2026, 3, 1, 18, 15, tzinfo=UTC), datetime(2026, 3, 1, 18, 30, tzinfo=UTC)):
        await put(owner, organization, at)
    days = await reader.fetch(
        "select v.day, v.timezone, v.calls from hub.v_usage_daily v where v.organization = $1 "
        "order by v.day",
        await _name(owner, organization),
    )
    assert [tuple(row) for row in days] == [
        (date(2026, 3, 1), "Asia/Kolkata", 3),
        (date(2026, 3, 2), "Asia/Kolkata", 3),
    ]


async def test_percentiles_are_within_one_per_cent(owner, reader, organization) -> None:
    slot = datetime(2026, 3, 1, 10, tzinfo=UTC)
    times = [10 + n * n // 7 for n in range(400)]
    for quarter in range(4):
        counted: dict[int, int] = {}
        for time in times[quarter::4]:
            bucket = math.ceil(math.log(time) / math.log(1.02))
            counted[bucket] = counted.get(bucket, 0) + 1
        buckets = sorted(counted)
        await put(
            owner, organization, slot + timedelta(minutes=15 * quarter),
            buckets=buckets, counts=[counted[bucket] for bucket in buckets],
        )  # fmt: skip
    (row,) = await reader.fetch(
        "select * from hub.v_latency_hourly v where v.organization = $1",
        await _name(owner, organization),
    )
    assert row["calls"] == len(times)
    for name, share in (("p50_ms", 0.50), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        exact = times[math.ceil(share * len(times)) - 1]
        assert row[name] == pytest.approx(exact, rel=0.01)


async def test_what_has_no_price_is_named(owner, watch: Watch, organization) -> None:
    now = datetime.now(UTC)
    model = f"m-{organization}"
    await put(owner, organization, now - timedelta(hours=1), model=model, calls=5, unpriced=2)
    await put(owner, organization, now - timedelta(hours=25), model=model, calls=5, unpriced=4)
    (row,) = await owner.fetch("select * from hub.v_unpriced v where v.model = $1", model)
    assert (row["calls"], row["unpriced"], row["organizations"]) == (5, 2, 1)
    async with watch() as hub:
        found = await hub.figures()
    total = await owner.fetchval("select sum(unpriced)::float8 from hub.v_unpriced")
    assert found["aihub_unpriced_calls"] == total >= 2


async def test_how_far_the_rollups_are_behind(owner) -> None:
    organization = uuid4()
    transaction = owner.transaction()
    await transaction.start()
    try:
        await owner.execute(
            "update hub.rollup_state set next_xid = pg_snapshot_xmax(pg_current_snapshot()), "
            "ticked_at = clock_timestamp() - interval '90 seconds'"
        )
        row = await owner.fetchrow("select * from hub.v_rollups")
        assert (row["lag_seconds"], row["is_rebuilding"]) == (0, False)
        assert row["seconds_since_tick"] == pytest.approx(90, abs=5)
        await owner.execute(
            "insert into public.ai_calls (id, occurred_at, organization_id, cost, cost_status, "
            "price_book_version, ingest_xid) values (gen_random_uuid(), now(), $1, 0, 'free', 'v', "
            "(select (next_xid::text::bigint + 5)::text::xid8 from hub.rollup_state))",
            organization,
        )
        row = await owner.fetchrow("select * from hub.v_rollups")
        assert row["lag_seconds"] == pytest.approx(90, abs=5)
    finally:
        await transaction.rollback()


async def test_jobs_are_told_by_state(owner, watch: Watch) -> None:
    name = f"job-{uuid4()}"
    for status, seconds in (("queued", -1000), ("queued", 1000), ("picked", 0), ("failed", 0)):
        await owner.execute(
            "insert into hub.pgqueuer (priority, status, entrypoint, execute_after) "
            "values (0, $1::text::hub.pgqueuer_status, $2, now() + make_interval(secs => $3))",
            status, name, seconds,
        )  # fmt: skip
    try:
        row = await owner.fetchrow("select * from hub.v_jobs v where v.name = $1", name)
        counted = [row[state] for state in ("waiting", "planned", "running", "failed")]
        assert counted == [1, 1, 1, 1]
        async with watch() as hub:
            found = await hub.figures()
            ready = await hub.ask("/health/ready")
        assert found[f'aihub_jobs{{name="{name}",state="failed"}}'] == 1
        assert found[f'aihub_jobs_oldest_waiting_seconds{{name="{name}"}}'] >= 1000
        assert (ready.status_code, ready.json()["jobs"]) == (200, "stuck")
        assert name in " ".join(ready.json()["notes"])
    finally:
        await owner.execute("delete from hub.pgqueuer where entrypoint = $1", name)


async def _name(owner: asyncpg.Connection, organization: UUID) -> str:
    found = await owner.fetchval(
        "select external_id from public.ai_organizations where id = $1", organization
    )
    assert isinstance(found, str)
    return found


# ---------- the dashboard ----------


def _targets(name: str) -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            if name in target:
                yield target[name]


def _filled_in(sql: str) -> str:
    """What Grafana makes of its macros."""
    start = "'2026-03-01T00:00:00Z'"
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 between {start} and now()", sql)
    return sql.replace("$__timeFrom()", start).replace("$organization", "'a', 'b'")


SQL = [*_targets("rawSql"), DASHBOARD["templating"]["list"][2]["query"]]


@pytest.mark.parametrize("sql", SQL)
async def test_the_reader_may_ask_what_the_dashboard_asks(reader, sql: str) -> None:
    await reader.fetch(_filled_in(sql))


async def test_the_dashboard_knows_the_figures(watch: Watch, owner, tmp_path: Path) -> None:
    await owner.execute(
        "insert into hub.pgqueuer (priority, status, entrypoint) values (0, 'queued', 'a-job')"
    )
    async with watch(database_folder=tmp_path) as hub:
        await owner.execute("update hub.rollup_state set ticked_at = coalesce(ticked_at, now())")
        await hub.group.submit([1])
        await hub.ask("/health/live")
        found = {name.partition("{")[0] for name in await hub.figures()}
    await owner.execute("delete from hub.pgqueuer where entrypoint = 'a-job'")
    asked = {
        name
        for expression in _targets("expr")
        for name in re.findall(r"\b(?:aihub|process)_\w+", expression)
    }
    assert len(asked) > 15
    assert asked - found == set()
