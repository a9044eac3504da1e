"""Every number of every answer beside a computation in plain Python from the raw rows."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from . import recomputing, rows
from .conftest import lasting

ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
GROUPINGS = (
    "", "day", "hour", "week", "month", "model", "provider", "module", "source", "organization",
    "day,model", "provider,model", "month,provider,module", "user", "user,day", "user,module,week",
)  # fmt: skip
FROM_CALLS = ("user,model", "user,provider,hour", "user,source")


@lasting
async def world(client: Any, connection: Any, hub: Any) -> Any:
    """An organization with rows, in a zone half an hour off; another beside it."""
    from ..conversations.conftest import _make_cast

    cast = await _make_cast(client, connection)
    await connection.execute(
        "update public.ai_organizations set timezone = 'Asia/Kolkata' where id = $1",
        cast.ada.organization,
    )
    await rows.fill(connection, cast.ada.organization, seed=1)
    await rows.fill(connection, cast.cleo.organization, seed=2, conversations=40)
    return cast


@pytest.fixture
def get(answers: Any, world: Any, catch_up: Any) -> Any:
    async def ask(path: str, *, by: str = "ada", **params: Any) -> Any:
        await catch_up()
        return await getattr(world, by).over(answers).get(path, **params)

    return ask


def check(found: dict[str, Any], exact: dict[str, Any], *, without: tuple[str, ...] = ()) -> None:
    for name in ("calls", "errors", "conversations", "cost", "price", *recomputing.SUMS):
        if name not in without:
            assert found[name] == exact[name], name
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        latency = recomputing.nearest_rank(exact["latencies"], share)
        assert recomputing.is_near(found[f"response_time_{name}"], latency), name


CASES = [(None, groups) for groups in GROUPINGS]
CASES += [(z, groups) for z in ZONES for groups in GROUPINGS if "user" not in groups]


@pytest.mark.parametrize(("zone", "groups"), CASES)
async def test_usage_is_exact(get, world, connection, groups, zone) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    own = zone or "Asia/Kolkata"
    last = datetime.now(ZoneInfo(own)).date()
    first = last - timedelta(days=20)
    given = {} if zone is None else {"timezone": zone}
    found = await get("/analytics/usage", group_by=groups or ",", from_=first, to=last, **given)
    names = [name for name in groups.split(",") if name]
    exact = recomputing.usage(
        raw, recomputing.midnight(first, own),
        recomputing.midnight(last + timedelta(days=1), own), own, names,
    )  # fmt: skip
    by_key = {tuple(row[name] for name in names): row for row in found["rows"]}
    assert by_key.keys() == exact.keys()
    assert exact
    for key, sums in exact.items():
        check(by_key[key], sums)


@pytest.mark.parametrize("groups", FROM_CALLS)
async def test_usage_of_people_by_anything(get, world, connection, groups) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    now = datetime.now(UTC)
    first = now.date() - timedelta(days=20)
    found = await get("/analytics/usage", group_by=groups, from_=first, timezone="UTC")
    names = groups.split(",")
    exact = recomputing.usage(
        raw, recomputing.midnight(first, "UTC"), now + timedelta(hours=1), "UTC", names
    )
    by_key = {tuple(row[name] for name in names): row for row in found["rows"]}
    assert by_key.keys() == {key for key, sums in exact.items() if sums["calls"]}
    for key, row in by_key.items():
        check(row, exact[key], without=("conversations",))


async def test_the_operator_sees_the_sum_of_all(get, world, connection) -> None:
    raw = await recomputing.export(connection)
    first = datetime.now(UTC).date() - timedelta(days=20)
    found = await get(
        "/analytics/usage", by="olga", group_by="organization", from_=first, timezone="Asia/Tokyo"
    )
    exact = recomputing.usage(
        raw, recomputing.midnight(first, "Asia/Tokyo"), datetime.now(UTC) + timedelta(hours=1),
        "Asia/Tokyo", ["organization"],
    )  # fmt: skip
    by_key = {(row["organization"],): row for row in found["rows"]}
    assert by_key.keys() == exact.keys()
    for key, sums in exact.items():
        check(by_key[key], sums)
    assert found["total"]["cost"] == sum(sums["cost"] for sums in exact.values())


@pytest.mark.parametrize("groups", ["", "day", "module", "model", "organization"])
async def test_the_operator_sees_everybodys_own_days(get, world, connection, groups) -> None:
    """Added up beforehand for days that hold of all, and told apart by organization."""
    raw = await recomputing.export(connection)
    today = datetime.now(UTC).date()
    span = (today - timedelta(days=20), today - timedelta(days=1))
    found = await get(
        "/analytics/usage", by="olga", group_by=groups or ",", from_=span[0], to=span[1]
    )
    names = [name for name in groups.split(",") if name]
    exact: dict[Any, dict[str, Any]] = {}
    for organization in raw.organizations:
        zone = organization["timezone"]
        first = recomputing.midnight(span[0], zone)
        last = recomputing.midnight(span[1] + timedelta(days=1), zone)
        own = raw.of(organization["id"])
        for key, sums in recomputing.usage(own, first, last, zone, names).items():
            before = exact.setdefault(key, {name: type(value)() for name, value in sums.items()})
            exact[key] = {name: before[name] + value for name, value in sums.items()}
    by_key = {tuple(row[name] for name in names): row for row in found["rows"]}
    assert by_key.keys() == exact.keys()
    for key, sums in exact.items():
        sums["latencies"].sort()
        check(by_key[key], sums)
    assert found["total"]["cost"] == sum(sums["cost"] for sums in exact.values())


async def test_another_organization_stays_out(get, world, connection) -> None:
    mine = await get("/analytics/usage", group_by="organization")
    theirs = await get("/analytics/usage", by="cleo", group_by="organization")
    assert [len(mine["rows"]), len(theirs["rows"])] == [1, 1]
    assert mine["rows"][0]["organization"] != theirs["rows"][0]["organization"]


async def test_filters_and_the_period_before(get, world, connection) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    raw.calls = [row for row in raw.calls if row["model"] == "gpt-4o"]
    last = datetime.now(ZoneInfo("Asia/Kolkata")).date()
    first = last - timedelta(days=14)
    asked = {"group_by": "provider", "model": "gpt-4o", "compare": "previous"}
    found = await get("/analytics/usage", from_=first, to=last, **asked)
    for rows_of, start, end in (
        ("now", first, last + timedelta(days=1)),
        ("previous", first - timedelta(days=15), first),
    ):
        exact = recomputing.usage(
            raw, recomputing.midnight(start, "Asia/Kolkata"),
            recomputing.midnight(end, "Asia/Kolkata"), "Asia/Kolkata", ["provider", "model"],
        )  # fmt: skip
        for row in found["rows"]:
            sums = exact[row["provider"], "gpt-4o"]
            check(row if rows_of == "now" else row["previous"], sums)


async def test_satisfaction(get, world, connection) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    zone = "Asia/Kolkata"
    last = datetime.now(ZoneInfo(zone)).date()
    first = last - timedelta(days=20)
    found = await get("/analytics/satisfaction", from_=first, to=last)
    start, end = (recomputing.midnight(d, zone) for d in (first, last + timedelta(days=1)))
    given = recomputing.scores(raw, start, end)
    assert found["total"]["feedbacks"] == len(given) > 10
    assert abs(found["total"]["mean"] - sum(given) / len(given)) < Decimal("1e-17")
    rounded = [int(score + Decimal("0.5")) for score in given]
    assert found["total"]["distribution"] == {str(n): rounded.count(n) for n in range(6)}
    started = [r for r in raw.conversations if recomputing.within(r, "created_at", start, end)]
    rated = {r["conversation_id"] for r in raw.feedback} & {r["id"] for r in started}
    assert found["total"]["conversations"] == len(started)
    assert found["total"]["rated_conversations"] == len(rated)
    before = recomputing.scores(raw, start - timedelta(days=21), start)
    change = sum(given) / len(given) - sum(before) / len(before)
    assert abs(found["change"] - change) < Decimal("1e-5")
    assert found["change_low"] < found["change"] < found["change_high"]
    assert sum(row["feedbacks"] for row in found["rows"]) == len(given)


async def test_adoption_and_intents(get, world, connection) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    zone = "Asia/Kolkata"
    last = datetime.now(ZoneInfo(zone)).date()
    first = last - timedelta(days=20)
    found = await get("/analytics/adoption", from_=first, to=last)
    start, end = (recomputing.midnight(d, zone) for d in (first, last + timedelta(days=1)))
    assert found["users"] == len(recomputing.active_users(raw, start, end))
    intents: dict[Any, set[str]] = {r["id"]: set(r["intent_chain"]) for r in raw.conversations}
    for message in raw.messages:
        if message["intent"]:
            intents[message["conversation_id"]].add(message["intent"])
    exact = recomputing.people_by(raw, start, end, lambda row: intents[row["id"]])
    rows_of = {row["name"]: row for row in found["rows"] if row["kind"] == "intent"}
    assert {n: (r["users"], r["conversations"]) for n, r in rows_of.items()} == exact
    only = await get("/analytics/intents", from_=first, to=last)
    assert [row["name"] for row in only["rows"]] == list(rows_of)


async def test_retention_and_engagement(get, world, connection) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    weeks: dict[Any, set[str]] = {}
    for table, column in ((raw.calls, "occurred_at"), (raw.conversations, "created_at")):
        for row in table:
            if row["user_id"]:
                week = recomputing.time_key(row[column], "week", "Asia/Kolkata")
                weeks.setdefault(row["user_id"], set()).add(week)
    for back in (53, 4, 2, 1):
        found = await get("/analytics/retention", weeks=back)
        today = datetime.now(ZoneInfo("Asia/Kolkata")).date()
        first = today - timedelta(days=today.weekday(), weeks=back - 1)
        came = [seen for seen in weeks.values() if min(seen) >= first.isoformat()]
        assert sum(row["users"] for row in found["rows"]) == len(came)
        for row in found["rows"]:
            cohort = [seen for seen in came if min(seen) == row["week"]]
            assert row["users"] == len(cohort)
            for n, active in enumerate(row["active"]):
                later = datetime.fromisoformat(row["week"]) + timedelta(weeks=n)
                assert active == sum(f"{later:%Y-%m-%d}" in seen for seen in cohort)
    people = await get("/analytics/engagement", limit=1000)
    assert people["users"] == len(people["rows"]) > 5
    scores = [row["score"] for row in people["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 100 for score in scores)


async def test_who_came_before_is_known_while_old_days_are_to_be_stored_again(
    get, world, connection, answers
) -> None:
    stored = await get("/analytics/retention", weeks=2)
    assert stored != await get("/analytics/retention", weeks=53)
    day = datetime.now(UTC) - timedelta(days=20)
    marked = [day - timedelta(days=n) for n in range(30)]
    await connection.execute(
        "select hub.mark_days_v1($1, $2)", [world.ada.organization] * len(marked), marked
    )
    assert await connection.fetchval("select count(*) from hub.rollup_days where until is null")
    assert await world.ada.over(answers).get("/analytics/retention", weeks=2) == stored


async def test_executive(get, world, connection) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    zone = "Asia/Kolkata"
    today = datetime.now(ZoneInfo(zone)).date()
    found = await get("/dashboards/executive")
    end = recomputing.midnight(today + timedelta(days=1), zone)
    start = recomputing.midnight(today, zone)
    count = sum(recomputing.within(r, "created_at", start, end) for r in raw.conversations)
    assert found["total_conversations_today"] == count
    spans = [
        (today - timedelta(days=29), today + timedelta(days=1)),
        (today - timedelta(days=59), today - timedelta(days=29)),
    ]
    for (first, last), part in zip(spans, (found, found["previous"]), strict=True):
        begin, end = recomputing.midnight(first, zone), recomputing.midnight(last, zone)
        whole = recomputing.usage(raw, begin, end, zone, [])[()]
        given = recomputing.scores(raw, begin, end)
        assert abs(part["average_satisfaction_score"] - sum(given) / len(given)) < Decimal("1e-17")
        each = whole["cost"] / whole["conversations"]
        assert abs(part["cost_per_conversation"] - each) <= Decimal("1e-18")
        modules = recomputing.usage(raw, begin, end, zone, ["module"])
        for row in part["top_modules_by_usage"]:
            exact = modules[(row["module"],)]
            for name in ("calls", "errors", "conversations", "cost", "price", "total_tokens"):
                assert row[name] == exact[name]


async def test_operational(get, world, connection) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    found = await get("/dashboards/operational")
    start, end = (datetime.fromisoformat(found["period"][name]) for name in ("from", "to"))
    assert end - start == timedelta(hours=24)
    assert end > datetime.now(UTC)
    hours = recomputing.usage(raw, start, end, "Asia/Kolkata", ["hour"])
    assert len(found["token_usage_by_hour"]) == 24
    for row in found["token_usage_by_hour"]:
        exact = hours.get((row["hour"],), {"total_tokens": 0, "calls": 0})
        assert (row["total_tokens"], row["calls"]) == (exact["total_tokens"], exact["calls"])
    models = recomputing.usage(raw, start, end, "UTC", ["provider", "model"])
    for row in found["p95_response_times"]:
        latencies = models[row["provider"], row["model"]]["latencies"]
        assert recomputing.is_near(
            row["response_time_p95"], recomputing.nearest_rank(latencies, 0.95)
        )
    calls = [row for row in raw.calls if recomputing.within(row, "occurred_at", start, end)]
    for row in found["error_rate_by_endpoint"]:
        own = [call for call in calls if call["api"] == row["endpoint"]]
        errors = sum(call["error"] is not None for call in own)
        assert (row["calls"], row["errors"]) == (len(own), errors)
        assert row["error_rate"] == Decimal(errors) / len(own)
    assert found["total"]["calls"] == len(calls)


@pytest.mark.parametrize("zone", [None, "Pacific/Apia"])
async def test_financial(get, world, connection, zone) -> None:
    raw = (await recomputing.export(connection)).of(world.ada.organization)
    own = zone or "Asia/Kolkata"
    today = datetime.now(ZoneInfo(own)).date()
    found = await get("/dashboards/financial", **({"timezone": zone} if zone else {}))
    first = today.replace(day=1)
    start, end = (recomputing.midnight(d, own) for d in (first, today + timedelta(days=1)))
    whole = recomputing.usage(raw, start, end, own, [])[()]
    assert found["total_cost_mtd"] == whole["cost"]
    assert found["total_price_mtd"] == whole["price"]
    assert [row["cost"] for row in found["cost_by_organization"]] == [whole["cost"]]
    users = len(recomputing.active_users(raw, start, end))
    assert found["users_mtd"] == users
    assert abs(found["cost_per_user"] - whole["cost"] / users) <= Decimal("1e-18")
    bounds = found["projected_monthly_cost_range"]
    assert found["total_cost_mtd"] <= bounds["low"] <= found["projected_monthly_cost"]
    assert found["projected_monthly_cost"] <= bounds["high"]
    before = (first - timedelta(days=1)).replace(day=1)
    month = recomputing.usage(raw, recomputing.midnight(before, own), start, own, [])
    assert found["previous"]["total_monthly_cost"] == month[()]["cost"]


async def test_csv_is_the_same_table(get, answers, world) -> None:
    found = await get("/analytics/usage", group_by="day,model")
    for how in ({"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}):
        params = {"group_by": "day,model"} | how.get("params", {})
        headers = {"Authorization": f"Bearer {world.ada.key}"} | how.get("headers", {})
        reply = await answers.get("/v1/analytics/usage", params=params, headers=headers)
        assert reply.headers["content-type"] == "text/csv; charset=utf-8"
        read = list(csv.DictReader(io.StringIO(reply.text)))
        assert [row["day"] for row in read] == [row["day"] for row in found["rows"]]
        assert [Decimal(row["cost"]) for row in read] == [row["cost"] for row in found["rows"]]
        assert not any("e" in row["cost"].lower() for row in read)


async def test_csv_gives_a_spreadsheet_no_formula(get, answers, world) -> None:
    headers = {"Authorization": f"Bearer {world.ada.key}", "Accept": "text/csv"}
    reply = await answers.get("/v1/analytics/intents", headers=headers)
    assert "'=danger" in reply.text
    assert "\n=danger" not in reply.text


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"group_by": "colour"}, "group_by"),
        ({"group_by": "day,week"}, "group_by"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-01-01T10:07:00Z"}, "from"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "to"),
        ({"from": "2001-01-01"}, "from"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_makes_no_sense_is_named(answers, world, params, field) -> None:
    reply = await answers.get(
        "/v1/analytics/usage", params=params, headers={"Authorization": f"Bearer {world.ada.key}"}
    )
    assert reply.status_code == 422
    assert [error["field"] for error in json.loads(reply.text)["errors"]] == [field]
