"""The endpoints: who may, what is refused, and what comes back."""

from decimal import Decimal
from typing import Any

import pytest

from aihub.markup import api

from .conftest import Cast


def rule(rule_key: str = "base", **fields: Any) -> dict[str, Any]:
    return {"rule_key": rule_key} | fields


async def write(cast: Cast, *rules: dict[str, Any]) -> Any:
    reply = await cast.olga.ask("PUT", body={"rules": list(rules)})
    assert reply.status == 200, reply.text
    return reply.json


async def test_written_and_read(cast: Cast, markup: api.MarkupRules) -> None:
    answer = await write(
        cast,
        rule(percentage=20, note="for all"),
        rule("vip", organization="acme", per_million={"input_text": 0.000000000001}),
    )
    assert [item["version"] for item in answer["items"]] == [1, 1]
    assert answer["warnings"] == []
    assert len(markup.current().rules) == 2  # at once
    reply = await cast.olga.ask("GET")
    assert reply.keys == ["vip", "base"]
    assert '"input_text":0.000000000001}' in reply.text
    vip, base = reply.json["items"]
    assert (vip["organization"], vip["per_million"]) == ("acme", {"input_text": Decimal("1e-12")})
    assert (base["percentage"], base["note"], base["tiers"]) == (20, "for all", None)


async def test_a_customer_sees_what_may_price_its_calls(cast: Cast) -> None:
    await write(
        cast,
        rule("default", percentage=20, note="secret"),
        rule("pro", plan="pro"),
        rule("free", plan="free"),
        rule("of-acme", organization="acme"),
        rule("of-other", organization="other"),
        rule("later", valid_from="2999-01-01T00:00:00Z"),
        rule("ended"),
    )
    assert (await cast.olga.ask("DELETE", "/ended")).status == 200
    ada = await cast.ada.ask("GET")
    assert set(ada.keys) == {"default", "pro", "of-acme"}
    assert {item["note"] for item in ada.json["items"]} == {None}
    assert {item["created_by"] for item in ada.json["items"]} == {None}
    assert set((await cast.cleo.ask("GET")).keys) == {"default", "free", "of-other"}
    assert set((await cast.olga.naming("acme").ask("GET")).keys) == {"default", "pro", "of-acme"}
    everybody = {"default", "pro", "free", "of-acme", "of-other", "later"}
    assert set((await cast.olga.ask("GET")).keys) == everybody
    past = await cast.olga.ask("GET", include_past=True)
    assert past.keys.count("ended") == 2


async def test_anothers_rule_is_the_same_as_none(cast: Cast) -> None:
    await write(cast, rule("of-other", organization="other"), rule("pro", plan="pro"))
    assert (await cast.cleo.ask("GET", "/of-other/versions")).status == 200
    assert (await cast.ada.ask("GET", "/pro/versions")).status == 200
    told = []
    for person, name in ((cast.ada, "of-other"), (cast.ada, "no-such"), (cast.cleo, "pro")):
        reply = await person.ask("GET", f"/{name}/versions")
        assert (reply.status, reply.json["code"]) == (404, "markup_rule_not_found")
        told.append(reply.json["detail"])
    assert len(set(told)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"rules": [rule()]}),
        ("DELETE", "/base", None),
        ("POST", "/what-if", {"month": "2026-10"}),
    ],
)
async def test_only_operators_change(cast: Cast, method: str, path: str, body: Any) -> None:
    reply = await cast.ada.ask(method, path, body)
    assert (reply.status, reply.json["code"]) == (403, "missing_scope")
    nobody = type(cast.ada)(cast.ada.client, "ahk_nonsense")
    assert (await nobody.ask(method, path, body)).status == 401


async def test_versions_and_the_end(cast: Cast) -> None:
    await write(cast, rule(percentage=10))
    await write(cast, rule(percentage=-5))
    reply = await cast.olga.ask("DELETE", "/base")
    assert reply.json["is_closing"] is True
    assert (await cast.olga.ask("DELETE", "/base")).json == reply.json
    versions = (await cast.olga.ask("GET", "/base/versions")).json["items"]
    assert [v["version"] for v in versions] == [3, 2, 1]
    assert [v["percentage"] for v in versions] == [None, -5, 10]
    reply = await cast.olga.ask("DELETE", "/nothing")
    assert (reply.status, reply.json["code"]) == (404, "markup_rule_not_found")


async def test_pages(cast: Cast) -> None:
    await write(cast, *(rule(f"r{n}") for n in range(5)))
    seen, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        reply = await cast.olga.ask("GET", limit=2, **more)
        seen += reply.keys
        cursor = reply.json["next_cursor"]
        if cursor is None:
            break
    assert seen == ["r4", "r3", "r2", "r1", "r0"]
    assert (await cast.olga.ask("GET", cursor="nonsense")).fields == ["cursor"]


async def test_warnings(cast: Cast) -> None:
    start = "2026-01-01T00:00:00Z"
    answer = await write(cast, rule(percentage=-5, valid_from=start, is_backdated=True))
    assert ["stored stay as they are" in answer["warnings"][0], len(answer["warnings"])] == [
        True,
        2,
    ]
    assert "below cost" in answer["warnings"][1]


STEPS = [{"up_to": 10, "per_unit": 1}, {"per_unit": 2}]


def tiers(*steps: Any, basis: str = "requests", **more: Any) -> dict[str, Any]:
    return {"tiers": {"mode": "volume", "basis": basis, "steps": list(steps)} | more}


FAULTS = [
    ({"rule_key": "Not A Key"}, "rule_key"),
    ({"percentage": -100.01}, "percentage"),
    ({"percentage": 1.23456}, "percentage"),
    ({"percentage": "NaN"}, "percentage"),
    ({"percentage": 1e300}, "percentage"),
    ({"percentage": 5, "per_million": {"input_text": 1}}, "percentage"),
    ({"percentage": True}, "percentage"),
    ({"fixed_per_request": -1}, "fixed_per_request"),
    ({"fixed_per_request": 0.0000000000001}, "fixed_per_request"),
    ({"per_million": {"input_text": -1}}, "per_million.input_text"),
    ({"per_million": {"Input": 1}}, "per_million"),
    ({"minimum_per_request": 2, "cap_per_request": 1}, "cap_per_request"),
    ({"period_minimum": 2, "period_cap": 1}, "period_cap"),
    ({"model": "*"}, "model"),
    ({"model": "g*t"}, "model"),
    ({"organization": "acme", "plan": "pro"}, "plan"),
    ({"organization": "nobody"}, "organization"),
    ({"plan": "gold"}, "plan"),
    ({"priority": 1001}, "priority"),
    ({"valid_from": "2020-01-01T00:00:00Z"}, "valid_from"),
    ({"valid_from": "2999-01-01T00:00:00"}, "valid_from"),
    ({"valid_from": "2999-01-01T00:00:00Z", "valid_to": "2999-01-01T00:00:00Z"}, "valid_to"),
    ({"valid_to": "2020-01-01T00:00:00Z"}, "valid_to"),
    ({"is_backdated": True}, "is_backdated"),
    ({"included": {}}, "included"),
    ({"included": {"usd": 1, "tokens": 1}}, "included"),
    ({"included": {"tokens": 1.5}}, "included.tokens"),
    (tiers(*STEPS, basis="tokens") | {"percentage": 1}, "tiers.charge"),
    (tiers(), "tiers.steps"),
    (tiers({"up_to": 10, "per_unit": 1}), "tiers.steps[0].up_to"),
    (tiers({"per_unit": 1}, {"per_unit": 1}), "tiers.steps[0].up_to"),
    (tiers({"up_to": 10, "per_unit": 1}, *STEPS), "tiers.steps[1].up_to"),
    (tiers({"up_to": 1.5, "per_unit": 1}, {"per_unit": 1}), "tiers.steps[0].up_to"),
    (tiers({"percentage": 1}), "tiers.steps[0]"),
    (tiers({"per_unit": 1, "per_million": 1}), "tiers.steps[0]"),
    (tiers({"per_unit": 1}, basis="cost"), "tiers.steps[0]"),
    (tiers({"per_unit": -1}), "tiers.steps[0].per_unit"),
    (tiers(*STEPS, mode="steep"), "tiers.mode"),
    ({"unknown": 1}, "unknown"),
]


@pytest.mark.parametrize(("fields", "field"), FAULTS)
async def test_the_field_is_named(cast: Cast, fields: Any, field: str) -> None:
    reply = await cast.olga.ask("PUT", body={"rules": [rule("good"), rule("bad") | fields]})
    assert reply.status == 422, reply.text
    assert reply.fields[0].startswith(f"rules[1].{field}"), reply.text
    assert (await cast.olga.ask("GET")).keys == []


async def test_bodies_that_are_refused_whole(cast: Cast) -> None:
    assert (await cast.olga.ask("PUT", body={"rules": []})).fields == ["rules"]
    assert (await cast.olga.ask("PUT", body=b"{")).status == 400
    assert (await cast.olga.ask("PUT", body=b"{" + b" " * (3 << 20))).status == 413
    many = {"rules": [rule(f"r{n}") for n in range(1001)]}
    assert (await cast.olga.ask("PUT", body=many)).fields == ["rules"]
    twice = await cast.olga.ask("PUT", body={"rules": [rule(), rule()]})
    assert twice.fields == ["rules[1].rule_key"]


async def test_another_scope_is_a_conflict(cast: Cast) -> None:
    await write(cast, rule(organization="acme"))
    reply = await cast.olga.ask("PUT", body={"rules": [rule()]})
    assert (reply.status, reply.json["code"]) == (409, "markup_scope_fixed")
