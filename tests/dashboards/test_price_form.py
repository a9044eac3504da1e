"""The form for a price: what is taken, and what is told beside which field."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from aihub.dashboards.price_form import begin_form, read_form_price
from aihub.dashboards.price_words import show_written

OWNER = UUID(int=7)
TOKYO = ZoneInfo("Asia/Tokyo")
FORM = begin_form([show_written("input_text", "2.5"), show_written("image", "0.04")])


def read(**typed):
    given = {"scope": "everybody", **typed}
    return read_form_price(FORM, given, "openai", "gpt-x", OWNER, TOKYO)


def test_the_form_offers_what_the_model_has_and_then_everything_else():
    assert [(c.name, c.present) for c in FORM.components] == [
        ("price_input_text", "$2.50"),
        ("price_cached_text", ""),
        ("price_output_text", ""),
        ("price_image", "$0.04"),
    ]
    offered = {name for name, _ in FORM.choices}
    assert "web_search" in offered
    assert not offered & {"input_text", "image"}


def test_a_price_is_read_in_the_zone_of_the_viewer():
    price, _ = read(
        price_input_text=" $0.50 ",
        component_2="audio_second",
        amount_2="0.111/3600",
        multiply="0.9",
        source="https://example.com/prices",
        note="agreed",
        **{"from": "2026-12-01T00:00"},
    )
    assert price.layer == "override"
    assert price.organization_id is None
    assert price.valid_from == datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert price.terms.prices == {"input_text": "0.50", "audio_second": "0.111/3600"}
    assert price.terms.multiply == "0.9"
    assert (price.terms.source, price.terms.note) == ("https://example.com/prices", "agreed")


def test_a_contract_is_of_the_organization_on_view():
    price, _ = read(scope="contract", multiply="0.8")
    assert (price.layer, price.organization_id) == ("contract", OWNER)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"price_input_text": "cheap"}, "price_input_text"),
        ({"price_input_text": "-1"}, "price_input_text"),
        ({"price_input_text": "1e9"}, "price_input_text"),
        ({"price_input_text": "0.1234567890123"}, "price_input_text"),
        ({"price_input_text": "1/0"}, "price_input_text"),
        ({"component_1": "gold", "amount_1": "1"}, "component_1"),
        ({"component_1": "page", "amount_1": ""}, "amount_1"),
        ({"component_1": "", "amount_1": "1"}, "component_1"),
        ({"component_1": "page", "amount_1": "x"}, "amount_1"),
        (
            {"component_1": "page", "amount_1": "1", "component_2": "page", "amount_2": "2"},
            "component_2",
        ),
        ({"price_input_text": "1", "multiply": "10%"}, "multiply"),
        ({"price_input_text": "1", "from": "tomorrow"}, "from"),
        ({"price_input_text": "1", "from": "0001-01-01T00:00"}, "from"),
        ({"price_input_text": "1", "source": "javascript:alert(1)"}, "source"),
        ({"price_input_text": "1", "note": "x" * 2001}, "note"),
        ({"price_input_text": "1", "note": "a\x00b"}, "note"),
        ({"price_input_text": "1", "reason": "x" * 501}, "reason"),
        ({"price_input_text": "1", "reason": "a\x00b"}, "reason"),
        ({"price_input_text": "1", "scope": "me"}, "scope"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(typed, field):
    price, form = read(**typed)
    assert price is None
    assert set(form.errors) == {field}
    assert all(form.values[name] == text.strip() for name, text in typed.items())


def test_a_price_of_nothing_is_none():
    price, form = read()
    assert price is None
    assert form.errors == {}
    assert "at least one price" in form.problem
