"""The endpoints of organizations, members, keys and users."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from aihub.identity import api
from aihub.kit.http import Answer, Call, Endpoint, Handler

ORG = "X-Organization-Id"


# ---------- organizations ----------


async def test_create_and_read_back(client: httpx.AsyncClient, cast: Any) -> None:
    body = {"id": "org_123", "name": "Org", "plan": "pro", "timezone": "Europe/Berlin"}
    made = await client.post("/v1/organizations", json=body, headers=cast.key("operator"))
    assert made.status_code == 201
    found = made.json()
    assert found.items() >= body.items()
    assert found["retention_days"] == 90
    again = await client.post(
        "/v1/organizations", json={"id": "org_123", "name": "No"}, headers=cast.key("operator")
    )
    assert (again.status_code, again.json()) == (200, found)
    for name in ("org_123", found["uuid"]):
        answer = await client.get(f"/v1/organizations/{name}", headers=cast.key("operator"))
        assert answer.json() == found


@pytest.mark.parametrize("name", ["a/b/c", "über 7%", "a%2Fb", "?x#y", "日本", "a+b"])
async def test_any_id_in_a_path(client: httpx.AsyncClient, cast: Any, name: str) -> None:
    await client.post("/v1/organizations", json={"id": name}, headers=cast.key("operator"))
    answer = await client.get(
        f"/v1/organizations/{quote(name, safe='')}", headers=cast.key("operator")
    )
    assert answer.json()["id"] == name


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "id"),
        ({"id": ""}, "id"),
        ({"id": "x" * 256}, "id"),
        ({"id": "x\x00"}, "id"),
        ({"id": 7}, "id"),
        ({"id": "x", "name": ""}, "name"),
        ({"id": "x", "plan": "gold"}, "plan"),
        ({"id": "x", "timezone": "Mars/Olympus"}, "timezone"),
        ({"id": "x", "timezone": "../../etc/passwd"}, "timezone"),
        ({"id": "x", "timezone": "Europe"}, "timezone"),
        ({"id": "x", "timezone": ""}, "timezone"),
        ({"id": "x", "extra": 1}, "extra"),
    ],
)
async def test_unusable_organization(
    client: httpx.AsyncClient, cast: Any, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/organizations", json=body, headers=cast.key("operator"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_only_operators_make_organizations(client: httpx.AsyncClient, cast: Any) -> None:
    answer = await client.post("/v1/organizations", json={"id": "x"}, headers=cast.key("acme"))
    assert (answer.status_code, answer.json()["required_scope"]) == (403, "operate")


async def test_list_of_a_member_and_of_an_operator(client: httpx.AsyncClient, cast: Any) -> None:
    own = await client.get("/v1/organizations", headers=cast.key("acme_read"))
    assert [each["id"] for each in own.json()["items"]] == ["acme"]
    everything = await client.get("/v1/organizations", headers=cast.key("operator_read"))
    assert [each["id"] for each in everything.json()["items"]] == ["other", "acme"]


async def test_patch(client: httpx.AsyncClient, cast: Any) -> None:
    changes = {
        "name": "New",
        "timezone": "Asia/Kolkata",
        "idle_pause_seconds": 0,
        "idle_complete_seconds": 60,
        "idle_archive_seconds": 120,
        "retention_days": None,
    }
    answer = await client.patch("/v1/organizations/acme", json=changes, headers=cast.key("acme"))
    assert answer.json().items() >= changes.items()
    unchanged = await client.patch("/v1/organizations/acme", json={}, headers=cast.key("acme"))
    assert unchanged.json() == answer.json()
    week = await client.patch(
        f"/v1/organizations/{cast.acme.id}", json={"retention_days": 7}, headers=cast.key("acme")
    )
    assert week.json() == answer.json() | {"retention_days": 7}
    other = await client.get("/v1/organizations/other", headers=cast.key("other"))
    assert other.json()["name"] == "other"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "name"),
        ({"timezone": "Nowhere"}, "timezone"),
        ({"idle_pause_seconds": -1}, "idle_pause_seconds"),
        ({"idle_pause_seconds": 10**12}, "idle_pause_seconds"),
        ({"idle_archive_seconds": True}, "idle_archive_seconds"),
        ({"retention_days": 0}, "retention_days"),
        ({"id": "renamed"}, "id"),
    ],
)
async def test_unusable_patch(
    client: httpx.AsyncClient, cast: Any, changes: dict[str, Any], field: str
) -> None:
    answer = await client.patch("/v1/organizations/acme", json=changes, headers=cast.key("acme"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_the_plan_is_the_operators(client: httpx.AsyncClient, cast: Any) -> None:
    body = {"plan": "enterprise"}
    answer = await client.patch("/v1/organizations/acme", json=body, headers=cast.key("acme"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = await client.patch("/v1/organizations/acme", json=body, headers=cast.key("operator"))
    assert answer.json()["plan"] == "enterprise"


async def test_a_change_shows_at_once(
    client: httpx.AsyncClient, cast: Any, identity: api.Identity
) -> None:
    await identity.authenticate_token(cast.keys["acme"], "read")
    await client.patch(
        "/v1/organizations/acme", json={"timezone": "Asia/Tokyo"}, headers=cast.key("acme")
    )
    principal = await identity.authenticate_token(cast.keys["acme"], "read")
    assert principal.organization is not None
    assert principal.organization.timezone == "Asia/Tokyo"


# ---------- members ----------


async def test_invite(client: httpx.AsyncClient, cast: Any, identity: api.Identity) -> None:
    body = {"email": "Dan@New.test", "role": "analyst", "name": "Dan"}
    answer = await client.post("/v1/members", json=body, headers=cast.key("acme"))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["email"], made["role"], made["name"]) == ("dan@new.test", "analyst", "Dan")
    found = await identity.sign_in_by_link(made.pop("sign_in_token"))
    assert found.principal.organization_name == "acme"
    assert found.principal.role == "analyst"
    listed = await client.get("/v1/members", headers=cast.key("acme_read"))
    assert listed.json()["items"][0] == made


async def test_no_link_for_an_account_that_exists(client: httpx.AsyncClient, cast: Any) -> None:
    """Else every organization could sign in as everybody, operators too."""
    for name in ("cleo", "olga"):
        answer = await client.post(
            "/v1/members", json={"email": f"{name}@hub.test"}, headers=cast.key("acme")
        )
        assert (answer.status_code, answer.json()["sign_in_token"]) == (201, None)


async def test_an_address_another_organization_has_taken(
    client: httpx.AsyncClient, cast: Any
) -> None:
    """Whoever invited it could be signed in as it, and would see the second organization."""
    body = {"email": "victim@new.test"}
    assert (await client.post("/v1/members", json=body, headers=cast.key("other"))).is_success
    answer = await client.post("/v1/members", json=body, headers=cast.key("acme"))
    assert (answer.status_code, answer.json()["code"]) == (409, "account_exists")
    by_operator = await client.post(
        "/v1/members", json=body, headers=cast.key("operator", **{ORG: "acme"})
    )
    assert (by_operator.status_code, by_operator.json()["sign_in_token"]) == (201, None)


async def test_invite_twice(client: httpx.AsyncClient, cast: Any) -> None:
    body = {"email": "dan@new.test"}
    answers = await asyncio.gather(
        *(client.post("/v1/members", json=body, headers=cast.key("acme")) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"already_member"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "no address"}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"email": "x" * 320 + "@a.test"}, "email"),
        ({"email": "a@b.test", "role": "king"}, "role"),
        ({"email": "a@b.test", "name": "x" * 256}, "name"),
        ({"email": "a@b.test", "password": "x"}, "password"),
    ],
)
async def test_unusable_member(
    client: httpx.AsyncClient, cast: Any, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/members", json=body, headers=cast.key("acme"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_nobody_gives_a_role_beyond_their_scopes(
    client: httpx.AsyncClient, cast: Any
) -> None:
    for body in ({"email": "dan@new.test", "role": "owner"}, {"email": "d@new.test"}):
        answer = await client.post("/v1/members", json=body, headers=cast.key("acme_admin"))
        assert (answer.status_code, "write" in answer.json()["lacking"]) == (403, True)
    answer = await client.patch(
        f"/v1/members/{cast.ben}", json={"role": "owner"}, headers=cast.key("acme_admin")
    )
    assert answer.status_code == 403


async def test_change_role_counts_at_once(
    client: httpx.AsyncClient, cast: Any, identity: api.Identity
) -> None:
    found = await identity.sign_in("ben@hub.test", "correct horse battery", client="here")
    answer = await client.patch(
        f"/v1/members/{cast.ben}", json={"role": "billing"}, headers=cast.key("acme")
    )
    assert (answer.status_code, answer.json()["role"]) == (200, "billing")
    principal = await identity.session(found.token)
    assert principal is not None
    assert principal.role == "billing"
    removed = await client.delete(f"/v1/members/{cast.ben}", headers=cast.key("acme"))
    assert (removed.status_code, removed.content) == (204, b"")
    principal = await identity.session(found.token)
    assert principal is not None
    assert principal.organization is None
    assert (
        await client.delete(f"/v1/members/{cast.ben}", headers=cast.key("acme"))
    ).status_code == 404


async def test_the_last_owner_stays(client: httpx.AsyncClient, cast: Any) -> None:
    path, headers = f"/v1/members/{cast.ada}", cast.key("acme")
    for answer in (
        await client.delete(path, headers=headers),
        await client.patch(path, json={"role": "admin"}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert (await client.patch(path, json={"role": "owner"}, headers=headers)).status_code == 200
    await client.patch(f"/v1/members/{cast.ben}", json={"role": "owner"}, headers=headers)
    assert (await client.delete(path, headers=headers)).status_code == 204


async def test_two_owners_leaving_at_once(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    for _ in range(5):
        await api.add_member(connection, cast.acme.id, cast.ada, "owner")
        await api.add_member(connection, cast.acme.id, cast.ben, "owner")
        answers = await asyncio.gather(
            client.delete(f"/v1/members/{cast.ada}", headers=cast.key("acme")),
            client.patch(
                f"/v1/members/{cast.ben}", json={"role": "viewer"}, headers=cast.key("acme")
            ),
        )
        assert sorted(each.is_success for each in answers) == [False, True]
        assert {each.status_code for each in answers} & {409}


async def test_member_of_supabase_has_no_address(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    await api.add_member(connection, cast.acme.id, uuid4(), "viewer")
    listed = await client.get("/v1/members?limit=1", headers=cast.key("acme"))
    assert listed.json()["items"][0]["email"] is None


# ---------- keys ----------


async def test_make_use_and_revoke_a_key(client: httpx.AsyncClient, cast: Any) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    body = {"name": "ci", "scopes": ["write", "read", "read"], "expires_at": until.isoformat()}
    made = await client.post("/v1/api-keys", json=body, headers=cast.key("acme"))
    assert made.status_code == 201
    new = made.json()
    key = new.pop("key")
    assert key.startswith("ahk_")
    assert key.startswith(new["prefix"])
    assert new["scopes"] == ["read", "write"]
    assert new["created_by"] == f"key:{cast.keys['acme'][:12]}"
    used = await client.post("/probe/write", headers={"Authorization": f"Bearer {key}"})
    assert used.json()["organization"] == "acme"
    listed = (await client.get("/v1/api-keys", headers=cast.key("acme"))).json()
    assert listed["items"][0] == new
    revoked = await client.delete(f"/v1/api-keys/{new['id']}", headers=cast.key("acme"))
    assert revoked.json()["revoked_at"] is not None
    again = await client.delete(f"/v1/api-keys/{new['id']}", headers=cast.key("acme"))
    assert again.json() == revoked.json()
    listed = (await client.get("/v1/api-keys", headers=cast.key("acme"))).json()
    assert listed["items"][0]["revoked_at"] == revoked.json()["revoked_at"]
    used = await client.post("/probe/write", headers={"Authorization": f"Bearer {key}"})
    assert used.status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["read"]}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["operate"]}, "scopes[0]"),
        ({"name": "x", "scopes": ["read"] * 4}, "scopes"),
        ({"name": "x" * 256, "scopes": ["read"]}, "name"),
        ({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}, "expires_at"),
    ],
)
async def test_unusable_key(
    client: httpx.AsyncClient, cast: Any, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/api-keys", json=body, headers=cast.key("acme"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_nobody_gives_scopes_they_lack(client: httpx.AsyncClient, cast: Any) -> None:
    body = {"name": "x", "scopes": ["admin", "write"]}
    answer = await client.post("/v1/api-keys", json=body, headers=cast.key("acme_admin"))
    assert (answer.status_code, answer.json()["lacking"]) == (403, ["write"])


async def test_an_operator_makes_keys_of_the_organization_named(
    client: httpx.AsyncClient, cast: Any
) -> None:
    body = {"name": "x", "scopes": ["read"]}
    nowhere = await client.post("/v1/api-keys", json=body, headers=cast.key("operator"))
    assert (nowhere.status_code, nowhere.json()["errors"][0]["field"]) == (422, ORG)
    made = await client.post(
        "/v1/api-keys", json=body, headers=cast.key("operator", **{ORG: "other"})
    )
    listed = (await client.get("/v1/api-keys", headers=cast.key("other"))).json()
    assert made.json()["id"] in [each["id"] for each in listed["items"]]


# ---------- users, and paging ----------


async def test_users(client: httpx.AsyncClient, cast: Any, connection: Any) -> None:
    await connection.execute(
        "insert into public.ai_users (organization_id, external_id, created_at) "
        "select $1, 'user_' || n, timestamptz '2026-01-01' + n / 3 * interval '1 microsecond' "
        "from generate_series(1, 25) n",
        cast.acme.id,
    )
    await connection.execute(
        "insert into public.ai_users (organization_id, created_at) values ($1, '2025-01-01')",
        cast.acme.id,
    )
    await connection.execute(
        "insert into public.ai_users (organization_id, external_id) values ($1, 'hers')",
        cast.other.id,
    )
    seen: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = await client.get(
            f"/v1/users?limit=4&cursor={quote(cursor)}", headers=cast.key("acme_read")
        )
        seen += page.json()["items"]
        cursor = page.json()["next_cursor"]
    assert len(seen) == 26
    assert {each["id"] for each in seen} == {f"user_{n}" for n in range(1, 26)} | {None}
    times = [datetime.fromisoformat(each["first_seen_at"]) for each in seen]
    assert times == sorted(times, reverse=True)
    assert seen[-1]["first_seen_at"] == "2025-01-01T00:00:00Z"


PAGED = ["/v1/organizations", "/v1/members", "/v1/api-keys", "/v1/users"]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "page=2", "limit=1&limit=2"]
)
async def test_unusable_paging(client: httpx.AsyncClient, cast: Any, path: str, query: str) -> None:
    headers = cast.key("operator", **{ORG: "acme"})
    answer = await client.get(f"{path}?{query}", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("path", PAGED)
async def test_pages_fit_together(client: httpx.AsyncClient, cast: Any, path: str) -> None:
    headers = cast.key("operator", **{ORG: "acme"})
    whole = (await client.get(path, headers=headers)).json()
    assert whole["next_cursor"] is None
    pages, cursor = [], ""
    while cursor is not None:
        page = (await client.get(f"{path}?limit=1&cursor={cursor}", headers=headers)).json()
        pages += page["items"]
        cursor = page["next_cursor"]
    assert pages == whole["items"]


# ---------- strangers ----------


async def test_another_organizations_objects_are_not_there(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    """As a stranger, and for what never was: the same answer, and nothing changed."""
    key_id = await connection.fetchval("select id from hub.api_keys where name = 'acme'")
    theirs = [
        ("GET", "/v1/organizations/acme", None),
        ("GET", f"/v1/organizations/{cast.acme.id}", None),
        ("PATCH", "/v1/organizations/acme", {"name": "Mine"}),
        ("PATCH", f"/v1/members/{cast.ben}", {"role": "viewer"}),
        ("DELETE", f"/v1/members/{cast.ben}", None),
        ("DELETE", f"/v1/api-keys/{key_id}", None),
    ]
    nobodys = [
        ("GET", "/v1/organizations/nowhere", None),
        ("GET", f"/v1/organizations/{uuid4()}", None),
        ("PATCH", "/v1/organizations/nowhere", {"name": "Mine"}),
        ("PATCH", f"/v1/members/{uuid4()}", {"role": "viewer"}),
        ("DELETE", f"/v1/members/{uuid4()}", None),
        ("DELETE", f"/v1/api-keys/{uuid4()}", None),
    ]
    before = await connection.fetch("select * from public.ai_members, hub.api_keys")
    for (method, path, body), (_, other_path, _) in zip(theirs, nobodys, strict=True):
        answers = [
            await client.request(method, each, json=body, headers=cast.key("other"))
            for each in (path, other_path)
        ]
        problems = [answer.json() for answer in answers]
        for problem in problems:
            problem.pop("request_id")
        assert problems[0] == problems[1]
        assert problems[0]["status"] == 404
    assert await connection.fetch("select * from public.ai_members, hub.api_keys") == before


@pytest.mark.parametrize("path", ["/v1/members", "/v1/api-keys", "/v1/users"])
async def test_lists_hold_the_own_only(
    client: httpx.AsyncClient, cast: Any, connection: Any, path: str
) -> None:
    await connection.execute(
        "insert into public.ai_users (organization_id, external_id) values ($1, 'theirs')",
        cast.acme.id,
    )
    listed = (await client.get(path, headers=cast.key("other"))).json()["items"]
    shown = [each.get("email") or each.get("name") for each in listed]
    expected = {"/v1/members": ["cleo@hub.test"], "/v1/api-keys": ["other"], "/v1/users": []}
    assert shown == expected[path]
    named = await client.get(path, headers=cast.key("other", **{ORG: "acme"}))
    assert named.status_code == 404


async def test_every_operation_refuses_nobody_and_the_one_who_may_not(
    client: httpx.AsyncClient, cast: Any, identity: api.Identity
) -> None:
    for each in identity.operations():
        path = each.path.replace("{id:path}", "acme")
        path = path.replace("{id}", str(uuid4())).replace("{account_id}", str(uuid4()))
        answer = await client.request(each.method, path, json={})
        assert answer.status_code == 401, each.path
        if each.scope != "read":
            answer = await client.request(each.method, path, json={}, headers=cast.key("acme_read"))
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_ids_that_are_none(client: httpx.AsyncClient, cast: Any) -> None:
    for path in ("/v1/api-keys/x", "/v1/members/x"):
        assert (await client.delete(path, headers=cast.key("acme"))).status_code == 422
    for name in ("%00", "x" * 300, "%ff"):
        answer = await client.get(f"/v1/organizations/{name}", headers=cast.key("operator"))
        assert answer.status_code == 404


async def test_every_handler_is_described(identity: api.Identity) -> None:
    for each in identity.operations():
        assert each.handler.__doc__, each.path
        assert each.answers


async def test_writes_use_the_transaction_of_the_request(
    dsn: str, identity: api.Identity, cast: Any, connection: Any
) -> None:
    """With an Idempotency-Key the root opens one: what is rolled back with it is gone."""
    bodies = {
        "/v1/organizations": {"id": "undone"},
        "/v1/members": {"email": "undone@new.test"},
        "/v1/api-keys": {"name": "undone", "scopes": ["read"]},
    }

    async def roll_back(call: Call, handler: Handler) -> Answer:
        opened = await asyncpg.connect(dsn)
        transaction = opened.transaction()
        await transaction.start()
        call.connection = opened
        try:
            return await handler(call)
        finally:
            await transaction.rollback()
            await opened.close()

    for each in identity.operations():
        if each.method != "POST":
            continue
        endpoint = Endpoint(each, identity.authenticate, roll_back)
        transport = httpx.ASGITransport(Starlette(routes=[Route(each.path, endpoint)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as own:
            headers = cast.key("operator", **{ORG: "acme", "Idempotency-Key": "k"})
            answer = await own.post(each.path, json=bodies.pop(each.path), headers=headers)
            assert answer.status_code == 201, answer.text
    assert not bodies
    counts = await connection.fetchrow(
        "select (select count(*) from public.ai_organizations where external_id = 'undone'), "
        "(select count(*) from hub.accounts where email like 'undone%'), "
        "(select count(*) from hub.api_keys where name = 'undone')"
    )
    assert tuple(counts) == (0, 0, 0)
