"""Operations, Finance and Insight over a real database: their numbers are those of the rows."""

import csv
import html
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from aihub.analytics import api as analytics
from aihub.dashboards import formats
from aihub.kit.money import plain

from .conftest import NOW
from .test_pages import fetch, links, tile

PAGES = ("/operations", "/finance", "/insight")


async def rows_of(browser, path):
    """A table as a file, as dicts."""
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text[:200]
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.fixture
async def olga(nobody):
    """Operates the hub, looking at Kumo Shop."""
    await nobody.sign_in("olga")
    await nobody.view("kumo-shop")
    return nobody


@pytest.mark.parametrize(
    "path",
    [
        *PAGES,
        "/operations?period=7d&model=gpt-4o",
        "/operations?module=support",
        "/finance?period=30d&module=support",
        "/finance?from=2020-01-01&to=2020-01-31",
        "/finance?from=x&model=%00",
        "/insight?period=90d",
        "/insight?from=2026-02-01&to=2026-01-01",
        "/finance?from=2001-01-01",
    ],
)
async def test_every_page_is_well_formed_and_within_the_policy(ada, check, path):
    answer = await ada.get(path)
    assert answer.status_code in (200, 422)
    assert check(answer.text) == []
    assert "<style" not in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/"])
async def test_an_organization_without_calls_sees_what_to_do_next(nobody, check, path):
    await nobody.sign_in("nils")
    answer = await nobody.get(path)
    assert answer.status_code == 200
    assert check(answer.text) == []
    assert re.search(
        "No call|No conversation|Nobody has rated|Nothing happened", html.unescape(answer.text)
    )


async def test_a_bad_filter_is_told_beside_its_field(ada):
    answer = await ada.get("/finance?from=yesterday&period=never")
    assert answer.status_code == 422
    assert re.search(
        r'id="f-from"[^>]+value="yesterday"[^>]+aria-describedby="e-from"', answer.text
    )
    assert 'id="e-period"' in answer.text
    assert 'class="tiles' not in answer.text
    assert (await ada.get("/finance/by-model.csv?from=yesterday")).status_code == 422
    assert (await ada.get("/finance/no-such-table.csv")).status_code == 404


async def test_the_costs_are_those_of_the_calls_to_the_last_digit(ada, db, world):
    rows = await rows_of(ada, "/finance/by-model.csv?period=30d")
    async with db.read() as connection:
        raw = await connection.fetch(
            "select coalesce(model, '') as model, count(*) as calls, sum(total_tokens) as tokens,"
            " coalesce(sum(cost), 0) as cost, coalesce(sum(price), 0) as price,"
            " count(*) filter (where cost_status = 'unpriced') as unpriced from ai_calls"
            " where organization_id = $1 group by 1",
            world.organizations["northwind-travel"],
        )
    expected = {row["model"]: row for row in raw}
    assert {row["model"] for row in rows} == set(expected)
    for row in rows:
        known = expected[row["model"]]
        assert int(row["calls"]) == known["calls"]
        assert int(row["total_tokens"]) == known["tokens"]
        assert int(row["unpriced_calls"]) == known["unpriced"]
        if known["calls"] == known["unpriced"]:
            assert row["cost_usd"] == row["price_usd"] == row["margin_usd"] == ""
        else:
            assert row["cost_usd"] == plain(known["cost"])
            assert row["margin_usd"] == plain(known["price"] - known["cost"])
    text = (await ada.get("/finance?period=30d")).text
    total = sum((row["cost"] for row in raw), Decimal(0))
    assert tile(text, "Cost").startswith(formats.format_money(total))
    assert tile(text, "Calls without a price").startswith(str(sum(r["unpriced"] for r in raw)))


async def test_the_days_of_finance_add_up_and_lead_to_their_calls(ada, db, world):
    rows = await rows_of(ada, "/finance/days.csv?period=30d")
    added = sum((Decimal(v) for row in rows for n, v in row.items() if n != "day"), Decimal(0))
    cost = await fetch(
        db, "select sum(cost) from ai_calls where organization_id = $1",
        world.organizations["northwind-travel"],
    )  # fmt: skip
    assert added == cost
    assert [row["day"] for row in rows] == sorted((row["day"] for row in rows), reverse=True)
    text = (await ada.get("/finance?period=30d")).text
    day = NOW.date().isoformat()
    assert f"/calls?from={day}&to={day}" in links(text)


async def test_a_filter_narrows_every_number_and_every_link(ada, db, world):
    rows = await rows_of(ada, "/finance/by-model.csv?period=30d&module=support")
    calls = await fetch(
        db,
        "select count(*) from ai_calls where organization_id = $1 and module = 'support'",
        world.organizations["northwind-travel"],
    )
    assert sum(int(row["calls"]) for row in rows) == calls > 0
    text = (await ada.get("/finance?period=30d&module=support")).text
    behind = [u for u in links(text) if u.startswith("/calls?")]
    assert behind
    assert all("module=support" in url for url in behind)
    assert "module=support" in links(text, "by-model.csv")[0]
    assert "Projected" not in text


async def test_this_month_has_its_course_and_a_projection_with_its_range(ada):
    text = (await ada.get("/finance")).text
    assert re.search(r"likely \$[\d.]+ to \$[\d.]+", tile_text(text, "Projected month"))
    rows = await rows_of(ada, "/finance/course.csv")
    last = rows[0]
    assert Decimal(last["lowest"]) <= Decimal(last["projected_usd"]) <= Decimal(last["highest"])
    so_far = [Decimal(row["cost_usd"]) for row in rows if row["cost_usd"]]
    assert so_far == sorted(so_far, reverse=True)
    assert len(so_far) == NOW.day


def tile_text(text, label):
    """A tile that leads nowhere."""
    part = text.split(f">{label}</span>")[1].split("</li>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", part).split()))


async def test_the_hours_of_operations_are_those_of_the_calls(ada, db, world):
    rows = await rows_of(ada, "/operations/errors.csv")
    begins = NOW.replace(minute=0) - timedelta(hours=23)
    async with db.read() as connection:
        raw = await connection.fetchrow(
            "select count(*) filter (where error is null) as good,"
            " count(*) filter (where error is not null) as failed from ai_calls"
            " where organization_id = $1 and occurred_at >= $2 and occurred_at < $3",
            *(world.organizations["northwind-travel"], begins, begins + timedelta(hours=24)),
        )
    assert len(rows) == 24
    assert sum(int(row["good"]) for row in rows) == raw["good"] > 0
    assert sum(int(row["failed"]) for row in rows) == raw["failed"]
    endpoints = await rows_of(ada, "/operations/endpoints.csv")
    assert sum(int(row["calls"]) for row in endpoints) == raw["good"] + raw["failed"]
    assert len(await rows_of(ada, "/operations/tokens.csv?period=7d")) == 6 * 24 + 15


async def test_the_live_tiles_are_there_without_script(ada):
    text = (await ada.get("/operations")).text
    assert 'data-stream="/v1/realtime/stream"' in text
    for field in ("active_sessions_count", "tokens_per_minute", "error_rate", "response_time_p95"):
        assert f'data-field="{field}"' in text
    assert '<noscript><meta http-equiv="refresh"' in text


async def test_insight_counts_ratings_people_and_intents(ada, db, world):
    org = world.organizations["northwind-travel"]
    scores = await rows_of(ada, "/insight/scores.csv")
    ratings = await fetch(db, "select count(*) from ai_feedback where organization_id = $1", org)
    assert sum(int(row["ratings"]) for row in scores) == ratings > 0
    text = (await ada.get("/insight")).text
    users = await fetch(
        db, "select count(distinct user_id) from ai_conversations where organization_id = $1", org
    )
    assert tile(text, "Active users").startswith(f"{users} ")
    engaged = await rows_of(ada, "/insight/engagement.csv")
    assert len(engaged) == users
    order = [Decimal(row["score"]) for row in engaged]
    assert order == sorted(order, reverse=True)
    assert {row["name"] for row in await rows_of(ada, "/insight/adoption.csv")} >= {"support"}
    assert await rows_of(ada, "/insight/intents.csv")
    assert await rows_of(ada, "/insight/retention.csv")


@pytest.mark.parametrize("path", PAGES)
async def test_operators_alone_see_all_organizations_together(olga, db, path):
    text = (await olga.get(f"{path}?scope=all")).text
    assert "all organizations" in text
    # the lists show one organization: nothing here leads to them
    main = text.split("<main")[1]
    assert [u for u in links(main) if u.startswith(("/calls", "/conversations"))] == []


async def test_all_organizations_are_listed_by_cost(olga, db):
    rows = await rows_of(olga, "/finance/by-organization.csv?scope=all&period=30d")
    total = await fetch(db, "select sum(cost) from ai_calls")
    assert {"northwind-travel", "kumo-shop"} <= {row["organization"] for row in rows}
    assert sum((Decimal(row["cost_usd"] or 0) for row in rows), Decimal(0)) == total


async def test_members_cannot_ask_for_all(ada):
    everywhere = await rows_of(ada, "/finance/by-model.csv?scope=all&period=30d")
    assert everywhere == await rows_of(ada, "/finance/by-model.csv?period=30d")
    assert (await ada.get("/finance/by-organization.csv?scope=all")).status_code == 404


async def test_charts_are_drawn_on_the_server_with_links_and_a_table(ada):
    text = (await ada.get("/")).text
    figure = text.split('id="t-conversations"')[1].split("</section>")[0]
    assert figure.count('<rect class="place"') == 30
    assert "As a table" in figure
    day = NOW.date().isoformat()
    assert f'href="/conversations?from={day}&amp;to={day}"' in figure
    assert "Conversations: 30 values, from" in figure
    rows = await rows_of(ada, "/home/conversations.csv")
    assert rows[0]["day"] == day


@pytest.mark.parametrize(
    ("path", "mark", "column"),
    [
        ("/finance?period=30d", "by-model", "Calls"),
        ("/finance?period=30d", "by-module", "Calls"),
        ("/finance?period=30d", "by-user", "Calls"),
        ("/operations?period=7d", "models", "Calls"),
        ("/operations?period=7d", "endpoints", "Calls"),
        ("/", "modules", "Calls"),
    ],
)
async def test_a_row_leads_to_as_many_calls_as_it_counts(ada, path, mark, column):
    text = (await ada.get(path)).text
    table = text.split(f'id="t-{mark}"')[1].split("</section>")[0]
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", table)
    checked = 0
    for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.DOTALL):
        found = [html.unescape(u) for u in re.findall(r'href="(/calls\?[^"]*)"', row)]
        if not found:
            continue
        url = next(u for u in found if "result=" not in u and "cost_status=" not in u)
        cell = re.split(r"<t[dh][ >]", row)[1:][heads.index(column)]
        count = int(re.sub(r"<[^>]*>|[^\d]", "", cell.split(">", 1)[1].split("</t")[0]))
        listed = await rows_of(ada, url.replace("/calls?", "/calls.csv?"))
        assert len(listed) == count
        checked += 1
    assert checked


async def test_an_hour_leads_to_its_calls_and_failed_ones_to_the_failed(ada):
    text = (await ada.get("/operations?period=7d")).text
    figure = text.split('id="t-errors"')[1].split("</section>")[0]
    places = re.findall(r'<a href="(/calls[^"]*)" tabindex="-1"><title>([^<]*)</title>', figure)
    url, told = next((u, t) for u, t in reversed(places) if re.search(r"Failed: [1-9]", t))
    good, failed = (int(n) for n in re.search(r"Good: (\d+)\nFailed: (\d+)", told).groups())
    url = html.unescape(url).replace("/calls?", "/calls.csv?")
    assert len(await rows_of(ada, url)) == good + failed
    rows = await rows_of(ada, f"{url}&result=failed")
    assert len(rows) == failed
    assert all(row["error"] for row in rows)
    assert len(await rows_of(ada, f"{url}&result=answered")) == good


async def test_an_intent_leads_to_its_conversations(ada):
    rows = await rows_of(ada, "/insight/intents.csv")
    text = (await ada.get("/insight")).text
    (url,) = {u for u in links(text) if f"intent={rows[0]['name']}" in u}
    listed = await rows_of(ada, url.replace("/conversations?", "/conversations.csv?"))
    assert len(listed) == int(rows[0]["conversations"]) > 0


async def test_home_and_finance_say_what_the_api_says(ada, db, world):
    org = world.organizations["northwind-travel"]
    async with db.read() as connection:
        executive = await analytics.get_executive(connection, org, "Europe/Berlin", now=NOW)
        financial = await analytics.get_financial(connection, org, "Europe/Berlin", now=NOW)
    text = (await ada.get("/")).text
    assert tile(text, "Conversations today").startswith(f"{executive.total_conversations_today} ")
    assert f"{executive.previous_conversations} yesterday by" in tile(text, "Conversations today")
    assert exact(text, "Satisfaction").endswith(f" {executive.average_satisfaction_score}")
    assert exact(text, "Cost per conversation") == formats.format_exact_money(
        executive.cost_per_conversation
    )
    text = (await ada.get("/finance")).text
    assert exact(text, "Cost") == formats.format_exact_money(financial.total.cost)
    assert exact(text, "Price") == formats.format_exact_money(financial.total.price)
    assert exact(text, "Projected month") == formats.format_exact_money(financial.projection.amount)
    assert f"{financial.users} users" in tile(text, "Cost per user")
    before = formats.format_money(financial.previous_total.cost)
    assert f"{before} last month by this day" in tile(text, "Cost")


def exact(text, label):
    """The exact number of a tile, which is on hover."""
    part = re.search(rf">{label}</(?:a|span)></h2>(.*?)</li>", text, re.DOTALL)[1]
    return html.unescape(re.search(r'<span title="([^"]*)"', part)[1])


async def test_alarms_are_a_part_of_their_own_for_operators(olga, db):
    assert (await olga.get("/finance/alarms?period=30d")).status_code == 200
    assert "data-include" not in (await olga.get("/finance")).text  # no bill, nothing to compare
    async with db.write() as connection:
        await connection.execute(
            "insert into hub.provider_bills (source, run_id, provider, day, model, line, kind,"
            " amount, currency) values"
            " ('test', gen_random_uuid(), 'openai', $1, 'gpt-4o', 'gpt-4o', 'cost', 1000, 'USD')",
            NOW.date() - timedelta(days=3),
        )
    try:
        text = (await olga.get("/finance")).text
        (url,) = re.findall(r'data-include="([^"]*)"', text)
        part = (await olga.get(html.unescape(url))).text
        assert "reconciliation alarm" in part
        assert part.count("<html") == 0
    finally:
        async with db.write() as connection:
            await connection.execute("delete from hub.provider_bills where source = 'test'")


async def test_alarms_are_not_for_members(ada):
    assert (await ada.get("/finance/alarms")).status_code == 403
    assert "data-include" not in (await ada.get("/finance")).text
