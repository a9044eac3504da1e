"""Prices, calls and repricing over a real database with the price book of the release in it."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import httpx
import pytest

from aihub.kit.ids import uuid7

from .conftest import NOW, Browser
from .priced import USAGE, PricedHub

EARLIER = (NOW - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
async def hub(db, identity):
    made = PricedHub(db, identity, NOW)
    await made.start()
    return made


@pytest.fixture
async def owner(hub):
    return await hub.make_organization(f"org-{uuid4().hex[:8]}")


@pytest.fixture
async def olga(hub, owner):
    """Operates the hub, looking at `owner`."""
    transport = httpx.ASGITransport(hub.app)
    async with Browser(transport=transport, base_url="http://hub.test") as made:
        await made.sign_in("olga")
        await made.view(owner.organization_name)
        yield made


@pytest.fixture
async def member(hub, olga):
    """Ada, looking at Kumo Shop, which has calls without a price."""
    transport = httpx.ASGITransport(hub.app)
    async with Browser(transport=transport, base_url="http://hub.test") as made:
        await made.sign_in("ada")
        await made.view("kumo-shop")
        yield made


def read_csv(answer):
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def words(text):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()))


def models(text):
    return [html.unescape(u) for u in re.findall(r'class="row-link" href="(/prices/[^"]+)"', text)]


def new_model():
    """A name the price book does not know."""
    return f"model-{uuid4().hex[:8]}"


def at_home(problems):
    """Links to where a price comes from lead elsewhere, and may."""
    return [p for p in problems if not p.startswith("a href=https://")]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/prices",
        "/prices?q=gpt-4o&layer=corrections&at=2025-06-01",
        "/prices?layer=gold&at=x",
        "/prices?cursor=nonsense",
        "/prices?q=no-such-model-anywhere",
        "/prices?provider=openai",
        "/prices/openai/gpt-4o",
        "/prices/openai/*",
        "/prices/google/gemini-2.5-pro",
        "/prices/deepseek/deepseek-chat",
        "/prices/nobody/none-such",
        "/prices/versions",
        "/calls",
        "/calls?cost_status=unpriced&from=2020-01-01",
        "/calls?min_cost=x&to=2020-01-01&from=2021-01-01",
        "/calls?cursor=nonsense",
        "/calls/x",
        "/repricing",
        "/repricing?from=x",
    ],
)
async def test_every_page_is_well_formed_and_within_the_policy(olga, check, path):
    answer = await olga.get(path)
    assert answer.status_code in (200, 404, 422)
    assert at_home(check(answer.text)) == []


async def test_the_list_shows_the_price_that_a_call_is_priced_with(hub, olga, owner):
    found = {
        (row["model"], row["component"]): row
        for row in read_csv(await olga.get("/prices.csv?q=gpt-4o&provider=openai"))
    }
    row = found["gpt-4o", "input_text"]
    assert (row["usd"], row["per_units"], row["layer"]) == ("2.5", "1000000", "corrections")
    (call,) = await hub.record(owner, {"model": "gpt-4o", "usage": USAGE})
    (line,) = [line for line in call["cost_lines"] if line["component"] == "input_text"]
    assert Decimal(str(line["unit_price"])) * 1_000_000 == Decimal(row["usd"])
    assert line["price_id"] == row["price_id"]


async def test_the_list_can_be_asked_for_an_earlier_day(olga):
    path = "/prices.csv?q=gpt-4o&provider=openai&at=2024-06-01"
    (row,) = [
        row for row in read_csv(await olga.get(path))
        if (row["model"], row["component"]) == ("gpt-4o", "input_text")
    ]  # fmt: skip
    assert row["usd"] == "5"


async def test_pages_neither_skip_nor_repeat_and_all_words_count(olga):
    url, seen = "/prices?provider=openai", []
    while url:
        text = (await olga.get(url)).text
        seen += models(text)
        older = re.search(r'rel="next" href="([^"]+)"', text)
        url = html.unescape(older[1]) if older else None
    assert len(seen) == len(set(seen)) > 100
    listed = {row["model"] for row in read_csv(await olga.get("/prices.csv?provider=openai"))}
    assert len(listed) <= len(seen)
    found = models((await olga.get("/prices?q=MINI%20openai/gpt-4o")).text)
    assert "/prices/openai/gpt-4o-mini" in found
    assert all("mini" in url for url in found)


async def test_bad_filters_are_told_beside_their_fields(olga):
    answer = await olga.get("/prices?layer=gold&at=yesterday")
    assert answer.status_code == 422
    assert "One of: base, corrections, override, contract." in answer.text
    assert 'id="e-at"' in answer.text
    assert (await olga.get("/prices.csv?at=yesterday")).status_code == 422
    assert (await olga.get("/calls.csv?min_cost=-1")).status_code == 422
    assert (await olga.get("/repricing.csv?from=x")).status_code == 422


async def test_a_models_page_tells_its_past_and_its_variants(olga):
    text = (await olga.get("/prices/openai/gpt-4o")).text
    said = words(text)
    assert "from 2 Oct 2024" in said
    assert "from 13 May 2024 to 2 Oct 2024" in said
    assert "processing: batch" in said
    assert "Price over time" in said
    assert 'class="step step-input" d="M' in text
    rows = read_csv(await olga.get("/prices/history.csv?provider=openai&model=gpt-4o"))
    assert {"corrections", "base"} <= {row["layer"] for row in rows}
    batch = [row for row in rows if row["condition"] == "processing: batch"]
    assert ("input_text", "1.25") in {(row["component"], row["usd"]) for row in batch}


async def test_a_name_of_another_model_shows_whose_prices_it_has(olga):
    """The imported list gives this snapshot to gpt-4o, our corrections to another: they win."""
    said = words((await olga.get("/prices/openai/gpt-4o-2024-11-20")).text)
    assert "priced as gpt-4o-2024-08-06" in said
    assert "In force now" in said
    other = words((await olga.get("/prices/openai/gpt-4o-2024-08-06")).text)
    assert "Other names gpt-4o-2024-11-20" in other
    plain = words((await olga.get("/prices/openai/gpt-4o")).text)
    assert "gpt-4o-2024-11-20" not in plain
    unheard = words((await olga.get("/prices/openai/gpt-4o-2031-01-01")).text)
    assert "priced as gpt-4o " in unheard


async def test_an_override_holds_for_the_next_call_and_can_be_retired(hub, olga, owner):
    model = new_model()
    (before,) = await hub.record(owner, {"provider": "acme", "model": model, "tokens": 1000})
    assert before["cost"] is None
    page = f"/prices/acme/{model}"
    assert "The book does not know it" in words((await olga.get(page)).text)
    answer = await olga.send_form(
        page, action="put", scope="everybody", price_input_text="2", price_output_text="8",
        reason="agreed by phone", **{"from": EARLIER},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    told = (await olga.get(answer.headers["location"])).text
    assert "Saved." in words(told)
    (after,) = await hub.record(owner, {"provider": "acme", "model": model, "tokens": 1000})
    assert Decimal(str(after["cost"])) == Decimal("0.002")
    assert "agreed by phone" in (await olga.get("/prices/versions")).text
    assert page in models((await olga.get(f"/prices?q={model}&layer=override")).text)
    (price_id,) = re.findall(r'name="id" value="([^"]+)"', told)
    gone = await olga.send_form(page, action="retire", id=price_id, reason="a mistake")
    assert gone.status_code == 303
    assert "Retired with book" in words((await olga.get(gone.headers["location"])).text)
    (last,) = await hub.record(owner, {"provider": "acme", "model": model, "tokens": 1000})
    assert last["cost"] is None
    again = await olga.send_form(page, action="retire", id=price_id)
    assert again.status_code == 404


async def test_a_contract_is_seen_and_paid_by_its_organization_alone(hub, olga, owner):
    other = await hub.make_organization("another")
    answer = await olga.send_form(
        "/prices/openai/gpt-4o", action="put", scope="contract", multiply="0.5",
        note="a secret deal", **{"from": EARLIER},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    assert "a secret deal" in (await olga.get("/prices/openai/gpt-4o")).text
    body = {"model": "gpt-4o", "usage": USAGE}
    (mine,), (theirs,) = await hub.record(owner, body), await hub.record(other, body)
    assert Decimal(str(mine["cost"])) * 2 == Decimal(str(theirs["cost"]))
    await olga.view("another")
    assert "a secret deal" not in (await olga.get("/prices/openai/gpt-4o")).text
    assert not models((await olga.get("/prices?q=gpt-4o&layer=contract")).text)
    rows = read_csv(await olga.get("/prices/history.csv?provider=openai&model=gpt-4o"))
    assert "contract" not in {row["layer"] for row in rows}


async def test_a_price_from_a_later_day_is_planned(olga):
    model = new_model()
    page = f"/prices/acme/{model}"
    for amount, since in (("4", "2024-01-01"), ("3", "2024-07-01"), ("2", "2099-01-01")):
        answer = await olga.send_form(
            page, action="put", scope="everybody", price_input_text=amount, **{"from": since}
        )
        assert answer.status_code == 303
    text = (await olga.get(page)).text
    states = re.findall(r'badge-price-([a-z-]+)"', text)
    assert sorted(states) == ["ended", "future", "in-force"]
    assert "(planned)" in text
    assert 'class="now-line"' in text
    now = text.split('id="now"')[1].split("</section>")[0]
    assert "$3.00" in now
    assert "$2.00" not in now


async def test_errors_are_beside_their_fields_and_what_was_typed_stays(olga, check):
    page = f"/prices/acme/{new_model()}"
    answer = await olga.send_form(
        page, action="put", scope="contract", price_input_text="cheap", price_output_text="8",
        note='<b>"kept"',
    )  # fmt: skip
    assert answer.status_code == 422
    assert at_home(check(answer.text)) == []
    assert re.search(
        r'name="price_input_text"[^>]+value="cheap"[^>]+aria-describedby="e-price_input_text',
        answer.text,
    )
    assert re.search(r'name="price_output_text"[^>]+value="8"', answer.text)
    assert "&lt;b&gt;" in answer.text
    assert re.search(r'value="contract" checked', answer.text)
    assert "The book does not know it" in words((await olga.get(page)).text)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/prices/openai/gpt-4o", {"action": "put", "scope": "everybody", "multiply": "0.1"}),
        ("/prices/openai/gpt-4o", {"action": "retire", "id": str(uuid7())}),
        ("/repricing", {"status": "all"}),
    ],
)
async def test_only_operators_change_prices_and_only_from_here(member, olga, path, fields):
    assert (await member.send_form(path, **fields)).status_code == 403
    foreign = await olga.post(path, data=fields, headers={"Origin": "https://evil.test"})
    assert foreign.status_code == 403
    assert (await member.get("/repricing")).status_code == 403
    assert (await member.get("/repricing.csv")).status_code == 403
    text = (await member.get("/prices/openai/gpt-4o")).text
    assert '<form method="post" action="/prices' not in text
    assert (await member.get("/prices/acme/none-such-at-all")).status_code == 404


async def test_a_member_sees_the_models_of_their_own_that_have_no_price(hub, member, owner):
    model = new_model()
    await hub.record(owner, {"provider": "acme", "model": model, "tokens": 7})
    rows = read_csv(await member.get("/prices/unpriced.csv"))
    assert {row["model"] for row in rows} == {"nimbus-13b-instruct"}
    text = (await member.get("/prices")).text
    assert model not in text
    (url,) = {html.unescape(u) for u in re.findall(r'href="(/calls\?cost_status=unp[^"]+)"', text)}
    assert "model=nimbus-13b-instruct" in url
    assert (await member.get(url)).text.count('class="row-link"') > 0
    assert "without a price came in" not in text


async def test_an_operator_is_alarmed_sets_a_price_and_reprices(hub, olga, owner, db):
    model = new_model()
    calls = await hub.record(
        owner, *[{"provider": "acme", "model": model, "tokens": n} for n in (1000, 2000, 3000)]
    )
    for path in ("/", "/prices"):
        text = (await olga.get(path)).text
        assert "without a price came in during the last 7 days" in words(text)
        assert f'href="/prices/acme/{model}"' in text
    assert model in {row["model"] for row in read_csv(await olga.get("/prices/unpriced.csv"))}
    scope = {"provider": "acme", "model": model, "scope": "this one", "status": "unpriced"}
    idle = words((await olga.get("/repricing", params=scope)).text)
    assert "there is nothing to reprice" in idle
    await olga.send_form(
        f"/prices/acme/{model}", action="put", scope="everybody", price_input_text="1",
        **{"from": EARLIER},
    )  # fmt: skip
    preview = words((await olga.get("/repricing", params=scope)).text)
    assert "3 of 3 calls would change." in preview
    (row,) = read_csv(await olga.get("/repricing.csv", params=scope))
    assert (row["changed"], row["cost_before_usd"], row["cost_after_usd"]) == ("3", "0", "0.006")
    first = f"/calls/{calls[0]['id']}"
    assert "Why does this call have no cost?" in (await olga.get(first)).text  # only a preview
    done = words((await olga.send_form("/repricing", **scope)).text)
    assert "3 of 3 calls were changed" in done
    text = words((await olga.get(first)).text)
    assert "Why does this cost $0.001?" in text
    assert "unpriced → estimated" in text
    (change,) = read_csv(await olga.get(f"{first}/adjustments.csv"))
    assert (change["cost_before_usd"], change["cost_after_usd"]) == ("", "0.001")
    async with db.read() as connection:
        by = await connection.fetchval(
            "select created_by from hub.reprice_runs order by id desc limit 1"
        )
    assert by.startswith("operator:")


async def test_home_leads_to_the_calls_without_a_price(member):
    text = (await member.get("/")).text
    (url,) = {
        html.unescape(u)
        for u in re.findall(r'href="(/calls\?[^"]*unpriced[^"]*)"', text)
        if "model=" not in u
    }
    assert url.startswith("/calls?cost_status=unpriced&from=")
    shown = int(re.search(r"<strong>([\d,]+) calls? without a price", text)[1].replace(",", ""))
    rows = read_csv(await member.get(url.replace("/calls?", "/calls.csv?")))
    assert len(rows) == shown
    assert {row["cost_usd"] for row in rows} == {""}


async def test_the_list_of_calls_is_filtered_and_the_file_is_the_same(hub, olga, owner):
    await hub.record(
        owner,
        {"model": "gpt-4o", "usage": USAGE, "module": "a"},
        {"model": "gpt-4o-mini", "usage": USAGE, "module": "a"},
        {"model": "gpt-4o", "tokens": 100, "module": "b"},
        {"provider": "ollama", "model": "llama3", "tokens": 9, "module": "=1+1"},
    )
    for query, count in (
        ("", 4), ("model=gpt-4o", 2), ("module=a&model=gpt-4o", 1), ("provider=ollama", 1),
        ("cost_status=estimated", 1), ("min_cost=0.001", 1), ("max_cost=0", 1),
        ("to=2020-01-01", 0), ("cost_status=unpriced", 0),
    ):  # fmt: skip
        text = (await olga.get(f"/calls?{query}")).text
        assert text.count('class="row-link"') == count, query
        assert len(read_csv(await olga.get(f"/calls.csv?{query}"))) == count
    (free,) = read_csv(await olga.get("/calls.csv?provider=ollama"))
    assert (free["module"], free["cost_usd"], free["cost_status"]) == ("'=1+1", "0", "free")


async def test_a_call_says_why_it_costs_that(hub, olga, owner):
    body = {
        "model": "gpt-4o", "api": "batch:chat.completions", "usage": USAGE,
        "context": {"batch": True, "region": "<b>eu</b>"},
    }  # fmt: skip
    (call,) = await hub.record(owner, body)
    text = (await olga.get(f"/calls/{call['id']}")).text
    said = words(text)
    assert "1,000 tokens of input at $1.25 per million" in said
    assert "The sum of the lines is the cost, to the last digit." in said
    assert 'href="/prices/openai/gpt-4o">openai/gpt-4o@2024-10-02/batch</a>' in text
    assert '"prompt_tokens_details"' in said
    assert "<b>eu" not in text
    lines = read_csv(await olga.get(f"/calls/{call['id']}.csv"))
    assert sum(Decimal(line["amount_usd"]) for line in lines) == Decimal(str(call["cost"]))


async def test_calls_of_others_are_not_there(hub, olga, member, owner):
    (call,) = await hub.record(owner, {"model": "gpt-4o", "usage": USAGE})
    for path in (f"/calls/{call['id']}", f"/calls/{call['id']}.csv", f"/calls/{uuid7()}"):
        assert (await member.get(path)).status_code == 404
    assert (await olga.get(f"/calls/{call['id']}")).status_code == 200


async def test_what_a_model_was_used_for_counts_all_of_its_names(hub, olga, owner):
    at = (NOW - timedelta(days=1)).astimezone(UTC).isoformat()
    stored = await hub.record(
        owner,
        {"model": "gpt-4o", "usage": USAGE, "occurred_at": at},
        {"model": "gpt-4o-2025-07-07", "usage": USAGE, "occurred_at": at},
        {"model": "gpt-4o-mini", "usage": USAGE, "occurred_at": at},
        {"model": "gpt-4o", "usage": USAGE,
         "occurred_at": datetime(NOW.year - 1, 1, 2, tzinfo=UTC).isoformat()},
    )  # fmt: skip
    said = words((await olga.get("/prices/openai/gpt-4o")).text)
    assert "Used in the last 30 days 2 calls of" in said
    cost = Decimal(str(stored[0]["cost"])) + Decimal(str(stored[1]["cost"]))
    assert f"Cost ${cost.normalize():f}" in said or f"Cost ${cost:.4f}" in said


async def test_each_message_leads_to_its_call(member):
    (url, *_) = re.findall(
        r'href="(/conversations/[^"?]+)"', (await member.get("/conversations")).text
    )
    text = (await member.get(url)).text
    calls = re.findall(r'<a href="(/calls/[^"]+)" class="cost-link"', text)
    for call in calls:
        assert (await member.get(call)).status_code == 200


async def test_an_imported_name_of_a_corrected_model_says_whose_prices_it_has(olga):
    text = (await olga.get("/prices?q=anthropic/claude-3-5-haiku-latest")).text
    assert "priced as <bdi>claude-3-5-haiku</bdi>" in text
    assert "badge-layer-corrections" in text
    assert models(text) == ["/prices/anthropic/claude-3-5-haiku-latest"]
    only_base = await olga.get("/prices?q=anthropic/claude-3-5-haiku-latest&layer=base")
    assert models(only_base.text) == []
