"""Rollups and answers over 30 days of 500 organizations, through HTTP, beside SQL over raw rows."""

import asyncio
import http.client
import itertools
import json
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import asyncpg

from aihub.analytics import api as analytics
from aihub.kit.db import Database
from aihub.reports import api as reports
from bench.figures import Figure
from bench.loading import request, run_load, send_all

if TYPE_CHECKING:
    from bench.__main__ import Bench

_FILL = (Path(__file__).parent / "analytics.sql").read_text()
_ORGANIZATIONS = 500
_LARGEST = "slots-1"
_RAW = """
select (k.occurred_at at time zone o.timezone)::date::text as day, k.model, count(*) as calls,
  sum(k.total_tokens) as tokens, sum(k.cost) as cost,
  percentile_disc(0.5) within group (order by k.latency_ms) as response_time_p50,
  percentile_disc(0.95) within group (order by k.latency_ms) as response_time_p95,
  percentile_disc(0.99) within group (order by k.latency_ms) as response_time_p99
from public.ai_calls k join public.ai_organizations o on o.id = k.organization_id
where o.external_id = 'slots-1'
  and k.occurred_at >= ((now() at time zone o.timezone)::date - 29)::timestamp
    at time zone o.timezone
group by 1, 2
"""
_USAGE = "/v1/analytics/usage?group_by=day,model"
_BOARDS = ("executive", "operational", "financial")
_PAGES = ("/", "/operations", "/finance", "/insight")
_VACUUMED = (
    "public.ai_usage_slots", "public.ai_usage_days", "public.ai_conversation_slots",
    "public.ai_conversation_days", "public.ai_user_days", "public.ai_user_intents",
    "hub.usage_sum_days", "hub.user_months", "public.ai_engagement_scores",
)  # fmt: skip


def measure_analytics(bench: "Bench") -> list[Figure]:
    """Catching up, the answers, the dashboards and their pages, and ticks under load."""
    many = 10 if bench.quick else 1
    shape = {
        "orgs": _ORGANIZATIONS,
        "conversations": 100_000 // many,
        "lone": 900_000 // many,
        "zone": _late_zone(datetime.now(UTC)),
    }
    bench.tell("storing calls")
    # a month that is stored at once would have its 15,000 reports made while the pages are measured
    bench.home.sql("update hub.job_schedules set next_run_at = now() + interval '1 day'")
    calls = int(bench.home.sql(_FILL.format(**shape)))
    for table in ("calls", "messages", "conversations", "feedback", "transitions"):
        bench.home.sql(f"vacuum analyze public.ai_{table}")
    bench.tell("catching up")
    bench.hub.stop()  # one ticks, as where there is one hub
    slots, days = asyncio.run(_catch_up(bench.home.admin_dsn))
    bench.hub = bench.home.serve()
    asyncio.run(_hold(bench.home.admin_dsn))
    for table in _VACUUMED:
        bench.home.sql(f"vacuum analyze {table}")
    figures = [
        Figure("rollups: catching up, slots", [slots], "s", 60.0, note=f"{calls:,} calls"),
        Figure("rollups: catching up, with days and people", [slots + days], "s"),
    ]
    for name, (asked, p50, p95) in _questions(bench).items():
        figures += _ask(bench, name, asked, p50, p95)
    figures += _compare(bench)
    bench.tell("ticks under load")
    ticks = sorted(asyncio.run(_tick_under_load(bench.home.admin_dsn, bench.seconds)))
    p95 = ticks[int(len(ticks) * 0.95)]
    figures.append(Figure("tick under 500 messages/s, p95", [p95], "ms", 300.0))
    return figures


def _late_zone(now: datetime) -> str:
    """Where it is past eleven in the evening (or, where no zone is so far away, near it)."""
    ahead = 23 - now.hour if now.hour >= 9 else -1 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _questions(bench: "Bench") -> dict[str, tuple[bytes, float | None, float | None]]:
    """By name: the request, and the targets of p50 and p95."""
    key = {"Authorization": f"Bearer {bench.operator_key}"}
    mine = key | {"X-Organization-Id": _LARGEST}
    cookie = {"Cookie": _sign_in(bench), "Accept": "text/html"}
    return {
        **{n: (request("GET", f"/v1/dashboards/{n}", mine), 20.0, 60.0) for n in _BOARDS},
        "usage by day and model": (request("GET", _USAGE, mine), 15.0, None),
        **{
            f"operator, {n}": (request("GET", f"/v1/dashboards/{n}", key), None, 100.0)
            for n in _BOARDS
        },
        **{f"page {path}": (request("GET", path, cookie), 20.0, 60.0) for path in _PAGES},
    }


def _sign_in(bench: "Bench") -> str:
    """A member of the largest organization; the header of the session."""
    password, email = secrets.token_urlsafe(16), "viewer@bench.example"
    bench.home.run(
        "account", "create", email, "--organization", _LARGEST, "--password-stdin",
        given=f"{password}\n",
    )  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", bench.hub.port, timeout=30)
    connection.request(
        "POST", "/sign-in", urlencode({"email": email, "password": password}),
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://127.0.0.1:{bench.hub.port}",
        },
    )  # fmt: skip
    answer = connection.getresponse()
    found = answer.headers.get("Set-Cookie", "").split(";")[0]
    connection.close()
    if answer.status != http.client.SEE_OTHER or not found:
        raise RuntimeError(f"signing in answered {answer.status}")
    return found


def _ask(
    bench: "Bench", name: str, asked: bytes, p50: float | None, p95: float | None
) -> list[Figure]:
    bench.tell(name)
    run_load(bench.hub.port, itertools.repeat(asked, 30), clients=1)
    seconds = min(2.0, bench.seconds)
    loads = [
        run_load(bench.hub.port, itertools.repeat(asked), clients=1, seconds=seconds)
        for _ in range(bench.rounds)
    ]
    return [
        Figure(f"{name}, p50", [load.ms(0.5) for load in loads], "ms", p50),
        Figure(f"{name}, p95", [load.ms(0.95) for load in loads], "ms", p95),
    ]


def _compare(bench: "Bench") -> list[Figure]:
    """The same by SQL over raw rows: how long that takes, and how far percentiles are off."""
    rows, took = asyncio.run(_read_raw(bench.home.admin_dsn))
    headers = {"Authorization": f"Bearer {bench.operator_key}", "X-Organization-Id": _LARGEST}
    (answer,) = send_all(bench.hub.port, [request("GET", _USAGE, headers)])
    found = {(row["day"], row["model"]): row for row in json.loads(answer)["rows"]}
    wrong = [row for row in rows if found[row["day"], row["model"]]["calls"] != row["calls"]]
    if len(found) != len(rows) or wrong:
        raise RuntimeError(f"{len(wrong)} of {len(rows)} groups have other calls than the raw rows")
    off = [
        abs(found[row["day"], row["model"]][name] / row[name] - 1) * 100
        for row in rows
        for name in ("response_time_p50", "response_time_p95", "response_time_p99")
    ]
    return [
        Figure("usage by day and model, by SQL over raw rows", took, "ms"),
        Figure("percentiles, largest deviation", [max(off)], "%", 1.0, note=f"{len(off)} compared"),
    ]


async def _read_raw(dsn: str) -> tuple[list[Any], list[float]]:
    connection: Any = await asyncpg.connect(dsn)
    took: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        rows = await connection.fetch(_RAW)
        took.append((time.perf_counter() - began) * 1000)
    await connection.close()
    return rows, took


async def _catch_up(dsn: str) -> tuple[float, float]:
    """Everything from raw: seconds for the slots, and for the days after them."""
    db = Database(lambda: dsn)
    await db.open()
    async with db.write() as connection:
        await analytics.rebuild(connection)
    began = time.perf_counter()
    more = True
    while more:
        async with db.write() as connection:
            found = await analytics.tick(connection)
        more = found.more or not found.ran
        if not found.ran:  # the hub's own ticker is at it
            await asyncio.sleep(0.02)
    slots = time.perf_counter() - began
    await analytics.catch_up(db)
    days = time.perf_counter() - began - slots
    await db.close()
    return slots, days


async def _hold(dsn: str) -> None:
    """What is stored each hour: today as far as it is, the sums of slots, engagement scores."""
    db = Database(lambda: dsn)
    await db.open()
    await reports.score_hour(db, datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
    async with (
        db.write() as connection
    ):  # what was held before all was computed again may be at once
        await connection.execute("update hub.rollup_days set held_at = null")
    async with db.read() as connection:
        while await connection.fetchval("select count(*) < 280 from hub.slot_sums"):
            await analytics.sum_slots(connection)
        left = await connection.fetchval("select count(*) from hub.rollup_days where ends > now()")
        while left > 0:
            held = await analytics.hold(connection)
            left -= held
            await asyncio.sleep(0 if held else 0.02)
            if not held:  # what is too young is not held, and the hub's own ticker holds as well
                left = await connection.fetchval(
                    "select count(*) from hub.rollup_days where ends > now() and until is null "
                    "and starts < now() - interval '4 hours'"
                )
    await db.close()


_WRITE = """
with chosen as materialized (
  select c.* from public.ai_conversations c tablesample system (1) order by random() limit 50
), said as (
  insert into public.ai_messages (conversation_id, conversation_created_at, organization_id, seq,
    id, role, content, created_at)
  select c.id, c.created_at, c.organization_id, 1000000 + (random() * 1e9)::integer, hub.uuid7(),
    'user', 'hello', now() from chosen c
)
insert into public.ai_calls (id, occurred_at, organization_id, conversation_id, user_id, module,
  source, provider, model, api, total_tokens, cost, price, cost_status, price_book_version,
  latency_ms)
select hub.uuid7(), now(), c.organization_id, c.id, c.user_id, c.module, c.source, 'openai',
  'gpt-4o-mini', 'chat.completions', 600, 0.000246, 0.000246, 'priced', '1', 900 from chosen c
"""
_A_SECOND = 10  # of these writes


async def _tick_under_load(dsn: str, seconds: float) -> list[float]:
    """How long ticks take (ms), one each quarter of a second, while 500 messages a second come."""
    writer: Any = await asyncpg.connect(dsn)
    db = Database(lambda: dsn)
    await db.open()
    ends = time.perf_counter() + max(10.0, seconds)

    async def write() -> None:
        while time.perf_counter() < ends:
            began = time.perf_counter()
            await writer.execute(_WRITE)
            await asyncio.sleep(max(0.0, 1 / _A_SECOND - (time.perf_counter() - began)))

    writing = asyncio.create_task(write())
    took = []
    while time.perf_counter() < ends:
        await asyncio.sleep(0.25)
        began = time.perf_counter()
        async with db.write(is_one_statement=True) as connection:
            found = await analytics.tick(connection)
        if found.ran and found.slots:
            took.append((time.perf_counter() - began) * 1000)
    await writing
    await writer.close()
    await db.close()
    return took or [0.0]
