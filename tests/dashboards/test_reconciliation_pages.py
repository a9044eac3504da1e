"""Reconciliation over a real database: for operators alone; keys, files, fetching, the report."""

import asyncio
import csv
import html
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from starlette.applications import Starlette

from aihub.dashboards.api import Pages

from .conftest import HOSTILE, NOW, Browser

KEY = "sk-admin-the-right-one"
DAY = NOW.date() - timedelta(days=5)


@pytest.fixture
def pages(db, identity) -> Pages:
    return Pages(db, identity, clock=lambda: NOW, secret_key=b"k" * 32)


@pytest.fixture
def app(pages) -> Starlette:
    return Starlette(routes=pages.routes())


@pytest.fixture
async def olga(nobody, db) -> AsyncIterator[Browser]:
    """Operates the hub; no bills and no accounts are left behind."""
    await nobody.sign_in("olga")
    await nobody.view("northwind-travel")
    yield nobody
    async with db.write() as connection:
        for table in ("fetch_progress", "provider_bills", "provider_accounts"):
            await connection.execute(f"delete from hub.{table}")


def text_of(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def costs(*lines: tuple[str, float], day=DAY, currency: str = "usd") -> bytes:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    results = [
        {"object": "organization.costs.result", "amount": {"value": value, "currency": currency},
         "line_item": name, "project_id": None, "api_key_id": None, "quantity": None}
        for name, value in lines
    ]  # fmt: skip
    bucket = {"object": "bucket", "start_time": start, "end_time": start + 86_400,
              "results": results}  # fmt: skip
    return json.dumps(
        {"object": "page", "data": [bucket], "has_more": False, "next_page": None}
    ).encode()


async def upload(browser: Browser, *files: tuple[str, bytes], **fields: str) -> httpx.Response:
    return await browser.post(
        "/reconciliation/bills",
        data={"kind": "openai-costs", "account_id": ""} | fields,
        files=[("file", file) for file in files],
        headers={"Origin": "http://hub.test"},
    )


async def hub_cost(db, model: str) -> Decimal:
    async with db.read() as connection:
        return await connection.fetchval(
            "select coalesce(sum(cost), 0) from ai_calls where model = $1 and provider = 'openai'"
            " and occurred_at >= $2 and occurred_at < $2 + interval '1 day'",
            model,
            datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC),
        )


# ---------- who ----------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/reconciliation"),
        ("GET", "/reconciliation.csv"),
        ("GET", "/reconciliation/totals.csv"),
        ("GET", "/reconciliation/accounts"),
        ("GET", "/reconciliation/accounts.csv"),
        ("POST", "/reconciliation/accounts"),
        ("POST", "/reconciliation/bills"),
        ("POST", "/reconciliation/accounts/01a21a28-1b6d-7075-a8c1-5f0ffdc4c4da/fetch"),
        ("POST", "/reconciliation/accounts/01a21a28-1b6d-7075-a8c1-5f0ffdc4c4da/remove"),
    ],
)
async def test_members_see_and_do_nothing_of_it(ada, method, path):
    answer = await ada.request(method, path, headers={"Origin": "http://hub.test"})
    assert answer.status_code == 403
    assert "/reconciliation" not in (await ada.get("/")).text


async def test_forms_from_elsewhere_are_refused(olga, db):
    for path in ("/reconciliation/accounts", "/reconciliation/bills"):
        answer = await olga.post(path, data={"name": "a"}, headers={"Origin": "http://evil.test"})
        assert answer.status_code == 403


# ---------- the report ----------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reconciliation", 200),
        ("/reconciliation?from=2020-01-01&to=2020-01-02", 200),
        ("/reconciliation?provider=openai&page=99999", 200),
        ("/reconciliation?from=x&provider=y&to=2020-01-01", 422),
        ("/reconciliation?from=2026-01-02&to=2026-01-01", 422),
        ("/reconciliation?from=2020-01-01&to=2026-01-01", 422),
        ("/reconciliation?from=9000-01-01", 422),
        ("/reconciliation/accounts", 200),
        ("/reconciliation/accounts?added=x&stored=y", 200),
    ],
)
async def test_every_page_is_well_formed_and_within_the_policy(olga, check, path, status):
    answer = await olga.get(path)
    assert answer.status_code == status
    assert check(answer.text) == []
    if status == 422:
        assert 'class="field-error"' in answer.text
        assert (await olga.get(path.replace("?", ".csv?"))).status_code == 422


async def test_without_a_bill_the_page_says_how_to_begin(olga):
    for path in ("/reconciliation", "/reconciliation?from=2020-01-01&to=2020-01-02"):
        text = (await olga.get(path)).text
        assert "Add an account" in text
        assert "Upload a file" in text


async def test_a_bill_beside_the_hub_alarms_first(olga, db, check):
    cost = await hub_cost(db, "gpt-4o")
    assert cost > 0
    agreeing, wrong = ("gpt-4o, output", float(cost)), ("gpt-9 <i>, output", 12.5)
    stored = await upload(olga, ("costs.json", costs(agreeing, wrong)))
    assert stored.status_code == 303, stored.text
    told = (await olga.get(stored.headers["location"])).text
    assert f"2 rows of {DAY} to {DAY} stored" in text_of(told)
    assert check(told) == []
    page = (await olga.get("/reconciliation")).text
    assert check(page) == []
    text = text_of(page)
    assert "alarm" in text
    rows = re.findall(r"<tr>(.*?)</tr>", page.split("list rules tight")[1], re.DOTALL)
    listed = [text_of(row) for row in rows if "<td" in row]
    assert "gpt-9 <i>" in listed[0]
    assert "not in the hub" in listed[0]
    assert "−100 %" in listed[0]
    assert "Drift by day" in text
    found = list(
        csv.DictReader(
            io.StringIO(
                (await olga.get("/reconciliation.csv")).content.decode("utf-8-sig"), newline=""
            )
        )
    )
    by_model = {row["model"]: row for row in found if row["day"] == DAY.isoformat()}
    assert by_model["gpt-9 <i>"]["drift"] == "-1"
    assert by_model["gpt-4o"]["verdict"] in ("ok", "rounding")
    assert Decimal(by_model["gpt-4o"]["hub_cost_usd"]) == cost
    totals = (await olga.get("/reconciliation/totals.csv?provider=openai")).text
    assert totals.count("\r\n") == 2
    only = (await olga.get("/reconciliation?provider=anthropic")).text
    assert "gpt-9" not in only


async def test_another_currency_is_shown_and_not_compared(olga):
    assert await upload(olga, ("c.json", costs(("gpt-4o, output", 5.0), currency="eur")))
    text = text_of((await olga.get("/reconciliation")).text)
    assert "5.00 EUR" in text
    assert "$5.00" not in text


# ---------- files ----------


@pytest.mark.parametrize(
    ("fields", "files", "field"),
    [
        ({"kind": ""}, [("a.json", b"{}")], "kind"),
        ({"kind": "none"}, [("a.json", b"{}")], "kind"),
        ({}, [], "file"),
        ({}, [("bad.json", b"no json")], "file"),
        ({"account_id": "01a21a28-1b6d-7075-a8c1-5f0ffdc4c4da"}, [("a.json", costs())], None),
    ],
)
async def test_what_is_wrong_with_a_file_is_told(olga, check, fields, files, field):
    answer = await upload(olga, *(files or [("", b"")]), **fields)
    assert answer.status_code in (404, 422)
    assert check(answer.text) == []
    if field is None:
        assert 'role="alert"' in answer.text
    else:
        assert f'id="e-{field}"' in answer.text
    if files and files[0][0] == "bad.json":
        assert "bad.json" in answer.text


# ---------- accounts ----------


async def add(browser: Browser, **fields: str) -> httpx.Response:
    usual = {"provider": "openai", "name": "main", "key": KEY, "base_url": "http://127.0.0.1:9"}
    return await browser.send_form("/reconciliation/accounts", **(usual | fields))


async def account_id(db) -> str:
    async with db.read() as connection:
        return str(await connection.fetchval("select id from hub.provider_accounts"))


async def test_a_key_is_never_shown_again(olga, db, check):
    added = await add(olga, name=HOSTILE)
    assert added.status_code == 303, added.text
    page = await olga.get(added.headers["location"])
    assert check(page.text) == []
    assert "its key is stored encrypted" in page.text
    for path in ("/reconciliation/accounts", "/reconciliation/accounts.csv", "/reconciliation"):
        text = (await olga.get(path)).text
        assert KEY not in text
        assert "<script>alert" not in text or path.endswith(".csv")
    refused = await add(olga, name="", key=KEY)
    assert refused.status_code == 422
    assert KEY not in refused.text
    assert 'id="e-name"' in refused.text
    assert "Type the key again" in refused.text
    assert 'value="http://127.0.0.1:9"' in refused.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"name": "\x00"}, "name"),
        ({"key": "two words"}, "key"),
        ({"provider": "azure"}, "key"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"key": ""}, "base_url"),
    ],
)
async def test_what_is_wrong_with_an_account_is_told(olga, check, given, field):
    answer = await add(olga, **given)
    assert answer.status_code == 422
    assert check(answer.text) == []
    assert f'id="e-{field}"' in answer.text


async def test_without_a_secret_key_no_key_is_taken(db, identity, check):
    app = Starlette(routes=Pages(db, identity, clock=lambda: NOW).routes())
    transport = httpx.ASGITransport(app)
    async with Browser(transport=transport, base_url="http://hub.test") as browser:
        await browser.sign_in("olga")
        await browser.view("northwind-travel")
        assert "AIHUB_SECRET_KEY" in (await browser.get("/reconciliation/accounts")).text
        answer = await add(browser)
        assert answer.status_code == 409
        assert check(answer.text) == []
        assert "AIHUB_SECRET_KEY" in answer.text


async def test_fetching_goes_on_beside_the_request_and_tells_its_failure(olga, db, pages, check):
    await add(olga)
    made = await account_id(db)
    begun = await olga.send_form(f"/reconciliation/accounts/{made}/fetch")
    assert begun.headers["location"] == "/reconciliation/accounts"
    page = (await olga.get("/reconciliation/accounts")).text
    assert "data-live" in page
    assert check(page) == []
    again = await olga.send_form(f"/reconciliation/accounts/{made}/fetch")
    assert again.status_code == 409
    await pages.stop()
    await asyncio.sleep(0)
    assert "data-live" not in (await olga.get("/reconciliation/accounts")).text


async def test_an_account_is_removed_with_its_bills_when_asked(olga, db):
    await add(olga, key="", base_url="")
    made = await account_id(db)
    await upload(olga, ("c.json", costs(("gpt-9, output", 1.0))), account_id=made)

    async def bills() -> int:
        async with db.read() as connection:
            return await connection.fetchval("select count(*) from hub.provider_bills")

    assert await bills() > 0
    refused = await olga.send_form(f"/reconciliation/accounts/{made}/fetch")
    assert refused.status_code == 303  # begun; that its bills come as files is told on the page
    removed = await olga.send_form(f"/reconciliation/accounts/{made}/remove", with_bills="yes")
    assert removed.status_code == 303
    assert await bills() == 0
    for path in (f"{made}/remove", "x/remove", "x/fetch"):
        answer = await olga.send_form(f"/reconciliation/accounts/{path}")
        assert answer.status_code == 404
