"""Bodies and queries: what is refused, and which field is named."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from aihub.kit.decoding import convert, is_storable, make_decoder, refuse_unstorable
from aihub.kit.errors import FieldError, Invalid, Malformed
from aihub.kit.http import Answer, Call, Handler, Operation, build_routes, parse_id


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=3)] = ""
    numbers: list[int] = []


class Body(msgspec.Struct, forbid_unknown_fields=True):
    inner: Inner
    inners: list[Inner] = []
    by_name: dict[str, int] = {}


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ([], "body", "expected `object`, got `array`"),
        ({}, "inner", "is required"),
        ({"inner": {}, "x": 1}, "x", "is not a known field"),
        ({"inner": {"x": 1}}, "inner.x", "is not a known field"),
        ({"inner": {"name": 1}}, "inner.name", "expected `str`, got `int`"),
        ({"inner": {"name": "long"}}, "inner.name", "expected `str` of length <= 3"),
        ({"inner": {"numbers": [1, "x"]}}, "inner.numbers[1]", "expected `int`, got `str`"),
        ({"inner": {}, "inners": [{}, {"x": 1}]}, "inners[1].x", "is not a known field"),
        ({"inner": {}, "by_name": {"a": "b"}}, "by_name[...]", "expected `int`, got `str`"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.parametrize(("at", "glue"), [("", ""), ("events[3].body", ".")])
def test_the_field_is_named(value: Any, field: str, message: str, at: str, glue: str) -> None:
    with pytest.raises(Invalid) as told:
        convert(value, Body, at=at)
    expected = field if not at else at + glue + field
    if field == "body":
        expected = at or "body"
    assert told.value.errors == (FieldError(expected, message),)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (r'{"a": "\u0000"}', "a"),
        (r'{"a": {"b": ["x", "y\u0000"]}}', "a.b[1]"),
        (r'{"a\u0000": 1}', "a"),
        (r'"\u0000"', "body"),
        ('{"a": 1e309}', "a"),
        ('{"a":-1E+400}', "a"),
        ('{"a": 1e-400000}', "a"),
        ("[0,1e400000]", "[1]"),
        (f'{{"a": {"9" * 310}}}', "a"),
        (f'{{"a": 0.{"0" * 410}1}}', "a"),
    ],
)
def test_what_postgres_cannot_store_is_refused_by_name(raw: str, field: str) -> None:
    with pytest.raises(Invalid) as told:
        refuse_unstorable(raw.encode())
    assert [error.field for error in told.value.errors] == [field]
    with pytest.raises(Invalid) as told:
        refuse_unstorable(raw.encode(), "events[0]")
    assert told.value.errors[0].field.startswith("events[0]")


@pytest.mark.parametrize(
    "raw",
    [
        "{}",
        r'{"a": "\\u0000"}',
        '{"a": "1e400"}',
        '{"a": ":1e400"}',
        '{"a": 1e308, "b": 1e-300, "c": -0.0}',
        f'{{"a": "{"9" * 1_000}"}}',
        f'{{"a": {"9" * 300}}}',
        '{"id": "01a2134a-1e999-7065-a38f-920a99e5e2ef"}',
    ],
)
def test_what_postgres_can_store_is_left_alone(raw: str) -> None:
    refuse_unstorable(raw.encode())


storable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner
        )
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(storable, st.booleans())
def test_no_ordinary_json_is_refused(value: Any, is_ascii: bool) -> None:
    refuse_unstorable(json.dumps(value, ensure_ascii=is_ascii).encode())


@pytest.mark.parametrize(
    "text",
    ["", "x", "0191f3c07b1a4d2e9f00000000000001", "{0191f3c0-7b1a-4d2e-9f00-000000000001}"],
)
def test_ids_have_one_form(text: str) -> None:
    with pytest.raises(Invalid) as told:
        parse_id(text, "call_id")
    assert told.value.errors[0].field == "call_id"


# ---------- a small application ----------


class Query(msgspec.Struct, forbid_unknown_fields=True):
    n: int = 0
    amount: Decimal | None = None
    name: str | None = None


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async def authenticate(*_: Any, **__: Any) -> None:
        return None

    async def around(call: Call, handler: Handler) -> Answer:
        return await handler(call)

    async def echo(call: Call) -> Answer:
        return Answer({"query": call.query, "body": call.body})

    async def fail(call: Call) -> Answer:
        raise RuntimeError("a secret of the house")

    operations = [
        Operation(method="GET", path="/echo", handler=echo, scope=None, tag="x", query=Query),
        Operation(method="POST", path="/echo", handler=echo, scope=None, tag="x", body=Body,
                  max_body_bytes=1_000),
        Operation(method="GET", path="/fail", handler=fail, scope=None, tag="x"),
    ]  # fmt: skip
    app = Starlette(routes=build_routes(operations, authenticate, around))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as made:
        yield made


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("n=x", "n"),
        ("n=1&n=1", "n"),
        ("n=1e400", "n"),
        ("amount=x", "amount"),
        ("name=%00", "name"),
        ("other=1", "other"),
    ],
)
async def test_a_bad_parameter_is_named(client: httpx.AsyncClient, query: str, named: str) -> None:
    response = await client.get(f"/echo?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [named]


async def test_an_empty_parameter_is_none(client: httpx.AsyncClient) -> None:
    response = await client.get("/echo?n=&name=&amount=0.10")
    assert response.text == '{"query":{"n":0,"amount":0.10,"name":null},"body":null}'


async def test_a_failure_tells_nothing_of_the_house(client: httpx.AsyncClient) -> None:
    response = await client.get("/fail")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    got, head = await client.get("/echo"), await client.head("/echo")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_other_methods_are_told_what_is_allowed(client: httpx.AsyncClient) -> None:
    response = await client.delete("/echo")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(("size", "status"), [(900, 422), (1_001, 413)])
async def test_a_streamed_body_is_bounded(
    client: httpx.AsyncClient, size: int, status: int
) -> None:
    read = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'["'
        for _ in range(size - 4):
            read += 1
            yield b"x"
        yield b'"]'

    response = await client.post("/echo", content=stream())
    assert response.status_code == status


async def test_every_answer_is_told_apart_and_kept_nowhere(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/echo") for _ in range(2)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


class Foreign(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    usage: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    metadata: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_text_in_foreign_json_alone(word: str) -> None:
    decode = make_decoder(Foreign, is_checked=True)
    usage = f'{{"n": {word}, "m": 12345678901234567890}}'
    body = decode(f'{{"content": "a NaN \\" NaN", "usage": {usage}}}'.encode())
    assert body.content == 'a NaN " NaN'
    assert msgspec.json.decode(body.usage) == {"n": word, "m": 12345678901234567890}
    with pytest.raises(Invalid) as refused:
        decode(f'{{"content": "x", "metadata": {{"a": [1, {word}]}}}}'.encode())
    assert [error.field for error in refused.value.errors] == ["metadata.a[1]"]


def test_a_broken_body_with_such_a_word_is_no_json() -> None:
    with pytest.raises(Malformed):
        make_decoder(Foreign, is_checked=True)(b'{"content": "NaN", ')


@pytest.mark.parametrize("raw", [b'{"usage": {"n": 1e999}}', b'{"usage": "\\u0000"}'])
def test_foreign_json_is_not_refused_for_what_is_not_stored(raw: bytes) -> None:
    decode = make_decoder(Foreign, is_checked=True)
    body = decode(b'{"content": "x", ' + raw[1:])
    assert not is_storable(bytes(body.usage))
