"""Signing in and out, sessions, and what a cookie may do."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from aihub.identity import api
from aihub.kit.errors import Forbidden, NotFound, Unauthorized

PASSWORD = "correct horse battery"


def cookie(token: str, **headers: str) -> dict[str, str]:
    return {"Cookie": f"theme=dark; {api.SESSION_COOKIE}={token}", **headers}


async def sign_in(identity: api.Identity, name: str = "ada") -> api.SignedIn:
    return await identity.sign_in(f"{name}@hub.test", PASSWORD, client="here")


async def test_password(identity: api.Identity, cast: Any, connection: Any, clock: Any) -> None:
    found = await identity.sign_in(" Ada@Hub.test ", PASSWORD, client="here")
    assert found.principal.organization_name == "acme"
    assert (found.principal.role, found.principal.email) == ("owner", "ada@hub.test")
    assert found.principal.account_id == cast.ada
    assert [each.external_id for each in found.principal.memberships] == ["acme"]
    assert found.expires_at == clock.now() + timedelta(days=14)
    assert await identity.session(found.token) == found.principal
    for row in await connection.fetch("select * from hub.sessions"):
        assert found.token not in str(dict(row))


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@hub.test", "wrong"),
        ("ada@hub.test", ""),
        ("ada@hub.test", "x" * 10_000),
        ("ada@hub.test", "nul\x00"),
        ("ada@hub.test", "\ud800"),
        ("nobody@hub.test", PASSWORD),
        ("", PASSWORD),
        ("ada", PASSWORD),
        ("a\x00@hub.test", PASSWORD),
        ("\ud800@hub.test", PASSWORD),
        ("a" * 10_000 + "@hub.test", PASSWORD),
    ],
)
async def test_wrong_credentials(
    identity: api.Identity, cast: Any, email: str, password: str
) -> None:
    with pytest.raises(api.WrongCredentials) as caught:
        await identity.sign_in(email, password, client="here")
    assert caught.value.problem()["code"] == "wrong_credentials"


async def test_disabled_and_passwordless_accounts(
    identity: api.Identity, cast: Any, connection: Any
) -> None:
    await connection.execute("update hub.accounts set disabled_at = now() where id = $1", cast.ada)
    await connection.execute("update hub.accounts set password_hash = null where id = $1", cast.ben)
    for name in ("ada", "ben"):
        with pytest.raises(api.WrongCredentials):
            await sign_in(identity, name)


async def test_an_unknown_account_takes_as_long(identity: api.Identity, cast: Any) -> None:
    async def seconds(email: str) -> float:
        start = time.perf_counter()
        with pytest.raises(api.WrongCredentials):
            await identity.sign_in(email, "wrong", client="here")
        return time.perf_counter() - start

    await seconds("first@hub.test")  # makes the hash that strangers are compared with
    known = min([await seconds("ada@hub.test") for _ in range(3)])
    unknown = min([await seconds("nobody@hub.test") for _ in range(3)])
    assert known / 3 < unknown < known * 3


@pytest.mark.parametrize("email", ["ada@hub.test", "nobody@hub.test", "no address"])
async def test_lock_grows(identity: api.Identity, cast: Any, clock: Any, email: str) -> None:
    for _ in range(5):
        with pytest.raises(api.WrongCredentials):
            await identity.sign_in(email, "wrong", client="here")
    for seconds in (30, 60, 120, 240, 480, 900, 900):
        with pytest.raises(api.Locked) as caught:
            await identity.sign_in(email, PASSWORD, client="here")
        assert (caught.value.status, caught.value.code) == (429, "locked")
        assert caught.value.headers["Retry-After"] == str(seconds)
        clock.advance(seconds - 1)
        with pytest.raises(api.Locked):
            await identity.sign_in(email, PASSWORD, client="here")
        clock.advance(1)
        with pytest.raises(api.WrongCredentials):
            await identity.sign_in(email, "wrong", client="here")


async def test_success_forgets_failures(identity: api.Identity, cast: Any, clock: Any) -> None:
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(api.WrongCredentials):
                await identity.sign_in("ada@hub.test", "wrong", client="here")
        assert await sign_in(identity)
    assert await sign_in(identity)


async def test_guesses_at_once_are_counted_before_they_are_tried(
    identity: api.Identity, cast: Any
) -> None:
    results = await asyncio.gather(
        *(identity.sign_in("ada@hub.test", f"guess {n}", client="here") for n in range(15)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, api.WrongCredentials) for each in results) == 5
    assert sum(isinstance(each, api.Locked) for each in results) == 10


async def test_a_client_that_tries_many_accounts_is_locked(
    identity: api.Identity, cast: Any, clock: Any
) -> None:
    for n in range(50):
        with pytest.raises(api.WrongCredentials):
            await identity.sign_in(f"{n}@hub.test", "wrong", client="there")
    with pytest.raises(api.Locked):
        await identity.sign_in("ada@hub.test", PASSWORD, client="there")
    assert await sign_in(identity)
    clock.advance(15)
    assert await identity.sign_in("ada@hub.test", PASSWORD, client="there")


async def test_link_works_once(
    identity: api.Identity, cast: Any, connection: Any, clock: Any
) -> None:
    link = await api.create_sign_in_link(connection, cast.ben)
    results = await asyncio.gather(
        *(identity.sign_in_by_link(link) for _ in range(5)), return_exceptions=True
    )
    signed_in = [each for each in results if isinstance(each, api.SignedIn)]
    assert [each.principal.account_id for each in signed_in] == [cast.ben]
    assert sum(isinstance(each, api.LinkNotValid) for each in results) == 4


async def test_link_refused(identity: api.Identity, cast: Any, connection: Any, clock: Any) -> None:
    late = await api.create_sign_in_link(connection, cast.ben, minutes=1)
    disabled = await api.create_sign_in_link(connection, cast.ada)
    await connection.execute("update hub.accounts set disabled_at = now() where id = $1", cast.ada)
    clock.advance(61)
    for link in (late, disabled, "unknown", ""):
        with pytest.raises(api.LinkNotValid):
            await identity.sign_in_by_link(link)


async def test_session_ends(
    identity: api.Identity, client: httpx.AsyncClient, cast: Any, clock: Any
) -> None:
    found = await sign_in(identity)
    clock.advance(14 * 86_400 - 1)
    assert await identity.session(found.token)
    clock.advance(1)  # remembered, but over
    assert await identity.session(found.token) is None
    assert (await client.get("/probe/read", headers=cookie(found.token))).status_code == 401


async def test_sign_out(identity: api.Identity, cast: Any) -> None:
    found = await sign_in(identity)
    other = await sign_in(identity)
    await identity.sign_out(found.token)
    assert await identity.session(found.token) is None
    assert await identity.session(other.token)


async def test_sign_out_everywhere(identity: api.Identity, cast: Any, connection: Any) -> None:
    mine = [await sign_in(identity) for _ in range(2)]
    hers = await sign_in(identity, "cleo")
    link = await api.create_sign_in_link(connection, cast.ada)
    await identity.sign_out_everywhere(cast.ada)
    for each in mine:
        assert await identity.session(each.token) is None
    assert await identity.session(hers.token)
    with pytest.raises(api.LinkNotValid):
        await identity.sign_in_by_link(link)


async def test_a_new_password_ends_sessions(
    identity: api.Identity, cast: Any, connection: Any, clock: Any
) -> None:
    found = await sign_in(identity)
    await api.create_account(connection, email="ADA@hub.test", password="another password")
    clock.advance(5.1)
    assert await identity.session(found.token) is None
    again = await identity.sign_in("ada@hub.test", "another password", client="here")
    assert again.principal.account_id == cast.ada


@pytest.mark.parametrize(
    "change",
    [
        "update hub.accounts set disabled_at = now()",
        "delete from hub.sessions",
    ],
)
async def test_ended_elsewhere(
    identity: api.Identity, cast: Any, connection: Any, clock: Any, change: str
) -> None:
    found = await sign_in(identity)
    await connection.execute(change)
    clock.advance(5.1)
    assert await identity.session(found.token) is None


async def test_membership_is_checked_at_each_load(
    identity: api.Identity, client: httpx.AsyncClient, cast: Any, connection: Any, clock: Any
) -> None:
    found = await sign_in(identity, "ben")
    await connection.execute("update public.ai_members set role = 'viewer'")
    clock.advance(5.1)
    principal = await identity.session(found.token)
    assert principal is not None
    assert (principal.role, principal.scopes) == ("viewer", frozenset({"read"}))
    await connection.execute("delete from public.ai_members")
    clock.advance(5.1)
    principal = await identity.session(found.token)
    assert principal is not None
    assert (principal.organization, principal.scopes) == (None, frozenset())
    answer = await client.get("/probe/read", headers=cookie(found.token))
    assert (answer.status_code, answer.json()["code"]) == (403, "no_organization")


async def test_switching(
    identity: api.Identity, client: httpx.AsyncClient, cast: Any, connection: Any, clock: Any
) -> None:
    await api.add_member(connection, cast.other.id, cast.ben, "billing")
    found = await sign_in(identity, "ben")
    assert {each.external_id for each in found.principal.memberships} == {"acme", "other"}
    assert found.principal.organization_name == "acme"
    switched = await identity.switch_organization(found.token, str(cast.other.id))
    assert (switched.organization_name, switched.role) == ("other", "billing")
    answer = await client.get("/probe/read", headers=cookie(found.token))
    assert answer.json()["organization"] == "other"
    named = cookie(found.token, **{"X-Organization-Id": "acme"})
    assert (await client.get("/probe/read", headers=named)).json()["organization"] == "acme"
    await api.create_organization(connection, external_id="third")
    for name in ("third", "unknown", ""):
        with pytest.raises(NotFound):
            await identity.switch_organization(found.token, name)
    with pytest.raises(Unauthorized):
        await identity.switch_organization("unknown", "acme")


async def test_operator_views_any(
    identity: api.Identity, client: httpx.AsyncClient, cast: Any, clock: Any, connection: Any
) -> None:
    found = await sign_in(identity, "olga")
    assert found.principal.is_operator
    assert found.principal.organization is None
    assert {each.external_id for each in found.principal.memberships} == {"acme", "other"}
    switched = await identity.switch_organization(found.token, "other")
    assert switched.organization_name == "other"
    assert "operate" in switched.scopes
    named = cookie(found.token, **{"X-Organization-Id": "acme"})
    assert (await client.get("/probe/operate", headers=named)).json()["organization"] == "acme"
    with pytest.raises(NotFound):
        await identity.switch_organization(found.token, "unknown")
    await connection.execute("update hub.accounts set is_operator = false")
    clock.advance(5.1)
    demoted = await identity.session(found.token)
    assert demoted is not None
    assert (demoted.is_operator, demoted.organization, demoted.memberships) == (False, None, ())


# ---------- by a signed token ----------


async def test_member_by_token(
    identity: api.Identity, cast: Any, sign: Callable[..., str], clock: Any
) -> None:
    found = await identity.sign_in_by_jwt(sign(cast.ada, email="ada@supabase.test"))
    assert (found.principal.organization_name, found.principal.role) == ("acme", "owner")
    assert found.expires_at == clock.now() + timedelta(days=14)
    clock.advance(5000)  # longer than the token lives
    assert await identity.session(found.token)


async def test_supabase_user_by_token(
    identity: api.Identity, cast: Any, connection: Any, sign: Callable[..., str], somebody: UUID
) -> None:
    await api.add_member(connection, cast.acme.id, somebody, "analyst")
    found = await identity.sign_in_by_jwt(sign(somebody, email="eve@supabase.test"))
    assert (found.principal.email, found.principal.role) == ("eve@supabase.test", "analyst")


async def test_claim_alone_ends_with_the_token(
    identity: api.Identity,
    cast: Any,
    connection: Any,
    sign: Callable[..., str],
    somebody: UUID,
    clock: Any,
) -> None:
    token = sign(somebody, app_metadata={"organization_id": "acme", "role": "viewer"})
    found = await identity.sign_in_by_jwt(token)
    assert (found.principal.organization_name, found.principal.role) == ("acme", "viewer")
    with pytest.raises(NotFound):
        await identity.switch_organization(found.token, "other")
    clock.advance(3600)
    assert await identity.session(found.token) is None


async def test_refused_by_token(
    identity: api.Identity, cast: Any, sign: Callable[..., str], somebody: UUID
) -> None:
    with pytest.raises(Forbidden):
        await identity.sign_in_by_jwt(sign(somebody))
    with pytest.raises(NotFound):
        await identity.sign_in_by_jwt(sign(cast.ada, app_metadata={"organization_id": "no"}))
    with pytest.raises(Unauthorized):
        await identity.sign_in_by_jwt(sign(cast.ada, aud="anon"))
    with pytest.raises(Unauthorized):
        await identity.sign_in_by_jwt("rubbish")


# ---------- what a cookie may do ----------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="own page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="typed in"),
        pytest.param({"Origin": "http://hub.test"}, 200, id="own origin"),
        pytest.param({"Origin": "https://HUB.test"}, 200, id="own origin behind a TLS proxy"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a sister host"),
        pytest.param(
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://hub.test"}, 403, id="contradiction"
        ),
        pytest.param({"Origin": "http://evil.test"}, 403, id="another origin"),
        pytest.param({"Origin": "http://hub.test:81"}, 403, id="another port"),
        pytest.param({"Origin": "http://hub.test.evil.test"}, 403, id="longer host"),
        pytest.param({"Origin": "http://hub.test@evil.test"}, 403, id="user part"),
        pytest.param({"Origin": "null"}, 403, id="sandboxed"),
        pytest.param({"Origin": "http://[evil"}, 403, id="broken origin"),
        pytest.param({}, 403, id="neither"),
    ],
)
async def test_writes_by_cookie(
    identity: api.Identity,
    client: httpx.AsyncClient,
    cast: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    found = await sign_in(identity)
    for method in ("POST", "DELETE"):
        answer = await client.request(
            method, "/probe/write", headers=cookie(found.token, **headers)
        )
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["code"] == "cross_site"
    assert (await client.get("/probe/read", headers=cookie(found.token))).status_code == 200


async def test_a_bearer_needs_no_origin(client: httpx.AsyncClient, cast: Any) -> None:
    headers = cast.key("acme", **{"Sec-Fetch-Site": "cross-site"})
    assert (await client.post("/probe/write", headers=headers)).status_code == 200


async def test_a_bad_bearer_is_not_rescued_by_a_cookie(
    identity: api.Identity, client: httpx.AsyncClient, cast: Any
) -> None:
    found = await sign_in(identity)
    headers = cookie(found.token, Authorization="Bearer ahk_wrong")
    assert (await client.get("/probe/read", headers=headers)).status_code == 401


async def test_purge(identity: api.Identity, cast: Any, connection: Any) -> None:
    await sign_in(identity)
    await api.create_sign_in_link(connection, cast.ada)
    assert await api.purge_expired(connection) == 0
    await connection.execute("update hub.sessions set expires_at = now()")
    await connection.execute("update hub.sign_in_links set expires_at = now()")
    assert await api.purge_expired(connection) == 2
