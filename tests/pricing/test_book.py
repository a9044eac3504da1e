"""The price book: names, days, layers, tiers, hours; what it refuses; what a release brings."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from aihub.pricing import price_files as files
from aihub.pricing.book import Book, Entry
from aihub.pricing.shipped import load_book, load_shipped, read_folder

GOOD = """
provider = "acme"
checked = 2026-01-02
[[models]]
id = "rocket-1"
[[models.rows]]
from = 2025-01-01
source = "https://acme.example/prices"
prices = { input_text = "2.50" }
"""


def row(since: str | None = None, **fields: object) -> files.Row:
    return files.Row(since=since, **fields)  # type: ignore[arg-type]


def make(*entries: tuple[str, str, files.Row], **options: object) -> Book:
    """A book of (layer, model, row), all of one provider; contracts are those of `ours`."""
    made = [
        Entry(layer, "acme", model, (), terms, "ours" if layer == "contract" else None)  # type: ignore[arg-type]
        for layer, model, terms in entries
    ]
    return Book("1", made, **options)  # type: ignore[arg-type]


def rates(
    book: Book, model: str = "m", at: datetime | None = None, tokens: int = 0, *,
    organization: str | None = None, **required: str,
):  # fmt: skip
    chain = book.find("acme", model, organization)
    assert chain is not None
    when = at or datetime(2026, 1, 1, tzinfo=UTC)
    return book.resolve(chain, when, required=required, optional={}, prompt_tokens=tokens)


def price(book: Book, component: str = "input_text", **options) -> str:
    rate = rates(book, **options).by_component[component]
    return f"{rate.numerator.normalize():f}"


@pytest.mark.parametrize(
    ("provider", "name", "found"),
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
        ("anthropic", "claude-opus-4@20250514", "anthropic/claude-opus-4"),
        ("anthropic", "anthropic/claude-3.7-sonnet", "anthropic/claude-3-7-sonnet"),
        ("google", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "publishers/google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
    ],
)
def test_a_model_is_found_under_its_names(provider, name, found):
    book = load_book()
    at = datetime(2026, 11, 1, tzinfo=UTC)
    chain = book.find(provider, name)
    resolved = book.resolve(chain, at, required={}, optional={}, prompt_tokens=1)
    rate = resolved.by_component["input_text"]
    assert re.split("[@/×]", rate.price_id, maxsplit=2)[:2] == found.split("/")[:2] or (
        rate.price_id.split("@")[0] == found
    )


@pytest.mark.parametrize(
    ("provider", "name"),
    [("openai", "gpt-99"), ("openai", "gpt-4o-sonic"), ("openai", ""), ("openai", "g" * 10_000),
     ("anthropic", "gpt-4o"), ("anthropic", "claude-opus-99"), ("google", "gemini-9-ultra"),
     ("mistral", "mistral-gigantic"), ("bedrock", "us.anthropic.claude-nobody-v1:0")],
    ids=["unknown", "a longer name", "empty", "endless", "of another", "claude", "gemini",
         "mistral", "bedrock"],
)  # fmt: skip
def test_what_is_not_there_is_not_guessed(provider, name):
    assert load_book().find(provider, name) is None


DATED = make(("base", "m", row("2025-01-01", prices={"input_text": "10"})),
             ("base", "m", row("2025-06-10", prices={"input_text": "2"})))  # fmt: skip


@pytest.mark.parametrize(
    ("at", "expected", "is_early"),
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
def test_the_row_is_that_of_the_time(at, expected, is_early):
    assert price(DATED, at=at) == expected
    assert rates(DATED, at=at).is_early is is_early


def test_the_layers_go_in_their_order_and_each_leaves_what_it_does_not_name():
    book = make(
        ("base", "m", row(prices={"input_text": "1", "output_text": "1", "cached_text": "1"})),
        ("corrections", "m", row(prices={"input_text": "2", "output_text": "2"})),
        ("override", "m", row("2025-01-01", prices={"output_text": "3"})),
        ("contract", "m", row("2025-06-01", prices={"input_text": "4"})),
    )
    assert price(book) == "2"
    assert price(book, "output_text") == "3"
    # corrections take the place of a whole model, what they do not name included
    assert "cached_text" not in rates(book).by_component
    assert price(book, organization="ours") == "4"
    assert price(book, "output_text", organization="ours") == "3"
    assert price(book, organization="theirs") == "2"
    early = datetime(2025, 3, 1, tzinfo=UTC)
    assert price(book, organization="ours", at=early) == "2"
    assert price(book, "output_text", at=datetime(2024, 1, 1, tzinfo=UTC)) == "2"


def test_fees_of_a_provider_hold_for_all_its_models():
    book = make(("base", "m", row(prices={"input_text": "1"})),
                ("corrections", "*", row(prices={"web_search": "10"})))  # fmt: skip
    assert price(book, "web_search") == "10"
    assert book.find("acme", "unknown") is None


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(0, "1"), (200_000, "1"), (200_001, "2"), (299_999, "2"), (300_000, "3"), (10**12, "3")],
)
def test_tiers_begin_at_their_exact_bound(tokens, expected):
    tiers = [
        files.Tier(above=200_000, prices={"input_text": "2", "output_text": "20"}),
        files.Tier(at_least=300_000, prices={"input_text": "3"}),
    ]
    book = make(("base", "m", row(prices={"input_text": "1", "output_text": "10"}, tiers=tiers)))
    assert price(book, tokens=tokens) == expected
    # what a tier does not name keeps the price of the tier below
    assert price(book, "output_text", tokens=tokens) == ("10" if expected == "1" else "20")


VARIANTS = [
    files.Variant(when={"processing": "batch", "service_tier": "flex"}, prices={"input_text": "1"}),
    files.Variant(when={"processing": "batch"}, prices={"input_text": "4"},
                  tiers=[files.Tier(above=10, prices={"input_text": "5"})]),
    files.Variant(when={"residency": "eu"}, multiply="1.1"),
    files.Variant(when={"speed": "fast"}, multiply="2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facets", "tokens", "expected", "unmatched"),
    [
        ({}, 0, "8", ()),
        ({"processing": "batch"}, 0, "4", ()),
        ({"processing": "batch"}, 11, "5", ()),
        ({"processing": "batch", "service_tier": "flex"}, 0, "1", ()),
        ({"service_tier": "flex"}, 0, "8", ("service_tier",)),
        ({"residency": "eu"}, 0, "8.8", ()),
        ({"residency": "us"}, 0, "8", ("residency",)),
        ({"residency": "eu", "speed": "fast", "processing": "batch"}, 0, "8.8", ()),
    ],
)
def test_variants_choose_and_multiply(facets, tokens, expected, unmatched):
    terms = row(prices={"input_text": "8", "web_search": "10"}, variants=VARIANTS)
    book = make(("base", "m", terms))
    assert price(book, tokens=tokens, **facets) == expected
    assert price(book, "web_search", tokens=tokens, **facets) == "10"  # no token, no surcharge
    assert rates(book, tokens=tokens, **facets).unmatched == unmatched


def test_an_override_of_plain_calls_leaves_batches_to_the_list():
    book = make(("base", "m", row(prices={"input_text": "8"}, variants=VARIANTS)),
                ("override", "m", row("2025-01-01", prices={"input_text": "7"})))  # fmt: skip
    assert (price(book), price(book, processing="batch")) == ("7", "4")


HOURS = files.Hours(spans=("01:00-04:00", "22:00-24:00"), days=("mon", "fri"), except_holidays="cn")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-20T00:59:59+00:00", "1"),
        ("2026-11-20T01:00:00+00:00", "2"),
        ("2026-11-20T03:59:59+00:00", "2"),
        ("2026-11-20T04:00:00+00:00", "1"),
        ("2026-11-20T23:59:59+00:00", "2"),
        ("2026-11-21T01:30:00+00:00", "1"),
        ("2026-11-20T03:30:00+02:00", "2"),
        ("2026-11-23T01:30:00+00:00", "1"),
    ],
    ids=["before", "from", "until", "not any more", "midnight", "saturday", "zone", "holiday"],
)
def test_hours_are_those_of_utc_on_their_days(at, expected):
    terms = row(
        prices={"input_text": "1"},
        variants=[files.Variant(hours=HOURS, prices={"input_text": "2"})],
    )
    book = make(("base", "m", terms), calendars={"cn": frozenset({date(2026, 11, 23)})})
    assert price(book, at=datetime.fromisoformat(at)) == expected


def test_another_providers_prices_stand_in_where_it_is_said():
    entries = [Entry("base", "openai", "gpt-x", (), row(prices={"input_text": "1"}))]
    book = Book("1", entries, falls_back_to={"azure": "openai"})
    chain = book.find("azure", "gpt-x")
    found = book.resolve(
        chain, datetime(2026, 1, 1, tzinfo=UTC), required={}, optional={}, prompt_tokens=0
    )
    assert found.inherited_from == "openai"
    assert book.find("acme", "gpt-x") is None


# ---------- files ----------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (GOOD.replace('"2.50"', "2.50"), "Expected `str`, got `float`"),
        (GOOD.replace("2.50", "-2.50"), "matching regex"),
        (GOOD.replace("2.50", "0.1234567890123"), "matching regex"),
        (GOOD.replace("input_text", "input_test"), "input_test is no component"),
        (GOOD.replace("https", "ftp"), "matching regex"),
        (GOOD.replace("2025-01-01", '"2025-13-01"'), "month must be in"),
        (GOOD + GOOD[GOOD.index("[[models]]") :], "rocket-1 is rocket-1 already"),
        (GOOD + GOOD[GOOD.index("[[models.rows]]") :], "not in the order of time"),
        (GOOD + 'tiers = [{ prices = { input_text = "1" } }]\n', "either above or at_least"),
        (GOOD + 'variants = [{ when = { a = "b" } }]\n', "neither prices nor multiply"),
        (GOOD + 'variants = [{ multiply = "2" }]\n', "neither when nor hours"),
        ("provider = ", "Invalid value"),
    ],
    ids=["number", "negative", "too fine", "misspelt", "ftp", "no day", "twice", "order", "tier",
         "no effect", "no condition", "toml"],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, wrong: str, message: str) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(wrong)
    with pytest.raises(files.BrokenPrices, match=r"^acme\.toml: ") as caught:
        files.read_toml(path)
    assert message in str(caught.value)


def test_a_release_is_numbered_anew_with_every_change() -> None:
    """A database takes prices of a newer number alone: changed files need one."""
    shipped = load_shipped()
    assert shipped.release.digest == shipped.digest, "renew number and digest in release.toml"


def test_what_comes_with_a_release_is_dated_sourced_and_fits_the_column() -> None:
    shipped = load_shipped()
    assert {entry.layer for entry in shipped.entries} == {"base", "corrections"}
    for entry in shipped.entries:
        if entry.layer == "corrections":
            assert entry.row.source, entry.model
        tables = [entry.row.prices, *(tier.prices for tier in entry.row.tiers)]
        for variant in entry.row.variants:
            tables += [variant.prices, *(tier.prices for tier in variant.tiers)]
        for prices in tables:
            assert all(Decimal(price.split("/")[0]) < 100_000 for price in prices.values())


def test_the_folder_can_be_read_twice_with_the_same_result() -> None:
    folder = Path(files.__file__).parent / "book"
    assert read_folder(folder).book().version == load_shipped().book().version
