"""The endpoints: who may, what comes back, and the report on calls that were recorded."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from . import bills
from .bills import DAY, NEXT
from .double import KEY

AT = datetime(2026, 3, 4, 15, tzinfo=UTC)
DAYS = f"?from={DAY}&to={NEXT}"


def upload(hub, kind, raw, more="", **headers):
    return hub("POST", f"/bills?kind={kind}{more}", content=raw, headers=headers)


async def account(hub, **body):
    made = await hub("POST", "/accounts", json={"provider": "openai", "name": "ours"} | body)
    assert made.status_code == 201, made.text
    return made.json()


NOBODY = "01900000-0000-7000-8000-000000000000"
OPERATIONS = [
    ("GET", ""),
    ("GET", "/accounts"),
    ("POST", "/accounts"),
    ("DELETE", f"/accounts/{NOBODY}"),
    ("POST", f"/accounts/{NOBODY}/fetch"),
    ("POST", "/bills"),
]


@pytest.mark.parametrize("by", ["acme", "operator_read"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_operators_alone_may(by, method, path, hub):
    answer = await hub(method, path, by=by)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_the_report(hub, record_call):
    for n in range(4):
        await record_call(
            AT - timedelta(hours=n),
            "openai",
            "gpt-9",
            Decimal("0.25"),
            input_tokens=100,
            cached_input_tokens=40,
            output_tokens=10,
            price_book_version=f"book-{n % 2}",
        )
    page = bills.openai_page(
        bills.openai_cost("gpt-9, input", 0.24, 240.0),
        bills.openai_cost("gpt-9, cached input", 0.16, 160.0),
        bills.openai_cost("gpt-9, output", 0.7, 40.0),
    )
    assert (await upload(hub, "openai-costs", page)).status_code == 200
    answer = await hub("GET", DAYS)
    assert answer.status_code == 200, answer.text
    (row,) = json.loads(answer.text, parse_float=Decimal)["items"]
    assert row == {
        "day": "2026-03-04",
        "provider": "openai",
        "model": "gpt-9",
        "hub_tokens": {"input": 400, "cached_input": 160, "output": 40},
        "billed_tokens": {"input": 400, "cached_input": 160, "output": 40},
        "hub_calls": 4,
        "billed_requests": None,
        "hub_cost": 1,
        "billed_cost": Decimal("1.1"),
        "list_cost": Decimal("1.1"),
        "currency": "USD",
        "drift": Decimal("-0.090909"),
        "token_drift": 0,
        "verdict": "price_differs",
        "why": "the same tokens, but the hub's cost is 9.1% below the bill",
        "is_alarm": True,
        "price_book_versions": ["book-0", "book-1"],
    }
    (total,) = answer.json()["totals"]
    assert (total["hub_cost"], total["list_cost"], total["alarms"]) == (1, 1.1, 1)


async def test_days_are_those_of_utc(hub, record_call):
    for at in ("2026-03-03T23:59:59.999999", "2026-03-04T00:00:00", "2026-03-05T23:59:59"):
        await record_call(datetime.fromisoformat(f"{at}+00:00"), "openai", "m", Decimal(1))
    found = (await hub("GET", DAYS)).json()["items"]
    assert [(row["day"], row["verdict"]) for row in found] == [
        ("2026-03-05", "no_bill"),
        ("2026-03-04", "no_bill"),
    ]


async def test_unpriced_and_unnamed_calls_are_told(hub, record_call):
    await record_call(AT, "openai", "gpt-9", None, input_tokens=100)
    await record_call(AT, None, None, None, input_tokens=7)
    page = bills.openai_page(bills.openai_cost("gpt-9, input", 1.5, 100.0))
    await upload(hub, "openai-costs", page)
    found = {row["provider"]: row for row in (await hub("GET", DAYS)).json()["items"]}
    assert found["openai"]["verdict"] == "unpriced"
    assert found["unknown"]["model"] == "(no model)"


async def test_fees_inside_a_call_meet_the_line_of_the_bill(hub, record_call):
    parts = (("web_search", 0.3), ("output_text", 1))
    lines = json.dumps([{"component": name, "amount": amount} for name, amount in parts])
    await record_call(AT, "openai", "gpt-9", Decimal("1.3"), output_tokens=10, cost_lines=lines)
    page = bills.openai_page(
        bills.openai_cost("gpt-9, output", 1, 10.0),
        bills.openai_cost("web search tool calls", 0.32, 32.0),
    )
    await upload(hub, "openai-costs", page)
    found = {row["model"]: row for row in (await hub("GET", DAYS)).json()["items"]}
    assert found["gpt-9"]["verdict"] == "ok"
    fee = found["(web search tool calls)"]
    assert (fee["verdict"], fee["why"]) == ("calls_differ", "2 tool calls not recorded by the hub")


async def test_azure_models_are_told_apart_by_their_deployment(hub, record_call):
    await record_call(AT, "azure", "gpt-9", Decimal(1), context='{"deployment_type": "DataZone"}')
    await record_call(AT, "azure", "gpt-9", Decimal(2))
    await upload(
        hub,
        "azure",
        bills.azure(
            "03/04/2026,Foundry Models,,gpt 9 Inp Data Zone Tokens,1K,0,1,USD",
            "03/04/2026,Foundry Models,,gpt 9 Inp glbl Tokens,1K,0,2,USD",
        ),
    )
    found = (await hub("GET", DAYS)).json()["items"]
    assert [(row["model"], row["verdict"]) for row in found] == [
        ("gpt-9", "ok"),
        ("gpt-9 data zone", "ok"),
    ]


async def test_pages_neither_skip_nor_repeat(hub, record_call):
    for n in range(7):
        await record_call(AT + timedelta(days=n % 2), "openai", f"m{n}", Decimal(1))
    whole = (await hub("GET", DAYS)).json()["items"]
    seen, cursor = [], ""
    while True:
        page = (await hub("GET", f"{DAYS}&limit=3{cursor}")).json()
        seen += page["items"]
        assert page["totals"][0]["rows"] == 7
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole
    assert len(whole) == 7


async def test_filters(hub, record_call):
    for provider, model in (("openai", "a"), ("openai", "b"), ("google", "a")):
        await record_call(AT, provider, model, Decimal(1))
    found = (await hub("GET", f"{DAYS}&provider=openai&model=b")).json()
    assert [(row["provider"], row["model"]) for row in found["items"]] == [("openai", "b")]
    assert [total["provider"] for total in found["totals"]] == ["openai"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2026-03-04&to=2026-03-03", "to"),
        ("?from=2020-01-01&to=2026-01-01", "to"),
        ("?from=yesterday", "from"),
        ("?cursor=xxx", "cursor"),
        ("?limit=0", "limit"),
        ("?colour=red", "colour"),
    ],
)
async def test_bad_queries_name_the_field(query, field, hub):
    answer = await hub("GET", query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


# ---------- uploads ----------


async def test_a_bill_that_is_sent_twice_counts_once(hub):
    page = bills.openai_page(bills.openai_cost("gpt-9, input", 0.24, 240.0))
    for raw in (page, gzip.compress(page)):
        answer = await upload(hub, "openai-costs", raw)
        assert answer.json() == {
            "rows": 1,
            "first_day": "2026-03-04",
            "last_day": "2026-03-04",
            "other_lines": 0,
        }
    (row,) = (await hub("GET", DAYS)).json()["items"]
    assert (row["verdict"], row["list_cost"]) == ("missing_in_hub", 0.24)


async def test_bills_that_are_sent_at_once_count_once(hub):
    page = bills.openai_page(bills.openai_cost("gpt-9, input", 1, 10.0))
    answers = await asyncio.gather(*(upload(hub, "openai-costs", page) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    (row,) = (await hub("GET", DAYS)).json()["items"]
    assert row["list_cost"] == 1


async def test_a_mended_bill_replaces_its_days_alone(hub):
    for day, value in ((DAY, 1), (NEXT, 2), (DAY, 3)):
        page = bills.openai_page(bills.openai_cost("gpt-9, input", value, 10.0), day=day)
        await upload(hub, "openai-costs", page)
    found = (await hub("GET", DAYS)).json()["items"]
    assert [row["list_cost"] for row in found] == [2, 3]


async def test_another_currency_is_kept_and_not_compared(hub, record_call):
    await record_call(AT, "openai", "gpt-9", Decimal(1), input_tokens=10)
    page = bills.openai_page(bills.openai_cost("gpt-9, input", 0.9, 10.0, currency="eur"))
    await upload(hub, "openai-costs", page)
    (row,) = (await hub("GET", DAYS)).json()["items"]
    assert (row["verdict"], row["currency"], row["list_cost"]) == ("not_comparable", "EUR", 0.9)
    assert (row["drift"], row["is_alarm"]) == (None, False)


async def test_a_bad_file_is_told_by_name_and_place(hub):
    answer = await upload(hub, "aws", b"a,b\n", "&name=cur-2026-03.csv")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "malformed_bill")
    assert problem["detail"].startswith("cur-2026-03.csv: line 1: has no column")
    assert problem["errors"][0]["field"] == "line 1"


async def test_a_file_of_any_size_is_not_read(hub):
    answer = await upload(hub, "aws", b" " * ((64 << 20) + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_an_upload_is_of_one_account(hub):
    page = bills.openai_page(bills.openai_cost("gpt-9, input", 1, 10.0))
    await upload(hub, "openai-costs", page)
    first = await account(hub)
    await upload(hub, "openai-costs", page)  # the only account: replaces what had none
    second = await account(hub, name="theirs")
    answer = await upload(hub, "openai-costs", page)
    assert answer.json()["errors"][0]["field"] == "account_id"
    await upload(hub, "openai-costs", page, f"&account_id={second['id']}")
    (row,) = (await hub("GET", DAYS)).json()["items"]
    assert row["list_cost"] == 2  # two accounts, each billed once
    answer = await upload(hub, "openai-costs", page, f"&account_id={uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_account_not_found")
    answer = await upload(hub, "azure", bills.azure(), f"&account_id={first['id']}")
    assert answer.status_code == 422


async def test_an_upload_with_a_key_is_done_once(hub):
    page = bills.openai_page(bills.openai_cost("gpt-9, input", 1, 10.0))
    answers = [await upload(hub, "openai-costs", page, **{"Idempotency-Key": "k"}) for _ in "12"]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


# ---------- accounts ----------


async def test_a_key_is_never_shown_again(hub, provider):
    made = await account(hub, key=KEY, base_url=f"{provider.url}/")
    assert (made["kind"], made["base_url"]) == ("api", provider.url)
    listed = await hub("GET", "/accounts")
    assert listed.json()["items"] == [made]
    assert KEY not in listed.text
    assert not any("key" in name or "credential" in name for name in made)


async def test_without_a_secret_key_no_key_is_taken(open_hub):
    hub = open_hub(None)
    answer = await hub("POST", "/accounts", json={"provider": "openai", "name": "a", "key": KEY})
    assert (answer.status_code, answer.json()["code"]) == (409, "secret_key_missing")
    assert "AIHUB_SECRET_KEY" in answer.json()["detail"]
    made = await account(hub)  # needs none
    assert made["kind"] == "export"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider": "acme"}, "provider"),
        ({"name": " "}, "name"),
        ({"key": "a b"}, "key"),
        ({"key": "clé"}, "key"),
        ({"provider": "azure", "key": KEY}, "key"),
        ({"base_url": "https://x.test"}, "base_url"),
        ({"key": KEY, "base_url": "http://x.test"}, "base_url"),
        ({"key": KEY, "base_url": "https://me:pw@x.test"}, "base_url"),
        ({"key": KEY, "base_url": "file:///etc/passwd"}, "base_url"),
        ({"key": KEY, "base_url": "https://x.test:port"}, "base_url"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_bad_accounts_are_refused(body, field, hub):
    answer = await hub("POST", "/accounts", json={"provider": "openai", "name": "a"} | body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(("query", "rows"), [("", 1), ("?with_bills=true", 0)])
async def test_removing_an_account(query, rows, hub):
    made = await account(hub)
    await upload(hub, "openai-costs", bills.openai_page(bills.openai_cost("m, input", 1, 1.0)))
    assert (await hub("DELETE", f"/accounts/{made['id']}{query}")).json() == made
    assert (await hub("GET", "/accounts")).json()["items"] == []
    assert len((await hub("GET", DAYS)).json()["items"]) == rows
    again = await hub("DELETE", f"/accounts/{made['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "provider_account_not_found")


async def test_fetching_by_request(hub, provider):
    made = await account(hub, key=KEY, base_url=provider.url)
    answer = await hub("POST", f"/accounts/{made['id']}/fetch", json={"days": 2})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["is_finished"], found["pages"]) == (True, 2)
    assert (await hub("GET", "/accounts")).json()["items"][0]["last_fetched_at"]
    answer = await hub("POST", f"/accounts/{made['id']}/fetch")
    assert answer.json()["is_finished"]


async def test_a_fetch_that_is_refused_is_a_502(hub, provider):
    made = await account(hub, key="sk-wrong", base_url=provider.url)
    answer = await hub("POST", f"/accounts/{made['id']}/fetch")
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_refused")
    assert (await hub("GET", "/accounts")).json()["items"][0]["last_error"] == answer.json()[
        "detail"
    ]


async def test_a_day_that_was_fetched_and_had_no_lines_is_a_bill(hub, provider, record_call):
    made = await account(hub, key=KEY, base_url=provider.url)
    day = datetime.now(UTC) - timedelta(days=4)
    await record_call(day, "openai", "gpt-9", Decimal(1))
    days = f"?from={day.date()}&to={day.date()}"
    assert (await hub("GET", days)).json()["items"][0]["verdict"] == "no_bill"
    await hub("POST", f"/accounts/{made['id']}/fetch", json={"days": 5})
    row = (await hub("GET", days)).json()["items"][0]
    assert (row["verdict"], row["is_alarm"]) == ("missing_at_provider", True)


async def test_what_has_no_key_cannot_be_fetched(hub):
    made = await account(hub, provider="bedrock")
    answer = await hub("POST", f"/accounts/{made['id']}/fetch")
    assert answer.status_code == 422
    answer = await hub("POST", f"/accounts/{uuid4()}/fetch")
    assert answer.status_code == 404
