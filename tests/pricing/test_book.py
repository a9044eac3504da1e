"""The price book: what is in it, how names and days are looked up, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aihub.pricing.book import BrokenPriceBook, choose_row, find_rows, load_book, read_book

GOOD = """
provider = "acme"
compiled = 2026-01-02
[[model]]
id = "rocket-1"
[[model.price]]
from = 2025-01-01
source = "https://acme.example/prices"
input = "2.50"
"""


@pytest.mark.parametrize(
    ("provider", "name", "row"),
    [
        ("openai", "gpt-4o", "openai/gpt-4o"),
        ("openai", "GPT-4o", "openai/gpt-4o"),
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"),
        ("openai", "gpt-5-1", "openai/gpt-5.1"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "openai/ft:gpt-4o-mini"),
        ("openai", "chatgpt-4o-latest", "openai/chatgpt-4o-latest"),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4.5", "anthropic/claude-sonnet-4-5"),
        ("anthropic", "claude-3-5-haiku-latest", "anthropic/claude-3-5-haiku"),
        ("anthropic", "claude-opus-4@20250514", "anthropic/claude-opus-4"),
        ("anthropic", "anthropic/claude-3.7-sonnet", "anthropic/claude-3-7-sonnet"),
    ],
)
def test_a_model_is_found_under_its_names(provider, name, row):
    assert find_rows(provider, name)[0].price_id.split("@")[0] == row


@pytest.mark.parametrize(
    ("provider", "name"),
    [("openai", "gpt-99"), ("openai", "gpt-4o-audio"), ("azure", "gpt-4o"), ("openai", ""),
     ("openai", "g" * 10_000), ("anthropic", "gpt-4o")],
    ids=["unknown", "a longer name", "another provider", "empty", "endless", "of another"],
)  # fmt: skip
def test_what_is_not_there_is_not_guessed(provider, name):
    assert find_rows(provider, name) is None


@pytest.mark.parametrize(
    ("at", "per_million", "is_early"),
    [
        (datetime(2024, 1, 1, tzinfo=UTC), "10", True),
        (datetime(2025, 6, 9, 23, 59, tzinfo=UTC), "10", False),
        (datetime(2025, 6, 10, tzinfo=UTC), "2", False),
        (datetime(2025, 6, 10, 1, tzinfo=timezone(timedelta(hours=2))), "10", False),
        (datetime(2025, 6, 10), "2", False),  # noqa: DTZ001 - without a zone it is UTC
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), "2", False),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "10", True),
    ],
    ids=["before", "last moment", "first moment", "zone", "no zone", "far", "ancient"],
)
def test_the_row_is_that_of_the_day(at, per_million, is_early):
    row, early = choose_row(find_rows("openai", "o3"), at)
    assert row.standard.per_token["input"] * 10**6 == Decimal(per_million)
    assert early is is_early


def test_every_price_is_sourced_and_fits_the_column():
    for models in load_book().rows.values():
        for rows in models.values():
            for row in rows:
                assert row.source.startswith("https://")
                for rates in (row.standard, *row.variants.values()):
                    prices = [*rates.per_token.values(), *(rates.above or {}).values()]
                    assert all(0 < price < 1 for price in prices)
                    assert all(price.as_tuple().exponent >= -12 for price in prices)


def test_the_version_names_the_day_and_the_content(tmp_path):
    (tmp_path / "acme.toml").write_text(GOOD)
    version = read_book(tmp_path).version
    assert version.startswith("2026-01-02+")
    assert len(version) == len("2026-01-02+1a2b3c4d")
    (tmp_path / "acme.toml").write_text(GOOD + "# a remark\n")
    assert read_book(tmp_path).version != version


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (GOOD.replace('"2.50"', "2.50"), "Expected `str`, got `float`"),
        (GOOD.replace("2.50", "-2.50"), "matching regex"),
        (GOOD.replace("2.50", "0.1234567"), "matching regex"),
        (GOOD.replace("input", "imput"), "imput"),
        (GOOD.replace("https", "http"), "matching regex"),
        (GOOD.replace("source", "# source"), "required field `source`"),
        (GOOD + GOOD[GOOD.index("[[model]]") :], "the name rocket-1 stands there twice"),
        (GOOD + GOOD[GOOD.index("[[model.price]]") :], "not in order of time"),
        ("provider = ", "Invalid value"),
    ],
    ids=["number", "negative", "too fine", "misspelt", "http", "no source", "twice", "order", "toml"],  # noqa: E501
)  # fmt: skip
def test_a_wrong_file_is_refused_by_name(tmp_path, wrong, message):
    (tmp_path / "acme.toml").write_text(wrong)
    with pytest.raises(BrokenPriceBook, match=r"^acme\.toml: ") as caught:
        read_book(tmp_path)
    assert message in str(caught.value)
