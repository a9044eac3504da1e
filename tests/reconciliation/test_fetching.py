"""Fetching from a provider that answers over a real socket, or does not."""

import asyncio
import os
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from aihub.kit.errors import Invalid
from aihub.reconciliation import api
from aihub.reconciliation.models import FETCHED

from . import bills
from .conftest import SECRET
from .double import KEY

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
END = date(2026, 3, 18)  # the first day that is not closed
DAYS = [END - timedelta(days=n) for n in range(40, 0, -1)]


@pytest.fixture
def openai(provider):
    """Every day has a line of one dollar more than the one before, and its tokens."""
    for n, day in enumerate(DAYS):
        provider.costs[day] = [bills.openai_cost("gpt-9, input", n + 0.1, 1000.0 + n)]
        provider.usage[day] = [bills.openai_usage("gpt-9", 1000 + n, 0, 0, requests=n)]
    return provider


async def stored(connection, source="openai-costs"):
    rows = await connection.fetch(
        "select day, amount from hub.provider_bills where source = $1 order by day", source
    )
    return {row["day"]: row["amount"] for row in rows}, len(rows)


def expected(days):
    return {day: Decimal(DAYS.index(day)) + Decimal("0.1") for day in days}


async def test_all_pages_are_fetched_once(openai, add_account, fetcher, connection):
    account = await add_account("openai", KEY)
    found = await fetcher.fetch(account, days=40, now=NOW)
    assert (found.is_finished, found.rows) == (True, 80)
    assert (found.first_day, found.last_day) == (DAYS[0], DAYS[-1])
    # usage gives 31 days a page, costs all of them
    assert (found.pages, len(openai.requests)) == (3, 3)
    assert await stored(connection) == (expected(DAYS), 40)
    assert (await stored(connection, "openai-usage"))[1] == 40


async def test_a_second_fetch_replaces_the_last_days(openai, add_account, fetcher, connection):
    account = await add_account("openai", KEY)
    await fetcher.fetch(account, now=NOW)
    assert await stored(connection) == (expected(DAYS[-30:]), 30)
    openai.costs[DAYS[-1]] = [bills.openai_cost("gpt-9, input", 7, 1.0)]
    openai.costs[DAYS[-2]] = []
    openai.costs[DAYS[-4]] = [bills.openai_cost("gpt-9, input", 999, 1.0)]
    found = await fetcher.fetch(account, now=NOW)
    assert (found.first_day, found.last_day) == (DAYS[-3], DAYS[-1])
    amounts = expected(DAYS[-30:])
    amounts[DAYS[-1]] = Decimal(7)
    del amounts[DAYS[-2]]
    assert await stored(connection) == (amounts, 29)


async def test_a_new_day_continues_where_the_last_fetch_ended(openai, add_account, fetcher):
    account = await add_account("openai", KEY)
    await fetcher.fetch(account, now=NOW)
    found = await fetcher.fetch(account, now=NOW + timedelta(days=5))
    assert (found.first_day, found.last_day) == (END - timedelta(days=3), END + timedelta(days=4))


@pytest.mark.parametrize("which", ["anthropic", "openrouter"])
async def test_the_other_providers(which, provider, add_account, fetcher, connection):
    for n, day in enumerate(DAYS):
        provider.usage[day] = [bills.anthropic_usage("claude-9", 10, 20, 30, 40, 50)]
        provider.costs[day] = [bills.anthropic_cost("output_tokens", f"{n}.5", "claude-9")]
        provider.activity.append(bills.activity("a/m", 0.5, day))
    provider.page_size = 7
    account = await add_account(which, KEY)
    found = await fetcher.fetch(account, days=25, now=NOW)
    assert found.is_finished
    source = {"anthropic": "anthropic-cost", "openrouter": "openrouter"}[which]
    amounts, count = await stored(connection, source)
    assert count == 25
    assert min(amounts) == DAYS[-25]
    if which == "anthropic":
        assert amounts[DAYS[-1]] == Decimal("0.395")
        assert found.pages == 8


@pytest.mark.parametrize("which", FETCHED)
async def test_a_wrong_key_is_told(which, provider, add_account, fetcher, connection):
    account = await add_account(which, "sk-of-somebody-else")
    with pytest.raises(api.ProviderRefused) as caught:
        await fetcher.fetch(account, now=NOW)
    assert f"{which} refused the key (HTTP 40" in caught.value.detail
    told = await connection.fetchval("select last_error from hub.provider_accounts")
    assert told == caught.value.detail
    # neither the key that was sent nor what the provider says about keys
    assert "sk-" not in told
    assert len(provider.requests) == 1


async def test_waits_as_long_as_the_provider_says(openai, add_account, db):
    waited = []

    async def rest(seconds):
        waited.append(seconds)

    soon = datetime.now(UTC) + timedelta(hours=1)
    openai.fail(429, Retry_After="7")
    openai.fail(429, Retry_After=f"{soon:%a, %d %b %Y %H:%M:%S} GMT")
    openai.fail(500)
    openai.fail(503)
    account = await add_account("openai", KEY)
    fetcher = api.Fetcher(db, api.Sealer(SECRET), sleep=rest)
    found = await fetcher.fetch(account, days=3, now=NOW, max_seconds=10_000)
    assert found.is_finished
    assert waited[0] == 7
    assert 3500 < waited[1] <= 3600
    assert waited[2:] == [4, 8]


async def test_gives_up_when_it_may_not_wait_so_long(openai, add_account, fetcher, connection):
    openai.fail(429, Retry_After="3600")
    account = await add_account("openai", KEY)
    with pytest.raises(api.ProviderAway, match="HTTP 429"):
        await fetcher.fetch(account, days=3, now=NOW, max_seconds=30)
    assert await stored(connection) == ({}, 0)


async def test_an_error_in_the_middle_loses_nothing(openai, add_account, fetcher, connection):
    openai.page_size = 10
    account = await add_account("openai", KEY)
    await fetcher.fetch(account, days=1, now=NOW)
    openai.requests.clear()
    answer, openai.failures = openai.answer, []

    def fails_at_the_third(path, headers):
        if len(openai.requests) >= 3:
            return 500, {}, b"{}"
        return answer(path, headers)

    openai.answer = fails_at_the_third
    with pytest.raises(api.ProviderAway, match="HTTP 500"):
        await fetcher.fetch(account, days=40, now=NOW)
    assert (await stored(connection, "openai-usage"))[1] == 21
    openai.answer = answer
    openai.requests.clear()
    found = await fetcher.fetch(account, days=40, now=NOW)
    assert found.is_finished
    # two pages of usage were there already
    assert len(openai.requests) == 2 + 4
    assert await stored(connection) == (expected(DAYS), 40)
    assert (await stored(connection, "openai-usage"))[1] == 40
    assert await connection.fetchval("select last_error from hub.provider_accounts") is None


async def test_a_killed_fetch_goes_on(openai, add_account, fetcher, connection, dsn):
    openai.page_size = 10
    openai.hangs_at = 3
    account = await add_account("openai", KEY)
    script = Path(__file__).with_name("fetch_process.py")
    # its days end at the real today, so they are not those of the tests above
    days = [datetime.now(UTC).date() - timedelta(days=n) for n in range(3, 43)]
    for day in days:
        openai.costs[day] = [bills.openai_cost("gpt-9, input", 1.5, 10.0)]
        openai.usage[day] = [bills.openai_usage("gpt-9", 10, 0, 0)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), dsn, str(account), "40"),
        env={**os.environ, "NO_PROXY": "*"},
    )
    try:
        assert await asyncio.to_thread(openai.hanging.wait, 60)
    finally:
        process.kill()
        await process.wait()
    assert (await stored(connection, "openai-usage"))[1] == 20
    openai.hangs_at = None
    openai.requests.clear()
    found = await fetcher.fetch(account, days=40)
    assert found.is_finished
    assert len(openai.requests) == 2 + 4
    assert (await stored(connection, "openai-usage"))[1] == 40
    amounts, count = await stored(connection)
    assert (count, set(amounts.values())) == (40, {Decimal("1.5")})


async def test_out_of_time_is_not_finished(openai, add_account, fetcher, connection):
    account = await add_account("openai", KEY)
    found = await fetcher.fetch(account, days=3, now=NOW, max_seconds=0)
    assert (found.is_finished, found.rows) == (False, 0)
    found = await fetcher.fetch(account, days=3, now=NOW)
    assert (found.is_finished, found.rows) == (True, 6)


async def test_two_at_once_double_nothing(openai, add_account, fetcher, connection):
    openai.page_size = 5
    account = await add_account("openai", KEY)
    results = await asyncio.gather(
        *(fetcher.fetch(account, days=40, now=NOW) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(r, api.FetchUnderWay | api.Fetched) for r in results)
    assert (await fetcher.fetch(account, days=40, now=NOW)).is_finished
    assert await stored(connection) == (expected(DAYS), 40)


async def test_a_page_that_makes_no_sense_is_told_and_begun_anew(
    openai, add_account, fetcher, connection
):
    account = await add_account("openai", KEY)
    openai.failures.append((200, {}, b'{"data": [{"start_time": "soon"}]}'))
    with pytest.raises(
        api.ProviderFailed, match=r"usage/completions, page 1: data\[0\].start_time"
    ):
        await fetcher.fetch(account, days=3, now=NOW)
    assert await connection.fetchval("select count(*) from hub.fetch_progress") == 0
    assert (await fetcher.fetch(account, days=3, now=NOW)).is_finished


async def test_pages_without_an_end_are_noticed(openai, add_account, fetcher):
    account = await add_account("openai", KEY)
    page = bills.openai_page(day=DAYS[-1], next_page="page_again")
    openai.failures += [(200, {}, page)] * 3
    with pytest.raises(api.ProviderFailed, match="no end"):
        await fetcher.fetch(account, days=3, now=NOW)


async def test_an_answer_of_any_size_is_not_read(openai, add_account, fetcher):
    account = await add_account("openai", KEY)
    openai.failures.append((200, {}, b" " * (33 << 20)))
    with pytest.raises(api.ProviderFailed, match="exceeds 33,554,432 bytes"):
        await fetcher.fetch(account, days=3, now=NOW)


async def test_a_redirect_is_not_followed(openai, add_account, fetcher):
    account = await add_account("openai", KEY)
    openai.fail(302, Location=f"{openai.url}/elsewhere")
    with pytest.raises(api.ProviderFailed, match="HTTP 302"):
        await fetcher.fetch(account, days=3, now=NOW)
    assert len(openai.requests) == 1


async def test_nobody_there_is_told(provider, add_account, fetcher):
    account = await add_account("openai", KEY)
    provider.close()
    with pytest.raises(api.ProviderAway, match="ConnectError"):
        await fetcher.fetch(account, days=3, now=NOW)


async def test_another_secret_key_is_told(openai, add_account, db):
    account = await add_account("openai", KEY)
    with pytest.raises(api.CredentialsUnreadable, match="AIHUB_SECRET_KEY"):
        await api.Fetcher(db, api.Sealer(bytes(32))).fetch(account)
    assert openai.requests == []


async def test_the_key_is_stored_nowhere_in_the_clear(openai, add_account, connection):
    await add_account("openai", KEY)
    rows = await connection.fetch(
        "select a::text as whole, credentials from hub.provider_accounts a"
    )
    assert KEY.encode() not in rows[0]["credentials"]
    assert KEY not in rows[0]["whole"]
    assert KEY.encode().hex() not in rows[0]["whole"]


async def test_the_repeating_job_fetches_what_is_due(openai, add_account, fetcher, connection):
    await add_account("openai", "sk-wrong", name="broken")
    await add_account("openai", KEY, name="fine")
    assert await fetcher.fetch_due() == 1
    told = await connection.fetch(
        "select name, last_error is null as ok from hub.provider_accounts"
    )
    assert {row["name"]: row["ok"] for row in told} == {"broken": False, "fine": True}
    openai.requests.clear()
    assert await fetcher.fetch_due() == 0
    assert len(openai.requests) == 1  # the broken one alone is tried again


@pytest.mark.parametrize("days", [0, 366])
async def test_days_have_bounds(days, add_account, fetcher):
    account = await add_account("openai", KEY)
    with pytest.raises(Invalid, match="from 1 to 365"):
        await fetcher.fetch(account, days=days)


async def test_two_that_go_on_with_one_run_store_a_page_once(
    openai, add_account, fetcher, connection
):
    openai.page_size = 5
    account = await add_account("openai", KEY)
    left = await fetcher.fetch(account, days=40, now=NOW, max_seconds=0)
    assert not left.is_finished
    results = await asyncio.gather(
        *(fetcher.fetch(account, days=40, now=NOW) for _ in range(4)), return_exceptions=True
    )
    assert any(isinstance(r, api.FetchUnderWay) for r in results)
    rows, count = await stored(connection, "openai-usage")
    assert count == len(rows)
    assert await stored(connection) == (expected(DAYS), 40)


async def test_usage_that_was_fetched_without_costs_is_no_bill(
    openai, add_account, fetcher, db, record_call
):
    await record_call(datetime(2026, 3, 17, 12, tzinfo=UTC), "openai", "other", Decimal(9))
    account = await add_account("openai", KEY)
    answer = openai.answer

    def has_no_costs(path, headers):
        return (500, {}, b"{}") if "/costs" in path else answer(path, headers)

    openai.answer = has_no_costs
    with pytest.raises(api.ProviderAway):
        await fetcher.fetch(account, days=3, now=NOW)
    filters = api.Filters(DAYS[-1], DAYS[-1], model="other")
    async with db.read() as connection:
        report = await api.report(connection, filters, now=NOW)
    assert [row.verdict for row in report.rows] == ["no_bill"]
    openai.answer = answer
    await fetcher.fetch(account, days=3, now=NOW)
    async with db.read() as connection:
        report = await api.report(connection, filters, now=NOW)
    assert [row.verdict for row in report.rows] == ["missing_at_provider"]
