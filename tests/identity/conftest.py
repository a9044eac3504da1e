"""A real server, a hub's identity on it, a small application, and a cast of people.

Ada owns `acme`, Ben is a member there; Cleo owns `other`. Olga operates the hub.
"""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.applications import Starlette
from starlette.routing import Route

from aihub.identity import api
from aihub.identity.passwords import hash_password
from aihub.kit.db import Database, DatabaseOptions
from aihub.kit.http import Answer, Call, Endpoint, Handler, Operation

from ..support.database import migrated_server

SECRET = "a-secret-of-more-than-thirty-two-bytes"
PASSWORD = "correct horse battery"
TABLES = (
    "public.ai_organizations, public.ai_users, public.ai_members, hub.accounts, hub.sessions, "
    "hub.sign_in_links, hub.api_keys"
)


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """A migrated database."""
    with migrated_server() as server:
        yield server.dsn


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(lambda: dsn, DatabaseOptions(min_size=2, max_size=8))
    await database.open()
    async with database.write() as connection:
        await connection.execute(f"truncate {TABLES} cascade")
    yield database
    await database.close()


@pytest.fixture
async def connection(db: Database, dsn: str) -> AsyncIterator[Any]:
    """Outside a transaction: what it does, everybody sees."""
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


class SteppedClock(api.Clock):
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._passed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


class Issuer:
    """Somebody who signs tokens, and a real HTTP server that publishes the keys."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.body = b""
        self.status = 200
        self.requests = 0
        self.publish()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"

    def jwk(self, key: Any, kid: str, **more: str) -> dict[str, Any]:
        kind = jwt.algorithms.RSAAlgorithm if key is self.rsa else jwt.algorithms.ECAlgorithm
        public: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
        return public | {"kid": kid, **more}

    def publish(self, *more: dict[str, Any]) -> None:
        keys = [self.jwk(self.rsa, "rsa", use="sig"), self.jwk(self.ec, "ec", alg="ES256"), *more]
        self.body = json.dumps({"keys": keys}).encode()
        self.status = 200

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def the_issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def issuer(the_issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    the_issuer.publish()
    the_issuer.requests = 0
    return the_issuer


@pytest.fixture
def sign(issuer: Issuer, clock: SteppedClock) -> Callable[..., str]:
    """Makes a token: `alg` one of ours, `claims` instead of the usual ones (None: left out)."""

    def make(sub: UUID | str, alg: str = "HS256", *, headers: Any = None, **claims: Any) -> str:
        key: Any = {"HS256": SECRET, "RS256": issuer.rsa, "ES256": issuer.ec}[alg]
        kid = {"HS256": None, "RS256": "rsa", "ES256": "ec"}[alg]
        usual = {"sub": str(sub), "aud": "authenticated", "iss": "https://issuer.test/auth"}
        usual["exp"] = claims.pop("exp", int(clock.now().timestamp()) + 3600)
        payload = {k: v for k, v in {**usual, **claims}.items() if v is not None}
        return jwt.encode(payload, key, alg, headers=headers or ({"kid": kid} if kid else None))

    return make


@pytest.fixture
async def identity(
    db: Database, clock: SteppedClock, issuer: Issuer
) -> AsyncIterator[api.Identity]:
    options = api.IdentityOptions(
        jwt_secret=SECRET, jwks_url=issuer.url, jwt_issuer="https://issuer.test/auth"
    )
    made = api.Identity(db, options, clock=clock)
    await made.start()
    yield made
    await made.stop()


async def _call(call: Call, handler: Handler) -> Answer:
    return await handler(call)


async def _whoami(call: Call) -> Answer:
    caller: api.Principal = call.caller
    return Answer(
        {
            "actor": caller.actor,
            "organization": caller.organization and caller.organization.external_id,
            "scopes": sorted(caller.scopes),
            "role": caller.role,
            "is_operator": caller.is_operator,
        }
    )


def probes() -> list[Operation]:
    """Endpoints that need one scope each and tell who called."""
    return [
        Operation(method=method, path=f"/probe/{scope}", handler=_whoami, scope=scope, tag="probe")
        for scope in ("read", "write", "admin", "operate")
        for method in ("GET", "POST", "DELETE")
    ]


@pytest.fixture
async def client(identity: api.Identity) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to an application of all operations, as nobody unless told otherwise."""
    operations = [*identity.operations(), *probes()]
    routes = [
        Route(each.path, Endpoint(each, identity.authenticate, _call), methods=[each.method])
        for each in operations
    ]
    transport = httpx.ASGITransport(Starlette(routes=routes), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as made:
        yield made


@dataclass
class Cast:
    """Organizations, accounts and keys that most tests need."""

    acme: api.Organization
    other: api.Organization
    ada: UUID
    ben: UUID
    cleo: UUID
    olga: UUID
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, name: str, **headers: str) -> dict[str, str]:
        """Headers of a request with a key: `acme`, `acme_read`, `other` or `operator`."""
        return {"Authorization": f"Bearer {self.keys[name]}", **headers}


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
async def cast(connection: Any, password_hash: str) -> Cast:
    acme = await api.create_organization(connection, external_id="acme", name="Acme")
    other = await api.create_organization(connection, external_id="other")
    ids = {}
    for name in ("ada", "ben", "cleo", "olga"):
        account = await api.create_account(
            connection, email=f"{name}@hub.test", name=name.title(), is_operator=name == "olga"
        )
        ids[name] = account.id
    await connection.execute("update hub.accounts set password_hash = $1", password_hash)
    await api.add_member(connection, acme.id, ids["ada"], "owner")
    await api.add_member(connection, acme.id, ids["ben"], "member")
    await api.add_member(connection, other.id, ids["cleo"], "owner")
    made = Cast(acme, other, ids["ada"], ids["ben"], ids["cleo"], ids["olga"])
    for name, organization, scopes in (
        ("acme", acme.id, api.SCOPES),
        ("acme_read", acme.id, ("read",)),
        ("acme_admin", acme.id, ("admin",)),
        ("other", other.id, api.SCOPES),
        ("operator", None, api.SCOPES),
        ("operator_read", None, ("read",)),
    ):
        new = await api.create_api_key(
            connection, organization_id=organization, name=name, scopes=scopes, created_by="test"
        )
        made.keys[name] = new.key
    return made


@pytest.fixture
def somebody() -> UUID:
    """A user of Supabase that the hub has not met."""
    return uuid4()
