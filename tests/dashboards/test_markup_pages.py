"""Markup over a real database: who sees what, writing a rule, and what it would have made."""

import asyncio
import csv
import html
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from starlette.applications import Starlette

from aihub.dashboards.api import Pages
from aihub.identity import api as identities
from aihub.markup.api import RuleDraft, list_versions, put_rules

from .conftest import HOSTILE, NOW, Browser

# a month later, so that "last month" is the one of the sample
LATER = NOW + timedelta(days=31)


@pytest.fixture
def identity(db) -> identities.Identity:
    """Sessions that last beyond the month that has to go by."""
    return identities.Identity(db, identities.IdentityOptions(session_hours=24 * 365))


@pytest.fixture
def pages(db, identity) -> Pages:
    return Pages(db, identity, clock=lambda: LATER)


@pytest.fixture
def app(pages) -> Starlette:
    return Starlette(routes=pages.routes())


@pytest.fixture
async def olga(app) -> AsyncIterator[Browser]:
    """Operates the hub; Northwind Travel is on view."""
    transport = httpx.ASGITransport(app)
    async with Browser(transport=transport, base_url="http://hub.test") as made:
        await made.sign_in("olga")
        await made.view("northwind-travel")
        yield made


@pytest.fixture
async def rules(db) -> AsyncIterator[None]:
    """One of each scope, and one whose words are hostile; gone afterwards."""
    drafts = [
        RuleDraft(rule_key="t-all", percentage=Decimal(20), note="a note for operators"),
        RuleDraft(rule_key="t-plan", plan="enterprise", percentage=Decimal(10)),
        RuleDraft(rule_key="t-own", organization="northwind-travel", percentage=Decimal(-10)),
        RuleDraft(rule_key="t-other", organization="stranger", percentage=Decimal(7)),
        RuleDraft(rule_key="t-hostile", module=HOSTILE, model=f"{HOSTILE[:20]}*", note=HOSTILE),
    ]
    async with db.write() as connection:
        await put_rules(connection, drafts, created_by=HOSTILE)
    yield
    async with db.write() as connection:
        # nobody may delete a rule: the trigger is of rows
        await connection.execute("truncate hub.markup_rules")


async def versions(db, key):
    async with db.read() as connection:
        return await list_versions(connection, key)


def text_of(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


async def finish(browser: Browser, url: str) -> str:
    for _ in range(400):
        answer = await browser.get(url)
        if "data-live" not in answer.text:
            return answer.text
        await asyncio.sleep(0.05)
    raise AssertionError("the what-if did not end")


# ---------- reading ----------


@pytest.mark.parametrize(
    "path",
    [
        "/markup",
        "/markup?q=nothing-like-this",
        "/markup?scope=plan&q=t-",
        "/markup/t-hostile",
        "/markup/rules/new",
        "/markup/rules/new?rule_key=t-own",
        "/markup/rules/new?organization=acme",
        "/markup/what-if/x",
        "/markup/none-such",
    ],
)
async def test_every_page_is_well_formed_and_within_the_policy(olga, rules, check, path):
    answer = await olga.get(path)
    assert answer.status_code in (200, 404)
    assert check(answer.text) == []
    assert "<script>alert" not in answer.text


async def test_without_rules_the_page_says_how_to_begin(olga, check):
    text = (await olga.get("/markup")).text
    assert "Make the first rule" in text
    assert check(text) == []


async def test_operators_see_all_rules_by_scope(olga, rules):
    text = text_of((await olga.get("/markup")).text)
    order = ["northwind-travel", "stranger", "Plan enterprise", "Everybody t-all"]
    assert sorted(order, key=text.index) == order
    assert "cost + 20 %" in text
    assert "cost − 10 % below cost" in text
    found = text_of((await olga.get("/markup?q=STRANGER")).text)
    assert "t-other" in found
    assert "t-own" not in found
    planned = text_of((await olga.get("/markup?scope=everybody")).text)
    assert "t-all" in planned
    assert "t-plan" not in planned


async def test_members_see_what_may_price_their_own_calls(ada, rules):
    text = text_of((await ada.get("/markup")).text)
    assert "t-own" in text
    assert "t-all" in text
    for other in ("t-other", "stranger", "New rule", "Written by"):
        assert other not in text
    table = (await ada.get("/markup.csv")).text
    assert "t-own" in table
    assert "t-other" not in table
    assert "a note for operators" not in table
    versions_seen = (await ada.get("/markup/t-all")).text
    assert "a note for operators" not in versions_seen
    assert "End this rule" not in versions_seen
    assert (await ada.get("/markup/t-other")).status_code == 404
    assert (await ada.get("/markup/t-other/versions.csv")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/markup/rules/new"),
        ("POST", "/markup/rules/new"),
        ("POST", "/markup/what-if"),
        ("POST", "/markup/t-all/end"),
        ("GET", "/markup/what-if/01a21a28-1b6d-7075-a8c1-5f0ffdc4c4da"),
    ],
)
async def test_members_write_nothing(ada, rules, db, method, path):
    origin = {"Origin": "http://hub.test"}
    answer = await ada.request(
        method, path, headers=origin, data={"rule_key": "t-mine"} if method == "POST" else None
    )
    assert answer.status_code == 403
    assert len(await versions(db, "t-all")) == 1


@pytest.mark.parametrize("path", ["/markup/rules/new", "/markup/what-if", "/markup/t-all/end"])
async def test_forms_from_elsewhere_are_refused(olga, rules, db, path):
    for headers in ({}, {"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await olga.post(path, data={"rule_key": "t-new"}, headers=headers)
        assert answer.status_code == 403
    assert len(await versions(db, "t-all")) == 1


async def test_files_keep_signs_and_defuse_formulas(olga, rules, db):
    answer = await olga.get("/markup.csv")
    found = {
        row["rule"]: row
        for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    }
    assert found["t-own"]["charges"] == "cost − 10 %"
    assert found["t-own"]["organization"] == "northwind-travel"
    assert found["t-hostile"]["written_by"] == HOSTILE
    history = await olga.get("/markup/t-own/versions.csv")
    assert history.content.decode("utf-8-sig").count("\r\n") == 2


# ---------- writing ----------


async def test_from_a_new_rule_to_its_end(olga, rules, db):
    saved = await olga.send_form(
        "/markup/rules/new", rule_key="t-new", scope="plan", plan="pro", percentage="15",
        action="save",
    )  # fmt: skip
    assert saved.headers["location"] == "/markup/t-new?saved=1"
    assert "Version 1 is written" in text_of((await olga.get(saved.headers["location"])).text)
    again = await olga.send_form(
        "/markup/rules/new", rule_key="t-new", scope="plan", plan="pro", percentage="16"
    )
    assert again.status_code == 422
    assert "a rule of this name already" in again.text
    form = (await olga.get("/markup/rules/new?rule_key=t-new")).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))
    assert (fields["known"], fields["scope"], fields["plan"]) == ("yes", "plan", "pro")
    second = await olga.send_form(
        "/markup/rules/new", **{**fields, "percentage": "16", "note": "agreed", "action": "save"}
    )
    assert second.headers["location"] == "/markup/t-new?saved=2"
    found = await versions(db, "t-new")
    assert [(v.version, v.percentage, v.note) for v in found] == [
        (2, Decimal(16), "agreed"),
        (1, Decimal(15), ""),
    ]
    assert found[0].created_by.startswith("operator:")
    ended = await olga.send_form("/markup/t-new/end")
    assert ended.headers["location"] == "/markup/t-new?saved=3"
    text = text_of((await olga.get("/markup/t-new?saved=3")).text)
    assert "The rule has ended" in text
    assert "Begin it again" in text
    assert "t-new" not in (await olga.get("/markup")).text
    assert (await olga.send_form("/markup/none-such/end")).status_code == 404


async def test_a_bad_form_comes_back_as_it_was_sent(olga, rules, db, check):
    answer = await olga.send_form(
        "/markup/rules/new", rule_key="t-bad", scope="organization", organization="no-such",
        percentage='200000"<b>', note=HOSTILE, component_0="input_text", million_0="x",
    )  # fmt: skip
    assert answer.status_code == 422
    assert check(answer.text) == []
    assert 'value="200000&#34;&lt;b&gt;"' in answer.text
    assert 'id="e-percentage"' in answer.text
    assert 'id="e-million_0"' in answer.text
    answer = await olga.send_form(
        "/markup/rules/new", rule_key="t-bad", scope="organization", organization="no-such",
        percentage="200000", valid_from="2020-01-01T00:00",
    )  # fmt: skip
    assert answer.status_code == 422
    assert check(answer.text) == []
    for name in ("percentage", "valid_from"):
        assert f'aria-describedby="e-{name} h-{name}"' in answer.text
    answer = await olga.send_form(
        "/markup/rules/new", rule_key="t-bad", scope="organization", organization="no-such"
    )
    assert "There is no such organization." in answer.text
    more = await olga.send_form(
        "/markup/rules/new", rule_key="t-bad", rate_3="5", action="more-steps"
    )
    assert more.status_code == 200
    assert 'id="f-rate_7"' in more.text
    async with db.read() as connection:
        assert not await connection.fetchval(
            "select count(*) from hub.markup_rules where rule_key = 't-bad'"
        )


async def test_a_rule_stays_with_whom_it_was_made_for(olga, rules, check):
    answer = await olga.send_form(
        "/markup/rules/new", rule_key="t-all", known="yes", scope="plan", plan="pro"
    )
    assert answer.status_code == 409
    assert "belongs to another organization or plan" in answer.text
    assert check(answer.text) == []


# ---------- what if ----------


async def test_what_if_tells_what_the_month_would_have_come_to(olga, rules, db, check, world):
    asked = await olga.send_form(
        "/markup/rules/new", rule_key="t-trial", scope="organization",
        organization="northwind-travel", percentage="-50", period_minimum="9000",
        action="what-if",
    )  # fmt: skip
    assert asked.status_code == 303, asked.text
    url = asked.headers["location"]
    first = (await olga.get(url)).text
    assert check(first) == []
    text = await finish(olga, url)
    assert check(text) == []
    async with db.read() as connection:
        row = await connection.fetchrow(
            "select sum(cost) as cost, count(*) filter (where cost > 0) as losses from ai_calls"
            " where organization_id = $1 and date_trunc('month', occurred_at, 'UTC')"
            " = date_trunc('month', $2::timestamptz, 'UTC')",
            world.organizations["northwind-travel"],
            NOW,
        )
    shown = text_of(text)
    assert f"{row['losses']:,} calls would be sold below cost" in shown
    assert "$9,000" in shown
    answer = await olga.get(f"{url}/result.csv")
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    margin = sum(Decimal(line["margin_usd"]) for line in lines)
    assert margin == -row["cost"] / 2 < 0
    months = (await olga.get(f"{url}/months.csv")).text
    assert "northwind-travel,t-trial" in months
    for way in ("organization", "module", "model", "all", "<b>"):
        assert check((await olga.get(url, params={"by": way})).text) == []
    changed = (await olga.get(f"/markup/rules/new?from={url.rpartition('/')[2]}")).text
    assert 'value="-50"' in changed
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text))
    saved = await olga.send_form("/markup/rules/new", **fields, action="save")
    assert saved.headers["location"] == "/markup/t-trial?saved=1"


async def test_what_if_a_rule_ended_and_one_at_a_time(olga, rules, pages):
    gate = asyncio.Event()
    job = pages._what_if.jobs.start("what-if", lambda _: gate.wait(), started_by="somebody")
    refused = await olga.send_form("/markup/what-if", without="t-own")
    assert refused.status_code == 409
    form = await olga.send_form(
        "/markup/rules/new", rule_key="t-trial", scope="everybody", action="what-if"
    )
    assert form.status_code == 409
    assert f"/markup/what-if/{job.id}" in form.text
    gate.set()
    await asyncio.sleep(0.05)
    asked = await olga.send_form("/markup/what-if", without="t-own", month="1999-01")
    text = text_of(await finish(olga, asked.headers["location"]))
    assert f"What if t-own had ended in {NOW:%Y-%m}?" in text
    assert "Save it" not in text
    assert (await olga.send_form("/markup/what-if", without="\x00")).status_code == 404


async def test_a_month_without_calls_says_so(olga, rules, check):
    asked = await olga.send_form(
        "/markup/rules/new", rule_key="t-trial", scope="organization", organization="newcomer",
        action="what-if",
    )  # fmt: skip
    text = await finish(olga, asked.headers["location"])
    assert "No calls in" in text
    assert check(text) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"percentage": "-200"}, "percentage"),
        ({"scope": "organization", "organization": "none-such"}, "organization"),
    ],
)
async def test_a_what_if_of_nonsense_is_not_begun(olga, rules, pages, given, field):
    fields = {"rule_key": "t-trial", "scope": "everybody", "action": "what-if"} | given
    answer = await olga.send_form("/markup/rules/new", **fields)
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    assert pages._what_if.running() is None
