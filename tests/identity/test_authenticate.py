"""Requests with API keys: who gets in, for which organization, and at what cost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from aihub.identity import api
from aihub.kit.db import Database
from aihub.kit.errors import Unauthorized

ORG = "X-Organization-Id"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": ""}, id="empty"),
        pytest.param({"Authorization": "Bearer"}, id="no token"),
        pytest.param({"Authorization": "Bearer "}, id="blank token"),
        pytest.param({"Authorization": "Basic YTpi"}, id="another scheme"),
        pytest.param({"Authorization": "Bearer rubbish"}, id="neither kind"),
        pytest.param({"Authorization": "Bearer a b"}, id="two words"),
        pytest.param({"Authorization": "Bearer ahk_unknown"}, id="unknown key"),
        pytest.param({"Authorization": "Bearer aho_unknown"}, id="unknown operator key"),
        pytest.param({"Authorization": "Bearer " + "x" * 9000}, id="too long"),
        pytest.param({"Authorization": "Bearer a.b.c"}, id="no signed token"),
        pytest.param({"Cookie": "aihub_session=unknown"}, id="unknown session"),
        pytest.param({"Cookie": "aihub_session="}, id="empty session"),
    ],
)
async def test_nobody(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/probe/read", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"


async def test_key_of_an_organization(client: httpx.AsyncClient, cast: Any) -> None:
    answer = await client.get("/probe/admin", headers=cast.key("acme"))
    assert answer.json() == {
        "actor": f"key:{cast.keys['acme'][:12]}",
        "organization": "acme",
        "scopes": ["admin", "read", "write"],
        "role": None,
        "is_operator": False,
    }
    assert (await client.get("/probe/operate", headers=cast.key("acme"))).status_code == 403


@pytest.mark.parametrize("scope", ["write", "admin", "operate"])
async def test_missing_scope_is_named(client: httpx.AsyncClient, cast: Any, scope: str) -> None:
    for key in ("acme_read", "operator_read"):
        answer = await client.get(f"/probe/{scope}", headers=cast.key(key))
        assert answer.status_code == 403
        assert answer.json()["code"] == "missing_scope"
        assert answer.json()["required_scope"] == scope


async def test_lower_case_scheme(client: httpx.AsyncClient, cast: Any) -> None:
    headers = {"Authorization": f"bearer  {cast.keys['acme']}"}
    assert (await client.get("/probe/read", headers=headers)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_key_naming_another_organization(
    client: httpx.AsyncClient, cast: Any, method: str
) -> None:
    for name in ("other", str(cast.other.id), "unknown"):
        answer = await client.request(
            method, "/probe/read", headers=cast.key("acme", **{ORG: name})
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["detail"] == "There is no such organization."


async def test_key_naming_its_own_organization(client: httpx.AsyncClient, cast: Any) -> None:
    for name in ("acme", str(cast.acme.id), str(cast.acme.id).upper()):
        answer = await client.get("/probe/read", headers=cast.key("acme", **{ORG: name}))
        assert answer.json()["organization"] == "acme"


async def test_operator_acts_for_any(client: httpx.AsyncClient, cast: Any) -> None:
    for name in ("other", str(cast.other.id)):
        answer = await client.get("/probe/operate", headers=cast.key("operator", **{ORG: name}))
        assert answer.json()["organization"] == "other"
        assert answer.json()["is_operator"]
    nowhere = await client.get("/probe/operate", headers=cast.key("operator"))
    assert nowhere.json()["organization"] is None


async def test_operator_reading_an_unknown_organization(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    for method in ("GET", "DELETE"):
        answer = await client.request(
            method, "/probe/read", headers=cast.key("operator", **{ORG: "new"})
        )
        assert answer.status_code == 404
    assert await api.get_organization(connection, "new") is None


@pytest.mark.parametrize("name", ["new", "über uns/7%", "日本", "a" * 255, "new\u2028line"])
async def test_operator_writing_makes_the_organization(
    client: httpx.AsyncClient, cast: Any, connection: Any, name: str
) -> None:
    headers = cast.key("operator", **{ORG: quote(name)})
    # the absence that a read remembers must not get in the way of the write
    assert (await client.get("/probe/read", headers=headers)).status_code == 404
    answer = await client.post("/probe/write", headers=headers)
    assert answer.json()["organization"] == name
    made = await api.get_organization(connection, name)
    assert made is not None
    assert (made.external_id, made.name, made.plan) == (name, name, "free")
    assert (await client.get("/probe/read", headers=headers)).json()["organization"] == name


async def test_a_uuid_keeps_its_value(
    client: httpx.AsyncClient, cast: Any, connection: Any, somebody: UUID
) -> None:
    await client.post("/probe/write", headers=cast.key("operator", **{ORG: str(somebody)}))
    made = await api.get_organization(connection, str(somebody))
    assert made is not None
    assert made.id == somebody


async def test_a_key_that_may_not_write_makes_nothing(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    headers = cast.key("operator_read", **{ORG: "new"})
    assert (await client.post("/probe/write", headers=headers)).status_code == 403
    assert await api.get_organization(connection, "new") is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"a" * 256, id="too long"),
        pytest.param(b"a%00b", id="NUL"),
        pytest.param(b"%ff", id="escaped, not UTF-8"),
        pytest.param(b"caf\xe9", id="not UTF-8"),
    ],
)
async def test_unusable_organization_header(
    client: httpx.AsyncClient, cast: Any, value: bytes
) -> None:
    headers = [
        (b"Authorization", f"Bearer {cast.keys['operator']}".encode()),
        (b"X-Organization-Id", value),
    ]
    answer = await client.post("/probe/write", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == ORG


async def test_two_organization_headers(client: httpx.AsyncClient, cast: Any) -> None:
    token = ("Authorization", f"Bearer {cast.keys['operator']}")
    answer = await client.get("/probe/read", headers=[token, (ORG, "acme"), (ORG, "other")])
    assert answer.status_code == 422
    same = await client.get("/probe/read", headers=[token, (ORG, "acme"), (ORG, "acme")])
    assert same.status_code == 200


async def test_raw_utf8_in_the_header(client: httpx.AsyncClient, cast: Any) -> None:
    headers = [
        (b"Authorization", f"Bearer {cast.keys['operator']}".encode()),
        (b"X-Organization-Id", "café".encode()),
    ]
    answer = await client.post("/probe/write", headers=headers)
    assert answer.json()["organization"] == "café"


async def test_twenty_first_writes_at_once(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    headers = cast.key("operator", **{ORG: "busy"})
    answers = await asyncio.gather(
        *(client.post("/probe/write", headers=headers) for _ in range(20))
    )
    assert {answer.json()["organization"] for answer in answers} == {"busy"}
    count = "select count(*) from public.ai_organizations where external_id = 'busy'"
    assert await connection.fetchval(count) == 1


async def test_revoking_elsewhere_counts_within_five_seconds(
    client: httpx.AsyncClient, cast: Any, connection: Any, clock: Any
) -> None:
    headers = cast.key("acme")
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    await connection.execute("update hub.api_keys set revoked_at = now()")
    clock.advance(4.9)
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    clock.advance(0.2)
    assert (await client.get("/probe/read", headers=headers)).status_code == 401


async def test_revoking_here_counts_at_once(
    client: httpx.AsyncClient, cast: Any, connection: Any
) -> None:
    doomed = cast.key("acme_read")
    assert (await client.get("/probe/read", headers=doomed)).status_code == 200
    key_id = await connection.fetchval("select id from hub.api_keys where name = 'acme_read'")
    answer = await client.delete(f"/v1/api-keys/{key_id}", headers=cast.key("acme"))
    assert answer.json()["revoked_at"] is not None
    assert (await client.get("/probe/read", headers=doomed)).status_code == 401


async def test_expired_key(
    client: httpx.AsyncClient, cast: Any, connection: Any, clock: Any
) -> None:
    new = await api.create_api_key(
        connection,
        organization_id=cast.acme.id,
        name="brief",
        scopes=["read"],
        expires_at=datetime.now(UTC) + timedelta(seconds=60),
        created_by="test",
    )
    headers = {"Authorization": f"Bearer {new.key}"}
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    clock.advance(58)
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    clock.advance(3)  # within the five seconds for which the key is remembered
    answer = await client.get("/probe/read", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (401, "The key has expired.")


async def test_a_new_key_works_though_it_was_missing(
    client: httpx.AsyncClient, cast: Any, connection: Any, clock: Any
) -> None:
    row = await connection.fetchrow("delete from hub.api_keys where name = 'acme' returning *")
    assert (await client.get("/probe/read", headers=cast.key("acme"))).status_code == 401
    await connection.execute(
        "insert into hub.api_keys (id, organization_id, prefix, key_hash, scopes) "
        "values ($1, $2, $3, $4, $5)",
        *(row[name] for name in ("id", "organization_id", "prefix", "key_hash", "scopes")),
    )
    clock.advance(1.1)
    assert (await client.get("/probe/read", headers=cast.key("acme"))).status_code == 200


async def test_a_known_key_costs_no_round_trip(
    identity: api.Identity, cast: Any, db: Database
) -> None:
    await identity.authenticate_token(cast.keys["acme"], "read")
    await identity.authenticate_token(cast.keys["operator"], "read", organization="acme")
    await db.close()
    for _ in range(3):
        assert await identity.authenticate_token(cast.keys["acme"], "read")
        assert await identity.authenticate_token(cast.keys["operator"], "read", organization="acme")
    await db.open()


async def test_last_use_is_stored(
    identity: api.Identity, cast: Any, connection: Any, clock: Any
) -> None:
    await identity.authenticate_token(cast.keys["acme"], "read")
    clock.advance(3)
    await identity.authenticate_token(cast.keys["acme"], "read")
    await identity.stop()
    rows = await connection.fetch("select name, last_used_at from hub.api_keys")
    used = {row["name"]: row["last_used_at"] for row in rows}
    assert used["acme"] == clock.now()
    assert used["other"] is None


async def test_last_use_survives_a_missing_database(
    identity: api.Identity, cast: Any, connection: Any, db: Database
) -> None:
    await identity.authenticate_token(cast.keys["acme"], "read")
    await db.close()
    await identity.stop()
    await db.open()
    await identity.stop()
    used = "select last_used_at from hub.api_keys where name = 'acme'"
    assert await connection.fetchval(used) is not None


async def test_keys_are_stored_as_digests(cast: Any, connection: Any) -> None:
    for row in await connection.fetch("select * from hub.api_keys"):
        assert len(row["key_hash"]) == 32
        secret = cast.keys[row["name"]][12:]
        assert len(secret) >= 35
        assert secret not in str(dict(row))


async def test_basic_is_for_the_edges(identity: api.Identity, cast: Any) -> None:
    principal = await identity.authenticate_token(
        cast.keys["operator"], "write", organization="fresh", may_create=True
    )
    assert principal.organization_name == "fresh"
    with pytest.raises(Unauthorized):
        await identity.authenticate_token("", "read")
