"""One request to a provider, bounded in size and time, with the patience it asks for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

from aihub.reconciliation.endpoints import Headers, Parameters
from aihub.reconciliation.errors import ProviderAway, ProviderFailed, ProviderRefused

_log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

MAX_ANSWER_BYTES = 32 * 1024 * 1024
_SECONDS = httpx.Timeout(60.0, connect=10.0)
_ATTEMPTS = 6
_REFUSED = (401, 403)
_BUSY = 429


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: `deadline` by the monotonic clock; `backoff` seconds at first, doubled.

    `sleep` waits; another clock's may be given.
    """

    deadline: float
    backoff: float = 1.0
    sleep: Sleep = asyncio.sleep

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.deadline - monotonic()


def open_client() -> httpx.AsyncClient:
    """A client that follows no redirect: the key goes to the address that was given, only."""
    return httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)


async def ask(
    client: httpx.AsyncClient,
    url: str,
    *,
    provider: str,
    parameters: Parameters,
    headers: Headers,
    patience: Patience,
) -> bytes:
    """The answer's body. Waits as long as `Retry-After` says, and longer each time without it.

    Raises ProviderRefused for a key that is not accepted, ProviderAway when it does not come
    round in time, ProviderFailed for any other answer.
    """
    reason = "no answer"
    for attempt in range(_ATTEMPTS):
        wait = patience.backoff * 2**attempt
        try:
            response, body = await asyncio.wait_for(
                _ask_once(client, url, parameters, headers), max(patience.left, 0.01)
            )
        except (httpx.TransportError, TimeoutError) as error:
            reason = type(error).__name__
        else:
            status = response.status_code
            if status == httpx.codes.OK:
                return body
            if status in _REFUSED:
                raise ProviderRefused(provider, status)
            if status != _BUSY and status < httpx.codes.INTERNAL_SERVER_ERROR:
                raise ProviderFailed(f"{provider} answered HTTP {status}.", provider=provider)
            reason = f"HTTP {status}"
            wait = _retry_after(response) or wait
        if attempt == _ATTEMPTS - 1 or wait >= patience.left:
            break
        _log.info("%s: %s, again in %.1f s", provider, reason, wait)
        await patience.sleep(wait)
    raise ProviderAway(
        f"{provider} is not available ({reason}). What was fetched is kept; try again later.",
        provider=provider,
    )


async def _ask_once(
    client: httpx.AsyncClient, url: str, parameters: Parameters, headers: Headers
) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", url, params=parameters, headers=dict(headers)) as response:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise ProviderFailed(f"The answer exceeds {MAX_ANSWER_BYTES:,} bytes.")
            parts.append(part)
        return response, b"".join(parts)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from either form of the header."""
    given = response.headers.get("retry-after", "").strip()
    if given.replace(".", "", 1).isdecimal():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)
