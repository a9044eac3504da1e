"""UUIDv7: ids that carry their millisecond (RFC 9562).

A conversation's id decides its month partition, so the time inside an id is data, not decoration.
"""

import hashlib
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RAND_A_MAX = 0xFFF
_BORROWED_MS = 1_000  # a clock further back than this is followed, not waited for

_lock = threading.Lock()
_last_ms = 0
_last_rand_a = 0


def uuid7(ms: int | None = None) -> UUID:
    """A new UUIDv7 of the millisecond `ms` since 1970 (now when omitted).

    Ids made without `ms` grow strictly within a process as long as its clock does not go back; when
    it does, 62 random bits still keep them unique.
    """
    if ms is not None:
        return _compose(ms, secrets.randbits(12), secrets.randbits(62))
    global _last_ms, _last_rand_a  # noqa: PLW0603 - the state that makes ids of one millisecond grow
    with _lock:
        now = time.time_ns() // 1_000_000
        if 0 <= _last_ms - now < _BORROWED_MS:
            now = _last_ms
        if now == _last_ms and _last_rand_a < _RAND_A_MAX:
            _last_rand_a += 1
        else:
            # start low, so that a burst within the millisecond has room to count up; when the
            # counter is full, borrow the next millisecond
            now += now == _last_ms
            _last_rand_a = secrets.randbits(8)
        _last_ms = now
        rand_a = _last_rand_a
    return _compose(now, rand_a, secrets.randbits(62))


def derive_uuid7(ms: int, name: str) -> UUID:
    """The same UUIDv7 for the same millisecond and name, for ever: imports are repeatable by it."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10], "big")
    return _compose(ms, digest >> 62 & _RAND_A_MAX, digest & ((1 << 62) - 1))


def uuid7_at(at: datetime) -> UUID:
    """A new UUIDv7 of the millisecond of `at` (aware)."""
    return uuid7(datetime_ms(at))


def uuid7_ms(value: UUID) -> int:
    """The millisecond inside a UUIDv7."""
    return value.int >> 80


def uuid7_time(value: UUID) -> datetime:
    """The time inside a UUIDv7, in UTC, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=value.int >> 80)


def is_uuid7(value: UUID) -> bool:
    """Whether `value` is a version 7 UUID of RFC 9562's variant."""
    return value.int >> 76 & 0xF == 0x7 and value.int >> 62 & 0x3 == 0x2  # noqa: PLR2004


def as_uuid(text: str | None) -> UUID | None:
    """The UUID that `text` is, in its usual form and any case; None for other text."""
    try:
        found = UUID(text or "")
    except ValueError:
        return None
    return found if str(found) == (text or "").lower() else None


def datetime_ms(at: datetime) -> int:
    """Whole milliseconds since 1970 of an aware datetime."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _compose(ms: int, rand_a: int, rand_b: int) -> UUID:
    return UUID(int=(ms << 80) | _VERSION | (rand_a << 64) | _VARIANT | rand_b)
