"""The price of one call."""

import json
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.kit.decoding import encode_json
from aihub.markup.api import PricedRequest, price_request, show_price_line
from aihub.markup.components import list_components
from aihub.pricing.api import COMPONENTS
from aihub.pricing.models import Usage
from aihub.pricing.usage.own import show_usage

from .making import exact, make_line, make_rule

LINES = [make_line("input_text", 1000, "0.000003"), make_line("output_text", 100, "0.000015")]
COST = Decimal("0.0045")
USAGE = {
    "input_tokens": 1000, "cached_input_tokens": 0, "output_tokens": 100,
    "reasoning_tokens": 20, "total_tokens": 1100,
}  # fmt: skip
BOTH = {"input_text": "5", "output_text": "20"}

# what the rule says, the price, the kinds of the lines
PRICES = [
    ({}, "0.0045", "cost"),
    ({"percentage": "20"}, "0.0054", "cost percentage"),
    ({"percentage": "0"}, "0.0045", "cost percentage"),
    ({"percentage": "-100"}, "0", "cost percentage"),
    ({"percentage": "12.3456"}, "0.005055552", "cost percentage"),
    ({"fixed_per_request": "0.01"}, "0.0145", "cost fixed"),
    ({"percentage": "20", "fixed_per_request": "0.01"}, "0.0154", "cost percentage fixed"),
    ({"per_million": BOTH}, "0.007", "override override"),
    ({"per_million": {"output_text": "20"}}, "0.005", "cost override"),
    ({"per_million": {}}, "0.0045", "cost cost"),
    ({"per_million": BOTH, "fixed_per_request": "1"}, "1.007", "override override fixed"),
    ({"minimum_per_request": "0.01"}, "0.01", "cost minimum"),
    ({"minimum_per_request": "0.0045"}, "0.0045", "cost"),
    ({"cap_per_request": "0.004"}, "0.004", "cost cap"),
    ({"cap_per_request": "0"}, "0", "cost cap"),
    ({"percentage": "20", "fixed_per_request": "1", "cap_per_request": "0.5"}, "0.5",
     "cost percentage fixed cap"),
    ({"percentage": "20", "minimum_per_request": "0.01", "cap_per_request": "0.01"}, "0.01",
     "cost percentage minimum"),
]  # fmt: skip


def kinds(priced: PricedRequest) -> str:
    return " ".join(line.kind for line in priced.lines)


def add_up(priced: PricedRequest) -> Decimal:
    with localcontext(prec=100):
        return sum((line.amount for line in priced.lines), Decimal(0))


@pytest.mark.parametrize(("terms", "price", "lines"), PRICES)
def test_prices(terms, price, lines) -> None:
    priced = price_request(make_rule(**terms), COST, LINES, "priced", USAGE)
    assert (priced.price, kinds(priced)) == (Decimal(price), lines)
    assert add_up(priced) == priced.price
    assert priced.has_negative_margin == (Decimal(price) < COST)


def test_without_a_rule_the_price_is_the_cost() -> None:
    assert price_request(None, COST, LINES, "priced") == PricedRequest(COST)
    assert price_request(None, None, (), "unpriced") == PricedRequest(None)


def test_the_rule_and_its_version_are_named() -> None:
    rule = make_rule(7, rule_key="vip", version=3)
    for cost in (COST, None):
        priced = price_request(rule, cost, (), "priced")
        assert (priced.rule_id, priced.rule_key, priced.version) == (rule.id, "vip", 3)


def test_lines_say_how_the_price_came_about() -> None:
    rule = make_rule(percentage="20", per_million=None, fixed_per_request="0.01")
    shown = [
        (line.kind, line.quantity, line.unit_price, line.amount)
        for line in price_request(rule, COST, LINES, "priced").lines
    ]
    assert shown == [
        ("cost", 1, COST, COST),
        ("percentage", COST, Decimal("0.2"), Decimal("0.0009")),
        ("fixed", 1, Decimal("0.01"), Decimal("0.01")),
    ]
    over = price_request(make_rule(per_million={"input_text": Decimal(5)}), COST, LINES, "priced")
    assert over.lines[0].description == "input_text"
    assert over.lines[0].unit_price == Decimal("0.000005")
    assert "output_text, at cost" in over.lines[1].description
    estimated = price_request(make_rule(), COST, LINES, "estimated")
    assert "estimated" in estimated.lines[0].description


# the cost, its lines, its status, the quantities, the terms, the price
WITHOUT_A_PLAIN_COST = [
    # unpriced
    (None, [], "unpriced", USAGE, {"percentage": "20"}, None),
    (None, [], "unpriced", USAGE, {"fixed_per_request": "1"}, None),
    (None, [], "unpriced", USAGE, {"minimum_per_request": "1"}, None),
    (None, [], "unpriced", USAGE, {"per_million": BOTH}, "0.007"),
    (None, [], "unpriced", USAGE, {"per_million": BOTH, "fixed_per_request": "1"}, "1.007"),
    (None, [], "unpriced", USAGE, {"per_million": {"input_text": "5"}}, None),
    (None, [], "unpriced", None, {"per_million": BOTH}, None),
    (None, [], "unpriced", {}, {"per_million": BOTH}, None),
    (None, [], "unpriced", {"total_tokens": 150}, {"per_million": BOTH}, "0.00075"),
    # a local model: used, and free
    ("0", [], "free", USAGE, {"percentage": "20"}, "0"),
    ("0", [], "free", USAGE, {"fixed_per_request": "1"}, "1"),
    ("0", [], "free", USAGE, {"minimum_per_request": "1"}, "1"),
    ("0", [], "free", USAGE, {"per_million": BOTH}, "0.007"),
    ("0", [], "free", USAGE, {"per_million": {"output_text": "20"}}, "0.002"),
    # refused, or failed before it answered: nothing was used
    ("0", [], "free", {}, {"fixed_per_request": "1"}, "0"),
    ("0", [], "free", None, {"minimum_per_request": "1"}, "0"),
    ("0", [], "estimated", {"total_tokens": 0}, {"fixed_per_request": "1", "percentage": "5"}, "0"),
    ("0", [], "free", {}, {"per_million": BOTH, "fixed_per_request": "1"}, "0"),
    # one charge that the provider stated
    ("0.5", [make_line("stated", 1, "0.5")], "priced", USAGE, {"percentage": "20"}, "0.6"),
    ("0.5", [make_line("stated", 1, "0.5")], "priced", USAGE, {"per_million": BOTH}, "0.007"),
    ("0.5", [make_line("stated", 1, "0.5")], "priced", USAGE,
     {"per_million": {"input_text": "5"}}, "0.5"),
    ("0.5", [make_line("stated", 1, "0.5")], "priced", None, {"per_million": BOTH}, "0.5"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "lines", "status", "quantities", "terms", "price"), WITHOUT_A_PLAIN_COST
)
def test_without_a_plain_cost(cost, lines, status, quantities, terms, price) -> None:
    priced = price_request(make_rule(**terms), exact(cost), lines, status, quantities)
    assert priced.price == exact(price)
    if price is not None:
        assert add_up(priced) == priced.price


@pytest.mark.parametrize(
    ("usage", "components"),
    [
        ({}, {}),
        ({"total_tokens": 5}, {"input_text": 5}),
        ({"total_tokens": 0, "images": 3}, {"image": 3}),
        ({"input_tokens": 9, "cached_input_tokens": 4, "output_tokens": 2, "reasoning_tokens": 1,
          "total_tokens": 11}, {"input_text": 5, "cached_text": 4, "output_text": 2}),
        ({"audio_seconds": Decimal("1.5"), "new_unit": 1},
         {"audio_second": Decimal("1.5"), "new_unit": 1}),
    ],
)  # fmt: skip
def test_components_of_a_usage(usage, components) -> None:
    assert dict(list_components(usage)) == components


@given(st.dictionaries(st.sampled_from(sorted(COMPONENTS)), st.integers(1, 10**9)))
def test_components_are_the_parts_that_are_priced(parts) -> None:
    usage = Usage(parts=parts)
    assert dict(list_components(show_usage(usage))) == parts


def test_a_million_small_calls_add_up_exactly() -> None:
    rule = make_rule(percentage="20")
    cost = Decimal("0.0000027")
    price = price_request(rule, cost, [make_line("input_text", 1, "0.0000027")], "priced").price
    assert price == Decimal("0.00000324")
    total = Decimal(0)
    for _ in range(1_000_000):
        total += price
    assert total == Decimal("3.24")


# ---------- laws ----------

AMOUNTS = st.decimals(0, 1_000, places=12)
COSTS = st.decimals(0, 10**9, places=18)
TERMS = st.fixed_dictionaries(
    {},
    optional={
        "percentage": st.decimals(-100, 100_000, places=4),
        "fixed_per_request": AMOUNTS,
        "minimum_per_request": AMOUNTS,
        "cap_per_request": AMOUNTS,
    },
) | st.fixed_dictionaries(
    {
        "per_million": st.dictionaries(
            st.sampled_from(["input_text", "output_text", "image"]), AMOUNTS
        )
    },
    optional={"fixed_per_request": AMOUNTS, "cap_per_request": AMOUNTS},
)
COUNTS = st.integers(0, 10**12)


@given(TERMS, COSTS, COUNTS, COUNTS)
def test_the_lines_add_up_and_the_cost_stays(terms, cost, count_in, count_out) -> None:
    lines = [
        make_line("input_text", count_in, "0.000000000003"),
        make_line("output_text", count_out, "0.00000000001"),
    ]
    with localcontext(prec=100):
        cost = sum((line.amount for line in lines), Decimal(0)) if "per_million" in terms else cost
    before = (str(cost), [str(line) for line in lines])
    priced = price_request(make_rule(**terms), cost, lines, "priced")
    assert (str(cost), [str(line) for line in lines]) == before
    assert add_up(priced) == priced.price
    assert priced.price >= 0
    assert priced.has_negative_margin == (priced.price < cost)
    for line in priced.lines:
        with localcontext(prec=100):
            product = line.quantity * line.unit_price
            rounded = product.quantize(Decimal("1e-18"), ROUND_HALF_EVEN)
        assert line.amount == rounded


@given(st.decimals(0, 10**6, places=12), st.decimals(-100, 1_000, places=4))
def test_with_usual_decimals_nothing_is_rounded(cost, percentage) -> None:
    price = price_request(make_rule(percentage=percentage), cost, (), "priced").price
    with localcontext(prec=100):
        assert price == cost + cost * percentage / 100


def test_lines_are_shown_exactly_and_without_exponents() -> None:
    rule = make_rule(percentage="20", fixed_per_request="0.000000000001")
    lines = price_request(rule, Decimal("0.0000027"), (), "priced").lines
    text = encode_json([show_price_line(line) for line in lines]).decode()
    assert "E-" not in text
    amounts = [line["amount"] for line in json.loads(text, parse_float=Decimal)]
    assert sum(amounts) == Decimal("0.000003240001")
