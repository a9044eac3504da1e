"""Supabase's tokens: which are believed, and for which organization."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aihub.identity import api
from aihub.kit.db import Database
from aihub.kit.errors import Unauthorized

ORG = "X-Organization-Id"
Sign = Callable[..., str]


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


def claim(organization: object, **more: object) -> dict[str, object]:
    return {"app_metadata": {"provider": "email", "organization_id": organization, **more}}


def raw_token(header: dict[str, Any], payload: dict[str, Any], secret: bytes | None) -> str:
    """A token made by hand, for what a library refuses to sign."""

    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part(header) + b"." + part(payload)
    signature = hmac.digest(secret, signed, hashlib.sha256) if secret is not None else b""
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize("alg", ["HS256", "RS256", "ES256"])
async def test_good_tokens(client: httpx.AsyncClient, cast: Any, sign: Sign, alg: str) -> None:
    answer = await client.get("/probe/read", headers=bearer(sign(cast.ada, alg)))
    assert answer.json() == {
        "actor": f"member:{cast.ada}",
        "organization": "acme",
        "scopes": ["admin", "read", "write"],
        "role": "owner",
        "is_operator": False,
    }


def _expired(sign: Sign, issuer: Any, who: UUID) -> str:
    return sign(who, exp=1_700_000_000)


def _no_alg(sign: Sign, issuer: Any, who: UUID) -> str:
    payload = jwt.decode(sign(who), options={"verify_signature": False})
    return raw_token({"alg": "none", "typ": "JWT"}, payload, None)


def _confused(sign: Sign, issuer: Any, who: UUID) -> str:
    """HS256 with the public key, which everybody has, as the secret."""
    payload = jwt.decode(sign(who), options={"verify_signature": False})
    public = issuer.rsa.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return raw_token({"alg": "HS256", "kid": "rsa", "typ": "JWT"}, payload, public)


def _embedded_key(sign: Sign, issuer: Any, who: UUID) -> str:
    """Signed by a key of the attacker's own that comes along in the header."""
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
    payload = jwt.decode(sign(who), options={"verify_signature": False})
    return jwt.encode(payload, own, "RS256", headers={"kid": "rsa", "jwk": key})


def _tampered(sign: Sign, issuer: Any, who: UUID) -> str:
    head, _, signature = sign(who).split(".")
    _, body, _ = sign(who, email="other@hub.test").split(".")
    return f"{head}.{body}.{signature}"


def _rs512(sign: Sign, issuer: Any, who: UUID) -> str:
    payload = jwt.decode(sign(who), options={"verify_signature": False})
    return jwt.encode(payload, issuer.rsa, "RS512", headers={"kid": "rsa"})


def _hs512(sign: Sign, issuer: Any, who: UUID) -> str:
    payload = jwt.decode(sign(who), options={"verify_signature": False})
    return jwt.encode(payload, "a-secret-of-more-than-thirty-two-bytes" * 2, "HS512")


REFUSED: dict[str, Callable[[Sign, Any, UUID], str]] = {
    "expired": _expired,
    "no exp": lambda sign, _, who: sign(who, exp=None),
    "exp is text": lambda sign, _, who: sign(who, exp="9999999999"),
    "exp is NaN": lambda sign, _, who: sign(who, exp=float("nan")),
    "not yet": lambda sign, _, who: sign(who, nbf=9_999_999_999),
    "wrong audience": lambda sign, _, who: sign(who, aud="anon"),
    "no audience": lambda sign, _, who: sign(who, aud=None),
    "wrong issuer": lambda sign, _, who: sign(who, iss="https://evil.test"),
    "no issuer": lambda sign, _, who: sign(who, iss=None),
    "no subject": lambda sign, _, who: raw_subject(sign, None),
    "subject is no UUID": lambda sign, _, who: sign("service"),
    "unknown kid": lambda sign, _, who: sign(who, "RS256", headers={"kid": "gone"}),
    "no kid": lambda sign, _, who: sign(who, "RS256", headers={"typ": "JWT"}),
    "kid of another kind": lambda sign, _, who: sign(who, "RS256", headers={"kid": "ec"}),
    "organization is a number": lambda sign, _, who: sign(who, **claim(7)),
    "organization is empty": lambda sign, _, who: sign(who, **claim("")),
    "alg none": _no_alg,
    "public key as secret": _confused,
    "key in the header": _embedded_key,
    "tampered": _tampered,
    "RS512": _rs512,
    "HS512": _hs512,
    "critical extension": lambda sign, _, who: sign(who, headers={"crit": ["b64"], "b64": False}),
    "signature cut": lambda sign, _, who: sign(who)[:-4],
    "alg is a list": lambda sign, _, who: raw_token({"alg": ["HS256"]}, {"sub": str(who)}, b"x"),
    "kid is a number": lambda sign, _, who: raw_token({"alg": "RS256", "kid": 7}, {}, b"x"),
    "header is no object": lambda sign, _, who: "W10.e30.AAAA",
}


def raw_subject(sign: Sign, sub: str | None) -> str:
    payload = jwt.decode(sign("x"), options={"verify_signature": False}) | {"sub": sub}
    return raw_token({"alg": "HS256"}, payload, b"a-secret-of-more-than-thirty-two-bytes")


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(
    client: httpx.AsyncClient, cast: Any, sign: Sign, issuer: Any, case: str
) -> None:
    token = REFUSED[case](sign, issuer, cast.ada)
    answer = await client.get("/probe/read", headers=bearer(token))
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "unauthorized"


async def test_without_a_secret_hs256_is_no_algorithm(
    db: Database, cast: Any, sign: Sign, issuer: Any
) -> None:
    identity = api.Identity(db, api.IdentityOptions(jwks_url=issuer.url))
    for token in (sign(cast.ada), _confused(sign, issuer, cast.ada)):
        with pytest.raises(Unauthorized):
            await identity.authenticate_token(token, "read")
    assert await identity.authenticate_token(sign(cast.ada, "RS256"), "read")


async def test_a_symmetric_key_in_the_published_set_is_passed_over(
    db: Database, cast: Any, sign: Sign, issuer: Any
) -> None:
    secret = b"another-secret-of-thirty-two-bytes"
    octets = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    issuer.publish({"kty": "oct", "k": octets, "kid": "oct", "alg": "HS256"}, {"kty": "RSA"}, {})
    identity = api.Identity(db, api.IdentityOptions(jwks_url=issuer.url))
    payload = jwt.decode(sign(cast.ada), options={"verify_signature": False})
    forged = jwt.encode(payload, secret, "HS256", headers={"kid": "oct"})
    with pytest.raises(Unauthorized):
        await identity.authenticate_token(forged, "read")
    assert await identity.authenticate_token(sign(cast.ada, "ES256"), "read")


async def test_nothing_configured(db: Database, cast: Any, sign: Sign) -> None:
    identity = api.Identity(db, api.IdentityOptions())
    for alg in ("HS256", "RS256"):
        with pytest.raises(Unauthorized):
            await identity.authenticate_token(sign(cast.ada, alg), "read")


async def test_expires_while_remembered(
    client: httpx.AsyncClient, cast: Any, sign: Sign, clock: Any
) -> None:
    headers = bearer(sign(cast.ada, exp=int(clock.now().timestamp()) + 2))
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    clock.advance(2.5)
    assert (await client.get("/probe/read", headers=headers)).status_code == 401


# ---------- the published keys ----------


async def test_keys_are_fetched_once(
    client: httpx.AsyncClient, cast: Any, sign: Sign, issuer: Any, clock: Any
) -> None:
    tokens = [sign(cast.ada, "RS256", email=f"{n}@hub.test") for n in range(10)]
    answers = await asyncio.gather(
        *(client.get("/probe/read", headers=bearer(token)) for token in tokens)
    )
    assert {answer.status_code for answer in answers} == {200}
    assert issuer.requests == 1
    clock.advance(601)
    await client.get("/probe/read", headers=bearer(tokens[0]))
    assert issuer.requests == 2


async def test_unknown_kid_asks_at_most_once_a_minute(
    client: httpx.AsyncClient, cast: Any, sign: Sign, issuer: Any, clock: Any
) -> None:
    for n in range(5):
        token = sign(cast.ada, "RS256", headers={"kid": f"made-up-{n}"})
        assert (await client.get("/probe/read", headers=bearer(token))).status_code == 401
    assert issuer.requests == 1
    issuer.publish(issuer.jwk(issuer.rsa, "rotated"))
    rotated = bearer(sign(cast.ada, "RS256", headers={"kid": "rotated"}))
    assert (await client.get("/probe/read", headers=rotated)).status_code == 401
    clock.advance(61)
    assert (await client.get("/probe/read", headers=rotated)).status_code == 200
    assert issuer.requests == 2


async def test_a_key_that_is_published_no_more_is_believed_no_more(
    client: httpx.AsyncClient, cast: Any, sign: Sign, issuer: Any, clock: Any
) -> None:
    headers = bearer(sign(cast.ada, "RS256"))
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    issuer.body = json.dumps({"keys": [issuer.jwk(issuer.ec, "ec")]}).encode()
    clock.advance(601)
    assert (await client.get("/probe/read", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b'{"keys": 7}'), (200, b"[]")]
)
async def test_issuer_away(
    client: httpx.AsyncClient,
    cast: Any,
    sign: Sign,
    issuer: Any,
    clock: Any,
    status: int,
    body: bytes,
) -> None:
    issuer.status, issuer.body = status, body
    headers = bearer(sign(cast.ada, "RS256", exp=int(clock.now().timestamp()) + 10**6))
    for _ in range(3):
        answer = await client.get("/probe/read", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "signing_keys_unavailable")
    assert issuer.requests == 1
    issuer.publish()
    clock.advance(6)
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    # the keys at hand serve on while the issuer is away, but not for ever
    issuer.status = 500
    clock.advance(3600)
    assert (await client.get("/probe/read", headers=headers)).status_code == 200
    clock.advance(24 * 3600)
    assert (await client.get("/probe/read", headers=headers)).status_code == 503


# ---------- which organization ----------


async def test_claimed_organization(client: httpx.AsyncClient, cast: Any, sign: Sign) -> None:
    for name in ("acme", str(cast.acme.id)):
        answer = await client.get("/probe/read", headers=bearer(sign(cast.ben, **claim(name))))
        assert (answer.json()["organization"], answer.json()["role"]) == ("acme", "member")


@pytest.mark.parametrize(
    ("role", "becomes"),
    [(None, "member"), ("viewer", "viewer"), ("admin", "admin"), ("superuser", "member")],
)
async def test_claim_without_membership(
    client: httpx.AsyncClient,
    cast: Any,
    sign: Sign,
    somebody: UUID,
    role: str | None,
    becomes: str,
) -> None:
    token = sign(somebody, **claim("acme", role=role))
    answer = await client.get("/probe/read", headers=bearer(token))
    assert answer.json()["role"] == becomes
    assert set(answer.json()["scopes"]) == api.ROLE_SCOPES[becomes]


async def test_membership_beats_the_claimed_role(
    client: httpx.AsyncClient, cast: Any, sign: Sign
) -> None:
    token = sign(cast.ben, **claim("acme", role="owner"))
    assert (await client.get("/probe/read", headers=bearer(token))).json()["role"] == "member"


async def test_a_claim_excludes_other_organizations(
    client: httpx.AsyncClient, cast: Any, connection: Any, sign: Sign
) -> None:
    await api.add_member(connection, cast.other.id, cast.ben, "viewer")
    headers = bearer(sign(cast.ben, **claim("acme")))
    assert (await client.get("/probe/read", headers={**headers, ORG: "acme"})).status_code == 200
    assert (await client.get("/probe/read", headers={**headers, ORG: "other"})).status_code == 404


async def test_unknown_claim(
    client: httpx.AsyncClient, cast: Any, connection: Any, sign: Sign
) -> None:
    headers = bearer(sign(cast.ada, **claim("nowhere")))
    for method in ("GET", "POST"):
        answer = await client.request(method, "/probe/read", headers=headers)
        assert answer.status_code == 404
    assert await api.get_organization(connection, "nowhere") is None


async def test_several_memberships(
    client: httpx.AsyncClient, cast: Any, connection: Any, sign: Sign
) -> None:
    await api.add_member(connection, cast.other.id, cast.ben, "viewer")
    token = sign(cast.ben)
    answer = await client.get("/probe/read", headers=bearer(token))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, ORG)
    answer = await client.get("/probe/read", headers=bearer(token, **{ORG: "other"}))
    assert answer.json()["role"] == "viewer"
    answer = await client.post("/probe/write", headers=bearer(token, **{ORG: "other"}))
    assert answer.status_code == 403
    answer = await client.post("/probe/write", headers=bearer(token, **{ORG: "acme"}))
    assert answer.status_code == 200


async def test_no_membership(
    client: httpx.AsyncClient, cast: Any, sign: Sign, somebody: UUID
) -> None:
    headers = bearer(sign(somebody))
    answer = await client.get("/probe/read", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_organization")
    for name in ("acme", "unknown"):
        answer = await client.post("/probe/write", headers={**headers, ORG: name})
        assert answer.status_code == 404


async def test_user_metadata_claims_nothing(
    client: httpx.AsyncClient, cast: Any, sign: Sign, somebody: UUID
) -> None:
    token = sign(somebody, user_metadata={"organization_id": "acme"}, organization_id="acme")
    assert (await client.get("/probe/read", headers=bearer(token))).status_code == 403


async def test_disabled_account(
    client: httpx.AsyncClient, cast: Any, connection: Any, sign: Sign
) -> None:
    await connection.execute("update hub.accounts set disabled_at = now() where id = $1", cast.ada)
    answer = await client.get("/probe/read", headers=bearer(sign(cast.ada)))
    assert answer.status_code == 403


async def test_an_operators_id_in_a_token_makes_no_operator(
    client: httpx.AsyncClient, cast: Any, connection: Any, sign: Sign
) -> None:
    await api.add_member(connection, cast.acme.id, cast.olga, "viewer")
    answer = await client.get("/probe/read", headers=bearer(sign(cast.olga)))
    assert (answer.json()["is_operator"], answer.json()["role"]) == (False, "viewer")
    answer = await client.get("/probe/operate", headers=bearer(sign(cast.olga)))
    assert answer.status_code == 403
