"""The daily reports as pages and files."""

import csv
import io
import re

import pytest

from .conftest import NOW
from .test_pages import fetch, links, tile


async def first_report(browser):
    text = (await browser.get("/reports")).text
    return re.findall(r'class="row-link" href="(/reports/[^"]+)"', text)[0]


async def test_the_list_leads_to_the_report_and_says_whether_it_was_late(ada, check):
    text = (await ada.get("/reports")).text
    assert check(text) == []
    assert re.search("in time|late", text)
    answer = await ada.get(await first_report(ada))
    assert answer.status_code == 200
    assert check(answer.text) == []


async def test_a_report_tells_what_the_database_holds(ada, db, world):
    url = await first_report(ada)
    text = (await ada.get(url)).text
    begins = "date_trunc('day', $2::timestamptz, 'Europe/Berlin') - interval '1 day'"
    count = await fetch(
        db,
        "select count(*) from ai_conversations where organization_id = $1"
        f" and created_at >= {begins} and created_at < {begins} + interval '1 day'",
        *(world.organizations["northwind-travel"], NOW),
    )
    assert tile(text.split("<ul class=")[1], "Conversations").startswith(f"{count} ")
    for name in ("billing", "changes", "modules", "models", "scores", "intents"):
        (file,) = links(text, f"{url}/{name}.csv") or [f"{url}/{name}.csv"]
        answer = await ada.get(file)
        assert answer.status_code == 200, name
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        assert len(rows) > 1, name
    assert (await ada.get(f"{url}/nothing.csv")).status_code == 404


@pytest.mark.parametrize("path", ["/reports/x", "/reports/0198c000-0000-7000-8000-000000000000"])
async def test_what_is_not_there_is_not_found(ada, path):
    assert (await ada.get(path)).status_code == 404


async def test_a_foreign_report_is_not_found(ada):
    url = await first_report(ada)
    await ada.view("kumo-shop")
    assert (await ada.get(url)).status_code == 404
    assert (await ada.get(f"{url}/billing.csv")).status_code == 404


async def test_the_list_as_a_file_and_its_filter(ada):
    answer = await ada.get("/reports.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 1
    assert rows[0]["version"] == "1"
    none = (await ada.get("/reports?from=2020-01-01&to=2020-01-02")).text
    assert "No report of these days" in none
    assert (await ada.get("/reports?from=x")).status_code == 422
    assert (await ada.get("/reports.csv?from=x")).status_code == 422
    assert (await ada.get("/reports?cursor=nonsense")).status_code == 422


async def test_nobody_has_none_yet(nobody, check):
    await nobody.sign_in("nils")
    text = (await nobody.get("/reports")).text
    assert "No report" in text
    assert check(text) == []
