"""Making tokens and finding them again by their digest alone."""

import hashlib
import secrets

KEY_KIND, OPERATOR_KEY_KIND = "ahk_", "aho_"
_SECRET_BYTES = 32
_SHOWN_CHARACTERS = 8


def make_secret() -> str:
    """A token of 256 random bits, for a session or a link."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def make_key(*, is_operator: bool) -> str:
    """The text of a new API key."""
    return (OPERATOR_KEY_KIND if is_operator else KEY_KIND) + make_secret()


def is_key(token: str) -> bool:
    """Whether `token` is in the form of an API key."""
    return token.startswith((KEY_KIND, OPERATOR_KEY_KIND))


def shown_prefix(key: str) -> str:
    """The start of a key by which people recognise it; 208 bits of it stay secret."""
    return key[: len(KEY_KIND) + _SHOWN_CHARACTERS]


def hash_token(token: str) -> bytes:
    """What is stored of a token.

    A fast hash is right here: a slow one protects what people think up, and nobody can try out
    256 random bits. It is also what lets a request with a key cost a microsecond.
    """
    return hashlib.sha256(token.encode()).digest()
