"""Operations, Finance and Insight over a real database: their numbers are those of the rows."""

import csv
import html
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest

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
    assert re.search(r"four times of five \$[\d.]+ to \$[\d.]+", tile_text(text, "Projected month"))
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
