"""A month under other rules."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aihub.identity.api import UnknownOrganization
from aihub.kit.errors import Invalid
from aihub.markup import api, recomputing
from aihub.markup.what_if_models import HourOfCalls

from .conftest import Cast, draft, store_call

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def fill(connection: Any, *organizations: Any, calls: int = 60) -> None:
    """Calls of several models and modules, some free, some unpriced, around the month's ends."""
    chance = random.Random(7)
    for organization in organizations:
        for number in range(calls):
            at = OCTOBER + timedelta(minutes=chance.randrange(-50, 31 * 24 * 60 + 50))
            kind = number % 6
            await store_call(
                connection, organization.id, at,
                cost=None if kind == 0 else "0" if kind == 1 else str(Decimal(number) / 1000),
                tokens=0 if kind == 1 and number % 12 == 1 else 10 * number,
                lines=kind != 1,
                status="free" if kind == 1 else None,
                module=chance.choice([None, "support", "=x"]),
                model=chance.choice(["gpt-4o", "gpt-4", None]),
            )  # fmt: skip


async def one_by_one(
    connection: Any, ruleset: api.RuleSet, plans: dict[Any, str]
) -> dict[str, Any]:
    """The same by the plainest way."""
    rows = await connection.fetch(
        "select * from public.ai_calls where occurred_at >= $1 and occurred_at < $2",
        OCTOBER, datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    total = {"calls": 0, "new_price": Decimal(0), "negative_margin_calls": 0}
    for row in rows:
        subject = api.Subject(
            row["organization_id"], plans[row["organization_id"]], row["module"], row["provider"],
            row["model"],
        )  # fmt: skip
        rule = api.choose_rule(ruleset, subject, row["occurred_at"])
        lines = recomputing.store._read_lines(row["cost_lines"])
        usage = recomputing.store._read_quantities(row["quantities"])
        priced = api.price_request(rule, row["cost"], lines, row["cost_status"], usage)
        total["calls"] += 1
        total["new_price"] += priced.price or 0
        total["negative_margin_calls"] += priced.has_negative_margin
    return total


PROPOSALS = [
    [],
    [draft(percentage=Decimal(20))],
    [draft(percentage=Decimal(-10))],
    [draft(percentage=Decimal("12.3456"), fixed_per_request=Decimal("0.001"))],
    [draft(percentage=Decimal(-10), fixed_per_request=Decimal("0.003"))],
    [draft(minimum_per_request=Decimal("0.01"), cap_per_request=Decimal("0.02"))],
    [draft(per_million={"input_text": Decimal(50)})],
    [
        draft("one", model="gpt*", percentage=Decimal(10)),
        draft("two", module="=x", cap_per_request=Decimal("0.01")),
        draft("three", organization="acme", per_million={"input_text": Decimal(5)}),
        draft("four", plan="free", fixed_per_request=Decimal(1)),
    ],
]


@pytest.mark.parametrize("drafts", PROPOSALS)
async def test_it_is_the_sum_of_the_calls(
    connection: Any, acme: Any, other: Any, drafts: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "_PIECE_CALLS", 20)
    monkeypatch.setattr(recomputing, "_PAGE_CALLS", 7)
    await fill(connection, acme, other)
    # a rule that changes twice within the month, not on the hour
    for days, percentage in ((0, 50), (10, 60), (20, 70)):
        start = OCTOBER + timedelta(days=days, minutes=17)
        await put(
            draft("changing", model="gpt-4o", percentage=Decimal(percentage), valid_from=start,
                  is_backdated=start < datetime.now(UTC))
        )  # fmt: skip
    told: list[tuple[int, int]] = []
    found = await api.what_if(
        connection, month="2026-10", drafts=drafts, progress=lambda *numbers: told.append(numbers)
    )
    written = await put(*drafts) if drafts else None
    rules = [rule for name in ("changing", *(d.rule_key for d in drafts))
             for rule in await api.list_versions(connection, name)]  # fmt: skip
    for index, rule in enumerate(rules):
        if rule.rule_key != "changing":
            rules[index] = type(rule)(
                **{n: getattr(rule, n) for n in rule.__struct_fields__} | {"valid_from": OCTOBER}
            )
    expected = await one_by_one(
        connection, api.RuleSet(rules), {acme.id: acme.plan, other.id: other.plan}
    )
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.calls > 100
    assert found.margin == found.new_price - found.cost
    assert sum(line.calls for line in found.lines) == found.calls
    assert sum(line.new_price for line in found.lines) == found.new_price
    assert told[-1] == (found.calls, found.calls)
    assert told == sorted(told)
    assert written is None or len(written.rules) == len(drafts)


async def test_nothing_is_stored(connection: Any, acme: Any) -> None:
    await fill(connection, acme)
    before = await connection.fetch("select * from public.ai_calls order by id")
    await api.what_if(connection, month="2026-10", drafts=[draft(percentage=Decimal(9))])
    assert await connection.fetch("select * from public.ai_calls order by id") == before
    assert await connection.fetchval("select count(*) from hub.markup_rules") == 0


async def test_rules_that_there_are(connection: Any, acme: Any, put: Any) -> None:
    start = OCTOBER - HOUR
    await put(draft(percentage=Decimal(100), valid_from=start, is_backdated=True))
    await store_call(connection, acme.id, OCTOBER, cost="1")

    async def price(**changes: Any) -> Decimal:
        return (await api.what_if(connection, month="2026-10", **changes)).new_price

    assert await price() == 2
    assert await price(without=["base"]) == 1
    assert await price(drafts=[draft(percentage=Decimal(50))]) == Decimal("1.5")
    assert await price(drafts=[draft("better", model="gpt-4o")]) == 1
    # of equals the proposed one is the newer
    assert await price(drafts=[draft("equal", percentage=Decimal(3))]) == Decimal("1.03")


async def test_months_under_a_rule(connection: Any, acme: Any, other: Any) -> None:
    for organization in (acme, other):
        for number in range(4):
            await store_call(connection, organization.id, OCTOBER + number * HOUR, cost="10")
    found = await api.what_if(
        connection,
        month="2026-10",
        drafts=[
            draft("all", percentage=Decimal(10), included=api.Included(usd=Decimal(4))),
            draft("idle", organization="acme", module="none", period_minimum=Decimal(7)),
        ],
    )
    shown = [(p.organization, p.rule_key, p.calls, p.calls_price, p.price) for p in found.periods]
    assert sorted(shown) == [
        ("acme", "all", 4, 44, 40),
        ("acme", "idle", 0, 0, 7),
        ("other", "all", 4, 44, 40),
    ]


async def test_one_organization(connection: Any, acme: Any, other: Any) -> None:
    await fill(connection, acme, other, calls=12)
    found = await api.what_if(connection, month="2026-10", organization="acme")
    assert {line.organization for line in found.lines} == {"acme"}
    with pytest.raises(UnknownOrganization):
        await api.what_if(connection, month="2026-10", organization="nobody")


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026", "9999-12", "0000-01"])
async def test_unusable_months(connection: Any, month: str) -> None:
    with pytest.raises(Invalid, match="month"):
        await api.what_if(connection, month=month)


async def test_by_http(cast: Cast, connection: Any, acme: Any, other: Any) -> None:
    for organization in (acme, other):
        await store_call(connection, organization.id, OCTOBER, cost="0.0000027")
    body = {"month": "2026-10", "rules": [{"rule_key": "base", "percentage": 20}]}
    whole = (await cast.olga.ask("POST", "/what-if", body)).json
    assert (whole["calls"], whole["new_price"]) == (2, Decimal("0.00000648"))
    reply = await cast.olga.naming("acme").ask("POST", "/what-if", body)
    assert '"new_price":0.00000324' in reply.text
    (line,) = reply.json["lines"]
    assert (line["organization"], line["model"], line["margin"]) == (
        "acme", "gpt-4o", Decimal("0.00000054"),
    )  # fmt: skip
    bad = {"month": "2026-10", "rules": [{"rule_key": "base", "percentage": -200}]}
    assert (await cast.olga.ask("POST", "/what-if", bad)).fields == ["rules[0].percentage"]
    assert (await cast.olga.ask("POST", "/what-if", {"month": "soon"})).fields == ["month"]
    bad = {"month": "2026-10", "rules": [{"rule_key": "x", "organization": "nobody"}]}
    assert (await cast.olga.ask("POST", "/what-if", bad)).fields == ["rules[0].organization"]


def test_pieces_cover_every_hour_once() -> None:
    hours = [
        HourOfCalls(owner, str(owner), "free", OCTOBER + n * HOUR, 20_000)
        for owner in (1, 2)
        for n in (0, 1, 2, 5, 9)
    ]
    changes = [OCTOBER + HOUR / 2, OCTOBER + 3 * HOUR, OCTOBER + 7 * HOUR]
    pieces = list(recomputing.cut_into_pieces(hours, changes))
    for hour in hours:
        inside = [
            p for p in pieces
            if p.organization_id == hour.organization_id
            and p.start < hour.hour + HOUR and p.end > hour.hour
        ]  # fmt: skip
        covered = sum(
            (min(p.end, hour.hour + HOUR) - max(p.start, hour.hour) for p in inside), timedelta()
        )
        assert covered == HOUR
    assert not any(p.start < moment < p.end for p in pieces for moment in changes)
    assert sum(p.calls for p in pieces) == sum(hour.calls for hour in hours)
