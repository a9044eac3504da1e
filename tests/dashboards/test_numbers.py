"""Every number of every dashboard beside a computation in plain Python from the raw rows.

The same that `make eval-analytics` does with the whole demo, here with its two weeks.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_pages import Board
from evaluation.analytics_rows import export

from aihub.analytics import api as analytics
from aihub.demo.organizations import ORGANIZATIONS
from aihub.reports import api as reports

from .conftest import NOW

ZONES = {one.id: one.time_zone for one in ORGANIZATIONS} | {"stranger": "UTC"}
MEMBERS = {"northwind-travel": "ada", "kumo-shop": "ada", "brightcare": "ada", "stranger": "cleo"}


_kept = {}


@pytest.fixture
async def rows(db, world):
    """They are read once, with all that the tests before stored: nothing here changes them."""
    if world.dsn not in _kept:
        await analytics.catch_up(db)
        async with db.read() as connection:
            _kept[world.dsn] = await export(connection)
    return _kept[world.dsn]


@pytest.fixture
def show(nobody, rows, world):
    """The pages of an organization; None: of all, as the operator sees them."""

    async def sign_in(name: str | None) -> Board:
        await nobody.sign_in("olga" if name is None else MEMBERS[name])
        on_view = name or "kumo-shop"
        await nobody.view(on_view)

        async def get(path: str) -> str:
            answer = await nobody.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
            return answer.content.decode()

        organization = None if name is None else world.organizations[name]
        return Board(get, rows, Ledger(), organization, ZONES[on_view], NOW, name or "all")

    return sign_in


def judge(ledger: Ledger, at_least: int, *, besides: str = "nothing") -> None:
    found = [f"{what}: {line}" for what, lines in ledger.wrong.items() for line in lines]
    wrong = [line for line in found if besides not in line]
    assert wrong == []
    assert sum(ledger.counts.values()) >= at_least


@pytest.mark.parametrize("name", ZONES)
async def test_home(show, name):
    board = await show(name)
    await board.check_home()
    judge(board.ledger, 70)


@pytest.mark.parametrize(
    ("name", "period"),
    [("northwind-travel", "24h"), ("brightcare", "7d"), (None, "today"), (None, "7d")],
)
async def test_operations(show, name, period):
    board = await show(name)
    await board.check_live_tiles(**({"scope": "all"} if name is None else {}))
    await board.check_operations(period)
    judge(board.ledger, 50)


async def test_a_filter_of_operations(show):
    board = await show("northwind-travel")
    await board.check_operations("7d", model="gpt-4o", module="support")
    judge(board.ledger, 500)


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("northwind-travel", "month"),
        ("brightcare", "30d"),
        ("brightcare", "last_month"),
        (None, "month"),
        (None, "30d"),
    ],
)
async def test_finance(show, name, period):
    board = await show(name)
    await board.check_finance(period)
    judge(board.ledger, 20)


async def test_a_user_whose_calls_have_no_price_costs_not_0_but_what_is_unknown(show):
    board = await show("northwind-travel")
    await board.check_finance("30d")
    judge(board.ledger, 20)


@pytest.mark.parametrize(
    ("period", "filters"), [("month", {"module": "support"}), ("30d", {"model": "gpt-4o"})]
)
async def test_a_filter_of_finance(show, filters, period):
    board = await show("northwind-travel")
    await board.check_finance(period, **filters)
    judge(board.ledger, 20)


async def test_finance_between_two_days(show):
    board = await show("brightcare")
    begins, ends = (board.today - timedelta(days=days) for days in (9, 2))
    await board.check_finance(f"{begins}/{ends}")
    judge(board.ledger, 50)


@pytest.mark.parametrize(
    ("name", "period"),
    [("northwind-travel", "30d"), ("kumo-shop", "7d"), (None, "30d"), ("brightcare", "today")],
)
async def test_insight(show, name, period):
    board = await show(name)
    await board.check_insight(period)
    judge(board.ledger, 20)


async def test_a_filter_of_insight(show):
    board = await show("northwind-travel")
    await board.check_insight("30d", module="support")
    judge(board.ledger, 100)


async def test_insight_shows_the_scores_that_the_hour_kept(show, db, nobody):
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    assert await reports.score_hour(db, hour) > 0
    board = await show("northwind-travel")
    await board.check_insight("30d")
    judge(board.ledger, 100)
    text = (await nobody.get("/insight")).text
    assert f"{hour.astimezone(ZoneInfo(ZONES['northwind-travel'])):%H:%M}" in text
    async with db.write() as connection:  # the page has them from where they were kept
        await connection.execute(
            "update ai_engagement_scores set score = 100 where organization_id = $1",
            board.organization,
        )
    lines = (await nobody.get("/insight/engagement.csv")).text.splitlines()
    assert {line.split(",")[1] for line in lines[1:]} == {"100"}
    async with db.write() as connection:
        await connection.execute("delete from ai_engagement_scores")
