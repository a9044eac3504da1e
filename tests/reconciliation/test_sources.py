"""Each provider's documents become the same kind of rows, exact, with nothing lost."""

import gzip
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.kit.errors import Invalid
from aihub.reconciliation.errors import MalformedBill
from aihub.reconciliation.models import BilledRow, Tokens
from aihub.reconciliation.sources import SOURCES, aggregate, parse_files
from aihub.reconciliation.sources.azure import split_meter
from aihub.reconciliation.sources.gcp import model_of
from aihub.reconciliation.sources.openai import split_line

from . import bills
from .bills import DAY


def parse(kind: str, *documents: bytes) -> tuple[BilledRow, ...]:
    return parse_files(kind, [(f"file {n}", raw) for n, raw in enumerate(documents)]).rows


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("gpt-9-2026-01-01, input", ("gpt-9-2026-01-01", "input")),
        ("gpt-9, cached input", ("gpt-9", "cached_input")),
        ("gpt-9, cache write", ("gpt-9", "cache_write")),
        ("gpt-9-audio, audio output", ("gpt-9-audio", "output")),
        ("ft:gpt-9:acme::a1, output", ("ft:gpt-9:acme::a1", "output")),
        ("web search tool calls", (None, None)),
        ("gpt-9, something new", (None, None)),
        (", input", (None, "input")),
        (None, (None, None)),
    ],
)
def test_line_items_are_read_loosely(line, found):
    assert split_line(line) == found


def test_openai_costs_keep_every_line_and_every_digit():
    page = bills.openai_page(
        bills.openai_cost("gpt-9, input", 0.1234567, 1_000_000.0),
        bills.openai_cost("gpt-9, cached input", 0.06, 500_000.0),
        bills.openai_cost("web search tool calls", 0.07, 7.0),
        bills.openai_cost("gpt-9, something new", 1),
        bills.openai_cost(None, 2.5),
    )
    first, cached, search, new, rest = parse("openai-costs", page)
    assert (first.model, first.amount) == ("gpt-9", Decimal("0.1234567"))
    assert first.tokens == Tokens(input=1_000_000)
    assert cached.tokens == Tokens(input=500_000, cached_input=500_000)
    assert (search.kind, search.model, search.quantity) == ("fee", None, Decimal(7))
    assert (new.kind, new.line) == ("fee", "gpt-9, something new")
    assert (rest.kind, rest.model, rest.amount) == ("cost", None, Decimal("2.5"))
    assert {row.currency for row in (first, cached, search, new, rest)} == {"USD"}


def test_openai_usage_counts_the_cache_inside_and_anthropic_beside():
    (row,) = parse("openai-usage", bills.openai_page(bills.openai_usage("gpt-9", 100, 30, 9)))
    assert row.tokens == Tokens(input=100, cached_input=30, output=9)
    usage = bills.anthropic_usage("claude-9", 100, 30, 20, 7, 9)
    (row,) = parse("anthropic-usage", bills.anthropic_page(usage))
    assert row.tokens == Tokens(157, 30, 9, cache_write=27, cache_write_1h=7)


def test_anthropic_costs_are_cents_with_their_fractions():
    page = bills.anthropic_page(
        bills.anthropic_cost("output_tokens", "123.4567", "claude-9", list_amount="200"),
        bills.anthropic_cost(None, "96"),
    )
    output, search = parse("anthropic-cost", page)
    assert (output.amount, output.list_amount) == (Decimal("1.234567"), Decimal(2))
    assert output.component == "output"
    assert (search.kind, search.amount, search.line) == ("fee", Decimal("0.96"), "Web Search Usage")


def test_openrouter_tells_what_was_spent_elsewhere():
    document = {"data": [bills.activity("a/m", 0.25, byok_usage_inference=1.5)]}
    own, elsewhere = parse("openrouter", json.dumps(document).encode())
    assert (own.amount, own.requests) == (Decimal("0.25"), 3)
    assert own.tokens == Tokens(input=1000, output=100)
    assert (elsewhere.kind, elsewhere.amount, elsewhere.at_list) == ("elsewhere", 0, Decimal("1.5"))


def test_aws_counts_in_thousands_and_millions():
    at = "2026-03-04T00:00:00Z"
    document = bills.aws(
        f"{at},AmazonBedrock,EUW3-NovaLite-input-tokens,12.5,1K tokens,0.5,Usage,USD",
        f"{at},AmazonBedrock,EUW3-NovaLite-cache-read-input-token-count,3,1K tokens,0.1,Usage,USD",
        f"{at},some-code,EUW3-MP:EUW3_OutputTokenCount-Units,0.25,Units,3.75,Usage,USD",
        f"{at},AmazonBedrock,EUW3-Guardrail-TextUnits,4,Units,0.6,Usage,USD",
        f"{at},AmazonBedrock,,0,,0.33,Tax,USD",
        f"{at},AmazonBedrock,EUW3-NovaLite-input-tokens,0,,-2,Credit,USD",
        f"{at},AmazonBedrock,EUW3-NovaLite-input-tokens,0,,-1,EdpDiscount,USD",
        f"{at},AmazonEC2,BoxUsage,1,Hrs,9,Usage,USD",
    )
    bill = parse_files("aws", [("cur.csv", document)])
    fresh, cached, market, guard, tax, credit, discount = bill.rows
    assert (fresh.model, fresh.tokens) == ("NovaLite", Tokens(input=12_500))
    assert cached.tokens == Tokens(input=3_000, cached_input=3_000)
    assert (market.model, market.tokens) == (None, Tokens(output=250_000))
    assert (guard.kind, guard.line) == ("fee", "EUW3-Guardrail-TextUnits")
    assert [row.kind for row in (tax, credit, discount)] == ["tax", "credit", "discount"]
    assert bill.other_lines == 1


@pytest.mark.parametrize(
    ("sku", "model"),
    [
        ("Gemini 2.5 Flash GA Text Input - Predictions", "gemini-2.5-flash"),
        ("Generate content output token count Gemini 9 Pro short", "gemini-9-pro"),
        ("Claude Opus 9 Input Tokens", "claude-opus-9"),
        ("Vector search node hours", None),
    ],
)
def test_the_model_in_an_sku(sku, model):
    assert model_of(sku) == model


def test_gcp_keeps_credits_and_taxes_apart():
    credit = {"name": "Deal", "amount": -0.25, "type": "COMMITTED_USAGE_DISCOUNT"}
    lines = [
        bills.gcp("Gemini 9 Pro Text Input", 1.5, 1_000_000, credits=[credit]),
        bills.gcp("Gemini 9 Pro Cached Text Input", "0.1", "200000"),
        bills.gcp("Gemini 9 Pro Context Cache Storage", 0.2, 3),
        bills.gcp("Tax", 0.4, cost_type="tax"),
        bills.gcp("Other", 7, service={"description": "Compute Engine"}),
    ]
    bill = parse_files("gcp", [("x.jsonl", "\n\n".join(map(json.dumps, lines)).encode())])
    cost, credited, cached, storage, tax = bill.rows
    assert (cost.model, cost.tokens) == ("gemini-9-pro", Tokens(input=1_000_000))
    assert (credited.kind, credited.amount) == ("credit", Decimal("-0.25"))
    assert cached.tokens == Tokens(input=200_000, cached_input=200_000)
    assert (storage.kind, tax.kind, bill.other_lines) == ("fee", "tax", 1)


@pytest.mark.parametrize(
    ("meter", "found"),
    [
        ("gpt 9 Inp Data Zone Tokens", ("gpt-9 data zone", "input")),
        ("gpt 9 cached Inp Data Zone Tokens", ("gpt-9 data zone", "cached_input")),
        ("gpt-9 0806 Outp glbl Tokens", ("gpt-9-0806 global", "output")),
        ("gpt 9 mini cchd Inp regnl Tokens", ("gpt-9-mini regional", "cached_input")),
        ("gpt 9 opt Tokens", ("gpt-9", "output")),
        ("Provisioned Managed Unit", (None, None)),
    ],
)
def test_the_meter_of_azure(meter, found):
    assert split_meter(meter) == found


def test_azure_counts_in_the_unit_of_the_meter():
    document = bills.azure(
        "03/04/2026,Foundry Models,Azure OpenAI,gpt 9 Inp glbl Tokens,1K,12.5,1.25,USD",
        "2026-03-04,Foundry Models,Azure OpenAI,gpt 9 Outp glbl Tokens,1M,0.5,2.5,USD",
        "2026-03-04,Storage,Blob,Hot LRS,1 GB,3,0.1,USD",
    )
    bill = parse_files("azure", [("x.csv", document)])
    assert [row.tokens for row in bill.rows] == [Tokens(input=12_500), Tokens(output=500_000)]
    assert bill.days == {DAY}
    assert bill.other_lines == 1


AT = "2026-03-04T00:00:00Z"
WRONG = [
    ("openai-costs", b"{", "file", "not JSON"),
    ("openai-costs", b"[]", "file", "an object"),
    ("openai-costs", b"{}", "data", "a list"),
    ("openai-costs", b'{"data": [1]}', "data[0]", "an object"),
    ("openai-costs", b'{"data": [{"start_time": "x", "results": []}]}', "start_time", "no time"),
    (
        "openai-costs",
        bills.openai_page(bills.openai_cost("a, input", "much")),
        "data[0].results[0].amount.value",
        "a number",
    ),
    (
        "openai-costs",
        bills.openai_page(bills.openai_cost("a, input", 1, currency="dollars")),
        "data[0].results[0].amount.currency",
        "three letters",
    ),
    ("openai-usage", b'{"data": [], "has_more": true}', "next_page", "missing"),
    (
        "openai-usage",
        bills.openai_page(bills.openai_usage("m", -1, 0, 0)),
        "data[0].results[0].input_tokens",
        "a count",
    ),
    (
        "anthropic-cost",
        bills.anthropic_page(bills.anthropic_cost("output_tokens", "NaN", "m")),
        "data[0].results[0].amount",
        "out of range",
    ),
    ("aws", b"a,b\n1,2\n", "line 1", "has no column line_item_usage_start_date"),
    ("aws", bills.aws(f"{AT},AmazonBedrock,x"), "line 2", "3 fields instead of 8"),
    ("aws", bills.aws(f"{AT},AmazonBedrock,x,1,1K,abc,Usage,USD"), "line 2", "a number"),
    ("aws", b"\xff\xfe", "file", "not UTF-8"),
    ("gcp", b'{"service": {"description": "Vertex AI"}}\n', "line 1", "missing"),
    ("gcp", b"{}\nnope\n", "line 2", "not JSON"),
    (
        "azure",
        bills.azure("2026-13-04,Foundry Models,,gpt 9 Inp Tokens,1K,1,1,USD"),
        "line 2, date",
        "no time",
    ),
    ("azure", b"\x1f\x8bnothing", "file", "not whole gzip"),
    ("azure", gzip.compress(bills.azure(), mtime=0)[:-9], "file", "not whole gzip"),
]


@pytest.mark.parametrize(("kind", "raw", "place", "reason"), WRONG)
def test_an_error_names_the_file_the_place_and_the_reason(kind, raw, place, reason):
    with pytest.raises(MalformedBill) as caught:
        parse_files(kind, [("the-file", raw)])
    assert caught.value.detail.startswith("the-file: ")
    assert place in caught.value.detail
    assert reason in caught.value.detail


def test_an_unknown_kind_is_refused():
    with pytest.raises(Invalid, match="must be one of openai-usage"):
        parse_files("fax", [])


@pytest.mark.parametrize("kind", SOURCES)
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_refused_or_empty(kind, raw):
    try:
        found = parse_files(kind, [("x", raw)])
    except MalformedBill:
        return
    assert found.rows == ()


amounts = st.decimals(
    min_value=-(10**12), max_value=10**12, places=18, allow_nan=False, allow_infinity=False
)


@given(st.lists(amounts, min_size=1, max_size=30))
def test_adding_lines_up_loses_no_digit(values):
    (row,) = aggregate(bills.billed_row("m", format(value, "f")) for value in values)
    assert _atto(row.amount) == sum(_atto(value) for value in values)


def _atto(value: Decimal) -> int:
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits))) * 10 ** (exponent + 18)
    return -number if sign else number


@given(st.decimals(min_value=0, max_value=10**6, places=12))
def test_a_json_fraction_is_taken_by_its_text(value):
    raw = bills.openai_page(bills.openai_cost("m, input", 12345))
    (row,) = parse("openai-costs", raw.replace(b"12345", format(value, "f").encode()))
    assert row.amount == value


def test_files_of_a_kind_are_one_bill():
    one = bills.openai_page(bills.openai_cost("m, input", 1.1, 10.0))
    other = bills.openai_page(bills.openai_cost("m, input", 2.2, 20.0))
    (row,) = parse("openai-costs", one, gzip.compress(other))
    assert (row.amount, row.tokens) == (Decimal("3.3"), Tokens(input=30))
