"""Signed tokens (JWT) of Supabase or another issuer: which keys, which algorithms, which claims."""

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import httpx
import jwt
import msgspec

from aihub.identity.clock import Clock
from aihub.identity.errors import SigningKeysAway
from aihub.identity.models import IdentityOptions
from aihub.kit.errors import Unauthorized

_log = logging.getLogger(__name__)

_FETCH_SECONDS = 5.0
_MAX_KEYS_BYTES = 1024 * 1024
_RENEW_SECONDS = 600.0
_RETRY_SECONDS = 60.0
_RETRY_SECONDS_WITHOUT_KEYS = 5.0
_TRUST_SECONDS = 24 * 3600.0
_LEEWAY_SECONDS = 5.0  # the issuer's clock may be ahead of ours
_MIN_SECRET_BYTES = 32

# The kind of key decides the algorithm, never the token: else a public key, which everybody has,
# could be used as the secret of HS256.
_SYMMETRIC = "HS256"
_ASYMMETRIC = frozenset({"RS256", "ES256"})


class AppMetadata(msgspec.Struct, frozen=True):
    """What only the issuer's administrator can write into a token."""

    organization_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    role: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """The claims that are used here."""

    sub: UUID
    exp: int | float
    nbf: int | float | None = None
    email: str | None = None
    app_metadata: AppMetadata | None = None

    @property
    def claimed_organization(self) -> str | None:
        """The one organization that the token is for, if it says so."""
        return self.app_metadata.organization_id if self.app_metadata else None

    @property
    def claimed_role(self) -> str | None:
        """The role there, in the issuer's words."""
        return self.app_metadata.role if self.app_metadata else None


class TokenVerifier:
    """Verifies signed tokens by a shared secret or by the issuer's published keys."""

    def __init__(self, options: IdentityOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._secret = options.jwt_secret
        if self._secret is not None and len(self._secret.encode()) < _MIN_SECRET_BYTES:
            _log.warning("the secret of signed tokens is shorter than 32 bytes: it can be guessed")
        self._keys = SigningKeys(options.jwks_url, clock.monotonic) if options.jwks_url else None

    async def verify(self, token: str) -> Claims:
        """The claims of a valid token. Raises Unauthorized or SigningKeysAway."""
        try:
            header = jwt.get_unverified_header(token)
            key, algorithm = await self._key_for(header)
            raw = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._options.jwt_audience,
                issuer=self._options.jwt_issuer,
                # times are checked by our own clock, again at each use of a remembered token
                options={
                    "require": ["exp", "sub", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            claims = msgspec.convert(raw, Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError) as error:
            _log.debug("token refused: %s: %s", type(error).__name__, error)
            raise Unauthorized("The token is not valid.") from error
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Claims) -> None:
        now = self._clock.now().timestamp()
        # written so that NaN, which compares false, fails
        if not now < claims.exp:
            raise Unauthorized("The token has expired.")
        if claims.nbf is not None and not claims.nbf - _LEEWAY_SECONDS <= now:
            raise Unauthorized("The token is not valid yet.")

    async def _key_for(self, header: dict[str, Any]) -> tuple[Any, str]:
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str):
            raise jwt.InvalidTokenError("the algorithm is no text")
        if algorithm == _SYMMETRIC and self._secret is not None:
            return self._secret, _SYMMETRIC
        if algorithm in _ASYMMETRIC and self._keys is not None and isinstance(kid, str):
            key = await self._keys.get(kid)
            if key is not None and key.algorithm_name == algorithm:
                return key.key, key.algorithm_name
        raise jwt.InvalidTokenError(f"no key for algorithm {algorithm!r}, kid {kid!r}")


class SigningKeys:
    """The public keys of an issuer (JWKS), fetched when needed and remembered."""

    def __init__(self, url: str, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._next_attempt = float("-inf")
        self._turn = asyncio.Lock()

    async def get(self, kid: str) -> jwt.PyJWK | None:
        """The key named `kid`; None when the issuer has none. Raises SigningKeysAway."""
        if self._is_wanting(kid):
            async with self._turn:
                if self._is_wanting(kid):
                    await self._renew()
        if self._monotonic() - self._fetched_at > _TRUST_SECONDS:
            raise SigningKeysAway
        return self._keys.get(kid)

    def _is_wanting(self, kid: str) -> bool:
        now = self._monotonic()
        is_stale = kid not in self._keys or now - self._fetched_at > _RENEW_SECONDS
        return is_stale and now >= self._next_attempt

    async def _renew(self) -> None:
        try:
            raw = await self._fetch()
            keys = _read_keys(raw)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            _log.warning("signing keys not fetched: %s: %s", type(error).__name__, error)
            wait = _RETRY_SECONDS if self._keys else _RETRY_SECONDS_WITHOUT_KEYS
            self._next_attempt = self._monotonic() + wait
            return
        self._keys = keys
        self._fetched_at = self._monotonic()
        self._next_attempt = self._fetched_at + _RETRY_SECONDS

    async def _fetch(self) -> bytes:
        raw = bytearray()
        # made in a thread: reading the certificates of this machine takes a while
        client = await asyncio.to_thread(httpx.AsyncClient, timeout=_FETCH_SECONDS)
        async with asyncio.timeout(_FETCH_SECONDS), client, client.stream("GET", self._url) as got:
            if got.status_code != httpx.codes.OK:
                raise ValueError(f"answered with status {got.status_code}")
            async for part in got.aiter_bytes():
                raw += part
                if len(raw) > _MAX_KEYS_BYTES:
                    raise ValueError("the answer is too large")
        return bytes(raw)


def _read_keys(raw: bytes) -> dict[str, jwt.PyJWK]:
    found = msgspec.json.decode(raw, type=dict[str, Any]).get("keys")
    if not isinstance(found, list):
        raise ValueError("the answer holds no keys")  # noqa: TRY004 - told like any bad answer
    keys: dict[str, jwt.PyJWK] = {}
    for each in found:
        try:
            is_meant = each["kty"] in ("RSA", "EC") and each.get("use", "sig") == "sig"
            if is_meant and (key := jwt.PyJWK.from_dict(each)).algorithm_name in _ASYMMETRIC:
                keys[str(each["kid"])] = key
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("a signing key was passed over: %s: %s", type(error).__name__, error)
    return keys
