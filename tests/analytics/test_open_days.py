"""Days that are not over are stored as far as they are, slots are added up over all organizations:
no answer differs for that."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from aihub.analytics import api as analytics

from . import rows, whole
from .conftest import fixture

_OF_NOW = ("as_of", "realtime")
_ASKED = (
    ("usage", {"group_by": "day,model"}),
    ("usage", {"group_by": "module,source"}),
    ("usage", {"group_by": "hour"}),
    ("usage", {"group_by": "hour,module,source"}),
    ("usage", {"group_by": "hour,organization"}),
    ("usage", {"group_by": "provider", "timezone": "Asia/Kolkata"}),
    ("usage", {"group_by": "hour", "module": "support"}),
    ("usage", {"group_by": "user,module"}),
    ("satisfaction", {}),
    ("engagement", {}),
    ("retention", {}),
    ("adoption", {}),
)
_BOARDS = ("executive", "operational", "financial")


def _evening() -> str:
    """A zone in which it is afternoon or evening."""
    ahead = min(13, 20 - datetime.now(UTC).hour)
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@fixture
async def organization(cast: Any, connection: Any) -> UUID:
    """With rows of the last hours, most of today, and of the days before."""
    found: UUID = cast.ada.organization
    await connection.execute(
        "update public.ai_organizations set timezone = $2 where id = $1", found, _evening()
    )
    await rows.fill(connection, found, seed=11, days=2, conversations=80)
    return found


@pytest.fixture
def hold(hub: Any, connection: Any) -> Any:
    """Has every day that is not over stored as far as it is; since when it is read from slots."""

    async def held(organization: UUID) -> datetime | None:
        await connection.execute("update hub.rollup_days set held_at = null")
        async with hub.db.write() as ours:
            while await analytics.hold(ours) + await analytics.sum_slots(ours):
                pass
        return await since(connection, organization)

    return held


async def since(connection: Any, organization: UUID) -> datetime | None:
    found: datetime | None = await connection.fetchval(
        "select until from hub.rollup_days where organization_id = $1 and ends > now()",
        organization,
    )
    return found


@pytest.fixture
def ask_all(answers: Any, cast: Any) -> Any:
    """Every answer, of the organization and of the operator."""

    async def ask() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("ada", "olga"):
            client = getattr(cast, name).over(answers)
            paths = [(f"/v1/analytics/{path}", params) for path, params in _ASKED]
            paths += [(f"/v1/dashboards/{path}", {}) for path in _BOARDS]
            for path, params in paths:
                body = await client.get(path, **params)
                found[f"{name} {path} {params}"] = {
                    key: _in_order(value) for key, value in body.items() if key not in _OF_NOW
                }
        return found

    return ask


def _in_order(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


async def test_answers_are_the_same(organization, connection, catch_up, hold, ask_all) -> None:
    await catch_up()
    before = await ask_all()
    assert before["ada /v1/analytics/usage {'group_by': 'hour'}"]["rows"]
    until = await hold(organization)
    assert until is not None
    assert timedelta(hours=2) <= datetime.now(UTC) - until < timedelta(hours=3)
    # three days, but for the slot of now
    assert await connection.fetchval("select count(*) from hub.slot_sums") == 3 * 96
    assert await ask_all() == before


async def test_sums_of_slots(organization, connection, catch_up, hold, hub) -> None:
    """Of what is touched they do not hold, nor while something is computed again."""
    await catch_up()
    await hold(organization)
    late = datetime.now(UTC) - timedelta(hours=30)
    await rows.add_call(connection, organization, late, random.Random(2))
    await catch_up()
    missing = (
        "select array_agg(g) from generate_series(hub.slot_sums_begin(), "
        "hub.slot_of(now()) - interval '15 minutes', interval '15 minutes') g "
        "where not exists (select from hub.slot_sums m where m.slot = g)"
    )
    assert len(await connection.fetchval(missing)) == 1
    async with hub.db.write() as ours:
        assert await analytics.sum_slots(ours) == 1
    sums = "select sum(calls), sum(cost), sum(total_tokens) from {} where slot >= $1 and slot < $2"
    times = (datetime.now(UTC) - timedelta(hours=60), datetime.now(UTC) - timedelta(minutes=30))
    found = await connection.fetchrow(sums.format("hub.usage_slot_sums"), *times)
    assert found == await connection.fetchrow(sums.format("public.ai_usage_slots"), *times)
    async with hub.db.write() as ours:
        await analytics.rebuild(ours)
    await catch_up()
    assert await connection.fetchval("select count(*) from hub.slot_sums") == 0


@pytest.mark.parametrize("hours", [4, 1])
async def test_what_comes_later(organization, connection, catch_up, hold, ask_all, hours) -> None:
    """Before where the stored rows end: the day is read from slots, and then stored anew."""
    await catch_up()
    until = await hold(organization)
    chosen = random.Random(hours)
    at = datetime.now(UTC) - timedelta(hours=hours)
    user = await connection.fetchval(
        "insert into public.ai_users (organization_id, external_id) values ($1, 'new') "
        "returning id",
        organization,
    )
    await rows.add_call(connection, organization, at, chosen, user_id=user)
    await rows.add_conversation(connection, organization, at, chosen, user)
    await catch_up()
    assert await since(connection, organization) == (until if hours == 1 else None)
    found = await ask_all()
    assert await hold(organization) == until
    assert await ask_all() == found
    # and as if nothing had ever been stored of it
    await connection.execute("update hub.rollup_days set until = null")
    assert await ask_all() == found


async def test_not_stored_again_at_once(organization, connection, catch_up, hold, hub) -> None:
    await catch_up()
    await hold(organization)
    late = datetime.now(UTC) - timedelta(hours=5)
    await rows.add_call(connection, organization, late, random.Random(1))
    await catch_up()
    async with hub.db.write() as ours:
        assert await analytics.hold(ours) == 0
    assert await since(connection, organization) is None


async def test_a_day_that_ends_is_whole(organization, connection, catch_up, hold) -> None:
    for table, at in (("ai_feedback", "created_at"), ("ai_calls", "occurred_at")):
        await connection.execute(f"delete from public.{table} where {at} > now()")
    await catch_up()
    await hold(organization)
    await connection.execute("update hub.rollup_days set ends = now() where ends > now()")
    await catch_up()
    assert await connection.fetchval("select count(*) from hub.rollup_days") == 0
    assert (await whole.check(connection, organization))["public.ai_usage_days"]


async def test_another_zone(organization, connection, catch_up, hold, ask_all) -> None:
    await catch_up()
    await hold(organization)
    await connection.execute(
        "update public.ai_organizations set timezone = 'Asia/Kathmandu' where id = $1",
        organization,
    )
    await catch_up()
    assert await since(connection, organization) is None
    found = await ask_all()
    await hold(organization)
    assert await ask_all() == found
    await whole.check(connection, organization)


async def test_erasing_somebody_of_today(organization, connection, catch_up, hold, ask_all) -> None:
    """Who was active before the stored rows end, and is nobody now."""
    at = datetime.now(UTC) - timedelta(hours=5)
    user = await connection.fetchval(
        "insert into public.ai_users (organization_id, external_id) values ($1, 'leaving') "
        "returning id",
        organization,
    )
    erased = await rows.add_conversation(connection, organization, at, random.Random(5), user)
    await catch_up()
    await hold(organization)
    assert await connection.fetchval(
        "select hub.erase_conversation_v1($1, $2, hub.uuid7_time($2))", organization, erased
    )
    await catch_up()
    assert await since(connection, organization) is None
    found = await ask_all()
    await hold(organization)
    assert await ask_all() == found
