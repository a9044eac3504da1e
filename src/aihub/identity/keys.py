"""Requests with an API key: whose it is, and when each key was last used."""

import logging
from datetime import datetime
from uuid import UUID

from aihub.identity import rules, store, tokens
from aihub.identity.cache import BriefCache
from aihub.identity.clock import Clock
from aihub.identity.models import KeyHolder
from aihub.kit.db import Database
from aihub.kit.errors import AppError, Unauthorized

_log = logging.getLogger(__name__)


class Keys:
    """Knows the keys in use without asking the database at each request."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._holders: BriefCache[bytes, KeyHolder] = BriefCache(clock.monotonic)
        self._used: dict[UUID, datetime] = {}

    async def get(self, token: str) -> KeyHolder:
        """The valid key `token`. Raises Unauthorized."""
        key_hash = tokens.hash_token(token)
        holder = await self._holders.get(key_hash, lambda: self._load(key_hash))
        now = self._clock.now()
        if holder is None:
            raise Unauthorized("The key is unknown or revoked.")
        if rules.is_over(holder.expires_at, now):
            raise Unauthorized("The key has expired.")
        self._used[holder.id] = now
        return holder

    def forget(self, key_id: UUID | None = None) -> None:
        """Ask the database again about one key, or about all."""
        self._holders.forget(None if key_id is None else lambda holder: holder.id == key_id)

    async def flush(self) -> None:
        """Store the times of last use, all in one statement; kept when the database is away."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._db.write() as connection:
                await store.update_api_keys_used(connection, used)
        except AppError as error:
            _log.warning("last use of %d keys not stored yet: %s", len(used), error)
            self._used = used | self._used

    async def _load(self, key_hash: bytes) -> KeyHolder | None:
        async with self._db.read() as connection:
            return await store.get_key_holder(connection, key_hash)
