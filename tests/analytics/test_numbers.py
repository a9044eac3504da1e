"""Every field of every answer of three organizations and of all, by the checks of
`make eval-analytics`: zones with summer time and with 45 minutes, a changed zone, weeks and months.
"""

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from evaluation.analytics_answers import Answers
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_rows import export

from aihub.identity import api as identity

from . import rows
from .conftest import lasting

# last: the day up to which a month is looked at; clocks are changed in it
MONTHS = {
    "Europe/Berlin": (datetime(2026, 3, 29, tzinfo=UTC), datetime(2025, 10, 26, tzinfo=UTC)),
    "America/New_York": (datetime(2026, 3, 8, tzinfo=UTC), datetime(2025, 11, 2, tzinfo=UTC)),
    "Asia/Kathmandu": (datetime(2026, 3, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)),
}
PEOPLE = {"Europe/Berlin": "ada", "America/New_York": "cleo", None: "olga"}


@lasting
async def fall_and_spring(client: Any, connection: Any, hub: Any) -> Any:
    """Two organizations with rows around the changes of clocks, and of now."""
    from ..conversations.conftest import _make_cast

    cast = await _make_cast(client, connection)
    for seed, (zone, name) in enumerate((z, n) for z, n in PEOPLE.items() if z is not None):
        organization = getattr(cast, name).organization
        await _set_zone(connection, organization, zone)
        await _fill_around(connection, organization, MONTHS[zone], seed)
        await rows.fill(connection, organization, seed=30 + seed, days=70, conversations=60)
    return cast


async def _set_zone(connection: Any, organization: Any, zone: str) -> None:
    await connection.execute(
        "update public.ai_organizations set timezone = $2 where id = $1", organization, zone
    )


async def _fill_around(connection: Any, organization: Any, days: Any, seed: int) -> None:
    chosen = random.Random(seed)
    users = [row["id"] for row in await connection.fetch(
        "insert into public.ai_users (organization_id, external_id) "
        "select $1, 'then-' || n from generate_series(1, 6) n returning id", organization
    )]  # fmt: skip
    for day in days:
        await connection.fetchval(
            "select hub.ensure_partitions($1, $2)", day - timedelta(days=30), day
        )
        for _ in range(25):
            at = day + timedelta(minutes=chosen.randrange(-36 * 60, 36 * 60))
            await rows.add_conversation(
                connection, organization, at, chosen, chosen.choice([*users, None])
            )
            await rows.add_call(
                connection, organization, at, chosen, user_id=chosen.choice([*users, None])
            )


@pytest.fixture
def look(answers: Any, fall_and_spring: Any, catch_up: Any, connection: Any, hub: Any) -> Any:
    """The answers to whom `PEOPLE` name, and what they are compared with."""

    async def begin(zone: str | None, key: str | None = None) -> Answers:
        await catch_up()
        person = getattr(fall_and_spring, PEOPLE[zone])
        headers = {"Authorization": f"Bearer {key or person.key}"}

        async def read(path: str, **params: Any) -> str:
            reply = await answers.get(path, params=params, headers=headers)
            assert reply.status_code == 200, reply.text
            return reply.text

        async def ask(path: str, **params: Any) -> Any:
            return json.loads(await read(path, **params), parse_float=Decimal)

        async with hub.db.read() as reading:
            raw = await export(reading)
        organization = None if zone is None else person.organization
        return Answers(ask, read, raw, Ledger(), organization, zone or "UTC", PEOPLE[zone])

    return begin


async def _make_key(connection: Any, organization: Any) -> str:
    """One that nobody has used: who it is of is remembered for some seconds."""
    made = await identity.create_api_key(
        connection, organization_id=organization, name="new", scopes=("read",), created_by="test"
    )
    return made.key


def judge(ledger: Ledger, at_least: int) -> None:
    wrong = [f"{what}: {line}" for what, lines in ledger.wrong.items() for line in lines]
    assert wrong == []
    assert sum(ledger.counts.values()) >= at_least


ORGANIZATIONS = [zone for zone in PEOPLE if zone is not None]


@pytest.mark.parametrize("groups", ["day", "hour", "week", "month,provider,model"])
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("own", ORGANIZATIONS)
async def test_days_of_23_and_25_hours(look, own, change, groups) -> None:
    found = await look(own)
    ago = (found.today() - MONTHS[own][change].date()).days - 1
    await found.check_usage(groups, days=3, ago=ago)
    await found.check_usage(groups, days=9, ago=ago - 4, zone="Asia/Kathmandu")
    judge(found.ledger, 60)


@pytest.mark.parametrize("zone", [None, "Asia/Kathmandu"])
@pytest.mark.parametrize("own", ORGANIZATIONS)
async def test_every_board(look, own, zone) -> None:
    found = await look(own)
    await found.check_executive(zone)
    await found.check_operational(zone)
    await found.check_financial(zone)
    await found.check_realtime()
    judge(found.ledger, 200)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Apia"])
async def test_every_board_of_the_operator(look, zone) -> None:
    found = await look(None)
    await found.check_executive(zone)
    await found.check_operational(zone)
    await found.check_financial(zone)
    await found.check_realtime()
    judge(found.ledger, 200)


@pytest.mark.parametrize("grain", ["day", "month"])
@pytest.mark.parametrize("own", PEOPLE)
async def test_satisfaction(look, own, grain) -> None:
    found = await look(own)
    await found.check_satisfaction(grain)
    await found.check_satisfaction(grain, days=40, module="support")
    await found.check_satisfaction(grain, days=40, source="web", zone="Asia/Kathmandu")
    judge(found.ledger, 200)


@pytest.mark.parametrize("days", [1, 30])
@pytest.mark.parametrize("own", PEOPLE)
async def test_features_and_weeks(look, own, days) -> None:
    found = await look(own)
    await found.check_adoption(days=days)
    await found.check_adoption("intents", days=days)
    await found.check_retention(days + 2)
    judge(found.ledger, 10)


@pytest.mark.parametrize("groups", ["month,provider,module", "week,source", "organization"])
@pytest.mark.parametrize("own", PEOPLE)
async def test_usage(look, own, groups) -> None:
    found = await look(own)
    await found.check_usage(groups, days=30)
    await found.check_usage(groups, days=30, model="gpt-4o")
    await found.check_times(groups, "Asia/Kathmandu")
    judge(found.ledger, 100)


@pytest.mark.parametrize("own", PEOPLE)
async def test_engagement(look, own) -> None:
    found = await look(own)
    await found.check_engagement(days=30)
    judge(found.ledger, 50)


@pytest.mark.parametrize("groups", ["user,day", "user,month,module", "user,model"])
async def test_people(look, groups) -> None:
    found = await look("Europe/Berlin")
    await found.check_usage(groups, days=30)
    judge(found.ledger, 100)


async def test_the_operator_asks_for_days_of_utc(look) -> None:
    found = await look(None)
    await found.check_usage("day", days=60, zone="UTC")
    judge(found.ledger, 100)


async def test_an_organization_that_changes_its_zone(look, fall_and_spring, connection) -> None:
    """All its days are cut anew, and the answers of all with them."""
    organization = fall_and_spring.cleo.organization
    await _set_zone(connection, organization, "Asia/Kathmandu")
    try:
        everybody = await look(None)
        await everybody.check_usage("day,organization", days=30)
        found = await look("America/New_York", await _make_key(connection, organization))
        found.own = "Asia/Kathmandu"
        for groups in ("day", "month,model"):
            await found.check_usage(groups, days=30)
        await found.check_executive()
        await found.check_financial()
        await found.check_retention()
    finally:
        await _set_zone(connection, organization, "America/New_York")
    judge(found.ledger, 200)
    judge(everybody.ledger, 200)
