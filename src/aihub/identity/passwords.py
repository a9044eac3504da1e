"""Passwords: argon2id, off the event loop and a few at a time."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2  # each takes 64 MiB and a tenth of a second


class Passwords:
    """Hashes and verifies."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one of `stored`; None (no such account) takes as long."""
        async with self._turns:
            return await asyncio.to_thread(self._verify, stored, password)

    def _verify(self, stored: str | None, password: str) -> bool:
        if stored is None and self._nobodys is None:
            self._nobodys = self._hasher.hash("nobody's password")
        try:
            is_right = self._hasher.verify(stored or self._nobodys or "", password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return is_right and stored is not None


def hash_password(password: str) -> str:
    """The hash to store: a tenth of a second of work."""
    return PasswordHasher().hash(password)
