"""`/v1/prices`: what comes in is checked and named, what is listed can be narrowed and paged."""

from typing import Any

import pytest

from .conftest import Person

GOOD = {"provider": "acme", "model": "m-1", "prices": {"input_text": "1"}}

BAD = {
    "component": ({"prices": {"input_tokens": "1"}}, "prices[0]"),
    "price": ({"prices": {"input_text": "-1"}}, "prices[0].prices[...]"),
    "exponent": ({"prices": {"input_text": "1e3"}}, "prices[0].prices[...]"),
    "nothing": ({"prices": {}}, "prices[0].prices"),
    "factor": ({"multiply": "x"}, "prices[0].multiply"),
    "tier without bound": ({"tiers": [{"prices": {"input_text": "1"}}]}, "prices[0]"),
    "variant without effect": ({"variants": [{"when": {"processing": "batch"}}]}, "prices[0]"),
    "time": ({"from": "yesterday"}, "prices[0].from"),
    "model": ({"model": ""}, "prices[0].model"),
    "unknown": ({"input": "1"}, "prices[0].input"),
    "source": ({"source": "a letter"}, "prices[0].source"),
}


@pytest.mark.parametrize(("fields", "named"), BAD.values(), ids=BAD)
async def test_what_is_wrong_is_named(olga: Person, fields: dict[str, Any], named: str) -> None:
    before = (await olga.get("/prices"))["price_book_version"]
    reply = await olga.ask("PUT", "/prices", {"prices": [GOOD | fields]})
    assert (reply.status, reply.fields) == (422, [named]), reply.text
    assert (await olga.get("/prices"))["price_book_version"] == before


async def test_of_several_prices_all_are_stored_or_none(olga: Person) -> None:
    reply = await olga.ask("PUT", "/prices", {"prices": [GOOD, GOOD | {"prices": {"x": "1"}}]})
    assert (reply.status, reply.fields) == (422, ["prices[1]"])
    assert (await olga.get("/prices", provider="acme"))["items"] == []


async def test_a_price_is_listed_with_its_time_and_its_author(olga: Person) -> None:
    for since, price in (("2026-01-01T00:00:00Z", "1"), ("2026-02-01T00:00:00Z", "2")):
        body = GOOD | {"from": since, "prices": {"input_text": price}, "names": ["M-One"]}
        assert (await olga.ask("PUT", "/prices", {"prices": [body]})).status == 200
    items = (await olga.get("/prices", provider="acme"))["items"]
    assert [(item["valid_from"], item["valid_to"]) for item in items] == [
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", None),
    ]
    assert items[0]["names"] == ["m-one"]
    assert items[0]["units"] == {"input_text": "1,000,000 tokens"}
    assert items[0]["added_by"].startswith("key")
    [held] = (await olga.get("/prices", provider="acme", at="2026-01-15T00:00:00Z"))["items"]
    assert held["prices"] == {"input_text": "1"}
    assert (await olga.get("/prices", q="m-one"))["items"] == items
    for item in items:
        await olga.ask("DELETE", f"/prices/{item['id']}")
    assert (await olga.get("/prices", provider="acme"))["items"] == []
    retired = (await olga.get("/prices", provider="acme", include="retired"))["items"]
    assert [item["is_retired"] for item in retired] == [True, True]


async def test_the_same_day_again_takes_the_place_of_the_first(olga: Person) -> None:
    body = GOOD | {"model": "m-2", "from": "2026-01-01T00:00:00Z"}
    for price in ("1", "2"):
        await olga.ask("PUT", "/prices", {"prices": [body | {"prices": {"input_text": price}}]})
    [item] = (await olga.get("/prices", model="m-2"))["items"]
    assert item["prices"] == {"input_text": "2"}
    assert len((await olga.get("/prices", model="m-2", include="retired"))["items"]) == 2
    await olga.ask("DELETE", f"/prices/{item['id']}")


async def test_pages_neither_skip_nor_repeat(olga: Person) -> None:
    seen = [
        i["id"] async for page in olga.pages("/prices", provider="openai", limit=37) for i in page
    ]
    whole = [
        i["id"] async for page in olga.pages("/prices", provider="openai", limit=200) for i in page
    ]
    assert seen == whole
    assert len(set(seen)) == len(seen) > 100


async def test_what_comes_with_the_hub_is_not_removed_by_hand(olga: Person) -> None:
    [item, *_] = (await olga.get("/prices", layer="base"))["items"]
    reply = await olga.ask("DELETE", f"/prices/{item['id']}")
    assert (reply.status, reply.json["code"]) == (404, "price_not_found")


async def test_a_cursor_of_another_list_is_refused(olga: Person) -> None:
    reply = await olga.ask("GET", "/prices", cursor="!")
    assert (reply.status, reply.fields) == (422, ["cursor"])


async def test_members_look_and_do_not_touch(ada: Person) -> None:
    assert (await ada.get("/prices", provider="anthropic", limit=5))["items"]
    assert (await ada.ask("PUT", "/prices", {"prices": [GOOD]})).status == 403
