"""Every operation of the application, asked by strangers, by nobody, and without the right."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from aihub.hosting import Hosting
from aihub.kit.http import Operation
from aihub.main import Hub
from aihub.settings import Settings

from .conftest import Cast, Person, fixture


def _operations() -> list[Operation]:
    settings = Settings(database_url="postgresql://nowhere/")
    return Hub(settings, Hosting(settings)).operations()


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


OPERATIONS = _operations()
CLOSED = [each for each in OPERATIONS if each.scope is not None]
OPEN = [each for each in OPERATIONS if each.scope is None]
OPERATORS = [each for each in CLOSED if each.scope == "operate"]
ABOUT_ONE = [each for each in CLOSED if "{" in each.path and each not in OPERATORS]
LISTS = [
    each
    for each in CLOSED
    if "{" not in each.path and each.method == "GET" and each not in OPERATORS
]
WRITES = [each for each in CLOSED if each.is_write]
NOBODY = "01900000-0000-7000-8000-000000000000"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/conversations/{id}/messages": {"content": "x"},
    "/v1/conversations/{id}/feedback": {"score": 1},
    "/v1/members/{account_id}": {"role": "viewer"},
}


@dataclass
class Ours:
    """What Ada's organization has, by the path that leads to it."""

    paths: dict[str, str]
    secrets: list[str]


@fixture
async def ours(ada: Person, connection: Any) -> Ours:
    made = await ada.post("/conversations", {"user_id": "secret-user", "module": "secret-module"})
    call = {"provider": "openai", "model": "secret-model", "api": "x", "user_id": "secret-user"}
    key = (await ada.post("/api-keys", {"name": "secret-key", "scopes": ["read"]}))["id"]
    called = (await ada.post("/calls", call))["id"]
    member = await connection.fetchval(
        "insert into hub.accounts (email) values ($1) returning id::text",
        f"{made['organization_id']}@secret.test",
    )
    await connection.execute(
        "insert into public.ai_members (organization_id, account_id) values ($1, $2)",
        ada.organization,
        member,
    )
    rule = f"secret-rule-{made['id']}"
    await connection.execute(
        "insert into hub.markup_rules (id, rule_key, version, organization_id, valid_from) "
        "values (gen_random_uuid(), $1, 1, $2, now())",
        rule,
        ada.organization,
    )
    paths = {
        "/v1/conversations": made["id"],
        "/v1/calls": called,
        "/v1/api-keys": key,
        "/v1/organizations": made["organization_id"],
        "/v1/members": member,
        "/v1/markup-rules": rule,
    }
    return Ours(paths, ["secret-", "@secret.test", made["organization_id"], *paths.values()])


def _path(operation: Operation, ours: Ours) -> str:
    root = operation.path.split("/{")[0]
    return re.sub(r"\{.*?\}", ours.paths.get(root, NOBODY), operation.path)


def _body(operation: Operation) -> Any:
    return BODIES.get(operation.path, {}) if operation.is_write else None


def test_every_operation_but_these_needs_a_key() -> None:
    assert {each.path for each in OPEN} == {
        "/health/live",
        "/health/ready",
        "/metrics",
        "/openapi.json",
    }


@pytest.mark.parametrize("operation", ABOUT_ONE, ids=_name)
async def test_a_stranger_finds_nothing(cast: Cast, ours: Ours, operation: Operation) -> None:
    reply = await cast.cleo.ask(operation.method, _path(operation, ours), _body(operation))
    nothing = await cast.cleo.ask(
        operation.method,
        re.sub(r"\{.*?\}", NOBODY, operation.path),
        _body(operation),
    )
    assert (reply.status, nothing.status) == (404, 404)
    assert set(reply.json) == set(nothing.json)
    assert reply.json["code"] == nothing.json["code"]


@pytest.mark.parametrize("operation", LISTS, ids=_name)
async def test_a_strangers_lists_are_their_own(
    cast: Cast, ours: Ours, operation: Operation
) -> None:
    reply = await cast.cleo.ask("GET", operation.path)
    assert reply.status == 200
    assert [secret for secret in ours.secrets if secret in reply.text] == []


@pytest.mark.parametrize("operation", CLOSED, ids=_name)
async def test_naming_another_organization_does_not_help(
    cast: Cast, ours: Ours, operation: Operation
) -> None:
    name = ours.paths["/v1/organizations"]
    cleo = cast.cleo.with_headers(X_Organization_Id=name)
    reply = await cleo.ask(operation.method, _path(operation, ours), _body(operation))
    assert reply.status in ((403, 404) if operation in OPERATORS else (404,))
    assert [secret for secret in ours.secrets if secret in reply.text] == []


@pytest.mark.parametrize("operation", OPERATORS, ids=_name)
async def test_what_operators_do_is_not_for_the_keys_of_organizations(
    cast: Cast, ours: Ours, operation: Operation
) -> None:
    for person in (cast.ada, cast.cleo):
        reply = await person.ask(operation.method, _path(operation, ours), _body(operation))
        assert reply.status == 403


@pytest.mark.parametrize("operation", CLOSED, ids=_name)
async def test_without_a_key_nobody_gets_in(
    client: httpx.AsyncClient, operation: Operation
) -> None:
    path = re.sub(r"\{.*?\}", "x", operation.path)
    for key in (None, "Bearer ahk_x", "Bearer ahk_" + "A" * 43, "Bearer a.b.c", "Basic YTpi"):
        headers = {} if key is None else {"Authorization": key}
        response = await client.request(operation.method, path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", WRITES, ids=_name)
async def test_who_may_read_may_not_write(cast: Cast, ours: Ours, operation: Operation) -> None:
    reply = await cast.vera.ask(operation.method, _path(operation, ours), _body(operation))
    assert reply.status == 403
    assert (await cast.ada.read(ours.paths["/v1/conversations"]))["message_count"] == 0


@pytest.mark.parametrize("body", ["message", "feedback", "update", "transition", "call"])
async def test_no_event_reaches_anothers_conversation(cast: Cast, ours: Ours, body: str) -> None:
    id_ = ours.paths["/v1/conversations"]
    own: dict[str, Any] = {
        "message": {"content": "x", "reopen": True},
        "feedback": {"score": 1},
        "update": {"module": "x"},
        "transition": {"action": "pause"},
        "call": {"provider": "openai", "model": "gpt-4", "api": "x", "tokens": 1},
    }[body]
    event = {"type": body, "body": own | {"conversation_id": id_}}
    [result] = (await cast.cleo.post("/batch", {"events": [event]}))["results"]
    assert (result["status"], result["error"]["code"]) == (404, "conversation_not_found")
    found = await cast.ada.read(id_, include="messages,calls")
    assert (found["messages"], found["calls"], found["status"]) == ([], [], "active")
