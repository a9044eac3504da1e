"""Credentials at rest: AES-GCM, bound to the row they belong to.

1 byte of version, 12 bytes of nonce, then the text with its tag
"""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aihub.reconciliation.errors import CredentialsUnreadable, SecretKeyMissing

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12


class Sealer:
    """Encrypts and decrypts with `key` (32 bytes); None: refuses both."""

    def __init__(self, key: bytes | None) -> None:
        if key is not None and len(key) != KEY_BYTES:
            raise ValueError(f"the key must have {KEY_BYTES} bytes")
        self._key = key

    def seal(self, text: str, account_id: UUID) -> bytes:
        """`text`, readable only as that account's. Raises SecretKeyMissing."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher().encrypt(nonce, text.encode(), _bound(account_id))

    def open(self, sealed: bytes, account_id: UUID) -> str:
        """The text again. Raises SecretKeyMissing, CredentialsUnreadable."""
        cipher = self._cipher()
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise CredentialsUnreadable
            return cipher.decrypt(nonce, rest, _bound(account_id)).decode()
        except (InvalidTag, ValueError) as error:
            raise CredentialsUnreadable from error

    def require_key(self) -> None:
        """Raises SecretKeyMissing."""
        self._cipher()

    def __repr__(self) -> str:
        return f"Sealer({'with' if self._key else 'without'} a key)"

    def _cipher(self) -> AESGCM:
        if self._key is None:
            raise SecretKeyMissing
        return AESGCM(self._key)


def _bound(account_id: UUID) -> bytes:
    return b"hub.provider_accounts.credentials:" + account_id.bytes
