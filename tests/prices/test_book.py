"""The book in the database: versions, layers, and what a process prices with."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aihub.kit.db import Database
from aihub.main import Hub
from aihub.prices import api as prices
from aihub.pricing import api as pricing

from .conftest import Person

CALL = {"provider": "openai", "model": "gpt-4o", "api": "chat.completions"}
USAGE = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}


async def cost(person: Person, **fields: Any) -> Decimal:
    made = await person.post("/calls", CALL | {"usage": USAGE} | fields)
    return Decimal(made["cost"])


async def test_the_database_holds_the_prices_of_the_release(hub: Hub, connection: Any) -> None:
    rows = await connection.fetchval(
        "select count(*) from hub.prices p "
        "where p.layer in ('base', 'corrections') and p.removed_in is null"
    )
    assert rows == len(pricing.load_shipped().entries) > 2_000
    assert hub.price_book.current is not pricing.load_book()


async def test_a_second_start_changes_nothing(hub: Hub, connection: Any) -> None:
    before = await connection.fetchval("select max(id) from hub.price_book_versions")
    again = prices.PriceBook(hub.db)
    await again.start()
    assert await connection.fetchval("select max(id) from hub.price_book_versions") == before
    assert again.current.version == hub.price_book.current.version


async def test_an_older_release_takes_nothing_back(hub: Hub) -> None:
    async with hub.db.write() as connection:
        assert await prices.take_in_release(connection, pricing.load_shipped()) is None


async def test_without_a_database_the_release_is_priced_with() -> None:
    away = prices.PriceBook(Database(lambda: "postgresql://127.0.0.1:1/none"))
    assert away.current is pricing.load_book()


async def test_overrides_and_contracts_go_before_the_list(
    ada: Person, cleo: Person, olga: Person
) -> None:
    listed = await cost(ada)
    assert listed == Decimal("2.5")
    price = {"provider": "OpenAI", "model": "gpt-4o", "prices": {"input_text": "7"}}
    override = await olga.ask("PUT", "/prices", {"prices": [price]})
    assert override.status == 200, override.text
    name = (await ada.get("/organizations"))["items"][0]["id"]
    contract = olga.with_headers(X_Organization_Id=name)
    discounted = price | {"prices": {"input_text": "1.5"}, "note": "framework agreement"}
    assert (await contract.ask("PUT", "/prices", {"prices": [discounted]})).status == 200
    try:
        assert (await cost(ada), await cost(cleo)) == (Decimal("1.5"), Decimal(7))
        # what was stored keeps its cost
        assert [Decimal(c["cost"]) for c in (await ada.get("/calls"))["items"]] == [
            Decimal("1.5"),
            listed,
        ]
        # a call of before the contract began
        earlier = await cost(ada, occurred_at="2026-11-01T00:00:00Z")
        assert earlier == listed
        seen = {item["layer"] for item in (await ada.get("/prices", model="gpt-4o"))["items"]}
        assert {"contract", "override"} <= seen
        strangers = (await cleo.get("/prices", model="gpt-4o"))["items"]
        assert "contract" not in {item["layer"] for item in strangers}
    finally:
        for item in (await contract.get("/prices", model="gpt-4o"))["items"]:
            if item["layer"] in ("override", "contract"):
                assert (await olga.ask("DELETE", f"/prices/{item['id']}")).status == 200
    assert await cost(ada) == listed


async def test_a_price_names_what_it_changes_and_leaves_the_rest(ada: Person, olga: Person) -> None:
    price = {"provider": "openai", "model": "gpt-4o", "prices": {"output_text": "1"}}
    await olga.ask("PUT", "/prices", {"prices": [price]})
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000, "total_tokens": 2_000_000}
    made = await ada.post("/calls", CALL | {"usage": usage})
    batch = await ada.post("/calls", CALL | {"usage": usage, "context": {"batch": True}})
    await _retire_all(olga)
    assert {line["component"]: line["unit_price"] * 1_000_000 for line in made["cost_lines"]} == {
        "input_text": Decimal("2.5"),
        "output_text": 1,
    }
    # the price is one of plain calls: what a batch costs is left to the list
    assert batch["cost"] == Decimal("6.25")


async def test_a_discount_holds_for_every_rate(ada: Person, olga: Person) -> None:
    await olga.ask(
        "PUT", "/prices", {"prices": [{"provider": "openai", "model": "*", "multiply": "0.9"}]}
    )
    plain = await cost(ada)
    batch = await cost(ada, context={"batch": True})
    await _retire_all(olga)
    assert (plain, batch) == (Decimal("2.25"), Decimal("1.125"))


async def test_every_version_can_be_put_together_again(hub: Hub, olga: Person) -> None:
    async with hub.db.read() as connection:
        before = await prices.get_latest_version(connection)
    assert before is not None
    price = {"provider": "openai", "model": "gpt-4o", "prices": {"input_text": "9"}}
    made = await olga.ask("PUT", "/prices", {"prices": [price], "reason": "a test"})
    await _retire_all(olga)
    async with hub.db.read() as connection:
        old = await prices.load_version(connection, before.id)
        new = await prices.load_version(connection, before.id + 1)
    assert old is not None
    assert new is not None
    assert (old.version, new.version) == (before.label, made.json["price_book_version"])
    facts = pricing.CallFacts(
        provider="openai",
        model="gpt-4o",
        occurred_at=datetime.now(UTC),
        usage={"prompt_tokens": 1_000_000},
    )
    assert pricing.price_call(facts, old).cost == Decimal("2.5")
    assert pricing.price_call(facts, new).cost == 9


async def test_another_process_learns_of_a_change(hub: Hub, olga: Person) -> None:
    other = prices.PriceBook(hub.db)
    await other.start()
    price = {"provider": "openai", "model": "gpt-4o", "prices": {"input_text": "3"}}
    made = await olga.ask("PUT", "/prices", {"prices": [price]})
    assert other.current.version != made.json["price_book_version"]
    await other.refresh()
    assert other.current.version == made.json["price_book_version"]
    await _retire_all(olga)


async def _retire_all(olga: Person) -> None:
    for layer in ("override", "contract"):
        for item in (await olga.get("/prices", layer=layer))["items"]:
            await olga.ask("DELETE", f"/prices/{item['id']}")
