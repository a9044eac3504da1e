import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from aihub.conversations.api import Conversation, ConversationFilters
from aihub.dashboards import csv_files
from aihub.dashboards.filters import LABELS, list_url, read_filter
from aihub.dashboards.paging import link_pages
from aihub.kit.ids import uuid7

BERLIN = ZoneInfo("Europe/Berlin")


def test_every_field_becomes_a_filter():
    given = {
        "status": "active",
        "user": " user_1 ",
        "module": "support",
        "source": "web",
        "model": "gpt-4o",
        "from": "2026-10-24",
        "to": "2026-10-25",
        "min_cost": "$0.05",
        "max_cost": "1",
        "min_satisfaction": "4.5",
        "sentiment": "negative",
        "key": "k",
        "tag": "vip",
        "intent": "refund",
    }
    assert set(given) == set(LABELS)
    asked = read_filter(given, BERLIN)
    assert asked.errors == {}
    assert asked.filters == ConversationFilters(
        status="active",
        user_id="user_1",
        module="support",
        source="web",
        model="gpt-4o",
        from_=datetime(2026, 10, 23, 22, tzinfo=UTC),
        to=datetime(2026, 10, 25, 23, tzinfo=UTC),  # the day on which clocks go back has 25 hours
        min_cost=Decimal("0.05"),
        max_cost=Decimal(1),
        min_satisfaction=Decimal("4.5"),
        sentiment="negative",
        key="k",
        tag="vip",
        intent="refund",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("status", "gone"),
        ("source", "fax"),
        ("sentiment", "so-so"),
        ("from", "yesterday"),
        ("from", "2026-02-30"),
        ("to", "0001-01-01"),
        ("to", "9999-12-31"),
        ("min_cost", "much"),
        ("min_cost", "-1"),
        ("min_cost", "NaN"),
        ("max_cost", "Infinity"),
        ("max_cost", "1e999999"),
        ("min_satisfaction", "6"),
        ("user", "x" * 256),
        ("user", "a\x00b"),
    ],
)
def test_a_bad_value_is_told_beside_its_field(name, text):
    asked = read_filter({name: text}, BERLIN)
    assert list(asked.errors) == [name]
    assert asked.values == {name: text.strip()}
    assert asked.filters == ConversationFilters()


def test_periods_and_amounts_have_an_order():
    given = {"from": "2026-02-02", "to": "2026-02-01", "min_cost": "2", "max_cost": "1"}
    assert set(read_filter(given, BERLIN).errors) == {"to", "max_cost"}


def test_chips_lead_to_the_list_without_them():
    asked = read_filter({"module": "a&b=c", "status": "active", "strange": "x", "key": ""}, BERLIN)
    assert [(c.label, c.value, c.without) for c in asked.chips] == [
        ("Status", "active", "/conversations?module=a%26b%3Dc"),
        ("Module", "a&b=c", "/conversations?status=active"),
    ]
    assert list_url({}) == "/conversations"


def _query(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_paging_goes_on_and_comes_back_the_same_way():
    values = {"status": "active"}
    cursors = [None, *(f"c{n}" for n in range(1, 40))]
    cursor, back, seen = None, None, [None]
    for number, following in enumerate(cursors[1:], 1):
        links = link_pages(values, cursor=cursor, back=back, next_cursor=following)
        assert links.number in (number, None)
        query = _query(links.older)
        assert query["status"] == "active"
        cursor, back = query["cursor"], query.get("back")
        seen.append(cursor)
    assert seen == cursors
    for expected in reversed(cursors[-24:-1]):
        links = link_pages(values, cursor=cursor, back=back, next_cursor="more")
        assert links.first == "/conversations?status=active"
        query = _query(links.newer)
        cursor, back = query.get("cursor"), query.get("back")
        assert cursor == expected
    assert len(links.older) < 2_000


def test_the_first_page_has_no_way_back():
    links = link_pages({}, cursor=None, back=None, next_cursor=None)
    assert (links.newer, links.older, links.first, links.number) == (None, None, None, 1)
    second = link_pages({}, cursor="c", back="", next_cursor=None)
    assert (second.newer, second.older, second.number) == ("/conversations", None, 2)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_is_a_formula(start):
    assert csv_files.escape_cell(f"{start}1+1") == f"'{start}1+1"


def test_csv_round_trips():
    at = datetime(2026, 11, 25, 12, 30, 1, 5000, tzinfo=UTC)
    row = Conversation(
        id=uuid7(), key=None, user_id='=HYPERLINK("x")', status="active", source="web",
        module='a,"b"\nc', intent_chain=["x", "y"], models=["m1", "m2"],
        satisfaction_score=Decimal("4.50"), metadata="{}", summary=None, sentiment=None,
        message_count=2, total_tokens=12345, total_cost=Decimal("0.000000100000000000"),
        total_price=Decimal(0), unpriced_calls=1, error_count=0, started_at=at, ended_at=None,
        last_activity_at=at, created_at=at, updated_at=at,
    )  # fmt: skip
    text = csv_files.write_header() + csv_files.write_rows([row])
    assert text.startswith("\ufeffid,")
    header, cells = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    found = dict(zip(header, cells, strict=True))
    assert found["user_id"] == '\'=HYPERLINK("x")'
    assert found["module"] == 'a,"b"\nc'
    assert found["cost_usd"] == "0.0000001"
    assert found["started_at"] == "2026-11-25T12:30:01.005000Z"
    assert (found["tokens"], found["models"], found["ended_at"]) == ("12345", "m1, m2", "")
