"""Rules are written as versions: never edited, never overlapping, seen by every process."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from aihub.kit.db import Database
from aihub.kit.errors import DatabaseAway, Invalid
from aihub.markup import api

from .conftest import Put, draft

HOUR = timedelta(hours=1)


async def history(connection: Any, rule_key: str = "base") -> list[api.MarkupRule]:
    """Oldest first."""
    return (await api.list_versions(connection, rule_key))[::-1]


def check_disjoint(versions: list[api.MarkupRule]) -> None:
    begun = sorted(
        ((v.valid_from, v.valid_to) for v in versions if v.valid_from != v.valid_to),
        key=lambda times: times[0],
    )
    for (_, end), (start, _) in itertools.pairwise(begun):
        assert end is not None
        assert end <= start


async def test_everything_that_is_written_is_read(put: Put, connection: Any, acme: Any) -> None:
    given = draft(
        organization="acme", module="support", provider="openai", model="gpt*", priority=-3,
        per_million={"input_text": Decimal("2.5"), "image": Decimal("1e-12")},
        fixed_per_request=Decimal("0.000000000001"), minimum_per_request=Decimal("0.1"),
        cap_per_request=Decimal(9), included=api.Included(usd=Decimal(5)),
        tiers=api.Tiers(
            mode="graduated", basis="tokens", charge="on_top",
            steps=(
                api.Step(up_to=Decimal(10), per_million=Decimal(1)),
                api.Step(per_unit=Decimal(2)),
            ),
        ),
        period_minimum=Decimal(1), period_cap=Decimal(10**9), note="as agreed",
    )  # fmt: skip
    (written,) = (await put(given)).rules
    (read,) = await history(connection)
    assert read == written
    for name in given.__struct_fields__:
        if name not in ("valid_from", "organization"):
            assert getattr(read, name) == getattr(given, name), name
    assert (read.organization, read.organization_id) == ("acme", acme.id)
    assert (read.version, read.created_by, read.valid_to) == (1, "test", None)


async def test_a_new_version_takes_over(put: Put, connection: Any) -> None:
    await put(draft(percentage=Decimal(10)))
    await put(draft(percentage=Decimal(20)))
    first, second = await history(connection)
    assert (first.version, second.version) == (1, 2)
    assert first.valid_to == second.valid_from
    assert second.valid_to is None


async def test_the_same_again_changes_nothing(put: Put, connection: Any) -> None:
    (first,) = (await put(draft(percentage=Decimal("10.0")))).rules
    (again,) = (await put(draft(percentage=Decimal(10)))).rules
    assert again.id == first.id
    assert len(await history(connection)) == 1


async def test_a_version_that_had_yet_to_come_gives_way(put: Put, connection: Any) -> None:
    now = datetime.now(UTC)
    await put(draft(percentage=Decimal(1)))
    await put(draft(percentage=Decimal(2), valid_from=now + 5 * HOUR))
    await put(draft(percentage=Decimal(3), valid_from=now + 2 * HOUR, valid_to=now + 9 * HOUR))
    versions = await history(connection)
    check_disjoint(versions)
    ruleset = api.RuleSet(versions)
    subject = api.Subject(versions[0].id, "free", None, None, None)
    found = [api.choose_rule(ruleset, subject, now + n * HOUR) for n in (1, 2, 6, 9)]
    assert [rule and rule.percentage for rule in found] == [1, 3, 3, None]


async def test_a_start_in_the_past_has_to_be_meant(put: Put, connection: Any) -> None:
    before = datetime.now(UTC) - HOUR
    await put(draft(percentage=Decimal(1)))
    with pytest.raises(Invalid, match="is_backdated"):
        await put(draft(percentage=Decimal(2), valid_from=before))
    written = await put(draft(percentage=Decimal(2), valid_from=before, is_backdated=True))
    assert "only repricing" in written.warnings[0]
    versions = await history(connection)
    check_disjoint(versions)
    assert [v.valid_from == v.valid_to for v in versions] == [True, False]


async def test_many_writers_at_once_leave_no_overlap(put: Put, connection: Any) -> None:
    now = datetime.now(UTC)
    await asyncio.gather(
        *(
            put(draft(percentage=Decimal(n), valid_from=now + (20 - n % 7) * HOUR, note=str(n)))
            for n in range(20)
        )
    )
    versions = await history(connection)
    assert [v.version for v in versions] == list(range(1, 21))
    check_disjoint(versions)


async def test_all_or_none(put: Put, connection: Any) -> None:
    with pytest.raises(Invalid, match=r"rules\[1\]\.organization"):
        await put(draft("one"), draft("two", organization="nobody"))
    with pytest.raises(api.RuleNotFound):
        await history(connection, "one")


async def test_a_rule_stays_where_it_is(put: Put, acme: Any, other: Any) -> None:
    await put(draft(organization="acme"))
    for moved in (draft(), draft(plan="pro"), draft(organization="other")):
        with pytest.raises(api.ScopeFixed):
            await put(moved)


async def test_retiring(db: Database, put: Put, connection: Any) -> None:
    await put(draft(percentage=Decimal(1)))
    await put(draft(percentage=Decimal(2), valid_from=datetime.now(UTC) + HOUR))
    async with db.write() as writing:
        closing = await api.retire_rule(writing, "base", created_by="test")
        assert await api.retire_rule(writing, "base", created_by="test") == closing
        with pytest.raises(api.RuleNotFound):
            await api.retire_rule(writing, "nothing", created_by="test")
    versions = await history(connection)
    assert [v.is_closing for v in versions] == [False, False, True]
    check_disjoint(versions)
    subject = api.Subject(closing.id, "free", None, None, None)
    for hours in (0, 2):
        at = closing.valid_from + hours * HOUR
        assert api.choose_rule(api.RuleSet(versions), subject, at) is None
    # and it can begin anew
    (again,) = (await put(draft(percentage=Decimal(3)))).rules
    assert again.version == 4
    check_disjoint(await history(connection))


@pytest.mark.parametrize(
    "sql",
    [
        "delete from hub.markup_rules",
        "update hub.markup_rules set percentage = 50",
        "update hub.markup_rules set valid_from = valid_from - interval '1 day'",
        "update hub.markup_rules set valid_to = null where valid_to is not null",
        "update hub.markup_rules set valid_to = valid_to + interval '1 day' where version = 1",
    ],
)
async def test_the_database_keeps_what_was_written(put: Put, connection: Any, sql: str) -> None:
    await put(draft(percentage=Decimal(1)))
    await put(draft(percentage=Decimal(2)))
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(sql)


# ---------- what a process knows ----------


async def test_a_process_follows(db: Database, put: Put) -> None:
    here, there = api.MarkupRules(), api.MarkupRules()
    with pytest.raises(DatabaseAway):
        here.current()
    assert await here.refresh(db)
    assert not await here.refresh(db)
    known = here.current()
    await put(draft(percentage=Decimal(1)))
    assert here.current() is known
    assert await here.refresh(db)
    assert await there.refresh(db)
    assert len(here.current().rules) == len(there.current().rules) == 1


async def test_what_is_known_outlives_the_database(dsn: str, put: Put) -> None:
    await put(draft(percentage=Decimal(1)))
    database = Database(lambda: dsn)
    await database.open()
    markup = api.MarkupRules()
    await markup.refresh(database)
    known = markup.current()
    await database.close()
    with pytest.raises(DatabaseAway):
        await markup.refresh(database)
    assert markup.current() is known
